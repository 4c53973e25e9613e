"""How often, since when and how fast patterns come up in a log."""

import os

from playbook_engine.agent import failure, logfiles, logtime

SPEC = {
    "name": "log_scan",
    "kind": "probe",
    "summary": "Count patterns in a log: since a time, or in its last bytes",
    "doc": "Times are read from the lines themselves (ISO 8601, syslog, httpd, seconds or milliseconds of the epoch); "
    "a line without one has that of the line before. A time that cannot be true (ahead of the clock, no such day) is "
    "counted as invalid, and its line is not taken for recent. Rotated files are read as far back as `since` reaches.",
    "params": {
        "path": {"type": "path", "required": True, "doc": "The log."},
        "pattern": {"type": "str", "doc": "A regular expression."},
        "patterns": {"type": "dict", "doc": "Several: {name: regular expression}."},
        "ignore": {"type": "str", "doc": "Lines that match this do not count."},
        "since": {"type": "duration", "doc": "Only lines of the last 10m, 2h, …"},
        "after": {"type": "float", "doc": "Only lines since this second of the epoch: when a step began, say."},
        "last_bytes": {"type": "size", "doc": "Only the end of the log; of `since` too, so much is read at most."},
        "rotated": {"type": "bool", "default": True, "doc": "NAME.1, NAME.2.gz and the like, too."},
        "timestamp": {
            "type": "str",
            "doc": "Where the time is: a regular expression with groups y mo d h mi s f z or epoch.",
        },
        "max_bytes": {"type": "size", "default": 1 << 30, "doc": "What is read at most, from the end."},
    },
    "one_of": [["pattern", "patterns"]],
    "returns": {
        "exists": "",
        "matches": "lines that match any of the patterns",
        "per_minute": "those, over the minutes that were looked at; null when no time is known",
        "counts": "{name: lines}",
        "first": "{time, line} of the first match",
        "last": "{time, line} of the last",
        "found": "{name: {count, per_minute, first, last}}",
        "lines": "lines looked at",
        "bytes": "bytes read",
        "window": "seconds that were looked at, or null",
        "newest": "the time of the newest line, seconds of the epoch; and `age`, how long ago that was",
        "invalid": "lines whose time cannot be true, and `invalid_line`, the first of them",
        "untimed": "lines before any time",
        "files": "[{path, bytes, lines}]",
        "truncated": "whether something older was left out by last_bytes or max_bytes",
    },
    "examples": 'log_scan: {path: /var/log/app.log, pattern: "ERROR|FATAL", since: 10m}',
}

SHOWN = 500  # characters of a line that are told


def observe(args: "dict") -> "dict":
    import time

    scan = Scan(args, time.time())
    path = args["path"]
    if not os.path.exists(path):
        return scan.told(False)
    if os.path.isdir(path):
        raise failure.Failed("%s is a directory: which log in it?" % path)
    for file, start in scan.files(path):
        scan.read(file, start)
    return scan.told(True)


class Scan(object):
    """One pass over the files, which keeps counts and a first and last line, and nothing else."""

    def __init__(self, args: "dict", now: float) -> None:
        import re

        self.now = now
        self.rotated = args["rotated"]
        limits = [args["after"]] if args["after"] is not None else []
        limits += [now - args["since"]] if args["since"] is not None else []
        self.since = max(limits) if limits else None
        self.most = min(args["max_bytes"], args["last_bytes"]) if args["last_bytes"] else args["max_bytes"]
        self.tail_only = args["last_bytes"] is not None and self.since is None
        texts = args["patterns"] if args["patterns"] else {"pattern": args["pattern"]}
        try:
            self.patterns = {str(name): re.compile(str(text)) for name, text in texts.items()}
            self.ignore = re.compile(args["ignore"]) if args["ignore"] else None
            self.times = logtime.Reader(args["timestamp"], now)
        except re.error as error:
            raise failure.Failed("this regular expression cannot be used: %s" % error)
        self.counts = dict.fromkeys(self.patterns, 0)
        self.first: "dict" = {}
        self.last: "dict" = {}
        self.total = self.lines = self.bytes = self.invalid = self.untimed = 0
        self.invalid_line: "str | None" = None
        self.oldest: "float | None" = None
        self.newest: "float | None" = None
        self.truncated = False
        self.seen: "list[dict]" = []

    def files(self, path: str) -> "list[tuple[str, int]]":
        """The files that are looked at, the oldest first, and the byte at which each begins."""
        every = logfiles.rotated(path) if self.rotated and not self.tail_only else [path]
        found, left = [], self.most
        for each in reversed(every):
            try:
                st = os.stat(each)
            except OSError:
                continue  # rotated away meanwhile
            if each != path and self.since is not None and st.st_mtime < self.since:
                break
            if left <= 0 or (each.endswith(".gz") and st.st_size > left):
                self.truncated = True
                break
            start = max(st.st_size - left, 0) if not each.endswith(".gz") else 0
            self.truncated = self.truncated or start > 0
            left -= st.st_size - start
            found.append((each, start))
        return list(reversed(found))

    def read(self, path: str, start: int) -> None:
        when: "float | None" = None
        lines = size = 0
        cut = start > 0  # the first line may be half of one
        try:
            for line, took in logfiles.lines(path, start):
                size += took
                if cut:
                    cut = False
                    continue
                if not line:
                    continue
                at, invalid = self.times.read(line)
                if invalid:
                    self.invalid += 1
                    self.invalid_line = self.invalid_line or line[:SHOWN]
                    when = None
                elif at is not None:
                    when = at
                    self.oldest = at if self.oldest is None else min(self.oldest, at)
                    self.newest = at if self.newest is None else max(self.newest, at)
                elif when is None:
                    self.untimed += 1
                if self.since is not None and (when is None or when < self.since):
                    continue
                lines += 1
                self._match(line, when)
        except PermissionError as error:
            raise failure.Unmeasured("%s: may not be read (become: true)" % error.filename)
        except OSError as error:
            raise failure.of_os_error(error, path)
        except ValueError as error:
            raise failure.Unmeasured(str(error))
        self.lines += lines
        self.bytes += size
        self.seen.append({"path": path, "bytes": size, "lines": lines})

    def _match(self, line: str, when: "float | None") -> None:
        if self.ignore is not None and self.ignore.search(line):
            return
        names = [name for name, pattern in self.patterns.items() if pattern.search(line)]
        for name in names:
            self.counts[name] += 1
        if not names:
            return
        self.total += 1
        one = {"time": when, "line": line[:SHOWN]}
        for name in names + [""]:
            self.first.setdefault(name, one)
            self.last[name] = one

    def _window(self) -> "float | None":
        """Seconds: from `since`, or from the oldest line, until now, or until the newest line."""
        if self.since is not None:
            return max(self.now - self.since, 0.0)
        if self.oldest is None or self.newest is None:
            return None
        return self.newest - self.oldest

    def told(self, exists: bool) -> "dict":
        window = self._window() if exists else None

        def rate(count: int) -> "float | None":
            return round(count * 60.0 / max(window, 1.0), 3) if window is not None else None

        found = {
            name: {
                "count": count,
                "per_minute": rate(count),
                "first": self.first.get(name),
                "last": self.last.get(name),
            }
            for name, count in self.counts.items()
        }
        return {
            "exists": exists,
            "matches": self.total,
            "per_minute": rate(self.total),
            "counts": self.counts,
            "first": self.first.get(""),
            "last": self.last.get(""),
            "found": found,
            "lines": self.lines,
            "bytes": self.bytes,
            "window": window,
            "newest": self.newest,
            "age": self.now - self.newest if self.newest is not None else None,
            "invalid": self.invalid,
            "invalid_line": self.invalid_line,
            "untimed": self.untimed,
            "files": self.seen,
            "truncated": self.truncated,
        }
