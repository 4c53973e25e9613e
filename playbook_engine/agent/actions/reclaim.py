"""Free space: bounded, previewed deletion that never takes a file from under a process."""

import os

from playbook_engine.agent import candidates, openfiles
from playbook_engine.agent.choice import Candidate, Choice, in_words

SPEC = {
    "name": "reclaim",
    "kind": "opaque",
    "summary": "Remove files to free space or inodes, within bounds",
    "doc": "Oldest first. Never an open file: an open log is truncated instead. Never across file systems or through "
    "links, never in the system's own directories. Needs no space itself. It cannot be undone: say why with "
    "`irreversible`.",
    "params": {
        "paths": {"type": "list[path]", "required": True, "doc": "Directories, files and globs."},
        "max_bytes": {"type": "size", "doc": "Free at most so much."},
        "max_inodes": {"type": "int", "doc": "Remove at most so many files."},
        "older_than": {"type": "duration", "doc": "Only what has not been modified for so long."},
        "keep_newest": {"type": "int", "default": 0, "doc": "Of each entry of `paths`, spare the newest so many."},
        "min_size": {"type": "size", "default": 0, "doc": "Only files at least this large."},
        "patterns": {"type": "list[str]", "doc": "Globs on the name; one must match."},
        "excludes": {"type": "list[str]", "doc": "Globs on the name or the whole path; none may match."},
        "mode": {
            "type": "str",
            "default": "delete",
            "choices": ["delete", "truncate"],
            "doc": "`truncate` empties files and keeps their names.",
        },
        "truncate_open": {"type": "bool", "default": True, "doc": "Empty a log that is open to append; else leave it."},
        "truncate_deleted": {
            "type": "bool",
            "default": False,
            "doc": "Empty files below `paths` that were deleted while they were being written.",
        },
    },
    "sh": True,
    "undo": None,
    "returns": {
        "msg": "the figures in words",
        "expected_bytes": "what the choice adds up to",
        "freed_bytes": "what the file systems really have more than before",
        "expected_inodes": "",
        "freed_inodes": "",
        "removed": "count of files and links removed",
        "removed_directories": "count of directories that became empty",
        "truncated": "paths emptied",
        "held": "open files that were left: path, bytes, pid, command, why, deleted",
        "skipped": "count by reason",
        "top": "the largest that were chosen: path, bytes",
        "open_check": "`complete`, or `own processes` where not run as root",
    },
    "examples": "reclaim: {paths: [/var/log/app/*.log.*], older_than: 7d, keep_newest: 3, max_bytes: 2GiB}",
}

FRESH = 10.0  # seconds for which the choice of `observe` may still be carried out


def observe(args: "dict") -> "dict":
    choice = candidates.choose(args)
    return dict(choice.told(), _choice=choice)


def plan(args: "dict", before: "dict") -> "list[dict]":
    found = [
        {
            "path": one["path"],
            "aspect": "truncate" if one["truncate"] else "remove",
            "before": "%d bytes" % one["bytes"],
            "after": "0 bytes" if one["truncate"] else "absent",
        }
        for one in before["top"]
    ]
    more = before["files"] - len(found)
    if more:
        found.append({"subject": "%d more files" % more, "aspect": "remove", "before": "there", "after": "absent"})
    for one in before["deleted"]:
        found.append({"path": one["path"], "aspect": "truncate", "before": "deleted, open", "after": "0 bytes"})
    return found


def apply(args: "dict", before: "dict") -> "dict":
    import time

    choice = before.get("_choice")
    if choice is None or time.monotonic() - choice.at > FRESH:
        choice = candidates.choose(args)
    disks = {root: _free(root) for root in _one_each(choice)}
    done = Removal(choice).carry_out()
    told = dict(choice.told(), **done)
    told["freed_bytes"] = sum(_free(root)[0] - was[0] for root, was in disks.items())
    told["freed_inodes"] = sum(_free(root)[1] - was[1] for root, was in disks.items())
    return dict(told, msg=in_words(told))


def result(args: "dict", state: "dict") -> "dict":
    nothing = {"removed": 0, "removed_directories": 0, "truncated": [], "freed_bytes": 0, "freed_inodes": 0}
    return dict({k: v for k, v in state.items() if not k.startswith("_")}, **nothing)


def _one_each(choice: "Choice") -> "list[str]":
    """One directory of each file system concerned."""
    found: "dict[int, str]" = {}
    for place in choice.roots + [one.root for one in choice.chosen]:
        found.setdefault(candidates.device_of(place), place)
    return list(found.values())


def _free(path: str) -> "tuple[int, int]":
    fs = os.statvfs(path)
    return fs.f_bfree * fs.f_frsize, fs.f_ffree


class Removal(object):
    """Carries a choice out. A file that has changed since it was chosen, or has been opened, is left."""

    def __init__(self, choice: "Choice") -> None:
        self.choice = choice
        self.open = openfiles.look(choice.devices)
        self.removed = 0
        self.truncated: "list[str]" = []
        self.emptied: "set[tuple[str, tuple[str, ...]]]" = set()

    def carry_out(self) -> "dict":
        for one in self.choice.chosen:
            try:
                self._one(one)
            except PermissionError:
                self.choice.skip("not ours to remove")
            except OSError as error:
                self.choice.skip(os.strerror(error.errno or 0))
        for held in self.choice.deleted:
            self._deleted(held)
        folders = self._folders()
        return {"removed": self.removed, "removed_directories": folders, "truncated": self.truncated}

    def _one(self, one: "Candidate") -> None:
        fd = candidates.open_beneath(one.root, one.parts[:-1])
        try:
            name = one.parts[-1]
            st = os.stat(name, dir_fd=fd, follow_symlinks=False)
            held = self.open.of(one.path, st) if one.regular else None
            if (st.st_dev, st.st_ino) != one.identity or (st.st_mtime != one.mtime and not one.truncate):
                self.choice.skip("changed meanwhile")
            elif held is not None and not (one.truncate and held.appended and not held.mapped):
                self.choice.skip("opened meanwhile")
            elif one.truncate:
                self._empty(name, fd, one)
            else:
                self._unlink(name, fd, one)
        finally:
            os.close(fd)

    def _empty(self, name: str, fd: int, one: "Candidate") -> None:
        file = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
        try:
            os.ftruncate(file, 0)
        finally:
            os.close(file)
        self.truncated.append(one.path)

    def _unlink(self, name: str, fd: int, one: "Candidate") -> None:
        try:
            os.unlink(name, dir_fd=fd)
        except OSError as error:
            if error.errno != 28 or not one.regular:  # ENOSPC: a copy-on-write file system needs room to remove
                raise
            file = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
            os.ftruncate(file, 0)
            os.close(file)
            os.unlink(name, dir_fd=fd)
        self.removed += 1
        if one.root in self.choice.roots:
            self.emptied.add((one.root, one.parts[:-1]))

    def _deleted(self, held: "openfiles.Held") -> None:
        for pid, number in held.holders:
            try:
                file = os.open("/proc/%d/fd/%d" % (pid, number), os.O_WRONLY | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                if os.fstat(file).st_nlink == 0:
                    os.ftruncate(file, 0)
                    self.truncated.append(held.deleted + " (deleted)")
                    return
            finally:
                os.close(file)
        self.choice.skip("went away")

    def _folders(self) -> int:
        """Removes directories below the roots that became empty by what was removed."""
        removed = 0
        left = sorted(self.emptied, key=lambda one: -len(one[1]))
        for root, parts in left:
            while parts:
                try:
                    fd = candidates.open_beneath(root, parts[:-1])
                except OSError:
                    break
                try:
                    os.rmdir(parts[-1], dir_fd=fd)
                    removed += 1
                except OSError:
                    break
                finally:
                    os.close(fd)
                parts = parts[:-1]
        return removed
