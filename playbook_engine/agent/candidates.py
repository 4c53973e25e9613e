"""Which files `reclaim` would remove, and which it leaves and why. Looks only; nothing is changed here."""

import os
import stat

from playbook_engine.agent import failure, openfiles, protected

LISTED = 50


class Candidate(object):
    """One file or link that the arguments mean."""

    __slots__ = ("entry", "held", "identity", "links", "mtime", "parts", "path", "regular", "root", "size", "truncate")

    def __init__(self, entry: int, root: str, parts: "tuple[str, ...]", st: "os.stat_result") -> None:
        self.entry, self.root, self.parts = entry, root, parts
        self.path = "/".join((root,) + parts)
        self.regular = stat.S_ISREG(st.st_mode)
        self.size = st.st_blocks * 512 if self.regular else 0
        self.mtime, self.links = st.st_mtime, st.st_nlink
        self.identity = (st.st_dev, st.st_ino)
        self.held: "openfiles.Held | None" = None
        self.truncate = False


class Choice(object):
    """What the arguments mean on this host now: `chosen`, what was left and why, and the open files seen."""

    def __init__(self, args: "dict") -> None:
        import time

        self.args = args
        self.at = time.monotonic()
        self.oldest = None if args["older_than"] is None else time.time() - args["older_than"]
        self.skipped: "dict[str, int]" = {}
        self.held: "list[dict]" = []
        self.roots: "list[str]" = []
        self.wanted, self.spared = _globs(args["patterns"]), _globs(args["excludes"])
        found: "list[Candidate]" = []
        for number, entry in enumerate(args["paths"]):
            for path in expand(entry):
                self._gather(number, path, found)
        self.devices = {candidate.identity[0] for candidate in found} | {device_of(root) for root in self.roots}
        self.open = openfiles.OpenFiles(self.devices)
        self.deleted = self._deleted()
        self.chosen = self._choose(found)
        self.bytes = sum(self._frees()) + sum(held.size for held in self.deleted)

    def skip(self, why: str, count: int = 1) -> None:
        self.skipped[why] = self.skipped.get(why, 0) + count

    def _gather(self, number: int, path: str, found: "list[Candidate]") -> None:
        """The candidates of one expanded entry. Raises Failed for a place that is protected."""
        real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        filtered = self.oldest is not None or bool(self.args["patterns"]) or self.args["keep_newest"] > 0
        why = protected.refusal(real, filtered)
        if why:
            raise failure.Failed("reclaim refuses %s: %s" % (real, why), "refused")
        try:
            st = os.lstat(real)
        except OSError:
            return
        if stat.S_ISDIR(st.st_mode):
            self.roots.append(real)
            fd = open_beneath(real, ())
            try:
                self._walk(number, real, fd, (), st.st_dev, found)
            finally:
                os.close(fd)
        else:
            self._consider(number, os.path.dirname(real), (os.path.basename(real),), st, found)

    def _walk(
        self, number: int, root: str, fd: int, parts: "tuple[str, ...]", device: int, found: "list[Candidate]"
    ) -> None:
        for name in os.listdir(fd):
            try:
                st = os.stat(name, dir_fd=fd, follow_symlinks=False)
                if not stat.S_ISDIR(st.st_mode):
                    self._consider(number, root, parts + (name,), st, found)
                elif st.st_dev != device:
                    self.skip("another file system")
                elif name in protected.KEPT:
                    self.skip("protected")
                else:
                    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
                    try:
                        self._walk(number, root, inner, parts + (name,), device, found)
                    finally:
                        os.close(inner)
            except PermissionError:
                self.skip("not ours to read")
            except OSError:
                self.skip("went away")

    def _consider(
        self, number: int, root: str, parts: "tuple[str, ...]", st: "os.stat_result", found: "list[Candidate]"
    ) -> None:
        one = Candidate(number, root, parts, st)
        if not one.regular and not stat.S_ISLNK(st.st_mode):
            self.skip("no regular file")
        elif self.wanted and not any(match(parts[-1]) for match in self.wanted):
            self.skip("name")
        elif any(match(parts[-1]) or match(one.path) for match in self.spared):
            self.skip("excluded")
        else:
            found.append(one)

    def _choose(self, found: "list[Candidate]") -> "list[Candidate]":
        """The oldest first, within the bounds."""
        found.sort(key=lambda one: (-one.mtime, one.path))
        newest: "dict[int, int]" = {}
        chosen: "list[Candidate]" = []
        for one in found:
            newest[one.entry] = newest.get(one.entry, 0) + 1
            if newest[one.entry] <= self.args["keep_newest"]:
                self.skip("among the newest")
            elif self.oldest is not None and one.mtime > self.oldest:
                self.skip("too young")
            elif one.size < self.args["min_size"]:
                self.skip("too small")
            elif self._free_to_go(one):
                chosen.append(one)
        chosen.reverse()
        return self._bounded(chosen)

    def _free_to_go(self, one: "Candidate") -> bool:
        """Settles what becomes of an open file: a log is truncated, everything else stays."""
        one.truncate = self.args["mode"] == "truncate"
        if one.truncate and not one.size:
            return False
        if not one.regular:
            return True
        held = self.open.files.get(one.identity)
        if held is None and one.path not in self.open.names:
            return True
        if held is not None and held.appended and not held.mapped and self.args["truncate_open"]:
            one.truncate = True
            return one.size > 0
        who = held.who() if held is not None else {"pid": None, "command": None}
        self.held.append(dict(who, path=one.path, bytes=one.size, deleted=False, why=_why(held)))
        self.skip("open")
        return False

    def _bounded(self, chosen: "list[Candidate]") -> "list[Candidate]":
        most, count = self.args["max_bytes"], self.args["max_inodes"]
        kept: "list[Candidate]" = []
        total = 0
        for one in chosen:
            if count is not None and len(kept) >= count:
                self.skip("over max_inodes")
            elif most is not None and total + one.size > most:
                self.skip("over max_bytes")
            else:
                kept.append(one)
                total += one.size
        return kept

    def _frees(self) -> "list[int]":
        """The bytes that each chosen file gives back: a hard link gives nothing while another one stays."""
        links: "dict[tuple[int, int], int]" = {}
        freed = []
        for one in self.chosen:
            links[one.identity] = links.get(one.identity, 0) + 1
            whole = links[one.identity] == one.links or (one.truncate and links[one.identity] == 1)
            freed.append(one.size if whole else 0)
        return freed

    def _deleted(self) -> "list[openfiles.Held]":
        """Deleted files that hold space: those that may be emptied; the others are told."""
        mine: "list[openfiles.Held]" = []
        for held in sorted(self.open.files.values(), key=lambda one: -one.size):
            if not held.deleted or not held.size:
                continue
            safe = held.written and held.write_only and not held.mapped
            if self.args["truncate_deleted"] and safe and self._below(held.deleted):
                mine.append(held)
            else:
                why = "deleted, but open: truncate_deleted empties it" if safe else "deleted, but in use"
                self.held.append(dict(held.who(), path=held.deleted, bytes=held.size, deleted=True, why=why))
        return mine

    def _below(self, path: str) -> bool:
        import fnmatch

        return any(path.startswith(root + "/") for root in self.roots) or any(
            fnmatch.fnmatchcase(path, entry) for entry in self.args["paths"]
        )

    def told(self) -> "dict":
        largest = sorted(self.chosen, key=lambda one: -one.size)[:LISTED]
        return {
            "expected_bytes": self.bytes,
            "expected_inodes": sum(not one.truncate for one in self.chosen),
            "files": len(self.chosen),
            "held": sorted(self.held, key=lambda one: -one["bytes"])[:LISTED],
            "held_bytes": sum(one["bytes"] for one in self.held),
            "skipped": self.skipped,
            "top": [{"path": one.path, "bytes": one.size, "truncate": one.truncate} for one in largest],
            "deleted": [{"path": one.deleted, "bytes": one.size} for one in self.deleted],
            "open_check": "complete" if self.open.complete else "own processes",
        }


def _why(held: "openfiles.Held | None") -> str:
    if held is None or held.mapped:
        return "in use: mapped, swap or a loop device"
    if held.appended:
        return "an open log: truncate_open empties it"
    return "open for writing, but not to append" if held.written else "open for reading"


def _globs(patterns: "list[str] | None") -> "list":
    import fnmatch
    import re

    return [re.compile(fnmatch.translate(pattern)).match for pattern in patterns or ()]


def device_of(path: str) -> int:
    """The device that a path is on, or -1 when it has gone."""
    try:
        return os.lstat(path).st_dev
    except OSError:
        return -1


def expand(entry: str) -> "list[str]":
    """The paths that an entry means; an entry that is there is itself, whatever characters are in it."""
    if not entry.startswith("/"):
        raise failure.Failed("reclaim wants absolute paths, not %r" % entry, "refused")
    if os.path.lexists(entry) or not any(c in entry for c in "*?["):
        return [os.path.normpath(entry)]
    import glob

    return [os.path.normpath(path) for path in sorted(glob.glob(entry))]


def open_beneath(root: str, parts: "tuple[str, ...]") -> int:
    """A descriptor of the directory `root/parts`, reached without following any link. Raises OSError."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open("/", flags)
    for part in tuple(root.strip("/").split("/")) + parts:
        try:
            inner = os.open(part, flags, dir_fd=fd)
        finally:
            os.close(fd)
        fd = inner
    return fd
