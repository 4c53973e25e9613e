"""A unit of systemd: running, enabled, masked; and systemd itself, told to read its files again."""

from playbook_engine.agent import failure, initsystem, systemd

SPEC = {
    "name": "systemd",
    "kind": "state",
    "summary": "Control a unit of systemd, or systemd itself",
    "doc": "Where the host may have another service manager, use `service`. `daemon_reload` alone acts when unit files "
    "have changed since systemd read them, and changes nothing otherwise.",
    "params": {
        "name": {"type": "str", "aliases": ["service", "unit"], "doc": "The unit; without a suffix a `.service`."},
        "state": {
            "type": "str",
            "choices": ["started", "stopped", "restarted", "reloaded"],
            "doc": "`restarted` and `reloaded` always act; what does not run is started.",
        },
        "enabled": {"type": "bool", "doc": "Whether it starts at boot."},
        "masked": {"type": "bool", "doc": "Whether nothing can start it."},
        "force": {"type": "bool", "default": False, "doc": "Enabling replaces symlinks that are in the way."},
        "daemon_reload": {
            "type": "bool",
            "default": False,
            "aliases": ["daemon-reload"],
            "doc": "systemd reads unit files that have changed.",
        },
        "daemon_reexec": {
            "type": "bool",
            "default": False,
            "aliases": ["daemon-reexec"],
            "doc": "systemd starts itself anew; always acts.",
        },
        "scope": {
            "type": "str",
            "default": "system",
            "choices": ["system", "user", "global"],
            "doc": "Whose units: the system's, those of the user that asks, or (enabling only) all users'.",
        },
        "no_block": {"type": "bool", "default": False, "doc": "Ask for it and do not wait until it is done."},
    },
    "undo": "running, enabled and masked as before; after a restart, restarted if it ran before. What systemd has read "
    "stays read",
    "returns": {
        "name": "",
        "state": "started or stopped",
        "enabled": "",
        "status": "the unit's properties, as `systemctl show` says them",
        "exists": "",
        "running": "",
        "masked": "",
        "pid": "main process or null",
    },
    "examples": "systemd: {name: redis, state: started, enabled: true, daemon_reload: true}",
}

VOLATILE = ("exists", "pid", "since", "restarts", "active_state", "sub_state")
NOTHING = {"manager": "systemd", "exists": True, "running": False, "enabled": False, "masked": False, "pid": None}
VERBS = {"started": "start", "stopped": "stop", "restarted": "restart", "reloaded": "reload"}


def of(args: "dict") -> "systemd.Systemd":
    return systemd.Systemd(
        args["name"] or "", args["scope"], reload=args["daemon_reload"], no_block=args["no_block"], force=args["force"]
    )


def observe(args: "dict") -> "dict":
    _sensible(args)
    if initsystem.name() != "systemd":
        raise failure.Failed(
            "systemd does not run here, process 1 is another (%s): use the action service" % initsystem.name(),
            "unsupported",
        )
    one = of(args)
    state = one.observe() if one.name else dict(NOTHING)
    state["_stale"] = bool(args["daemon_reload"]) and one.stale()
    return state


def _sensible(args: "dict") -> None:
    asked = [key for key in ("state", "enabled", "masked") if args[key] is not None]
    if asked and not args["name"]:
        raise failure.Failed("%s needs name: which unit?" % asked[0])
    if not args["name"] and not args["daemon_reload"] and not args["daemon_reexec"]:
        raise failure.Failed("nothing is asked for: name and state, enabled or masked; daemon_reload or daemon_reexec")
    if args["name"] and set("*?[") & set(args["name"]):
        raise failure.Failed("%s is a pattern: name one unit (loop over several)" % args["name"])
    if args["scope"] == "global" and args["state"] is not None:
        raise failure.Failed("scope: global can only enable and mask: units run for one user (scope: user)")


def plan(args: "dict", before: "dict") -> "list[dict]":
    found: "list[dict]" = []
    name = args["name"]
    if args["daemon_reexec"]:
        found.append({"subject": "systemd", "aspect": "program", "before": "running", "after": "started anew"})
    if args["daemon_reload"] and before["_stale"]:
        found.append({"subject": "systemd", "aspect": "unit files", "before": "older", "after": "as they are now"})
    if args["masked"] is not None and args["masked"] != before["masked"]:
        found.append({"subject": name, "aspect": "masked", "before": before["masked"], "after": args["masked"]})
    now = systemd.enabled(before)
    if args["enabled"] is not None and args["enabled"] != now and not before.get("fixed"):
        found.append({"subject": name, "aspect": "enabled", "before": now, "after": args["enabled"]})
    state = "started" if before["running"] else "stopped"
    if args["state"] in ("restarted", "reloaded") or args["state"] not in (None, state):
        found.append({"subject": name, "aspect": "state", "before": state, "after": args["state"]})
    return found


def apply(args: "dict", before: "dict") -> "dict":
    one = of(args)
    if args["daemon_reexec"]:
        one.must("daemon-reexec")
    if args["daemon_reload"]:
        one.must("daemon-reload")
    if not one.name:
        return {"name": None, "state": None, "status": {}}
    if args["masked"] is not None and args["masked"] != before["masked"]:
        one.mask(args["masked"])
    if args["enabled"] is not None or args["state"] is not None:
        if not (args["state"] in (None, "stopped") and not args["enabled"] and one.observe()["masked"]):
            one.ready()
        _turn(one, args, before)
    return result(args, one.observe())


def _turn(one: "systemd.Systemd", args: "dict", before: "dict") -> None:
    now = one.observe()
    if args["enabled"] is not None and args["enabled"] != systemd.enabled(now) and not now["fixed"]:
        one.enable(args["enabled"])
    verb = VERBS.get(args["state"])
    if verb == "reload" and not now["running"]:
        verb = "start"
    if verb and (verb in ("restart", "reload") or now["running"] != (verb == "start")):
        one.act(verb)


def undo(args: "dict", before: "dict") -> "dict":
    one = of(args)
    if not one.name:
        return {"name": None}
    now = one.observe()
    if not now["exists"]:
        return result(args, now)
    if now["masked"]:
        one.mask(False)  # what is masked can be neither started nor enabled
    if args["daemon_reload"] or one.show("NeedDaemonReload").get("NeedDaemonReload") == "yes":
        one.must("daemon-reload")
    now = one.observe()
    if before["running"]:
        if not now["running"] or args["state"] in ("restarted", "reloaded"):
            one.act("restart" if now["running"] else "start")
    elif now["running"] and args["scope"] != "global":
        one.act("stop")
    one.put_back(before)
    if before["masked"]:
        one.mask(True)
    return result(args, one.observe())


def result(args: "dict", state: "dict") -> "dict":
    if not args["name"]:
        return {"name": None, "state": None, "status": {}}
    told = {key: value for key, value in state.items() if not key.startswith("_")}
    status = state.get("_status") or {}
    return dict(told, name=args["name"], state="started" if state["running"] else "stopped", status=status)
