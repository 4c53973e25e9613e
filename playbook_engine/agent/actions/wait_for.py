"""Wait until a port, a file or a text in it is there, or is gone."""

import os

from playbook_engine.agent import failure, filestate, procfs, reach

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
        "active_connection_states": {
            "type": "list[str]",
            "default": ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"],
            "doc": "With `drained`: in which states a connection counts as open.",
        },
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


STATES = {
    "ESTABLISHED": "01", "SYN_SENT": "02", "SYN_RECV": "03", "FIN_WAIT1": "04", "FIN_WAIT2": "05", "TIME_WAIT": "06",
}  # fmt: skip
"""As /proc/net/tcp numbers them (net/tcp_states.h)."""


def observe(args: "dict") -> "dict":
    import time

    _sensible(args)
    began = time.monotonic()
    time.sleep(args["delay"])
    told: "dict" = {"state": args["state"], "port": args["port"], "path": args["path"]}
    told.update(match_groups=[], match_groupdict={})
    told["search_regex"] = args["search_regex"]
    looks = _look(args)
    if looks is None:
        time.sleep(args["timeout"])
        return dict(told, elapsed=int(time.monotonic() - began))
    while not looks(args, told):
        if time.monotonic() - began + args["sleep"] > args["timeout"]:
            waited = int(time.monotonic() - began)
            msg = args["msg"] or "Timeout when waiting for %s" % _what(args)
            raise failure.Failed(msg, "timeout", dict(told, elapsed=waited, msg=msg))
        time.sleep(args["sleep"])
    if args["path"] is not None and args["state"] != "absent":
        told.update(filestate.told(filestate.observe(args["path"], digest=False)))
    return dict(told, elapsed=int(time.monotonic() - began))


def _sensible(args: "dict") -> None:
    if args["port"] is not None and args["path"] is not None:
        raise failure.Failed("wait_for takes port or path, not both")
    if args["path"] is not None and args["state"] in ("stopped", "drained"):
        raise failure.Failed("state: %s is for ports; for a path it is absent" % args["state"])
    if args["exclude_hosts"] is not None and args["state"] != "drained":
        raise failure.Failed("exclude_hosts goes with state: drained only")
    odd = [each for each in args["active_connection_states"] if each not in STATES]
    if odd:
        raise failure.Failed("%s is no state of a connection; known: %s" % (odd[0], ", ".join(sorted(STATES))))
    if args["search_regex"] is not None:
        import re

        try:
            re.compile(args["search_regex"].encode("utf-8", "surrogateescape"))
        except re.error as error:
            raise failure.Failed("Invalid regular expression: %s" % error)


def _look(args: "dict") -> "Callable[[dict, dict], bool] | None":
    if args["port"] is None and args["path"] is None:
        return None
    if args["state"] == "drained":
        return _drained
    return _port if args["port"] is not None else _path


def _what(args: "dict") -> str:
    place = args["path"] if args["path"] is not None else "%s:%s" % (args["host"], args["port"])
    gone = {"absent": " to stop.", "stopped": " to stop.", "drained": " to drain"}.get(args["state"], "")
    if args["search_regex"] and not gone:
        return "search string %s in %s" % (args["search_regex"], place)
    if args["path"] is not None:
        return "%s to be absent." % place if gone else "file %s" % place
    return place + gone


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

    match = re.search(args["search_regex"].encode("utf-8", "surrogateescape"), text, re.MULTILINE)
    if match is None:
        return False
    plain = [None if part is None else part.decode("utf-8", "surrogateescape") for part in match.groups()]
    named = {key: (part or b"").decode("utf-8", "surrogateescape") for key, part in match.groupdict().items()}
    told.update(match_groups=plain, match_groupdict=named)
    return True


def _drained(args: "dict", told: "dict") -> bool:
    """Whether no connection to the port is open on this host."""
    spared = set(args["exclude_hosts"] or ())
    counted = {STATES[each] for each in args["active_connection_states"]}
    return not any(state in counted and remote not in spared for remote, state in procfs.connections(args["port"]))
