"""A service under systemd or runit: running or not, started at boot or not."""

import os

from playbook_engine.agent import failure, initsystem, process, procfs

TYPE_CHECKING = False  # typing costs 10 ms of a host's CPU to import; a type checker knows this name
if TYPE_CHECKING:
    from collections.abc import Callable

SPEC = {
    "name": "service",
    "kind": "state",
    "summary": "Start, stop, restart, enable or disable a service",
    "doc": "The manager is what runs (process 1), not what is installed. Under runit `enabled` means linked into the "
    "scanned directory without a `down` file; enabling starts the service, as runsvdir does.",
    "params": {
        "name": {"type": "str", "required": True, "aliases": ["service"], "doc": "The service or unit."},
        "state": {
            "type": "str",
            "choices": ["started", "stopped", "restarted", "reloaded"],
            "doc": "`restarted` and `reloaded` always act.",
        },
        "enabled": {"type": "bool", "doc": "Whether it starts at boot."},
        "daemon_reload": {"type": "bool", "default": False, "doc": "systemd reads its unit files again first."},
        "wait": {"type": "duration", "default": 30, "doc": "How long runit may take to bring it up or down."},
    },
    "undo": "running and enabled as before; after a restart, restarted if it ran before, else stopped",
    "returns": {
        "manager": "systemd or runit",
        "exists": "",
        "running": "",
        "enabled": "",
        "pid": "main process or null",
        "since": "uptime of the machine, in seconds, when it started",
        "restarts": "how often systemd restarted it by itself; null under runit",
    },
    "examples": "service: {name: redis, state: started, enabled: true}",
}

# `exists` follows from the files of the service, which have a proof of their own.
VOLATILE = ("exists", "pid", "since", "restarts", "active_state", "sub_state")
ABLE = ("enabled", "enabled-runtime", "alias")
FIXED = ("static", "indirect", "generated", "transient")  # systemctl(1): can be neither enabled nor disabled


def manager() -> str:
    """systemd or runit. Raises Unmeasured when it is neither."""
    name = initsystem.name()
    if name not in ("systemd", "runit"):
        raise failure.Unmeasured("unknown service manager: process 1 is %s, and there is no /run/systemd/system" % name)
    return name


def observe(args: "dict") -> "dict":
    return Systemd(args).observe() if manager() == "systemd" else Runit(args).observe()


def plan(args: "dict", before: "dict") -> "list[dict]":
    name, found = args["name"], []
    if args["enabled"] is not None and args["enabled"] != before["enabled"] and not before.get("fixed"):
        found.append({"subject": name, "aspect": "enabled", "before": before["enabled"], "after": args["enabled"]})
    state = "started" if before["running"] else "stopped"
    if args["state"] in ("restarted", "reloaded") or args["state"] not in (None, state):
        found.append({"subject": name, "aspect": "state", "before": state, "after": args["state"]})
    return found


def apply(args: "dict", before: "dict") -> "dict":
    one: "Systemd | Runit" = Systemd(args) if before["manager"] == "systemd" else Runit(args)
    one.ready()
    if args["enabled"] is not None and not before.get("fixed"):
        one.enable(args["enabled"])
    now = one.observe()
    verb = {"started": "start", "stopped": "stop", "restarted": "restart", "reloaded": "reload"}.get(args["state"])
    if verb == "reload" and not now["running"]:
        verb = "start"
    if verb and (verb in ("restart", "reload") or now["running"] != (verb == "start")):
        one.act(verb)
    return result(args, one.observe())


def undo(args: "dict", before: "dict") -> "dict":
    one: "Systemd | Runit" = Systemd(args) if before["manager"] == "systemd" else Runit(args)
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
    return dict(state, name=args["name"], state="started" if state["running"] else "stopped")


def _runs(active: "str | None", sub: "str | None") -> bool:
    """A unit between two crashes is `activating (auto-restart)`: that is not running."""
    return active in ("active", "reloading") or (active == "activating" and sub != "auto-restart")


class Systemd(object):
    """One unit, through systemctl(1)."""

    def __init__(self, args: "dict") -> None:
        self.name = args["name"] if "." in args["name"] else args["name"] + ".service"
        self.reload = args["daemon_reload"]

    def _call(self, *words: str) -> "dict":
        ran = process.run(["systemctl"] + list(words), env={"SYSTEMD_COLORS": "0", "LC_ALL": "C"})
        if ran["rc"] != 0 and "Failed to connect to bus" in ran["stderr"]:
            raise failure.Unmeasured("systemd does not answer: %s" % ran["stderr"].strip())
        return ran

    def _show(self) -> "dict":
        keys = "LoadState,ActiveState,SubState,UnitFileState,MainPID,NRestarts,NeedDaemonReload"
        ran = self._call("show", self.name, "--no-pager", "-p", keys)
        if ran["rc"] != 0:
            raise failure.Unmeasured("systemctl show %s: %s" % (self.name, ran["stderr"].strip()))
        return dict(line.split("=", 1) for line in ran["stdout"].splitlines() if "=" in line)

    def observe(self) -> "dict":
        shown = self._show()
        pid = int(shown.get("MainPID") or 0) or None
        lived = procfs.stat(pid) if pid else None
        return {
            "manager": "systemd",
            "exists": shown.get("LoadState") != "not-found",
            "running": _runs(shown.get("ActiveState"), shown.get("SubState")),
            "enabled": shown.get("UnitFileState") in ABLE,
            "fixed": shown.get("UnitFileState") in FIXED,
            "masked": shown.get("LoadState") == "masked",
            "active_state": shown.get("ActiveState"),
            "sub_state": shown.get("SubState"),
            "pid": pid,
            "since": lived["started"] if lived else None,
            "restarts": int(shown["NRestarts"]) if shown.get("NRestarts", "").isdigit() else None,
        }

    def ready(self) -> None:
        """Has systemd read unit files that changed under it."""
        if self.reload or self._show().get("NeedDaemonReload") == "yes":
            self._must("daemon-reload")
        shown = self._show()
        if shown.get("LoadState") == "not-found":
            raise failure.Failed("there is no unit %s" % self.name, "not-found")
        if shown.get("LoadState") == "masked":
            raise failure.Failed("%s is masked: `systemctl unmask %s` allows it again" % (self.name, self.name))

    def _must(self, *words: str) -> None:
        ran = self._call(*words)
        if ran["rc"] != 0:
            said = ran["stderr"].strip() or "status %s" % ran["rc"]
            raise failure.Failed("systemctl %s: %s" % (" ".join(words), said), result=ran)

    def enable(self, on: bool) -> None:
        self._must("enable" if on else "disable", self.name)

    def enable_for_run(self) -> None:
        """systemd starts what is not enabled, too."""

    def act(self, verb: str) -> None:
        if verb == "reload":
            verb = "reload-or-restart"
        elif verb in ("start", "restart"):
            self._call("reset-failed", self.name)
        self._must(verb, self.name)

    def put_back(self, before: "dict") -> None:
        if not before.get("fixed") and self.observe()["enabled"] != before["enabled"]:
            self.enable(before["enabled"])


class Runit(object):
    """One service directory, through sv(8) and the link that runsvdir(8) looks for."""

    def __init__(self, args: "dict") -> None:
        self.name = args["name"]
        self.wait = args["wait"]
        self.stay_down = args["state"] == "stopped"
        words = [word for word in initsystem.runsvdir()[1:] if not word.startswith("-")]
        self.scanned = words[0] if words else "/etc/service"
        self.link = os.path.join(self.scanned, self.name)
        self.home = os.path.join("/etc/sv", self.name)
        if not os.path.isdir(self.home) and os.path.isdir(self.link):
            self.home = os.path.realpath(self.link)

    def observe(self) -> "dict":
        linked = os.path.exists(self.link)
        down = os.path.lexists(os.path.join(self.home, "down"))
        pid, running = self._status()
        lived = procfs.stat(pid) if pid else None
        return {
            "manager": "runit",
            "exists": os.path.exists(os.path.join(self.home, "run")),
            "running": running,
            "enabled": linked and not down,
            "linked": linked,
            "down_file": down,
            "pid": pid,
            "since": lived["started"] if lived else None,
            "restarts": None,
        }

    def _status(self) -> "tuple[int | None, bool]":
        """(pid, running) from supervise/status: 20 bytes, of which 12..15 are the pid and 19 is the state (sv.c)."""
        if not self._supervised():
            return None, False
        with open(os.path.join(self.home, "supervise", "status"), "rb") as handle:
            data = handle.read(20)
        pid = int.from_bytes(data[12:16], "little") if len(data) == 20 else 0
        return pid or None, len(data) == 20 and data[19] == 1

    def _supervised(self) -> bool:
        """Whether a runsv looks after it: it holds the reading end of supervise/ok."""
        try:
            os.close(os.open(os.path.join(self.home, "supervise", "ok"), os.O_WRONLY | os.O_NONBLOCK))
            return True
        except PermissionError as error:
            raise failure.Unmeasured("%s: only root may look (become: true)" % error.filename)
        except OSError:
            return False

    def ready(self) -> None:
        if not os.path.exists(os.path.join(self.home, "run")):
            raise failure.Failed("there is no service %s: %s/run is missing" % (self.name, self.home), "not-found")

    def enable(self, on: bool) -> None:
        down = os.path.join(self.home, "down")
        if not on:
            with open(down, "ab"):
                return
        if self.stay_down and not os.path.lexists(self.link):
            with open(down, "ab"):
                pass
            self._supervise()  # runsv looks for `down` when it starts, and leaves the service stopped
        if os.path.lexists(down):
            os.unlink(down)
        self._supervise()

    def enable_for_run(self) -> None:
        self._supervise()

    def _supervise(self) -> None:
        """Links the service in, and waits until runsvdir, which looks every five seconds, has started its runsv."""
        if not os.path.lexists(self.link):
            os.symlink(self.home, self.link)
        if not self._until(self._supervised, 10.0):
            raise failure.Failed("runsvdir has not picked up %s within 10 s" % self.link, "timeout")

    def _until(self, holds: "Callable[[], bool]", seconds: float) -> bool:
        import time

        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def act(self, verb: str) -> None:
        if verb in ("start", "restart") and not self._supervised():
            if not os.path.lexists(self.link) and not os.path.lexists(os.path.join(self.home, "down")):
                self.enable(False)  # started now is not enabled for ever
            self._supervise()
        word = "hup" if verb == "reload" else verb
        old = self._status()[0]
        ran = process.run(["sv", "-w", "%d" % max(self.wait, 1), word, self.home])
        if ran["rc"] != 0:
            said = (ran["stdout"] or ran["stderr"]).strip()
            raise failure.Failed("sv %s %s: %s" % (word, self.name, said), result=ran)
        if verb == "restart" and not self._until(lambda: self._anew(old), max(self.wait, 5)):
            raise failure.Failed("%s has not come up again %d s after its restart" % (self.name, max(self.wait, 5)))

    def _anew(self, old: "int | None") -> bool:
        """Running under another process number. sv(8) also says ok when a young service has not died yet, and runsv
        then leaves it down for a second."""
        pid, running = self._status()
        return running and pid != old

    def put_back(self, before: "dict") -> None:
        down = os.path.join(self.home, "down")
        if before["down_file"]:
            with open(down, "ab"):
                pass
        elif os.path.lexists(down):
            os.unlink(down)
        if before["linked"] and not os.path.lexists(self.link):
            self._supervise()
        elif not before["linked"] and os.path.lexists(self.link):
            os.unlink(self.link)  # runsvdir ends the runsv of a link that has gone
            self._until(lambda: not self._supervised(), 10.0)
