"""Variables from a file of the controller, from here on. Carried out by the engine."""

SPEC = {
    "name": "include_vars",
    "kind": "control",
    "summary": "Take in variables from a YAML file of the controller",
    "doc": "They are stronger than the vars of the runbook and its steps, and weaker than what set_fact and register "
    "give. The file lies beside the runbook, or in its `vars/`.",
    "params": {
        "file": {"type": "path", "required": True, "local": "vars", "doc": "The file."},
        "name": {"type": "str", "doc": "The variable that gets them as a mapping; without it each is one by itself."},
        "content": {"type": "content", "internal": True, "doc": "What stands in the file, as the engine reads it."},
    },
    "free_form": "file",
    "returns": {"ansible_included_var_files": "the files that were read"},
    "examples": "include_vars: site.yml",
}


def observe(args: "dict") -> "dict":
    return {
        "ansible_facts": {}, "ansible_included_var_files": [args["file"]], "name": args.get("name") or "",
        "content": bytes(args.get("content") or b"").decode("utf-8"),
    }  # fmt: skip
