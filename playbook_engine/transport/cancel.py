"""Ending, from a second channel, what a session is doing on its host."""

from __future__ import annotations

from playbook_engine.transport.base import Hello

# A plain sh is not told but its children are ended: timeout(1), which guards a command, ends the whole group.
CHILDREN = """\
for s in /proc/[0-9]*/stat; do read -r line <"$s" || continue; rest=${line##*) }; set -- $rest
[ "$2" = PID ] && { p=${s#/proc/}; kill -TERM "${p%/stat}"; }; done 2>/dev/null; true"""


def cancelling(hello: Hello) -> str:
    """The shell command that does it; empty when the host said nothing of its process.

    An agent hears SIGUSR1, ends the process group of its command, and answers `interrupted`.
    """
    if hello.pid is None:
        return ""
    if hello.python is not None:
        return f"kill -USR1 {hello.pid}"
    return CHILDREN.replace("PID", str(hello.pid))
