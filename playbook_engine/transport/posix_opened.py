"""Which files the processes of a host hold open, found through a plain sh: /proc/PID/fd, maps, swap, loop devices."""

from __future__ import annotations

import stat
from collections.abc import Mapping

from playbook_engine.agent import openfiles
from playbook_engine.agent.choice import Choice
from playbook_engine.transport.posix_shell import Shell

Identity = tuple[int, int]
LIMIT = 32 << 20  # bytes of each listing that are read

# A busy host has many thousands of descriptors: one stat(1) for hundreds of them, and details only of those that
# matter. Mapped files of the system's own directories are left out, as nothing may be cleared there.
LOOK = r"""
export LC_ALL=C; s() { printf '\0\n'; }
find /proc/[0-9]*/fd ! -type d -exec stat -L -c '%d %i %f %b %h %n' {} + 2>/dev/null; s
for d in /proc/[0-9]*/fd; do [ -r "$d" ] || [ ! -e "$d" ] || { echo hidden; break; }; done; s
grep -E '^[^/]* [0-9]+ +/' /dev/null /proc/[0-9]*/maps 2>/dev/null |
  sed -n 's,^/proc/\([0-9]*\)/maps:,\1 ,; /^[^/]*\/usr\//d; /^[^/]*\/lib[^/]*\//d; /^[^/]*\/s*bin\//d; p'; s
cat /proc/swaps 2>/dev/null; s; cat /sys/block/loop*/loop/backing_file 2>/dev/null
"""

DETAIL = r"""
f() { w=$(readlink "/proc/$1/fd/$2") || return; g=2 c=
  while read -r k v; do [ "$k" != flags: ] || g=$v; done <"/proc/$1/fdinfo/$2"; read -r c <"/proc/$1/comm"
  printf '%s %s %s\n%s\n%s\0\n' "$1" "$2" "$g" "$c" "$w"; } 2>/dev/null
"""


class Opened(openfiles.OpenFiles):
    """What is open where a choice was found."""

    def __init__(self, shell: Shell, choice: Choice) -> None:
        super().__init__(choice.devices)
        self._commands: dict[int, str] = {}
        ran = shell.run(LOOK, cap=2 * LIMIT)
        descriptors, hidden, maps, swaps, loops = ran.stdout.split("\0\n")
        self.complete = not hidden
        self.names.update(line.split()[0] for line in swaps.splitlines()[1:])
        self.names.update(loops.splitlines())
        for line in maps.splitlines():
            pid, _, mapping = line.partition(" ")
            self.mapping(int(pid), mapping)
        wanted = {one.identity for one in choice.found}
        self._detail(shell, dict(d for line in descriptors.splitlines() if (d := self._wanted(line, wanted))))

    def command(self, pid: int) -> str | None:
        return self._commands.get(pid)

    def _wanted(
        self, line: str, identities: set[Identity]
    ) -> tuple[tuple[str, str], tuple[Identity, int, bool]] | None:
        """((pid, descriptor), (identity, bytes, deleted)) of a descriptor that matters to the choice."""
        device, inode, mode, blocks, links, name = line.split(" ", 5)
        identity, gone = (int(device), int(inode)), links == "0"
        if not stat.S_ISREG(int(mode, 16)) or identity[0] not in self.devices:
            return None
        if identity not in identities and not gone:
            return None
        _, _, pid, _, number = name.split("/")
        return (pid, number), (identity, int(blocks) * 512, gone)

    def _detail(self, shell: Shell, wanted: Mapping[tuple[str, str], tuple[Identity, int, bool]]) -> None:
        """How each was opened, by whom, and under which name."""
        calls = "\n".join(f"f {pid} {number}" for pid, number in wanted)
        for record in shell.run(f"{DETAIL}{calls}", cap=2 * LIMIT).stdout.split("\0\n")[:-1]:
            head, command, target = record.split("\n", 2)
            pid, number, flags = head.split()
            identity, size, gone = wanted[pid, number]
            held = self.files.setdefault(identity, openfiles.Held(size))
            held.size = size
            held.add(int(pid), int(number), int(flags, 8))
            self._commands[int(pid)] = command
            if gone:
                held.deleted = target.removesuffix(" (deleted)")
