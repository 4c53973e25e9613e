"""One service under s6-svscan(8): its directory, through s6-svc(8) and s6-svstat(8)."""

import os

from playbook_engine.agent import failure, process, procfs


class S6(object):
    """`wait`: seconds that it may take to come up or go down.

    Enabled is what has no file `down` in its directory: s6 itself has no word for it.
    """

    def __init__(self, name: str, wait: float) -> None:
        self.name = name
        self.wait = wait
        self.scanned = _scanned()
        self.home = os.path.join(self.scanned, name)

    def observe(self) -> "dict":
        running, pid = self._status()
        lived = procfs.stat(pid) if pid else None
        down = os.path.lexists(os.path.join(self.home, "down"))
        exists = os.path.exists(os.path.join(self.home, "run"))
        return {
            "manager": "s6",
            "exists": exists,
            "running": running,
            "enabled": exists and not down,
            "down_file": down,
            "pid": pid,
            "since": lived["started"] if lived else None,
            "restarts": None,
        }

    def _status(self) -> "tuple[bool, int | None]":
        if not os.path.isdir(self.home):
            return False, None
        ran = process.run(["s6-svstat", "-o", "up,pid", self.home])
        words = ran["stdout"].split()
        if ran["rc"] != 0 or len(words) < 2:
            return False, None  # no s6-supervise looks after it
        return words[0] == "true", int(words[1]) if int(words[1]) > 0 else None

    def ready(self) -> None:
        if not os.path.exists(os.path.join(self.home, "run")):
            raise failure.Failed("there is no service %s: %s/run is missing" % (self.name, self.home), "not-found")
        process.run(["s6-svscanctl", "-a", self.scanned])  # what came since the last scan is looked after

    def enable(self, on: bool) -> None:
        down = os.path.join(self.home, "down")
        if not on:
            with open(down, "ab"):
                return
        if os.path.lexists(down):
            os.unlink(down)

    def enable_for_run(self) -> None:
        """s6-svc(8) brings up what has a `down` file, too."""

    def act(self, verb: str) -> None:
        limit = "%d" % (max(self.wait, 1) * 1000)
        words = {"start": ["-wu", "-T", limit, "-u"], "stop": ["-wD", "-T", limit, "-d"],
                 "restart": ["-wR", "-T", limit, "-r"], "reload": ["-h"]}[verb]  # fmt: skip
        ran = process.run(["s6-svc"] + words + [self.home])
        if ran["rc"] != 0:
            said = (ran["stderr"] or ran["stdout"]).strip() or "status %s" % ran["rc"]
            raise failure.Failed("s6-svc %s %s: %s" % (words[-1], self.name, said), result=ran)

    def put_back(self, before: "dict") -> None:
        if self.observe()["down_file"] != before["down_file"]:
            self.enable(not before["down_file"])


def _scanned() -> str:
    """The directory that the running s6-svscan looks into: its last argument, or its working directory."""
    for pid in procfs.pids():
        found = procfs.stat(pid)
        if found and found["comm"] == "s6-svscan":
            words = [word for word in procfs.argv(pid)[1:] if word.startswith("/")]
            try:
                return words[-1] if words else os.readlink("/proc/%d/cwd" % pid)
            except OSError:
                break
    return "/run/service"
