"""Run a program, without a shell."""

import os

from playbook_engine.agent import failure, process

SPEC = {
    "name": "command",
    "kind": "opaque",
    "summary": "Run a program, without a shell",
    "doc": "`creates` and `removes` make it idempotent. It is irreversible unless the step has a `rollback`.",
    "params": {
        "cmd": {"type": "str", "doc": "The program and its arguments, split as a shell would; nothing is expanded."},
        "argv": {"type": "list[str]", "doc": "The same as a list: no splitting, no quoting."},
        "chdir": {"type": "path", "doc": "Working directory."},
        "creates": {"type": "str", "doc": "A path or glob: when it is there, the step is already done."},
        "removes": {"type": "str", "doc": "A path or glob: when it is not there, the step is already done."},
        "stdin": {"type": "str", "doc": "Text for its standard input; the place for secrets."},
        "stdin_add_newline": {"type": "bool", "default": True, "doc": "End `stdin` with a newline."},
        "environment": {"type": "dict", "internal": True, "doc": "From the step's `environment`."},
    },
    "free_form": "cmd",
    "one_of": [["cmd", "argv"]],
    "sh": True,
    "undo": None,
    "returns": {
        "rc": "exit status, negative for a signal",
        "stdout": "text",
        "stderr": "text",
        "stdout_lines": "list",
        "cmd": "",
    },
    "examples": "command: /opt/app/bin/migrate --yes",
}


def argv(args: "dict") -> "list[str]":
    if args.get("argv"):
        return [str(part) for part in args["argv"]]
    import shlex

    try:
        parts = shlex.split(args["cmd"])
    except ValueError as error:
        raise failure.Failed("cannot split the command %r: %s" % (args["cmd"], error))
    if not parts:
        raise failure.Failed("the command is empty")
    return [os.path.expandvars(os.path.expanduser(part)) for part in parts]


def observe(args: "dict") -> "dict":
    return {"done": already(args)}


def already(args: "dict") -> "str | None":
    """Why there is nothing to do, if `creates` or `removes` says so."""
    base = args.get("chdir") or ""
    for key, there in (("creates", True), ("removes", False)):
        if args.get(key):
            import glob

            if bool(glob.glob(os.path.join(base, args[key]))) == there:
                return "%s %s" % (args[key], "exists" if there else "does not exist")
    return None


def plan(args: "dict", before: "dict") -> "list[dict]":
    if before["done"]:
        return []
    return [{"aspect": "run", "before": None, "after": args.get("cmd") or " ".join(args.get("argv") or [])}]


def apply(args: "dict", before: "dict") -> "dict":
    return finish(process.run(argv(args), **options(args)), args.get("cmd") or args.get("argv"))


def result(args: "dict", state: "dict") -> "dict":
    return {"rc": 0, "stdout": "", "stderr": "", "msg": "already done: %s" % state["done"], "cmd": args.get("cmd")}


def options(args: "dict") -> "dict":
    """The arguments that `command`, `shell` and `raw` share, as process.run wants them."""
    text = args.get("stdin") or ""
    if text and args.get("stdin_add_newline", True) and not text.endswith("\n"):
        text += "\n"
    return {
        "stdin": text.encode("utf-8", "surrogateescape"),
        "cwd": args.get("chdir"),
        "env": {k: str(v) for k, v in (args.get("environment") or {}).items()},
    }


def finish(ran: "dict", said: object) -> "dict":
    """The result of a command; a return code other than 0 is a failure, which `failed_when` may overrule."""
    ran = dict(ran, cmd=said)
    if ran["rc"] != 0:
        raise failure.Failed("the command ended with %s" % _ending(ran["rc"]), "failed", ran)
    return ran


def _ending(rc: int) -> str:
    return "status %d" % rc if rc >= 0 else "signal %d" % -rc
