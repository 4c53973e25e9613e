"""Run a program, without a shell."""

import os

from playbook_engine.agent import failure, process

SPEC = {
    "name": "command",
    "kind": "opaque",
    "summary": "Run a program, without a shell",
    "doc": "`creates` and `removes` make it idempotent. It is irreversible unless the step has a `rollback`.",
    "params": {
        "cmd": {
            "type": "str",
            "aliases": ["_raw_params"],
            "doc": "Program and arguments, split as a shell would; `~` and `$NAME` are expanded, no glob, no pipe.",
        },
        "argv": {"type": "list[str]", "doc": "The same as a list: no splitting, no quoting."},
        "chdir": {"type": "path", "doc": "Working directory."},
        "executable": {"type": "str", "doc": "Taken and of no effect, as in Ansible; `shell` has a use for it."},
        "creates": {"type": "path", "doc": "A path or glob: when it is there, the step is already done."},
        "removes": {"type": "path", "doc": "A path or glob: when it is not there, the step is already done."},
        "stdin": {"type": "str", "doc": "Text for its standard input; the place for secrets."},
        "stdin_add_newline": {"type": "bool", "default": True, "doc": "A newline after `stdin`."},
        "strip_empty_ends": {"type": "bool", "default": True, "doc": "Without the newlines at the end of the output."},
        "expand_argument_vars": {"type": "bool", "default": True, "doc": "Expand `~` and `$NAME` in the arguments."},
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
        "stdout_lines": "list; also `stderr_lines`",
        "cmd": "",
        "start": "when it began, on the host's clock; also `end`, and `delta` between them",
    },
    "examples": "command: /opt/app/bin/migrate --yes",
}

QUOTES = "\"'\\"


def words(args: "dict") -> "list[str]":
    """The program and its arguments as they were written. Raises Failed."""
    try:
        parts = [str(part) for part in args["argv"]] if args["argv"] is not None else _split(args["cmd"])
    except ValueError as error:
        raise failure.Failed("cannot split the command %r: %s" % (args["cmd"], error))
    if not parts:
        raise failure.Failed("the command is empty", "failed", {"rc": 257, "cmd": None})
    return parts


def _split(text: str) -> "list[str]":
    if all(" " <= c <= "~" and c not in QUOTES for c in text):
        return text.split()
    import shlex  # which imports re: 4 ms of a host's CPU

    return shlex.split(text)


def observe(args: "dict") -> "dict":
    if args["chdir"] and not os.path.isdir(args["chdir"]):
        said = "Unable to change directory before execution."
        unset = dict.fromkeys(("rc", "start", "end", "delta"))
        told = dict(unset, msg=said, stdout="", stderr="", cmd=_told_as(args))
        raise failure.Failed("%s is no directory to work in" % args["chdir"], "not-found", told)
    return {"done": already(args)}


def already(args: "dict") -> "str | None":
    """Why there is nothing to do, if `creates` or `removes` says so."""
    base = args["chdir"] or ""
    for key, there in (("creates", True), ("removes", False)):
        if args[key]:
            import glob

            if bool(glob.glob(os.path.join(base, args[key]))) == there:
                return "'%s' %s" % (args[key], "exists" if there else "does not exist")
    return None


def plan(args: "dict", before: "dict") -> "list[dict]":
    if before["done"]:
        return []
    return [{"aspect": "run", "before": None, "after": args["cmd"] or " ".join(args.get("argv") or [])}]


def apply(args: "dict", before: "dict") -> "dict":
    said = words(args)
    given = [os.path.expanduser(os.path.expandvars(part)) for part in said] if args["expand_argument_vars"] else said
    return finish(args, timed(given, args), said)


def timed(argv: "list[str]", args: "dict") -> "dict":
    """What process.run says, with start, end and delta. One that cannot be started has the status of its errno."""
    import time

    began = time.time()
    try:
        ran = process.run(argv, **options(args))
    except failure.Failed as error:
        if error.kind == "no-such-command":
            import shlex

            said = " ".join(map(shlex.quote, argv))
            error.result = dict(error.result or {}, stdout="", stderr="", cmd=said)  # type: ignore[call-overload]
        raise
    ended = time.time()
    micros = int(ended * 1e6) - int(began * 1e6)
    delta = "%d:%02d:%02d" % (micros // 3600000000, micros // 60000000 % 60, micros // 1000000 % 60)
    return dict(
        ran, start=_moment(began), end=_moment(ended), delta=delta + ".%06d" % (micros % 1000000) * bool(micros)
    )


def _moment(at: float) -> str:
    """A time as text, in the host's zone."""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) + ".%06d" % (at % 1 * 1000000)


def result(args: "dict", state: "dict") -> "dict":
    told = {"rc": 0, "stdout": "", "stderr": "", "cmd": _told_as(args), "start": None, "end": None, "delta": None}
    if not state["done"]:
        return dict(told, would_run=bool(args.get("creates") or args.get("removes")))
    said = state["done"].replace("'", "")
    return dict(told, stdout="skipped, since " + said, msg="Did not run command since " + state["done"])


def _told_as(args: "dict") -> object:
    """The command as a result shows it: the words of `command`, the line of `shell`."""
    return words(args) if "argv" in args else args["cmd"]


def options(args: "dict") -> "dict":
    """The arguments that `command`, `shell` and `raw` share, as process.run wants them."""
    text = args["stdin"] or ""
    if text and args["stdin_add_newline"]:
        text += "\n"  # as Ansible does, also to a text that ends with one
    return {
        "stdin": text.encode("utf-8", "surrogateescape"),
        "cwd": args["chdir"],
        "env": {k: str(v) for k, v in (args["environment"] or {}).items()},
    }


def finish(args: "dict", ran: "dict", said: object) -> "dict":
    """The result of a command; a return code other than 0 is a failure, which `failed_when` may overrule."""
    ran = dict(ran, cmd=said)
    if args["strip_empty_ends"]:
        ran["stdout"], ran["stderr"] = ran["stdout"].rstrip("\r\n"), ran["stderr"].rstrip("\r\n")
    ran["msg"] = "non-zero return code" if ran["rc"] != 0 else ""
    if ran["rc"] != 0:
        raise failure.Failed("the command ended with %s" % _ending(ran["rc"]), "failed", ran)
    return ran


def finish_here(result: "dict") -> "dict":
    """On the controller: the output as lists of lines, which need not travel."""
    lines = {key + "_lines": result[key].splitlines() for key in ("stdout", "stderr") if key in result}
    return dict(result, **lines)


def _ending(rc: int) -> str:
    return "status %d" % rc if rc >= 0 else "signal %d" % -rc
