"""Wait until a port, a file or a text in it is there, or is gone."""

import os

from playbook_engine.agent import failure, procfs, reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SPEC = {
    "name": "wait_for",
    "kind": "probe",
    "summary": "Wait for a port, a path or a text",
    "doc": "`checks` with `within` do the same for every probe. Without port and path it just waits for `timeout`.",
    "params": {
        "host": {"type": "str", "default": "127.0.0.1", "doc": "For `port`."},
        "port": {"type": "int", "doc": "A TCP port."},
        "path": {"type": "path", "doc": "A file."},
        "search_regex": {"type": "str", "doc": "A text in the file, or that the port says."},
        "state": {
            "type": "str",
            "default": "started",
            "choices": ["absent", "drained", "present", "started", "stopped"],
            "doc": "`started` and `present`: there; `stopped` and `absent`: gone; `drained`: no connection is open.",
        },
        "delay": {"type": "duration", "default": 0, "doc": "Before the first look."},
        "sleep": {"type": "duration", "default": 1, "doc": "Between two looks."},
        "timeout": {"type": "duration", "default": 300, "doc": "In all; keep it below the step's own timeout."},
        "connect_timeout": {"type": "duration", "default": 5, "doc": "For one connection."},
        "exclude_hosts": {"type": "list[str]", "doc": "With `drained`: addresses that do not count."},
        "msg": {"type": "str", "doc": "What to say when the time is up."},
    },
    "returns": {
        "elapsed": "seconds",
        "state": "",
        "port": "",
        "path": "",
        "match_groups": "of `search_regex`",
        "match_groupdict": "",
    },
    "examples": "wait_for: {port: 8080, timeout: 60s}",
}


def observe(args: "dict") -> "dict":
    import time

    if args["port"] is not None and args["path"] is not None:
        raise failure.Failed("wait_for takes port or path, not both")
    if args["path"] is not None and args["state"] in ("stopped", "drained"):
        raise failure.Failed("state: %s is for ports; for a path it is absent" % args["state"])
    began = time.monotonic()
    time.sleep(args["delay"])
    told: "dict" = {"state": args["state"], "port": args["port"], "path": args["path"]}
    told.update(match_groups=[], match_groupdict={})
    looks = _look(args)
    if looks is None:
        time.sleep(max(args["timeout"] - args["delay"], 0))
        return dict(told, elapsed=int(time.monotonic() - began))
    while not looks(args, told):
        if time.monotonic() - began + args["sleep"] > args["timeout"]:
            waited = int(time.monotonic() - began)
            msg = args["msg"] or "Timeout when waiting for %s" % _what(args)
            raise failure.Failed(msg, "timeout", dict(told, elapsed=waited, msg=msg))
        time.sleep(args["sleep"])
    return dict(told, elapsed=int(time.monotonic() - began))


def _look(args: "dict") -> "Callable[[dict, dict], bool] | None":
    if args["port"] is None and args["path"] is None:
        return None
    if args["state"] == "drained":
        return _drained
    return _port if args["port"] is not None else _path


def _what(args: "dict") -> str:
    place = args["path"] if args["path"] is not None else "%s:%s" % (args["host"], args["port"])
    gone = args["state"] in ("absent", "stopped", "drained")
    if args["search_regex"] and not gone:
        return "search string %s in %s" % (args["search_regex"], place)
    if args["path"] is not None:
        return "file %s%s" % (place, " to be absent" if gone else "")
    return "%s%s" % (place, " to %s" % {"drained": "drain"}.get(args["state"], "stop") if gone else "")


def _path(args: "dict", told: "dict") -> bool:
    there = os.path.exists(args["path"])
    if args["state"] == "absent":
        return not there
    if not there or not args["search_regex"]:
        return there
    try:
        with open(args["path"], "rb") as handle:
            return _found(args, handle.read(), told)
    except OSError:
        return False


def _port(args: "dict", told: "dict") -> bool:
    gone = args["state"] in ("absent", "stopped")
    try:
        it = reach.connect(args["host"], args["port"], args["connect_timeout"])
    except reach.Unreached:
        return gone
    with it:
        if gone:
            return False
        if not args["search_regex"]:
            return True
        heard = b""
        try:
            for part in iter(lambda: it.recv(4096), b""):
                heard += part
                if _found(args, heard, told):
                    return True
        except OSError:
            pass
    return False


def _found(args: "dict", text: bytes, told: "dict") -> bool:
    import re

    try:
        match = re.search(args["search_regex"].encode("utf-8", "surrogateescape"), text, re.MULTILINE)
    except re.error as error:
        raise failure.Failed("the regular expression cannot be used: %s" % error)
    if match is None:
        return False
    plain = [None if part is None else part.decode("utf-8", "surrogateescape") for part in match.groups()]
    named = {key: (part or b"").decode("utf-8", "surrogateescape") for key, part in match.groupdict().items()}
    told.update(match_groups=plain, match_groupdict=named)
    return True


def _drained(args: "dict", told: "dict") -> bool:
    """Whether no connection to the port is open on this host (/proc/net/tcp; 0A is listening, 06 TIME_WAIT)."""
    spared = set(args["exclude_hosts"] or ())
    for remote, state in procfs.connections(args["port"]):
        if state not in ("0A", "06") and remote not in spared:
            return False
    return True
