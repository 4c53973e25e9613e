"""Find files by name, age, size, mode and content."""

import os
import stat

from playbook_engine.agent import failure, filestate, permissions

TYPE_CHECKING = False  # typing costs 10 ms of a host's CPU to import; a type checker knows this name
if TYPE_CHECKING:
    from collections.abc import Iterator

AGES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SIZES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

SPEC = {
    "name": "find",
    "kind": "probe",
    "summary": "List the files below directories that match",
    "doc": "Links are not followed unless `follow` says so, and then no directory inside itself.",
    "params": {
        "paths": {"type": "list[path]", "required": True, "aliases": ["path", "name"], "doc": "Where to look."},
        "patterns": {"type": "list[str]", "aliases": ["pattern"], "doc": "Globs on the name; one must match."},
        "excludes": {"type": "list[str]", "aliases": ["exclude"], "doc": "Globs on the name; none may match."},
        "use_regex": {"type": "bool", "default": False, "doc": "The patterns are regular expressions, of the whole."},
        "file_type": {"type": "str", "default": "file", "choices": ["any", "directory", "file", "link"], "doc": ""},
        "recurse": {"type": "bool", "default": False, "doc": "Below directories too."},
        "depth": {"type": "int", "doc": "With `recurse`: how many levels."},
        "hidden": {"type": "bool", "default": False, "doc": "Names that begin with a dot too."},
        "follow": {"type": "bool", "default": False, "doc": "Enter directories through links."},
        "age": {"type": "str", "doc": "At least this old (`2d`, `3600`), or with a minus at most (`-1h`)."},
        "age_stamp": {"type": "str", "default": "mtime", "choices": ["atime", "ctime", "mtime"], "doc": ""},
        "size": {"type": "str", "doc": "At least this large (`10m`), or with a minus at most."},
        "mode": {"type": "mode", "doc": "Permissions, octal or symbolic."},
        "exact_mode": {"type": "bool", "default": True, "doc": "`mode` exactly; else one of its bits is enough."},
        "contains": {"type": "str", "doc": "A regular expression that a line begins with."},
        "encoding": {"type": "str", "default": "utf-8", "doc": "How the bytes are text, for `contains`."},
        "read_whole_file": {"type": "bool", "default": False, "doc": "`contains` is matched against the whole."},
        "get_checksum": {"type": "bool", "default": False, "doc": "With a digest of each file."},
        "checksum_algorithm": {
            "type": "str",
            "default": "sha1",
            "aliases": ["checksum", "checksum_algo"],
            "choices": ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
            "doc": "Algorithm of `checksum`.",
        },
        "limit": {"type": "int", "doc": "Stop after so many."},
    },
    "returns": {
        "files": "path, mode, uid, gid, size, mtime, isdir, isreg, islnk, checksum of each",
        "matched": "count",
        "examined": "how many were looked at",
        "skipped_paths": "what could not be entered, and why",
    },
    "examples": "find: {paths: /var/log, patterns: '*.gz', age: 7d, recurse: true}",
}


def observe(args: "dict") -> "dict":
    if args["limit"] is not None and args["limit"] <= 0:
        raise failure.Failed("limit cannot be %d; left out, there is none" % args["limit"])
    test = Test(args)
    found: "list[dict]" = []
    skipped: "dict[str, str]" = {}
    examined = 0
    for top in args["paths"]:
        if not os.path.isdir(top):
            skipped[top] = "'%s' is not a directory" % top
            continue
        for path in walk(top, args, skipped):
            examined += 1
            told = test.of(path)
            if told is not None:
                found.append(told)
                if args["limit"] and len(found) >= args["limit"]:
                    return _said(found, examined, skipped, "Limit of matches reached")
    return _said(found, examined, skipped, "All paths examined")


def _said(found: "list[dict]", examined: int, skipped: "dict[str, str]", msg: str) -> "dict":
    if skipped:
        msg = "Not all paths examined, check warnings for details"
    return {"files": found, "matched": len(found), "examined": examined, "skipped_paths": skipped, "msg": msg}


def walk(top: str, args: "dict", skipped: "dict[str, str]") -> "Iterator[str]":
    """Every path below a directory, as deep as the arguments say; directories before what is in them."""
    levels = (args["depth"] or 1 << 30) if args["recurse"] else 1
    left: "list" = [(top, ())]
    while left:
        folder, above = left.pop()
        try:
            st = os.stat(folder)
            if (st.st_dev, st.st_ino) in above:
                continue  # a link that leads back up
            here = above + ((st.st_dev, st.st_ino),)
            names = sorted(os.listdir(folder))
        except OSError as error:
            skipped[folder] = os.strerror(error.errno or 0)
            continue
        deeper = []
        for name in names:
            path = os.path.join(folder, name)
            yield path
            if len(here) < levels and os.path.isdir(path) and (args["follow"] or not os.path.islink(path)):
                deeper.append((path, here))
        left.extend(reversed(deeper))


class Test(object):
    """The arguments as a test of one path."""

    def __init__(self, args: "dict") -> None:
        import fnmatch
        import re
        import time

        self.args = args
        self.now = time.time()
        self.age = _scaled(args["age"], AGES, "age")
        self.size = _scaled(args["size"], SIZES, "size")
        try:
            shape = (lambda p: p) if args["use_regex"] else fnmatch.translate
            self.wanted = [re.compile(shape(p)).match for p in args["patterns"] or ()]
            self.spared = [re.compile(shape(p)).match for p in args["excludes"] or ()]
            self.contains = re.compile(args["contains"]) if args["contains"] is not None else None
        except re.error as error:
            raise failure.Failed("a pattern cannot be used: %s" % error)
        self.mode = None
        if args["mode"]:
            self.mode = int(filestate.mode_of(args["mode"], {"type": "other", "mode": "0"}), 8)
        self.names: "dict" = {}

    def of(self, path: str) -> "dict | None":
        """What the result says of a path that passes, else None."""
        args, name = self.args, os.path.basename(path)
        if name.startswith(".") and not args["hidden"]:
            return None
        if self.wanted and not any(match(name) for match in self.wanted):
            return None
        if any(match(name) for match in self.spared):
            return None
        try:
            st = os.lstat(path)
        except OSError:
            return None  # it went while we were looking
        kind = "link" if stat.S_ISLNK(st.st_mode) else "directory" if stat.S_ISDIR(st.st_mode) else "other"
        kind = "file" if stat.S_ISREG(st.st_mode) else kind
        if args["file_type"] not in ("any", kind) or not self._stamped(st, kind):
            return None
        if self.contains is not None and self.args["file_type"] == "file" and not self._holds(path):
            return None
        return self._told(path, st, kind)

    def _stamped(self, st: "os.stat_result", kind: str) -> bool:
        age = self.now - getattr(st, "st_" + self.args["age_stamp"])
        if not _reaches(age, self.age) or (kind == "file" and not _reaches(st.st_size, self.size)):
            return False
        mode = stat.S_IMODE(st.st_mode)
        return self.mode is None or (mode == self.mode if self.args["exact_mode"] else bool(mode & self.mode))

    def _holds(self, path: str) -> bool:
        try:
            with open(path, encoding=self.args["encoding"], errors="surrogateescape") as handle:
                if self.args["read_whole_file"]:
                    return bool(self.contains.search(handle.read()))  # type: ignore[union-attr]
                return any(self.contains.match(line) for line in handle)  # type: ignore[union-attr]
        except OSError:
            return False
        except LookupError:
            raise failure.Failed("there is no encoding %s" % self.args["encoding"])

    def _told(self, path: str, st: "os.stat_result", kind: str) -> "dict":
        told = {
            "path": path,
            "mode": "%04o" % stat.S_IMODE(st.st_mode),
            "uid": st.st_uid,
            "gid": st.st_gid,
            "size": st.st_size,
            "mtime": st.st_mtime,
            "atime": st.st_atime,
            "ctime": st.st_ctime,
            "inode": st.st_ino,
            "dev": st.st_dev,
            "nlink": st.st_nlink,
        }
        told.update(permissions.flags(st.st_mode))
        told["pw_name"], told["gr_name"] = self._names(st.st_uid, st.st_gid)
        if kind == "file" and self.args["get_checksum"]:
            told["checksum"] = filestate.digest_of(path, self.args["checksum_algorithm"])
        return told

    def _names(self, uid: int, gid: int) -> "tuple[str, str]":
        if (uid, gid) not in self.names:
            self.names[uid, gid] = (filestate.name_of_uid(uid), filestate.name_of_gid(gid))
        return self.names[uid, gid]


def _reaches(measured: float, bound: "int | None") -> bool:
    """At least the bound, or with a negative bound at most."""
    return bound is None or (measured >= bound if bound >= 0 else measured <= -bound)


def _scaled(text: "str | None", units: "dict[str, int]", what: str) -> "int | None":
    if text is None:
        return None
    number, unit = (text[:-1], text[-1].lower()) if text[-1:].isalpha() else (text, "")
    try:
        return int(number) * (units[unit] if unit else 1)
    except (ValueError, KeyError):
        raise failure.Failed("%r is no %s: a number, and one of %s after it" % (text, what, ", ".join(units)))
