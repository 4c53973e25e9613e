"""Whether a host answers, and an action can run on it."""

from playbook_engine.agent import failure

SPEC = {
    "name": "ping",
    "kind": "probe",
    "summary": "Say that the host answers and its Python works",
    "doc": "Not ICMP: the connection, the login and the agent are what is tried.",
    "params": {"data": {"type": "str", "default": "pong", "doc": "What it answers; `crash` makes it fail."}},
    "returns": {"ping": "`data`"},
    "examples": "ping: {}",
}


def observe(args: "dict") -> "dict":
    if args["data"] == "crash":
        raise failure.Failed("it was asked to fail: data is crash")
    return {"ping": args["data"]}
