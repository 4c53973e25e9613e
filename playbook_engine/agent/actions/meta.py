"""Steer the run itself. Carried out by the engine."""

SPEC = {
    "name": "meta",
    "kind": "control",
    "summary": "Run waiting handlers now, end a host or a play early, forget facts",
    "doc": "`flush_handlers` runs the handlers that wait, here and not after the last step. `end_host` ends this host "
    "well. Whether `end_batch` and `end_play` are done is decided on the first host, for all: the batch ends, and with "
    "`end_play` of a playbook those after it have no part in the play. `clear_facts` forgets facts, not what was "
    "registered or set. `noop`, `reset_connection` and `clear_host_errors` are understood and do nothing.",
    "params": {
        "do": {
            "type": "str",
            "required": True,
            "doc": "What to do.",
            "choices": [
                "flush_handlers",
                "end_host",
                "end_batch",
                "end_play",
                "clear_facts",
                "noop",
                "reset_connection",
                "clear_host_errors",
            ],
        },
    },
    "free_form": "do",
    "returns": {"msg": "what was done"},
    "examples": "meta: flush_handlers",
}


def observe(args: "dict") -> "dict":
    return {"msg": args["do"]}
