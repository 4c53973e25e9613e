"""A service under whatever starts services here: running or not, started at boot or not."""

from playbook_engine.agent import failure, initscripts, initsystem, runit, s6, systemd

SPEC = {
    "name": "service",
    "kind": "state",
    "summary": "Start, stop, restart, enable or disable a service",
    "doc": "The manager is what runs (process 1), not what is installed: systemd, runit, s6, OpenRC or scripts. "
    "Under runit `enabled` means linked into the scanned directory without a `down` file; enabling starts the service, "
    "as runsvdir does. Under s6 it means that there is no `down` file.",
    "params": {
        "name": {"type": "str", "required": True, "aliases": ["service"], "doc": "The service or unit."},
        "state": {
            "type": "str",
            "choices": ["started", "stopped", "restarted", "reloaded"],
            "doc": "`restarted` and `reloaded` always act; what does not run is started.",
        },
        "enabled": {"type": "bool", "doc": "Whether it starts at boot."},
        "sleep": {"type": "int", "doc": "Seconds between stop and start of a restart, for scripts in /etc/init.d."},
        "pattern": {
            "type": "str",
            "doc": "A script in /etc/init.d without `status`: it runs when a command line contains this.",
        },
        "runlevel": {"type": "str", "default": "default", "doc": "Of OpenRC: where it is enabled."},
        "arguments": {"type": "str", "aliases": ["args"], "doc": "More words for a script in /etc/init.d."},
        "use": {
            "type": "str",
            "default": "auto",
            "choices": ["auto", "systemd", "runit", "s6", "openrc", "sysvinit", "service"],
            "doc": "The manager to talk to instead of what runs; `service` is `sysvinit`.",
        },
        "daemon_reload": {"type": "bool", "default": False, "doc": "systemd reads its unit files again first."},
        "wait": {"type": "duration", "default": 30, "doc": "How long runit or s6 may take to bring it up or down."},
    },
    "undo": "running and enabled as before; after a restart, restarted if it ran before, else stopped",
    "returns": {
        "name": "",
        "state": "started or stopped",
        "manager": "systemd, runit, s6, openrc or sysvinit",
        "exists": "",
        "running": "",
        "enabled": "",
        "pid": "main process or null",
        "since": "uptime of the machine, in seconds, when it started",
        "restarts": "how often systemd restarted it by itself; null elsewhere",
        "status": "under systemd, the unit's properties",
    },
    "examples": "service: {name: redis, state: started, enabled: true}",
}

# `exists` follows from the files of the service, which have a proof of their own.
VOLATILE = ("exists", "pid", "since", "restarts", "active_state", "sub_state")
MANAGERS = ("systemd", "runit", "s6", "openrc", "sysvinit")

TYPE_CHECKING = False  # typing costs 10 ms of a host's CPU to import; a type checker knows this name
if TYPE_CHECKING:
    Service = systemd.Systemd | runit.Runit | s6.S6 | initscripts.Script


def manager(args: "dict") -> str:
    """One of MANAGERS. Raises Unmeasured when process 1 is none of them."""
    asked = args.get("use") or "auto"
    name = {"auto": initsystem.name(), "service": "sysvinit"}.get(asked, asked)
    if name not in MANAGERS:
        raise failure.Unmeasured("unknown service manager: process 1 is %s, and there is no /run/systemd/system" % name)
    return name


def of(args: "dict", name: str) -> "Service":
    """The service, under the manager of this name."""
    if name == "systemd":
        return systemd.Systemd(args["name"], reload=args["daemon_reload"])
    if name == "runit":
        return runit.Runit(args["name"], args["wait"], args["state"] == "stopped")
    if name == "s6":
        return s6.S6(args["name"], args["wait"])
    return (initscripts.OpenRc if name == "openrc" else initscripts.Script)(args)


def observe(args: "dict") -> "dict":
    return of(args, manager(args)).observe()


def plan(args: "dict", before: "dict") -> "list[dict]":
    name, found = args["name"], []
    if args["enabled"] is not None and args["enabled"] != before["enabled"] and not before.get("fixed"):
        found.append({"subject": name, "aspect": "enabled", "before": before["enabled"], "after": args["enabled"]})
    state = "started" if before["running"] else "stopped"
    if args["state"] in ("restarted", "reloaded") or args["state"] not in (None, state):
        found.append({"subject": name, "aspect": "state", "before": state, "after": args["state"]})
    return found


def apply(args: "dict", before: "dict") -> "dict":
    one = of(args, before["manager"])
    one.ready()
    now = one.observe()
    if args["enabled"] is not None and args["enabled"] != now["enabled"] and not before.get("fixed"):
        one.enable(args["enabled"])
        now = one.observe()
    verb = {"started": "start", "stopped": "stop", "restarted": "restart", "reloaded": "reload"}.get(args["state"])
    if verb == "reload" and not now["running"]:
        verb = "start"
    if verb and (verb in ("restart", "reload") or now["running"] != (verb == "start")):
        one.act(verb)
    return result(args, one.observe())


def undo(args: "dict", before: "dict") -> "dict":
    one = of(args, before["manager"])
    now = one.observe()
    if not now["exists"]:
        return result(args, now)
    one.ready()
    if before["running"]:
        if not now["running"] or args["state"] in ("restarted", "reloaded"):
            one.enable_for_run()
            one.act("restart" if now["running"] else "start")
    elif now["running"]:
        one.act("stop")
    one.put_back(before)
    return result(args, one.observe())


def result(args: "dict", state: "dict") -> "dict":
    told = {key: value for key, value in state.items() if not key.startswith("_")}
    told.update(name=args["name"], state="started" if state["running"] else "stopped")
    return dict(told, status=state["_status"]) if "_status" in state else told
