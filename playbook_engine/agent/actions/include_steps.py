"""Take in the steps of another file here. Carried out by the engine, which holds what the files say."""

import os

from playbook_engine.agent import failure

SPEC = {
    "name": "include_steps",
    "kind": "control",
    "summary": "Run the steps of another file in this place",
    "doc": "The file is a list of steps, and lies beside the one that names it. Its name may be a template, and the "
    "step may loop: the files that it may name are read when the runbook is loaded. They see `vars:` of the step and "
    "the item of its loop. `when` decides whether they are included; their own `when` and `tags` count as ever.",
    "params": {
        "file": {"type": "str", "required": True, "doc": "The file, relative to the one that names it."},
        "choices": {"type": "list", "internal": True, "doc": "The files that were read, as the engine gathers them."},
        "folder": {"type": "str", "internal": True, "doc": "What their names are relative to."},
    },
    "free_form": "file",
    "returns": {"include": "the file whose steps come next"},
    "examples": "include_steps: restart.yml",
}


def observe(args: "dict") -> "dict":
    wanted = args["file"]
    choices = args.get("choices") or []
    if wanted not in choices:
        folder = args.get("folder") or ""
        place = os.path.normpath(os.path.join(folder, wanted))
        for choice in choices:
            if os.path.normpath(os.path.join(folder, choice)) == place:
                return {"include": choice}
        known = ", ".join(str(c) for c in choices) or "none"
        raise failure.Failed(
            "there is no file %s with steps beside this one (there is: %s)" % (wanted, known), kind="not-found",
        )  # fmt: skip
    return {"include": wanted}
