"""Give variables to a host for the rest of the run. Evaluated on the controller."""

from playbook_engine.agent import failure

SPEC = {
    "name": "set_fact",
    "kind": "control",
    "summary": "Set variables for this host, for the rest of the run",
    "doc": "Every key but `cacheable` is a variable's name, or a template that gives one; the engine gathers them "
    "under `facts` and `named`.",
    "params": {
        "facts": {"type": "dict", "internal": True, "doc": "The variables, as the engine gathers them."},
        "named": {"type": "list", "internal": True, "doc": "Those whose names are templates: pairs of name and value."},
        "cacheable": {"type": "bool", "default": False, "doc": "They are among `ansible_facts`, too."},
    },
    "returns": {"ansible_facts": "the variables"},
    "examples": 'set_fact: {primary: "{{ groups.db | first }}"}',
}


def observe(args: "dict") -> "dict":
    facts = dict(args.get("facts") or {})
    for name, value in [*facts.items(), *(args.get("named") or ())]:
        if not str(name).isidentifier() or not str(name).isascii():
            raise failure.Failed("%r is no name for a variable: letters, digits and _ only" % (name,))
        facts[str(name)] = value
    if not facts:
        raise failure.Failed("no variable is given: at least one is needed")
    return {"ansible_facts": facts}
