"""`command`, `shell` and `raw` through a plain sh."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from typing import Any

from playbook_engine.agent import failure
from playbook_engine.agent.actions import command
from playbook_engine.transport.posix_shell import Shell, word

KILLED = (124, 137, 143)  # timeout(1): it ended the command; the command had to be killed; an old busybox says so


def observe(shell: Shell, action: Any, args: Mapping[str, Any]) -> dict[str, object]:
    """What `creates` and `removes` say; `raw` has neither."""
    for key, there in (("creates", True), ("removes", False)):
        if args.get(key):
            move = f"cd {word(args['chdir'])} 2>/dev/null; " if args.get("chdir") else ""
            look = f'for p in {word(args[key], glob=True)}; do [ -e "$p" ] && exit 0; done; exit 1'
            if (shell.run(move + look).rc == 0) == there:
                return {"done": f"'{args[key]}' {'exists' if there else 'does not exist'}"}
    return {"done": None}


def apply(shell: Shell, action: Any, args: Mapping[str, Any], state: Mapping[str, object]) -> dict[str, object]:
    """Runs it. Raises Failed."""
    whole = {**getattr(action, "REST", {}), **args}
    said: Any
    if action is command:
        said = command.words(whole)
        line = " ".join(word(part) for part in said)
    else:
        said = whole["cmd"]
        line = f"{word(whole['executable'] or '/bin/sh')} -c {shlex.quote(said)}"
    limit = shell.left()
    guard = shell.guard()
    began = time.monotonic()
    ran = shell.run(_script(whole, f"{guard} {line}"))
    result: dict[str, Any] = {
        "rc": ran.rc, "stdout": ran.stdout, "stderr": ran.stderr, "pid": None,
        "stdout_bytes": ran.stdout_bytes, "stderr_bytes": ran.stderr_bytes,
    }  # fmt: skip
    if guard and ran.rc in KILLED and time.monotonic() - began >= limit - 0.5:
        raise failure.Failed("timed out; it was killed", "timeout", {**result, "rc": None})
    if ran.rc == 127 and action is command:
        raise failure.Failed(f"{said[0]}: No such file or directory", "no-such-command")
    return command.finish(whole, result, said)


def _script(args: Mapping[str, Any], line: str) -> str:
    """Where it runs, in which environment, and what it reads."""
    options = command.options(dict(args))
    move = f"cd {word(options['cwd'])} || exit 1\n" if options["cwd"] else ""
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in options["env"].items())
    text = options["stdin"].decode("utf-8", "surrogateescape")
    # printf is part of the shell: its words stand in no process listing and have no limit to their length.
    return f"{move}{exports}{'printf %s ' + shlex.quote(text) + ' | ' if text else ''}{line}"
