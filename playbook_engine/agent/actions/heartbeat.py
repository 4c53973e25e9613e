"""Does an engine run, and is there proof: its process, its port, its service, and a heartbeat that is young enough."""

import os

from playbook_engine.agent import failure, initsystem, market, plausible, processes, procfs
from playbook_engine.agent.actions import service

SPEC = {
    "name": "heartbeat",
    "kind": "probe",
    "summary": "Whether a program that works in the background is alive: verified, not verified, or stopped",
    "doc": "Silence is judged by the market's hours: a traditional engine may be silent when its exchange is closed, "
    "a crypto one never. What cannot be told is `unknown`, with the reason, and never taken for well.",
    "params": dict(
        processes.PARAMS,
        path={"type": "path", "doc": "The heartbeat: a file that is touched, or that holds a time."},
        timestamp_path={
            "type": "str",
            "doc": "Where in the file's JSON the time is; else its modification time counts.",
        },
        max_age={"type": "duration", "default": 60, "doc": "How old a heartbeat may be."},
        tick_path={"type": "str", "doc": "Where in the file's JSON the time of the last market event is."},
        max_tick_age={"type": "duration", "default": 60, "doc": "How old that may be while the market is open."},
        market={
            "type": "raw",
            "default": "always",
            "keys": ["open", "close", "tz", "days", "holidays", "calendar", "name"],
            "doc": '`always`, {open, close: "16:00", tz: America/New_York, days, holidays}, or {calendar, name}.',
        },
        service={"type": "str", "doc": "A service that must run, under systemd or runit."},
        started_within={"type": "duration", "doc": "A process younger than this is told as `fresh`: a crash loop?"},
    ),
    "returns": {
        "state": "running-verified, running-unverified, stopped-expected, stopped-unexpected or unknown",
        "reason": "in words",
        "ok": "running-verified or stopped-expected, or silent while the market is closed",
        "expected": "whether it should be working now",
        "market": "why",
        "age_seconds": "of the heartbeat; null without one",
        "tick_age_seconds": "of the last market event; null when not asked for",
        "pids": "",
        "uptime_seconds": "of the youngest process",
        "fresh": "",
        "ports": "",
    },
    "examples": "heartbeat: {match: engine-crypto, path: /run/engine/crypto.beat, max_age: 30s}",
}


NONE: "dict" = dict.fromkeys(service.SPEC["params"])


def observe(args: "dict") -> "dict":
    import time

    told: "dict" = {"state": "unknown", "reason": "", "ok": False, "expected": None, "market": "", "age_seconds": None}
    told.update(tick_age_seconds=None, pids=[], uptime_seconds=None, fresh=False, ports=[], service=None)
    wanted = processes.asked(dict(args, port=None))
    if not (wanted or args["path"] or args["port"] is not None or args["service"]):
        raise failure.Failed("heartbeat needs something to look at: path, match, name, pidfile, port or service")
    try:
        now = time.time()
        told["expected"], told["market"] = market.is_open(args["market"], now)
        alive = _processes(args, wanted, told)
        told["service"] = _service(args)
        beat = _beat(args, now, told)
    except (market.Unknown, failure.Unmeasured) as error:
        return dict(told, reason=str(error))
    if told["service"] is False:
        alive = False
    elif told["service"] and alive is None:
        alive = True
    told["state"], told["reason"] = judge(alive, beat, told, args)
    tick = told["tick_age_seconds"]
    if told["state"] == "running-verified" and told["expected"] and tick is not None and tick > args["max_tick_age"]:
        told["state"] = "running-unverified"
        told["reason"] = "it beats, and heard the market %g s ago, %g s are allowed" % (tick, args["max_tick_age"])
    silent = told["state"] == "running-unverified" and beat == "stale" and not told["expected"]
    told["ok"] = told["state"] in ("running-verified", "stopped-expected") or silent
    return told


def _processes(args: "dict", wanted: bool, told: "dict") -> "bool | None":
    """Whether the process is there, and on its port; None when nobody asked."""
    if not wanted and args["port"] is None:
        return None
    pids = processes.find(args)
    told["pids"] = pids
    lives = [age for age in (procfs.age(pid) for pid in pids) if age is not None]
    told["uptime_seconds"] = round(min(lives), 2) if lives else None
    told["fresh"] = bool(lives) and args["started_within"] is not None and min(lives) < args["started_within"]
    told["ports"] = [args["port"]] if args["port"] is not None and pids else []
    return bool(pids)


def _service(args: "dict") -> "bool | None":
    if not args["service"]:
        return None
    if initsystem.name() not in ("systemd", "runit"):
        raise failure.Unmeasured("process 1 is %s: services cannot be asked" % initsystem.name())
    state = service.observe(dict(NONE, name=args["service"], wait=1))
    return bool(state["running"])


def _beat(args: "dict", now: float, told: "dict") -> "str | None":
    """fresh, stale, missing or invalid; None when no heartbeat was asked for."""
    if not args["path"]:
        return None
    try:
        when = _when(args, args["timestamp_path"])
        if args["tick_path"]:
            told["tick_age_seconds"] = round(now - _when(args, args["tick_path"]), 3)
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError, KeyError) as error:
        raise failure.Unmeasured("the heartbeat %s cannot be read: %s" % (args["path"], error))
    told["age_seconds"] = round(now - when, 3)
    if when - now > max(5.0, args["max_age"]):
        return "invalid"
    return "fresh" if now - when <= args["max_age"] else "stale"


def _when(args: "dict", place: "str | None") -> float:
    """A time that the heartbeat tells, in seconds since 1970; its own modification time without a place."""
    if not place:
        return os.stat(args["path"]).st_mtime
    import json

    with open(args["path"]) as handle:
        value = plausible.at(json.load(handle), place)
    if isinstance(value, str):
        return _parsed(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("%r is no time" % (value,))
    for scale in (1e9, 1e6, 1e3):
        if value / scale > 1e8:  # later than 1973 in that unit
            return float(value) / scale
    return float(value)


def _parsed(text: str) -> float:
    """ISO 8601 in UTC or with an offset; fromisoformat came with Python 3.7."""
    import calendar
    import re
    import time

    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?", text.strip())
    if match is None:
        raise ValueError("%r is no ISO 8601 time" % text)
    seconds = calendar.timegm(time.strptime(match.group(1) + match.group(2), "%Y-%m-%d%H:%M:%S"))
    offset = (match.group(4) or "Z").replace(":", "")
    if offset != "Z":
        seconds -= (1 if offset[0] == "+" else -1) * (int(offset[1:3]) * 3600 + int(offset[3:5]) * 60)
    return seconds + float(match.group(3) or 0)


def judge(alive: "bool | None", beat: "str | None", told: "dict", args: "dict") -> "tuple[str, str]":
    """(state, reason) from what was seen: the process (None: not asked), the heartbeat, the hours."""
    age = "the heartbeat is %s s old, %g s are allowed" % (told["age_seconds"], args["max_age"])
    closed = "" if told["expected"] else "; the market is closed: %s" % told["market"]
    if alive is False:
        why = "the service is down" if told["service"] is False else "there is no such process"
        if beat == "fresh":
            return "unknown", "%s, but its heartbeat is fresh: who writes it?" % why
        return ("stopped-unexpected" if told["expected"] else "stopped-expected"), why + closed
    if beat == "invalid":
        return "unknown", "the heartbeat lies in the future: %s s; is a clock wrong?" % told["age_seconds"]
    if beat == "fresh":
        return "running-verified", age
    if alive:
        if beat is None:
            return "running-unverified", "the process is there; nothing shows that it works"
        why = age if beat == "stale" else "there is no heartbeat at %s" % args["path"]
        return "running-unverified", why + closed
    if beat == "missing":
        return "unknown", "there is no heartbeat at %s, and no process was named" % args["path"]
    return ("stopped-unexpected" if told["expected"] else "stopped-expected"), age + closed
