"""Which of the files that were found `reclaim` takes, and which it leaves and why.

Nothing is looked at here: the agent fills a choice from its host, and the controller fills one for a host without
Python from what find(1) and stat(1) print there.
"""

import stat

from playbook_engine.agent import failure, openfiles, protected

LISTED = 50


class Candidate(object):
    """One file or link that the arguments mean. `blocks` are of 512 bytes, as stat(2) counts them."""

    __slots__ = ("entry", "held", "identity", "links", "mtime", "parts", "path", "regular", "root", "size", "truncate")

    def __init__(
        self,
        entry: int,
        root: str,
        parts: "tuple[str, ...]",
        mode: int,
        blocks: int,
        mtime: float,
        links: int,
        identity: "tuple[int, int]",
    ) -> None:
        self.entry, self.root, self.parts = entry, root, parts
        self.path = "/".join((root.rstrip("/"),) + parts)
        self.regular = stat.S_ISREG(mode)
        self.size = blocks * 512 if self.regular else 0
        self.mtime, self.links, self.identity = mtime, links, identity
        self.held: "openfiles.Held | None" = None
        self.truncate = False


class Choice(object):
    """What the arguments mean: `chosen` once it is settled, what was left and why, and the open files seen.

    `now` in seconds since 1970, by the clock of the host.
    """

    def __init__(self, args: "dict", now: float) -> None:
        self.args = args
        self.at = 0.0
        self.oldest = None if args["older_than"] is None else now - args["older_than"]
        self.skipped: "dict[str, int]" = {}
        self.held: "list[dict]" = []
        self.roots: "list[str]" = []
        self.devices: "set[int]" = set()
        self.wanted, self.spared = _globs(args["patterns"]), _globs(args["excludes"])
        self.found: "list[Candidate]" = []
        self.chosen: "list[Candidate]" = []
        self.deleted: "list[openfiles.Held]" = []
        self.bytes = 0

    def skip(self, why: str, count: int = 1) -> None:
        self.skipped[why] = self.skipped.get(why, 0) + count

    def permit(self, real: str) -> None:
        """Raises Failed for a place that is protected; `real` is absolute, and what links led to."""
        filtered = self.oldest is not None or bool(self.args["patterns"]) or self.args["keep_newest"] > 0
        why = protected.refusal(real, filtered)
        if why:
            raise failure.Failed("reclaim refuses %s: %s" % (real, why), "refused")

    def root(self, real: str, device: int) -> None:
        """Takes in a directory that is searched."""
        self.roots.append(real)
        self.devices.add(device)

    def consider(self, one: "Candidate", link: bool) -> None:
        """Takes in a file, a link or something else that was found."""
        name = one.parts[-1]
        if not one.regular and not link:
            self.skip("no regular file")
        elif self.wanted and not any(match(name) for match in self.wanted):
            self.skip("name")
        elif any(match(name) or match(one.path) for match in self.spared):
            self.skip("excluded")
        else:
            self.found.append(one)
            self.devices.add(one.identity[0])

    def settle(self, opened: "openfiles.OpenFiles") -> None:
        """Chooses, once everything was found and it is known what is open."""
        self.open = opened
        self.deleted = self._deleted()
        self.chosen = self._choose(self.found)
        self.bytes = sum(self._frees()) + sum(held.size for held in self.deleted)

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
        self.held.append(dict(self.open.who(held), path=one.path, bytes=one.size, deleted=False, why=_why(held)))
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
            if not self._meant(held):
                why = "deleted, but open: the arguments do not mean it"
                self.held.append(dict(self.open.who(held), path=held.deleted, bytes=held.size, deleted=True, why=why))
            elif self.args["truncate_deleted"] and safe and self._below(held.deleted):
                mine.append(held)
            else:
                why = "deleted, but open: truncate_deleted empties it" if safe else "deleted, but in use"
                self.held.append(dict(self.open.who(held), path=held.deleted, bytes=held.size, deleted=True, why=why))
        return mine

    def _meant(self, held: "openfiles.Held") -> bool:
        """Whether the filters on names and size let a deleted file through; its age is not known any more."""
        name = held.deleted.rpartition("/")[2]
        wanted = not self.wanted or any(match(name) for match in self.wanted)
        spared = any(match(name) or match(held.deleted) for match in self.spared)
        return wanted and not spared and held.size >= self.args["min_size"]

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


def in_words(told: "dict") -> str:
    """What was freed against what was expected, for a line in a report."""
    freed, expected = told["freed_bytes"] / 1048576.0, told["expected_bytes"] / 1048576.0
    emptied = ", %d emptied" % len(told["truncated"]) if told["truncated"] else ""
    return "freed %.1f MiB of %.1f expected, %d files removed%s" % (freed, expected, told["removed"], emptied)


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
