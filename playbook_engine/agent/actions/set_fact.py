"""Give variables to a host for the rest of the run. Evaluated on the controller."""

SPEC = {
    "name": "set_fact",
    "kind": "control",
    "summary": "Set variables for this host, for the rest of the run",
    "doc": "Every key but `cacheable` is a variable's name; the engine gathers them under `facts`.",
    "params": {
        "facts": {"type": "dict", "internal": True, "doc": "The variables, as the engine gathers them."},
        "cacheable": {"type": "bool", "default": False, "doc": "Understood and without effect: runs keep facts."},
    },
    "returns": {"ansible_facts": "the variables"},
    "examples": 'set_fact: {primary: "{{ groups.db | first }}"}',
}


def observe(args: "dict") -> "dict":
    return {"ansible_facts": dict(args.get("facts") or {})}
