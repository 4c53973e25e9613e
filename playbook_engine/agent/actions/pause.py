"""Wait for some time, or for a person at the terminal. Evaluated on the controller, once for all hosts of a run."""

from playbook_engine.agent import failure

SPEC = {
    "name": "pause",
    "kind": "control",
    "once": True,
    "summary": "Wait for some time, or for a person at the terminal",
    "doc": "With `seconds` or `minutes` the run waits so long, at least a second, and nobody is asked. Without "
    "them a person is asked, and answers with Enter; what is typed before it is `user_input`. Without a terminal that "
    "fails, unless `--yes` is given: then nobody is asked. `--check` waits for nothing. For a person's consent that "
    "is recorded and bound to the plan there is `approve`.",
    "params": {
        "seconds": {"type": "float", "minimum": 0, "doc": "How long."},
        "minutes": {"type": "float", "minimum": 0, "doc": "The same in minutes."},
        "prompt": {"type": "str", "doc": "What is said to the person; else to press Enter."},
        "echo": {
            "type": "bool",
            "default": True,
            "doc": "Whether what is typed shows; if not, it is a secret from then on.",
        },
        "paused": {"type": "dict", "internal": True, "doc": "How it went."},
    },
    "returns": {
        "user_input": "what the person typed",
        "stdout": "for how long it was",
        "delta": "the same, in whole seconds",
        "start": "when it began, in UTC",
        "stop": "when it ended",
        "echo": "",
        "rc": "0",
        "stderr": "",
    },
    "examples": "pause: {prompt: 'Take db2.test out of the balancer, then press Enter'}\npause: {seconds: 30}",
}


def seconds(args: "dict") -> "float | None":
    """How long to wait; None: until a person answers."""
    if args.get("minutes") is not None and args.get("seconds") is not None:
        raise failure.Failed("minutes and seconds exclude one another")
    if args.get("minutes") is not None:
        return max(float(args["minutes"]) * 60, 1.0)
    return None if args.get("seconds") is None else max(float(args["seconds"]), 1.0)


def observe(args: "dict") -> "dict":
    paused = args["paused"]
    unit = "minutes" if args.get("seconds") is None else "seconds"
    lasted = paused["seconds"] / 60 if unit == "minutes" else paused["seconds"]
    return {
        "user_input": paused["said"],
        "stdout": "Paused for %s %s" % (round(lasted, 2), unit),
        "stderr": "",
        "rc": 0,
        "start": paused["start"],
        "stop": paused["stop"],
        "delta": int(paused["seconds"]),
        "echo": args["echo"],
    }
