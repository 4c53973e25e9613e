"""One service that is a script in /etc/init.d, under OpenRC or System V init."""

import os
import time

from playbook_engine.agent import failure, process, procfs

SYSV_LEVELS = "2345"


class Script(object):
    """`arguments` go behind the verb. `pattern`: it runs when a command line contains it, where the script has
    no `status`. `sleep`: seconds between stop and start of a restart."""

    manager = "sysvinit"

    def __init__(self, args: "dict") -> None:
        self.name = args["name"]
        self.path = os.path.join("/etc/init.d", self.name)
        self.arguments = (args["arguments"] or "").split()
        self.pattern = args["pattern"]
        self.sleep = args["sleep"]
        self.runlevel = args["runlevel"]

    def observe(self) -> "dict":
        exists = os.path.exists(self.path)
        return {
            "manager": self.manager,
            "exists": exists,
            "running": exists and self._runs(),
            "enabled": exists and self.levels() != [],
            "levels": self.levels(),
            "pid": None,
            "since": None,
            "restarts": None,
        }

    def _runs(self) -> bool:
        """As the script's `status` says (0: running, LSB), or, with a pattern, what processes there are."""
        if self.pattern:
            others = (procfs.argv(pid) for pid in procfs.pids() if pid != os.getpid())
            return any(self.pattern in " ".join(words) for words in others)
        return process.run(self._words("status"), env={"LC_ALL": "C"})["rc"] == 0

    def _words(self, verb: str) -> "list[str]":
        return [self.path, verb] + self.arguments

    def levels(self) -> "list[str]":
        """The links S??NAME, as `3/S01name`, sorted."""
        found = []
        for level in SYSV_LEVELS:
            folder = "/etc/rc%s.d" % level
            if os.path.isdir(folder):
                found += [
                    "%s/%s" % (level, entry)
                    for entry in os.listdir(folder)
                    if entry[:1] == "S" and entry[1:3].isdigit() and entry[3:] == self.name
                ]
        return sorted(found)

    def ready(self) -> None:
        if not os.path.exists(self.path):
            raise failure.Failed("there is no service %s: %s is missing" % (self.name, self.path), "not-found")

    def enable(self, on: bool) -> None:
        if os.path.exists("/usr/sbin/update-rc.d"):
            # `defaults` makes links only where there are none, `enable` turns K links into S links
            verbs = ["defaults", "enable"] if on else ["disable"]
            for verb in verbs:
                self._must(["update-rc.d", self.name, verb])
        elif os.path.exists("/sbin/chkconfig") or os.path.exists("/usr/sbin/chkconfig"):
            self._must(["chkconfig", self.name, "on" if on else "off"])
        else:
            raise failure.Failed("neither update-rc.d nor chkconfig is here: nothing can enable %s" % self.name)

    def enable_for_run(self) -> None:
        """A script starts what is not enabled, too."""

    def _must(self, words: "list[str]") -> None:
        ran = process.run(words, env={"LC_ALL": "C"})
        if ran["rc"] != 0:
            said = (ran["stderr"] or ran["stdout"]).strip() or "status %s" % ran["rc"]
            raise failure.Failed("%s: %s" % (" ".join(words), said), result=ran)

    def act(self, verb: str) -> None:
        if verb == "restart" and self.sleep:
            process.run(self._words("stop"))
            time.sleep(self.sleep)
            verb = "start"
        self._must(self._words(verb))

    def put_back(self, before: "dict") -> None:
        if self.observe()["enabled"] != before["enabled"]:
            self.enable(before["enabled"])


class OpenRc(Script):
    """The same through rc-service(8) and rc-update(8); enabled means: in the runlevel."""

    manager = "openrc"

    def _words(self, verb: str) -> "list[str]":
        return ["rc-service", self.name, verb] + self.arguments

    def levels(self) -> "list[str]":
        link = os.path.join("/etc/runlevels", self.runlevel, self.name)
        return [self.runlevel] if os.path.lexists(link) else []

    def enable(self, on: bool) -> None:
        self._must(["rc-update", "add" if on else "del", self.name, self.runlevel])
