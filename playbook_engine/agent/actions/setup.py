"""The facts of a host under the names that Ansible's `setup` gives them."""

from playbook_engine.agent import localfacts
from playbook_engine.agent.actions import facts

SPEC = {
    "name": "setup",
    "kind": "probe",
    "summary": "Gather facts about the host, with the prefix ansible_",
    "doc": "For results that are registered: `ansible_facts` itself is gathered on first use, without this. Facts of "
    "the host's own making, in files NAME.fact, are in ansible_local.",
    "params": {
        "gather_subset": facts.SUBSET,
        "filter": {
            "type": "list[str]",
            "doc": "Globs on the names, with or without the prefix.",
        },
        "gather_timeout": {
            "type": "int",
            "default": localfacts.PATIENCE,
            "doc": "Seconds for each file that is a program.",
        },
        "fact_path": {"type": "path", "default": localfacts.FOLDER, "doc": "Where files NAME.fact are."},
    },
    "returns": {"ansible_facts": "the facts: ansible_distribution, ansible_memtotal_mb, …"},
    "examples": "setup: {gather_subset: [min], filter: [ansible_distribution*]}",
}


PLAIN = ("gather_subset", "module_setup")  # Ansible says these of its own doing, without the prefix


def observe(args: "dict") -> "dict":
    import fnmatch

    asked = [each for each in args["gather_subset"] if each != "local"]
    found = facts.observe({"gather_subset": asked, "filter": None})["ansible_facts"]
    named = {key if key in PLAIN else "ansible_" + key: value for key, value in found.items()}
    subset = args["gather_subset"]
    if "!all" not in subset and "!local" not in subset and (set(subset) & {"all", "local", "min"} or not subset):
        named["ansible_local"] = localfacts.read(args["fact_path"], args["gather_timeout"])
    if args["filter"]:
        globs = [each for glob in args["filter"] for each in (glob, "ansible_" + glob)]
        named = {key: value for key, value in named.items() if any(fnmatch.fnmatch(key, glob) for glob in globs)}
    return {"ansible_facts": named}
