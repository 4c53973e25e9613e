"""Numbers that a playbook wants to be shown. Evaluated on the controller."""

SPEC = {
    "name": "set_stats",
    "kind": "control",
    "summary": "Keep values in the journal as the statistics of a run",
    "doc": "They are in the step's result, and so in the journal and every report of it; nothing adds them up.",
    "params": {
        "data": {"type": "dict", "required": True, "doc": "The values by name."},
        "per_host": {"type": "bool", "default": False, "doc": "Whether they are this host's or the run's."},
        "aggregate": {"type": "bool", "default": True, "doc": "Understood: each step's values are kept."},
    },
    "returns": {"ansible_stats": "data, per_host, aggregate"},
    "examples": "set_stats: {data: {freed_mb: 512}}",
}


def observe(args: "dict") -> "dict":
    kept = {"data": args["data"], "per_host": args["per_host"], "aggregate": args["aggregate"]}
    return {"changed": False, "ansible_stats": kept}
