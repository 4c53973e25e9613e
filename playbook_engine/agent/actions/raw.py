"""Run a command line as it is: no splitting, no idempotence, output untouched."""

from playbook_engine.agent import process
from playbook_engine.agent.actions import command

SPEC = {
    "name": "raw",
    "kind": "opaque",
    "summary": "Run a command line as it is",
    "doc": "For hosts that lack everything; `shell` does more. It is irreversible unless the step has a `rollback`.",
    "params": {
        "cmd": {"type": "str", "required": True, "aliases": ["_raw_params"], "doc": "The command line."},
        "executable": {"type": "path", "default": "/bin/sh", "doc": "The shell; it is given `-c` and the line."},
        "environment": {"type": "dict", "internal": True, "doc": "From the step's `environment`."},
    },
    "free_form": "cmd",
    "sh": True,
    "undo": None,
    "returns": command.SPEC["returns"],
    "examples": "raw: apt-get install -y python3-minimal",
}

finish_here = command.finish_here

REST = {"chdir": None, "stdin": None, "stdin_add_newline": False, "strip_empty_ends": False}


def observe(args: "dict") -> "dict":
    return {"done": None}


def plan(args: "dict", before: "dict") -> "list[dict]":
    return [{"aspect": "run", "before": None, "after": args["cmd"]}]


def apply(args: "dict", before: "dict") -> "dict":
    whole = dict(REST, **args)
    ran = process.run([args["executable"], "-c", args["cmd"]], **command.options(whole))
    return command.finish(whole, ran, args["cmd"])
