"""The lock of a host without Python: a folder in memory, advisory, for those who come by plain sh too.

mkdir(1) is atomic; the number of the shell that made it says whether its owner is still there. A recycled number, or
a controller that reaches the host with Python, is not seen: it is advice, and better than none.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from playbook_engine.transport.base import Reply
from playbook_engine.transport.posix_shell import Shell

TAKE = r"""
for d in /run /run/user/$(id -u) /dev/shm; do [ -d "$d" ] && [ -w "$d" ] && break; d=; done
[ -n "$d" ] || { echo nowhere; exit 0; }
l=$d/runbook.lock
if ! mkdir "$l" 2>/dev/null; then
  read -r run pid since who 2>/dev/null <"$l/who"
  if [ "$run" != "$me" ] && [ "$run" != "$over" ] && [ -n "$pid" ] && [ -d "/proc/$pid" ]; then
    echo "held $run $since $who"; exit 0
  fi
  rm -rf "$l"; mkdir "$l" 2>/dev/null || { echo "held somebody"; exit 0; }
fi
printf '%s %s %s %s\n' "$me" "$$" "$(date -u +%H:%M:%S)" "$whose" >"$l/who"; echo "ours $l"
"""


def take(shell: Shell, args: Mapping[str, Any]) -> tuple[Reply, str]:
    """The answer, and the folder that was made; empty where none could be, which is no reason not to go on."""
    given = {"me": args["run"], "over": args["over"], "whose": f"{args['actor']} ({args['reason']})".replace("\n", " ")}
    script = "".join(f"{name}={shlex.quote(value)}\n" for name, value in given.items()) + TAKE
    said = shell.run(script).stdout.strip()
    word, _, rest = said.partition(" ")
    if word != "held":
        return Reply(ok=True), rest if word == "ours" else ""
    run, _, more = rest.partition(" ")
    since, _, whose = more.partition(" ")
    msg = f"run {run} of {whose or 'somebody'} is working at this host since {since or '?'} UTC"
    return Reply(ok=False, kind="locked", msg=msg, result={"run": run}, untouched=True), ""


def release(shell: Shell, folder: str) -> None:
    shell.run(f"rm -rf {shlex.quote(folder)}")
