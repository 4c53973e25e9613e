"""`reclaim` through a plain sh: the host lists and removes, the controller chooses with the agent's own code.

find, stat, grep, cat, readlink, rm and rmdir are needed, as coreutils or busybox have them. No temporary file is made,
so it works with no byte and no inode left. A directory is entered with `cd -P` and used only when that led where it
should, so that a link put in the way is not followed; a file is emptied through a descriptor that was asked what it is.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from playbook_engine.agent import failure, protected
from playbook_engine.agent.choice import Candidate, Choice, in_words
from playbook_engine.transport.posix_opened import Opened
from playbook_engine.transport.posix_shell import Shell, word

LISTING = 32 << 20  # bytes of listing that are read, some 250,000 files; what lies beyond is left, and said so
BATCH = 400  # names a call of rm, which keeps its arguments below every ARG_MAX
ROUND = 4000  # names a round trip: a lost link or the deadline stops the removal there

# A normal path never holds "//", so that ends a record, whatever characters are in the name.
FORMAT = "%d %i %f %b %Y %h %n//"
RECORD = re.compile(r"(\d+) (\d+) ([0-9a-f]+) (\d+) (-?\d+) (\d+) (.*)", re.DOTALL)

RESOLVE = r"""
for t in find stat grep readlink; do command -v $t >/dev/null || { echo "$t"; exit 9; }; done
date +%s; IFS=
e() { [ -e "$1" ] || [ -L "$1" ]; }
r() { p=$2
  case $p in /*) ;; *) printf '%s %s//\n' "$1" "$p"; return;; esac
  while case $p in */) :;; *) false;; esac; do p=${p%/}; done
  case ${p##*/} in .|..) d=$p b=;; *) d=${p%/*}/ b=/${p##*/};; esac
  q=$(cd -P "$d" 2>/dev/null && pwd -P) || q=${p%/*}
  printf '%s %s//\n' "$1" "${q%/}$b"; }
g() { n=$1; shift; for w; do e "$w" && r "$n" "$w"; done; }
"""

SCAN = r"""
export LC_ALL=C
l() { printf '@%s//\n' "$1"; [ -e "$2" ] || [ -L "$2" ] || return 0
  $T find "$2" -xdev \( -type d \( KEPT \) -prune -o -type d -o ! -type d \) -exec stat -c 'FORMAT' {} + ; }
"""

# Each line of the answer: + or -, the number of what was asked, how many files, and for those that were left why.
REMOVE = r"""
export LC_ALL=C
i() { stat -c '%d %i %Y' -- "$@" 2>/dev/null; }
in_() { cd -P "$1" 2>/dev/null && [ "$PWD" = "$1" ]; }
z() ( exec 3<"$1" && [ "$(stat -L -c '%d %i' /proc/self/fd/0 <&3)" = "$2" ] && true >/proc/self/fd/3 ) 2>/dev/null
one() { e=$(rm -f -- "$1" 2>&1) && return
  case $e in *'No space left'*) z "$1" "${2% *}" && rm -f -- "$1" 2>/dev/null;; *) false;; esac; }
d() { n=$1 w=$2 s=$3; shift 3; gone="- $n 1 went away"
  in_ "$w" || { echo "- $n $# went away"; return; }
  if [ "$(i "$@")" = "$s" ]; then rm -f -- "$@" 2>/dev/null && { echo "+ $n $#"; return; }; gone="+ $n 1"; fi
  IFS='
'; for x in $s; do
    if [ ! -e "$1" ] && [ ! -L "$1" ]; then echo "$gone"
    elif [ "$(i "$1")" != "$x" ]; then echo "- $n 1 changed meanwhile"
    elif one "$1" "$x"; then echo "+ $n 1"
    else echo "- $n 1 ${e##*: }"; fi; shift; done; unset IFS; }
t() { if in_ "$2" && z "./$3" "$4"; then echo "+ $1 1"; else echo "- $1 1 changed meanwhile"; fi; }
x() { if z "$2" "$3"; then echo "+ $1 1"; else echo "- $1 1 went away"; fi; }
k() { ( in_ "$2" && rmdir -- "./$3" ) 2>/dev/null && echo "+ $1 1"; }
"""
OURS = ("Permission denied", "Operation not permitted")


def observe(shell: Shell, action: Any, args: dict[str, Any]) -> dict[str, object]:
    """What would be removed, said as the agent's `reclaim` says it. Raises Failed."""
    choice, places = _resolve(shell, args)
    disks = _list(shell, choice, places)
    choice.settle(Opened(shell, choice))
    for one in choice.chosen:
        disks.setdefault(one.identity[0], one.root)
    return {**choice.told(), "_choice": choice, "_disks": list(disks.values())}


def apply(shell: Shell, action: Any, args: dict[str, Any], state: Mapping[str, Any]) -> dict[str, object]:
    """Removes what `observe` chose a moment ago. Raises Failed."""
    choice, disks = state["_choice"], state["_disks"]
    free = _free(shell, disks)
    removal = Removal(shell, choice)
    late: failure.Failed | None = None
    try:
        removal.carry_out()
    except failure.Failed as error:
        late = error
        shell.begin(10)
    now = _free(shell, disks)
    told = {
        **choice.told(), "removed": removal.removed, "removed_directories": removal.folders,
        "truncated": removal.truncated, "freed_bytes": now[0] - free[0], "freed_inodes": now[1] - free[1],
    }  # fmt: skip
    if late is not None:
        raise failure.Failed(f"{late.msg} after {removal.removed} files were removed", late.kind, told)
    return {**told, "msg": in_words(told)}


def _resolve(shell: Shell, args: dict[str, Any]) -> tuple[Choice, list[tuple[int, str]]]:
    """The choice to fill, and (number of the entry, real path) of the places that `paths` means."""
    calls = []
    for number, entry in enumerate(args["paths"]):
        plain = f"r {number} {word(entry)}"
        globs = any(c in entry for c in "*?[")
        calls.append(
            f"if e {word(entry)}; then {plain}; else g {number} {word(entry, glob=True)}; fi" if globs else plain
        )
    ran = shell.run(RESOLVE + "\n".join(calls), cap=LISTING)
    if ran.rc == 9:
        raise failure.Failed(f"reclaim without Python needs {ran.stdout.strip()}(1) on the host", "no-such-command")
    now, _, records = ran.stdout.partition("\n")
    choice = Choice(args, float(now))
    places = []
    for record in records.split("//\n")[:-1]:
        at, _, path = record.partition(" ")
        if path and not path.startswith("/"):
            raise failure.Failed(f"reclaim wants absolute paths, not {path!r}", "refused")
        real = os.path.normpath("/" + path.lstrip("/"))
        choice.permit(real)
        places.append((int(at), real))
    return choice, places


def _list(shell: Shell, choice: Choice, places: list[tuple[int, str]]) -> dict[int, str]:
    """Fills the choice with what is there; a directory of each file system by its device."""
    kept = " -o ".join(f"-name {shlex.quote(name)}" for name in protected.KEPT)
    calls = "; ".join(f"l {at} {shlex.quote(real)}" for at, (_, real) in enumerate(places)) or ":"
    script = SCAN.replace("KEPT", kept).replace("FORMAT", FORMAT)
    ran = shell.run(f"T='{shell.guard()}'{script}{{ {calls}; }} | head -c {LISTING}", cap=2 * LISTING)
    disks: dict[int, str] = {}
    number, real, device = 0, "", -1
    for record in ran.stdout.split("//\n")[:-1]:
        if record.startswith("@"):
            number, real = places[int(record[1:])]
            device = -1
            continue
        match = RECORD.fullmatch(record)
        if match is None:
            raise failure.Failed(f"stat(1) of the host is not understood: {record[:100]!r}", "unmeasured")
        mode, path = int(match[3], 16), match[7]
        if stat.S_ISDIR(mode):
            if path == real:
                device = int(match[1])
                choice.root(real, device)
                disks.setdefault(device, real)
            elif int(match[1]) != device:
                choice.skip("another file system")
            elif os.path.basename(path) in protected.KEPT:
                choice.skip("protected")
            continue
        root, name = (real, path[len(real) + 1 :]) if path != real else os.path.split(path)
        one = Candidate(
            number, root, tuple(name.split("/")), mode, int(match[4]), float(match[5]), int(match[6]),
            (int(match[1]), int(match[2])),
        )  # fmt: skip
        choice.consider(one, stat.S_ISLNK(mode))
    for line in ran.stderr.splitlines():
        if "Permission denied" in line or "No such file" in line:
            choice.skip("not ours to read" if "Permission" in line else "went away")
    if ran.stdout_bytes >= LISTING:
        choice.skip("beyond what one step lists")
    return disks


def _free(shell: Shell, places: list[str]) -> tuple[int, int]:
    """Bytes and inodes free on the file systems of these places, together."""
    if not places:
        return 0, 0
    said = shell.run(f"stat -f -c '%S %f %d' {' '.join(map(shlex.quote, places))}").stdout.split()
    numbers = [int(n) for n in said]
    return sum(a * b for a, b in zip(numbers[::3], numbers[1::3], strict=False)), sum(numbers[2::3])


class Removal:
    """Carries a choice out, in rounds. A file that has changed since it was chosen is left."""

    def __init__(self, shell: Shell, choice: Choice) -> None:
        self._shell = shell
        self._choice = choice
        self._asked: list[tuple[str, str]] = []  # by number: what was asked, of which directory or file
        self._emptied: set[str] = set()
        self.removed = self.folders = 0
        self.truncated: list[str] = []

    def carry_out(self) -> None:
        """Raises Failed when the time is up; what was done until then stands in the attributes."""
        calls, names = [], 0
        for call, count in self._calls():
            calls.append(call)
            names += count
            if names >= ROUND:
                self._round(calls)
                calls, names = [], 0
        self._round(calls)
        self._round([self._call("k", parent, parent, name) for parent, name in self._folders()])

    def _calls(self) -> Iterator[tuple[str, int]]:
        """Shell lines, and of how many files each one is."""
        folders: dict[str, list[Candidate]] = defaultdict(list)
        for one in self._choice.chosen:
            folder, name = os.path.split(one.path)
            if one.truncate:
                yield self._call("t", one.path, folder, name, f"{one.identity[0]} {one.identity[1]}"), 1
            else:
                folders[folder].append(one)
        for folder, ones in folders.items():
            for at in range(0, len(ones), BATCH):
                batch = ones[at : at + BATCH]
                identities = "\n".join(f"{o.identity[0]} {o.identity[1]} {o.mtime:.0f}" for o in batch)
                yield self._call("d", folder, folder, identities, *(o.parts[-1] for o in batch)), len(batch)
        for held in self._choice.deleted:
            pid, number = held.holders[0]
            key = next(key for key, each in self._choice.open.files.items() if each is held)
            yield self._call("x", f"{held.deleted} (deleted)", f"/proc/{pid}/fd/{number}", f"{key[0]} {key[1]}"), 1

    def _call(self, what: str, path: str, *words: str) -> str:
        """A call of one of the functions of REMOVE, remembered by its number."""
        self._asked.append((what, path))
        return f"{what} {len(self._asked) - 1} {' '.join(map(shlex.quote, words))}"

    def _round(self, calls: list[str]) -> None:
        if not calls:
            return
        said = self._shell.run(REMOVE + "\n".join(calls), cap=LISTING).stdout
        for line in said.splitlines():
            sign, number, count, *why = line.split(" ", 3)
            if sign == "-":
                self._choice.skip("not ours to remove" if why[0] in OURS else why[0], int(count))
            else:
                self._done(*self._asked[int(number)], int(count))

    def _done(self, what: str, path: str, count: int) -> None:
        if what == "k":
            self.folders += 1
        elif what == "d":
            self.removed += count
            self._emptied.add(path)
        else:
            self.truncated.append(path)

    def _folders(self) -> list[tuple[str, str]]:
        """(parent, name) of the directories below the roots that may be empty now, the deepest first."""
        found: set[str] = set()
        for folder in self._emptied:
            root = next((r for r in self._choice.roots if folder.startswith(r + "/")), None)
            while root is not None and folder != root:
                found.add(folder)
                folder = os.path.dirname(folder)
        return [os.path.split(path) for path in sorted(found, key=lambda path: -path.count("/"))]
