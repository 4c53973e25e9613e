"""Debian's packages, through apt-get(8): what `apt` and `package` ask of it."""

import os

from playbook_engine.agent import dpkg, failure, process

LISTS = "/var/lib/apt/lists"
STAMPS = ("/var/lib/apt/periodic/update-success-stamp", LISTS)
ARCHIVES = "/var/cache/apt/archives"
POLICY = "/usr/sbin/policy-rc.d"
FRESH = 60.0  # lists younger than this are not fetched again: otherwise nothing that asks for it would ever be done
STATES = {"installed": "present", "removed": "absent"}
VERBS = {"dist": "dist-upgrade", "full": "dist-upgrade", "safe": "upgrade", "yes": "upgrade"}


def split(text: str) -> "tuple[str, str, str]":
    """`name=version`, `name>=version` or `name` as (name, operator, version)."""
    for sign in (">=", "="):
        name, found, version = text.partition(sign)
        if found:
            return name.strip(), sign, version.strip()
    return text.strip(), "", ""


def globbed(text: str) -> bool:
    return any(char in text for char in "*?[")


class Apt(object):
    """Arguments that an action does not have count as not given."""

    name = "apt"

    def __init__(self, args: "dict") -> None:
        self.args = args
        self.asked = STATES.get(str(args["state"]), args["state"])
        self.fetched = False

    def _arg(self, name: str) -> "object":
        return self.args.get(name)

    def _texts(self) -> "list[str]":
        return [text.strip() for text in self.args["name"] or () if text.strip()]

    def installed(self) -> "dict":
        return dpkg.installed()[0]

    def state(self) -> "dict":
        whole, others = dpkg.installed()
        automatic = [name for name in dpkg.automatic() if name in whole]  # dpkg leaves the marks of what it removes
        return {"manager": "apt", "installed": whole, "others": others, "automatic": automatic}

    # -- what is not so yet

    def changes(self, state: "dict") -> "list[dict]":
        found: "list[dict]" = []
        asks = self._arg("upgrade") not in (None, "no") or self.asked == "latest"
        nothing_else = not self._texts() and not self._arg("deb")
        if self._stale() and (asks or nothing_else):
            found.append({"subject": "package lists", "aspect": "fetched", "before": "older", "after": "now"})
        if self._arg("upgrade") not in (None, "no"):
            found += self._simulated([VERBS[str(self._arg("upgrade"))]])
        for path in self._debs():
            found += self._deb(path, state)
        if self.asked in ("build-dep", "fixed"):
            words = ["build-dep"] + self._texts() if self.asked == "build-dep" else ["-f", "install"]
            found += self._simulated(words)
        else:
            found += self._named(state)
        if self._arg("autoremove") and not self._texts():
            found += self._simulated(["autoremove"] + ["--purge"] * bool(self._arg("purge")))
        if self._arg("clean") and self._cached():
            found.append({"path": ARCHIVES, "aspect": "content", "before": "packages", "after": "none"})
        if self._arg("autoclean"):
            ran = process.run(["apt-get", "-s", "autoclean"], env={"LC_ALL": "C"})
            gone = [line.split()[1] for line in ran["stdout"].splitlines() if line.startswith("Del ")]
            found += [{"path": ARCHIVES, "aspect": "content", "before": name, "after": "absent"} for name in gone]
        return found

    def _cached(self) -> bool:
        try:
            return any(name.endswith(".deb") for name in os.listdir(ARCHIVES))
        except OSError:
            return False

    def _simulated(self, words: "list[str]") -> "list[dict]":
        """What apt-get would do, as it says itself: `Inst NAME [OLD] (NEW …)`, `Remv NAME [OLD]`."""
        ran = process.run(["apt-get", "-s", "-q"] + self._options() + words, env=dpkg.QUIET, cap=4 << 20)
        if ran["rc"] != 0:
            raise dpkg.failed(words[0], ran)
        found = []
        for line in ran["stdout"].splitlines():
            words = line.split()
            if len(words) < 2 or words[0] not in ("Inst", "Remv", "Purg"):
                continue
            old = words[2].strip("[]") if len(words) > 2 and words[2].startswith("[") else None
            new = line.partition("(")[2].split(" ")[0] if words[0] == "Inst" else "absent"
            found.append({"subject": words[1], "aspect": "version", "before": old, "after": new})
        return found

    def _named(self, state: "dict") -> "list[dict]":
        texts = self._texts()
        candidates = {}
        if self.asked == "latest" and texts:
            names = [name for text in texts for name in self._expanded(split(text)[0], state)]
            candidates = dpkg.candidates(names, self._arg("default_release"))
        found = []
        for text in texts:
            name, sign, version = split(text)
            for one in self._expanded(name, state):
                change = self._one(one, sign, version, state, candidates)
                if change:
                    found.append(change)
        return found

    def _one(self, name: str, sign: str, version: str, state: "dict", candidates: "dict") -> "dict | None":
        now, asked = state["installed"].get(name), self.asked
        change = {"subject": name, "aspect": "version", "before": now}
        if asked == "absent":
            leftover = self._arg("purge") and state["others"].get(name, "").startswith(("rc", "pc"))
            if now is None and not leftover:
                return None
            if now is not None and version and not _matches(now, version):
                return None  # that version is not here
            return dict(change, before=now or "configuration", after="absent")
        if now is None:
            return None if self._arg("only_upgrade") else dict(change, after=version or candidates.get(name, "newest"))
        if version:
            met = compared(now, "ge", version) if sign == ">=" else _matches(now, version)
            return None if met else dict(change, after=version)
        if asked == "latest":
            new = candidates.get(name, now)
            return None if new == now or compared(now, "ge", new) else dict(change, after=new)
        return None

    def _expanded(self, name: str, state: "dict") -> "list[str]":
        """The packages that a pattern means: of those installed to remove them, else of all that are known."""
        if not globbed(name):
            return [name]
        import fnmatch

        if self.asked == "absent" or self._arg("only_upgrade"):
            known = sorted(state["installed"])
        else:
            known = sorted(process.run(["apt-cache", "pkgnames"], cap=64 << 20)["stdout"].split())
        return fnmatch.filter(known, name)

    def _debs(self) -> "list[str]":
        return [str(self._arg("deb"))] if self._arg("deb") else []

    def _deb(self, path: str, state: "dict") -> "list[dict]":
        if "://" in path:
            raise failure.Failed("deb is a file on the host: fetch %s with get_url first" % path, "unsupported")
        if not os.path.exists(path):
            raise failure.Failed("%s is not there" % path, "not-found")
        ran = process.run(["dpkg-deb", "-f", path, "Package", "Version"], env={"LC_ALL": "C"})
        told = dict(line.split(": ", 1) for line in ran["stdout"].splitlines() if ": " in line)
        if ran["rc"] != 0 or "Package" not in told:
            raise failure.Failed("%s is no Debian package: %s" % (path, ran["stderr"].strip()), result=ran)
        name, version = told["Package"], told["Version"]
        now = state["installed"].get(name)
        if now == version or (now and compared(now, "gt", version) and not self._arg("allow_downgrade")):
            return []
        return [{"subject": name, "aspect": "version", "before": now, "after": version}]

    # -- doing it

    def apply(self, before: "dict") -> "dict":
        import time

        ran: "dict" = {}
        if self._stale():
            ran = self._fetch()
            self.fetched = True
        if self._arg("upgrade") not in (None, "no"):
            ran = self._apt([VERBS[str(self._arg("upgrade"))]] + ["--autoremove"] * bool(self._arg("autoremove")))
        if self._debs():
            paths = [os.path.abspath(path) for path in self._debs()]
            ran = self._apt(["install"] + paths)
        state = self.state()
        if self.asked == "build-dep":
            ran = self._apt(["build-dep"] + self._texts())
        elif self.asked == "fixed":
            ran = self._apt(["-f", "install"])
        elif self._texts():
            changes = self._named(state)  # again: the lists may be others now
            if changes:
                ran = self._do(state, [change["subject"] for change in changes])
        elif self._arg("autoremove") and self._arg("upgrade") in (None, "no"):
            ran = self._apt(["autoremove"] + ["--purge"] * bool(self._arg("purge")))
        for verb in ("clean", "autoclean"):
            if self._arg(verb):
                ran = self._apt([verb])
        ran["at"] = time.time()
        return ran

    def _do(self, state: "dict", names: "list[str]") -> "dict":
        texts = []
        for text in self._texts():
            name, sign, version = split(text)
            for one in self._expanded(name, state):
                if one in names:
                    texts.append("%s=%s" % (one, version) if sign == "=" and self.asked != "absent" else one)
        if self.asked == "absent":
            verb = "purge" if self._arg("purge") else "remove"
            return self._apt([verb] + ["--autoremove"] * bool(self._arg("autoremove")) + texts)
        down = self._arg("allow_downgrade")
        if down is None:  # `package` has no such argument: who names a version wants that one
            down = any(split(text)[1] == "=" for text in texts)
        words = ["install"] + ["--allow-downgrades"] * bool(down)
        words += ["--only-upgrade"] * bool(self._arg("only_upgrade"))
        return self._apt(words + ["--autoremove"] * bool(self._arg("autoremove")) + texts)

    def _options(self) -> "list[str]":
        words = []
        if self._arg("install_recommends") is not None:
            words.append("--install-recommends" if self._arg("install_recommends") else "--no-install-recommends")
        if self._arg("default_release"):
            words += ["-t", str(self._arg("default_release"))]
        force = self._arg("force")
        for name, option in (
            ("allow_unauthenticated", "--allow-unauthenticated"),
            ("allow_change_held_packages", "--allow-change-held-packages"),
        ):
            words += [option] * bool(self._arg(name) or force)
        words += ["--allow-downgrades", "--allow-remove-essential"] * bool(force)
        words += ["--no-remove"] * bool(self._arg("fail_on_autoremove"))
        return words

    def _apt(self, words: "list[str]") -> "dict":
        options = None
        if self._arg("dpkg_options"):
            options = [each.strip() for each in str(self._arg("dpkg_options")).split(",") if each.strip()]
        asked = self._options() if words[0] not in ("update", "clean", "autoclean") else []
        with _Policy(self._arg("policy_rc_d")):
            return dpkg.apt(asked + words, float(self.args["lock_timeout"]), self.args["environment"], options)

    def _fetch(self) -> "dict":
        """The lists, tried again while a mirror does not answer."""
        import time

        tries = max(int(str(self._arg("update_cache_retries") or 1)), 1)
        wait, most = 1.0, float(str(self._arg("update_cache_retry_max_delay") or 12))
        while True:
            tries -= 1
            try:
                return self._apt(["update"])
            except failure.Failed:
                if tries <= 0:
                    raise
            time.sleep(min(wait, most))
            wait *= 2

    def _stale(self) -> bool:
        """Whether the lists are to be fetched: it is asked for, and they are old."""
        if not self._arg("update_cache") and not self._arg("cache_valid_time"):
            return False
        import time

        return time.time() - _list_time() >= max(float(str(self._arg("cache_valid_time") or 0)), FRESH)

    def told(self) -> "dict":
        return {"cache_updated": self.fetched, "cache_update_time": int(_list_time())}

    # -- taking it back

    def undo(self, before: "dict") -> None:
        was = before["installed"]
        whole, others = dpkg.installed()
        if any(status[1:2] not in ("c", "n") for status in others.values()):  # an installation that broke off
            process.run(["dpkg", "--configure", "-a", "--force-confdef", "--force-confold"], env=dpkg.QUIET)
            whole, others = dpkg.installed()
        came = sorted(name for name in list(whole) + list(others) if name not in was and name not in before["others"])
        if came:
            self._back(["purge"] + came)
            whole = dpkg.installed()[0]
        back = sorted("%s=%s" % (name, version) for name, version in was.items() if whole.get(name) != version)
        if back:
            words = ["install", "--no-install-recommends", "--allow-downgrades", "--reinstall"]
            self._back(words + ["-o", "Dpkg::Options::=--force-confmiss"] + back)
        config = [name for name in before["others"] if name in dpkg.installed()[0] and name not in was]
        if config:  # they were removed, with their configuration left
            self._back(["remove"] + config)
        _marks(before)

    def _back(self, words: "list[str]") -> None:
        dpkg.apt(words, float(self.args["lock_timeout"]), self.args["environment"])


def _marks(before: "dict") -> None:
    """Who is named is installed for good, also one that was there already: the marks of before are put back."""
    there, now = dpkg.installed()[0], dpkg.automatic()
    for verb, names in (
        ("auto", [name for name in before["automatic"] if name not in now]),
        ("manual", [name for name in now if name in before["installed"] and name not in before["automatic"]]),
    ):
        names = [name for name in names if name in there]
        if names:
            process.run(["apt-mark", verb] + names, env=dpkg.QUIET)


def _matches(version: str, pattern: str) -> bool:
    import fnmatch

    return fnmatch.fnmatchcase(version, pattern)


def compared(one: str, how: str, other: str) -> bool:
    """As dpkg(1) --compare-versions has it: `how` is ge, gt, lt…"""
    return bool(process.run(["dpkg", "--compare-versions", one, how, other])["rc"] == 0)


def _list_time() -> float:
    """When the package lists were last fetched, in seconds of the epoch; 0 when they never were."""
    found = [0.0]
    for path in STAMPS:
        try:
            found.append(os.stat(path).st_mtime)
        except OSError:
            continue
    return max(found)


class _Policy(object):
    """While it is entered, invoke-rc.d(8) is told to answer with this status (101: start nothing)."""

    def __init__(self, status: "object") -> None:
        self.status = status
        self.before: "dict | None" = None

    def __enter__(self) -> "_Policy":
        if self.status is not None:
            from playbook_engine.agent import atomic, filestate

            self.before = filestate.keep(filestate.observe(POLICY), None)
            atomic.write(POLICY, b"#!/bin/sh\nexit %d\n" % int(str(self.status)), 0o755)
        return self

    def __exit__(self, *_error: "object") -> None:
        if self.before is not None:
            from playbook_engine.agent import filestate

            filestate.put_back(self.before)
