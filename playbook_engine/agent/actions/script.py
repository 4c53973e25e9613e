"""Run a script of the controller on the host, from memory: nothing is written to the host's disk."""

import os

from playbook_engine.agent import failure
from playbook_engine.agent.actions import command

SPEC = {
    "name": "script",
    "kind": "opaque",
    "summary": "Run a script that lies on the controller",
    "doc": "Its first line (`#!`) says what runs it, or `executable`; one without either is for /bin/sh. The host "
    "holds it in memory only. It is irreversible unless the step has a `rollback`.",
    "params": {
        "cmd": {
            "type": "str",
            "required": True,
            "aliases": ["_raw_params"],
            "local": "script",
            "doc": "A script beside the runbook or in its `files/`, and its arguments, as in a shell.",
        },
        "content": {"type": "content", "internal": True, "doc": "What the controller read."},
        "executable": {"type": "str", "doc": "What runs it: `python3`, `perl -w`."},
        "chdir": {"type": "path", "doc": "Working directory, absolute."},
        "creates": {"type": "path", "doc": "A path or glob: when it is there, the step is already done."},
        "removes": {"type": "path", "doc": "A path or glob: when it is not there, the step is already done."},
        "stdin": {"type": "str", "doc": "Text for its standard input; the place for secrets."},
        "stdin_add_newline": {"type": "bool", "default": True, "doc": "A newline after `stdin`."},
        "strip_empty_ends": {"type": "bool", "default": False, "doc": "Without the newlines at the end of the output."},
        "environment": {"type": "dict", "internal": True, "doc": "From the step's `environment`."},
    },
    "free_form": "cmd",
    "undo": None,
    "returns": command.SPEC["returns"],
    "examples": "script: migrate.sh --all",
}

plan = command.plan
finish_here = command.finish_here


def observe(args: "dict") -> "dict":
    if args["chdir"] and not args["chdir"].startswith("/"):
        raise failure.Failed("chdir %s must be an absolute path" % args["chdir"])
    return command.observe(args)


def result(args: "dict", state: "dict") -> "dict":
    if not state["done"]:
        return {"would_run": bool(args["creates"] or args["removes"])}
    return {"skipped": True, "msg": state["done"]}


def apply(args: "dict", before: "dict") -> "dict":
    import shlex

    held = _held(args["content"])
    try:
        name = shlex.split(args["cmd"])[0]
        rest = args["cmd"].strip()
        for written in (name, shlex.quote(name), '"%s"' % name, "'%s'" % name):
            if rest.startswith(written):
                rest = rest[len(written) :]
                break
        line = "%s /proc/self/fd/%d%s" % (args["executable"] or "", held, rest)
        return command.finish(args, command.timed(["/bin/sh", "-c", line.strip()], args), args["cmd"])
    finally:
        os.close(held)


def _held(script: bytes) -> int:
    """A descriptor of the script in memory, which what is started inherits (memfd_create(2))."""
    if hasattr(os, "memfd_create"):
        held = os.memfd_create("script", 0)
    else:  # before Python 3.8
        from ctypes import CDLL, c_char_p, c_uint

        make = CDLL(None).memfd_create
        make.argtypes = [c_char_p, c_uint]
        held = make(b"script", 0)
        if held < 0:
            raise failure.Failed("this host's kernel cannot hold a file in memory (memfd_create)")
    os.set_inheritable(held, True)
    os.fchmod(held, 0o700)
    left = memoryview(script)
    while left:
        left = left[os.write(held, left) :]
    return held
