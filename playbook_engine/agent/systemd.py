"""One unit of systemd, or systemd itself, through systemctl(1)."""

import os

from playbook_engine.agent import failure, process, procfs

ABLE = ("enabled", "enabled-runtime", "alias")
FIXED = ("static", "indirect", "generated", "transient")  # systemctl(1): can be neither enabled nor disabled
UNITS = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd")
TYPES = (".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice",
         ".scope")  # fmt: skip


def runs(active: "str | None", sub: "str | None") -> bool:
    """A unit between two crashes is `activating (auto-restart)`: that is not running."""
    return active in ("active", "reloading") or (active == "activating" and sub != "auto-restart")


def enabled(state: "dict") -> bool:
    """Whether the unit is enabled, or would be without its mask."""
    return bool(state["enabled"] or state.get("links"))


def full_name(name: str) -> str:
    """`redis` is `redis.service`; a name with the suffix of a unit stays."""
    return name if name.endswith(TYPES) else name + ".service"


class Systemd(object):
    """A unit, of the system (`scope` system), of the user that asks (user), or of all users (global).

    `reload`: its unit files are read again before anything is done. `no_block`: what is asked for is not waited for.
    """

    def __init__(
        self, name: str, scope: str = "system", reload: bool = False, no_block: bool = False, force: bool = False
    ) -> None:
        self.name = full_name(name) if name else ""
        self.scope = scope
        self.reload = reload
        self.block = ["--no-block"] * no_block
        self.force = ["--force"] * force

    def call(self, *words: str) -> "dict":
        env = {"SYSTEMD_COLORS": "0", "LC_ALL": "C"}
        if self.scope == "user" and not os.environ.get("XDG_RUNTIME_DIR"):
            env["XDG_RUNTIME_DIR"] = "/run/user/%d" % os.geteuid()
        which = [] if self.scope == "system" else ["--" + self.scope]
        ran = process.run(["systemctl"] + which + list(words), env=env)
        if ran["rc"] != 0 and "Failed to connect to " in ran["stderr"]:
            raise failure.Unmeasured("systemd does not answer: %s" % ran["stderr"].strip())
        return ran

    def must(self, *words: str) -> "dict":
        ran = self.call(*words)
        if ran["rc"] != 0:
            said = ran["stderr"].strip() or "status %s" % ran["rc"]
            kind = "permission" if "Access denied" in said or "authentication required" in said else "failed"
            raise failure.Failed("systemctl %s: %s" % (" ".join(words), said), kind, result=ran)
        return ran

    def show(self, keys: "str | None" = None) -> "dict":
        """The unit's properties: those named, or all."""
        if self.scope == "global":
            ran = self.call("is-enabled", self.name)
            return {"LoadState": "loaded", "UnitFileState": ran["stdout"].strip() or "disabled"}
        ran = self.call("show", self.name, "--no-pager", *(["-p", keys] if keys else []))
        if ran["rc"] != 0:
            raise failure.Unmeasured("systemctl show %s: %s" % (self.name, ran["stderr"].strip()))
        return pairs(ran["stdout"])

    def observe(self) -> "dict":
        shown = self.show()
        pid = int(shown.get("MainPID") or 0) or None
        lived = procfs.stat(pid) if pid else None
        state = shown.get("UnitFileState")
        masked = shown.get("LoadState") == "masked" or (state or "").startswith("masked")
        return {
            "manager": "systemd",
            "_status": shown,
            "links": self._links() if masked else None,
            "exists": shown.get("LoadState") != "not-found",
            "running": runs(shown.get("ActiveState"), shown.get("SubState")),
            "enabled": state in ABLE,
            "fixed": state in FIXED,
            "masked": masked,
            "active_state": shown.get("ActiveState"),
            "sub_state": shown.get("SubState"),
            "pid": pid,
            "since": lived["started"] if lived else None,
            "restarts": int(shown["NRestarts"]) if shown.get("NRestarts", "").isdigit() else None,
        }

    def _links(self) -> "list[str]":
        """What enables it, below its mask: of a masked unit systemd does not say whether it is enabled."""
        found = []
        for base in UNITS[:2]:
            top = os.path.join(base, "user" if self.scope != "system" else "system")
            for folder in os.listdir(top) if os.path.isdir(top) else ():
                link = os.path.join(top, folder, self.name)
                if folder.endswith((".wants", ".requires")) and os.path.lexists(link):
                    found.append(link)
        return sorted(found)

    def stale(self) -> bool:
        """Whether unit files have changed since systemd read them: what it says of the unit, and their times.

        It does not look at files of units that it has not loaded, so the times of the directories count too.
        """
        if self.name and self.show("NeedDaemonReload").get("NeedDaemonReload") == "yes":
            return True
        at = self._loaded()
        return any(when > at for when in _times("user" if self.scope != "system" else "system"))

    def _loaded(self) -> float:
        """When systemd last read its unit files: it touches a file then, and newer ones tell."""
        import time

        base = "/run" if self.scope == "system" else os.environ.get("XDG_RUNTIME_DIR", "/run/user/%d" % os.geteuid())
        try:
            found = [os.stat(os.path.join(base, "systemd/systemd-units-load")).st_mtime]
        except OSError:
            found = []
        keys = "UnitsLoadFinishTimestampMonotonic,UnitsLoadTimestampMonotonic"
        ahead = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
        for value in pairs(self.call("show", "--no-pager", "-p", keys)["stdout"]).values():
            if value.isdigit():
                found.append(ahead + int(value) / 1e6)
        return max(found) if found else 0.0

    def ready(self) -> None:
        """Has systemd read unit files that changed under it. Raises Failed where the unit cannot be acted on."""
        if self.reload or self.show("NeedDaemonReload").get("NeedDaemonReload") == "yes":
            self.must("daemon-reload")
        shown = self.show("LoadState")
        if shown.get("LoadState") == "not-found":
            raise failure.Failed("there is no unit %s" % self.name, "not-found")
        if shown.get("LoadState") == "masked":
            raise failure.Failed("%s is masked: `systemctl unmask %s` allows it again" % (self.name, self.name))

    def enable(self, on: bool) -> None:
        self.must("enable" if on else "disable", self.name, *self.force)

    def mask(self, on: bool) -> None:
        self.must("mask" if on else "unmask", self.name)

    def enable_for_run(self) -> None:
        """systemd starts what is not enabled, too."""

    def act(self, verb: str) -> None:
        if verb == "reload":
            verb = "reload-or-restart"
        elif verb in ("start", "restart"):
            self.call("reset-failed", self.name)
        self.must(verb, self.name, *self.block)

    def put_back(self, before: "dict") -> None:
        if not before.get("fixed") and self.observe()["enabled"] != enabled(before):
            self.enable(enabled(before))


def pairs(text: str) -> "dict[str, str]":
    """The lines `KEY=VALUE` of systemctl show."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _times(kind: str) -> "list[float]":
    """When unit files, their directories and fstab(5) (of which mount units are made) were last changed."""
    found = []
    todo = [os.path.join(base, kind) for base in UNITS]
    for path in ["/etc/fstab"] * (kind == "system") + todo:
        try:
            found.append(os.lstat(path).st_mtime)
        except OSError:
            pass
    for folder in todo:
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            try:
                found.append(entry.stat(follow_symlinks=False).st_mtime)
                if entry.name.endswith((".d", ".wants", ".requires")) and entry.is_dir(follow_symlinks=False):
                    found += [each.stat(follow_symlinks=False).st_mtime for each in os.scandir(entry.path)]
            except OSError:
                pass
    return found
