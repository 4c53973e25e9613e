"""Alpine's packages, through apk(8): what `apk` and `package` ask of it."""

from playbook_engine.agent import failure, process, procfs

DATABASE = "/lib/apk/db/installed"
WORLD = "/etc/apk/world"
STATES = {"installed": "present", "removed": "absent"}
SIGNS = (">=", "<=", "~=", "=~", "=", ">", "<", "~", "@")
KINDS = (
    ("no such package", "not-found"),
    ("unable to select packages", "not-found"),
    ("unsatisfiable constraints", "not-found"),
    ("No space left on device", "disk-full"),
    ("Unable to lock database", "locked"),
    ("Permission denied", "permission"),
    ("Read-only file system", "read-only"),
)


class Apk(object):
    """Arguments that an action does not have count as not given."""

    name = "apk"

    def __init__(self, args: "dict") -> None:
        self.args = args
        self.asked = STATES.get(str(args["state"]), args["state"])
        self.repositories = [w for each in args.get("repository") or () for w in ("--repository", each)]

    def _texts(self) -> "list[str]":
        return [text.strip() for text in self.args["name"] or () if text.strip()]

    def installed(self) -> "dict":
        return database(procfs.read(DATABASE))

    def state(self) -> "dict":
        return {"manager": "apk", "installed": self.installed(), "world": procfs.read(WORLD).split()}

    # -- what is not so yet

    def changes(self, state: "dict") -> "list[dict]":
        found: "list[dict]" = []
        if self.args.get("upgrade"):
            found += transaction(self._call(["upgrade", "--simulate"] + self._available())["stdout"])
        elif self.args.get("update_cache") and not self._texts():
            found.append({"subject": "package lists", "aspect": "fetched", "before": "older", "after": "now"})
        for text in self._texts():
            name = bare(text)
            now = state["installed"].get(name)
            if self.asked == "absent":
                if now is not None and name in [bare(each) for each in state["world"]]:
                    found.append(_change(name, now, "absent"))
            elif now is None:
                found.append(_change(name, None, text[len(name) :].lstrip("=") or "newest"))
            elif text != name and not self._met(text):
                found.append(_change(name, now, text[len(name) :].lstrip("=")))
            elif text == name and name not in [bare(each) for each in state["world"]]:
                found.append({"subject": name, "aspect": "world", "before": "as a dependency", "after": "asked for"})
        if self.asked == "latest" and self._texts():
            names = [bare(text) for text in self._texts() if bare(text) in state["installed"]]
            if names:
                words = ["add", "--simulate", "--upgrade"] + self._available() + names
                told = transaction(self._call(words)["stdout"])
                found += [change for change in told if change["subject"] not in [each["subject"] for each in found]]
        return found

    def _met(self, text: str) -> bool:
        """Whether what is installed has the version that `name=1.0` and the like ask for."""
        return bool(process.run(["apk", "info", "--installed", text])["rc"] == 0)

    def _available(self) -> "list[str]":
        return ["--available"] * bool(self.args.get("available"))

    # -- doing it

    def apply(self, before: "dict") -> "dict":
        ran: "dict" = {}
        if self.args.get("update_cache"):
            ran = self._call(["update"])
        if self.args.get("upgrade"):
            ran = self._call(["upgrade"] + self._available())
        if not self._texts():
            return ran
        if self.asked == "absent":
            return self._call(["del", "--purge"] + [bare(text) for text in self._texts()])
        up = ["--upgrade"] * (self.asked == "latest")
        cached = ["--no-cache"] * bool(self.args.get("no_cache"))
        return self._call(["add"] + cached + up + self._available() * bool(up) + self._texts())

    def _call(self, words: "list[str]") -> "dict":
        command = ["apk", "--no-progress", "--wait", "60"] + self.repositories + words
        env = dict({"LC_ALL": "C"}, **{k: str(v) for k, v in (self.args.get("environment") or {}).items()})
        ran = dict(process.run(command, env=env, cap=4 << 20), cmd=command)
        if ran["rc"] != 0:
            said = ran["stderr"] + ran["stdout"]
            lines = [line for line in said.splitlines() if line.startswith("ERROR:")]
            last = " ".join(lines) or ran["stderr"].strip() or "status %s" % ran["rc"]
            kind = next((kind for text, kind in KINDS if text in said), "failed")
            raise failure.Failed("apk %s: %s" % (words[0], last), kind, ran)
        return ran

    def told(self) -> "dict":
        return {"packages": []}

    # -- taking it back

    def undo(self, before: "dict") -> None:
        """What was asked for before (world) is asked for again, in the versions of before."""
        was, now = before["installed"], self.installed()
        world = procfs.read(WORLD).split()
        new = [bare(each) for each in world if each not in before["world"]]
        gone = [each for each in before["world"] if each not in world]
        other = ["%s=%s" % (name, was[name]) for name in was if now.get(name) != was[name]]
        if new:
            self._call(["del", "--purge"] + new)
        if gone or other:
            self._call(["add"] + gone + other)
        if procfs.read(WORLD).split() != before["world"]:
            from playbook_engine.agent import atomic

            atomic.write(WORLD, "".join(each + "\n" for each in before["world"]).encode(), 0o644)


def database(text: str) -> "dict":
    """{package: version} of apk's database: paragraphs with `P:` and `V:`."""
    found, name = {}, ""
    for line in text.splitlines():
        if line.startswith("P:"):
            name = line[2:]
        elif line.startswith("V:"):
            found[name] = line[2:]
    return found


def bare(text: str) -> str:
    """The name in `name=1.0`, `name>1`, `name~2` or `name@edge`."""
    ends = [text.find(sign) for sign in SIGNS if sign in text]
    return text[: min(ends)] if ends else text


def transaction(text: str) -> "list[dict]":
    """What apk says that it would do: `(1/2) Upgrading NAME (OLD -> NEW)`, `Installing NAME (NEW)`, `Purging NAME`."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 4 or not line.startswith("("):
            continue
        name, versions = words[2], line.rpartition("(")[2].rstrip(")").split(" -> ")
        if words[1] == "Installing":
            found.append(_change(name, None, versions[0]))
        elif words[1] == "Purging":
            found.append(_change(name, versions[0], "absent"))
        elif words[1] in ("Upgrading", "Downgrading", "Replacing"):
            found.append(_change(name, versions[0], versions[-1]))
    return found


def _change(name: str, before: "str | None", after: str) -> "dict":
    return {"subject": name, "aspect": "version", "before": before, "after": after}
