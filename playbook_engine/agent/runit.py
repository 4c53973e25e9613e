"""One service of runit: its directory, through sv(8) and the link that runsvdir(8) looks for."""

import os

from playbook_engine.agent import failure, initsystem, process, procfs

TYPE_CHECKING = False  # typing costs 10 ms of a host's CPU to import; a type checker knows this name
if TYPE_CHECKING:
    from collections.abc import Callable


class Runit(object):
    """One service directory, through sv(8) and the link that runsvdir(8) looks for."""

    def __init__(self, name: str, wait: float, stay_down: bool) -> None:
        """`wait`: seconds that it may take to come up or go down. `stay_down`: linked in, it is not to run."""
        self.name = name
        self.wait = wait
        self.stay_down = stay_down
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
