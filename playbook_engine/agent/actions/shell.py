"""Run a command line through a shell."""

from playbook_engine.agent import failure
from playbook_engine.agent.actions import command

SPEC = {
    "name": "shell",
    "kind": "opaque",
    "summary": "Run a command line through the host's shell",
    "doc": "A value that came from a host belongs through the `quote` filter, a secret into `stdin` or `environment`. "
    "It is irreversible unless the step has a `rollback`.",
    "params": {
        "cmd": {"type": "str", "required": True, "aliases": ["_raw_params"], "doc": "The command line."},
        "executable": {"type": "path", "default": "/bin/sh", "doc": "The shell; it is given `-c` and the line."},
        "chdir": {"type": "path", "doc": "Working directory."},
        "creates": {"type": "path", "doc": "A path or glob: when it is there, the step is already done."},
        "removes": {"type": "path", "doc": "A path or glob: when it is not there, the step is already done."},
        "stdin": {"type": "str", "doc": "Text for its standard input; the place for secrets."},
        "stdin_add_newline": {"type": "bool", "default": True, "doc": "A newline after `stdin`."},
        "strip_empty_ends": {"type": "bool", "default": True, "doc": "Without the newlines at the end of the output."},
        "environment": {"type": "dict", "internal": True, "doc": "From the step's `environment`."},
    },
    "free_form": "cmd",
    "sh": True,
    "undo": None,
    "returns": command.SPEC["returns"],
    "examples": "shell: zcat /var/log/app.log.1.gz | grep -c ERROR",
}

observe = command.observe
plan = command.plan
result = command.result
finish_here = command.finish_here


def apply(args: "dict", before: "dict") -> "dict":
    if not args["cmd"]:
        raise failure.Failed("the command is empty", "failed", {"rc": 257, "cmd": None})
    ran = command.timed([args["executable"], "-c", args["cmd"]], args)
    return command.finish(args, ran, args["cmd"])
