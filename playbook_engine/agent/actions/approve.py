"""Ask a person before going on. Evaluated on the controller, once for all hosts of a run."""

SPEC = {
    "name": "approve",
    "kind": "control",
    "summary": "Go on only when somebody else has agreed",
    "doc": "The run waits, for as long as the step's `timeout` says, until `runbook approve RUN` is called by as many "
    "people as `count` says. What they agree to is this very run: its runbook, parameters and hosts. Whoever started "
    "or resumed it cannot agree. A no, or no answer in time, fails the step, and what the runbook says about failures "
    "follows. `--check` leaves it out.",
    "params": {
        "msg": {"type": "str", "doc": "What is to be decided, for whoever is asked."},
        "by": {"type": "list[str]", "default": [], "doc": "Who may answer: user names. Anybody else than the one who "
               "started it, if left out."},
        "count": {"type": "int", "default": 1, "minimum": 1, "doc": "How many different people have to agree."},
    },
    "returns": {"approved_by": "list of names", "reason": "what they said"},
    "examples": "approve: {msg: the standby is fenced by now, by: [dba]}",
}  # fmt: skip


def observe(args: "dict") -> "dict":
    return {"approved_by": args.get("approved_by") or [], "reason": args.get("reason") or ""}
