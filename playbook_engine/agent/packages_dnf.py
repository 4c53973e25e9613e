"""RPM packages, through rpm(8) and dnf(8): what `dnf` and `package` ask of them."""

import os

from playbook_engine.agent import failure, process

PROGRAMS = ("/usr/bin/dnf", "/usr/bin/dnf5", "/usr/bin/yum", "/usr/bin/microdnf")
FORM = "%{NAME} %{ARCH} %|EPOCH?{%{EPOCH}}:{0}|:%{VERSION}-%{RELEASE}\\n"
STATES = {"installed": "present", "removed": "absent"}
KINDS = (
    ("Unable to find a match", "not-found"),
    ("No match for argument", "not-found"),
    ("No package", "not-found"),
    ("No space left on device", "disk-full"),
    ("more space needed", "disk-full"),
    ("This command has to be run with superuser", "permission"),
    ("Permission denied", "permission"),
    ("Read-only file system", "read-only"),
    ("Failed to obtain the transaction lock", "locked"),
)


class Dnf(object):
    """Arguments that an action does not have count as not given. Names in a state are NAME.ARCH."""

    name = "dnf"

    def __init__(self, args: "dict") -> None:
        self.args = args
        self.root = str(args.get("installroot") or "/")
        self.program = next((path for path in PROGRAMS if os.path.exists(path)), "dnf")
        asked = args.get("state")
        self.asked = STATES.get(str(asked), asked) or ("absent" if args.get("autoremove") else "present")

    def _texts(self) -> "list[str]":
        return [text.strip() for text in self.args["name"] or () if text.strip()]

    def installed(self) -> "dict":
        """{name.arch: epoch:version-release}. Of several (kernels), the last. Raises Unmeasured."""
        words = ["rpm"] + (["--root", self.root] if self.root != "/" else []) + ["-qa", "--qf", FORM]
        ran = process.run(words, env={"LC_ALL": "C"}, cap=16 << 20)
        if ran["rc"] != 0:
            raise failure.Unmeasured("rpm -qa: %s" % ran["stderr"].strip())
        return rows(ran["stdout"])

    def state(self) -> "dict":
        return {"manager": "dnf", "installed": self.installed()}

    # -- what is not so yet

    def changes(self, state: "dict") -> "list[dict]":
        found: "list[dict]" = []
        for text in self._texts():
            if text.startswith("@"):
                raise failure.Failed("%s is a group: use `command: dnf group install`" % text, "unsupported")
        every = [text for text in self._texts() if text == "*"]
        offered = self._offered() if self.asked == "latest" else {}
        if every and self.asked == "latest":
            found += [_change(name, state["installed"][name], version)
                      for name, version in sorted(offered.items()) if name in state["installed"]]  # fmt: skip
        for text in self._texts():
            if text != "*":
                found += self._one(text, state["installed"], offered)
        if self.args.get("autoremove") and not self._texts():
            found += self._leaves(state["installed"])
        if self.args.get("update_cache") and not self._texts():
            found.append({"subject": "package lists", "aspect": "fetched", "before": "older", "after": "now"})
        return found

    def _one(self, text: str, installed: "dict", offered: "dict") -> "list[dict]":
        path = os.path.exists(text) and text.endswith(".rpm")
        if "://" in text:
            raise failure.Failed("%s is an address: fetch it with get_url first" % text, "unsupported")
        spec = self._of_file(text) if path else text
        there = matching(spec, installed)
        if self.asked == "absent":
            return [_change(name, installed[name], "absent") for name in there]
        if there:
            if self.asked == "latest":
                return [_change(name, installed[name], offered[name]) for name in there if name in offered]
            return []
        if self.args.get("update_only") or (not self.args.get("allow_downgrade") and self._newer(spec, installed)):
            return []
        return [] if not path and self._provided(spec) else [_change(text, None, "newest")]

    def _newer(self, spec: str, installed: "dict") -> bool:
        """Whether another version than the one named is there, and it is newer: that one stays."""
        name, _, version = spec.partition("-")
        older = [n for n in installed if spec.startswith(n.rpartition(".")[0] + "-")]
        if not older or not version:
            return False
        name = older[0].rpartition(".")[0]
        asked = spec[len(name) + 1 :]
        return newer(installed[older[0]].partition(":")[2], asked)

    def _provided(self, spec: str) -> bool:
        """Whether something installed provides it: a capability, or a file."""
        root = ["--root", self.root] if self.root != "/" else []
        return bool(process.run(["rpm"] + root + ["-q", "--whatprovides", spec])["rc"] == 0)

    def _of_file(self, path: str) -> str:
        ran = process.run(["rpm", "-qp", "--qf", "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}", path], env={"LC_ALL": "C"})
        if ran["rc"] != 0:
            raise failure.Failed("%s is no package: %s" % (path, ran["stderr"].strip()), result=ran)
        return str(ran["stdout"])

    def _offered(self) -> "dict":
        """{name.arch: version} of what is newer than what is installed (dnf check-update: status 100 when there is)."""
        ran = self._call(["-q", "check-update"], accept=(100,))
        found = {}
        for line in ran["stdout"].splitlines():
            words = line.split()
            if line.startswith("Obsoleting"):
                break
            if len(words) == 3 and not line.startswith(" ") and "." in words[0]:
                found[words[0]] = words[1] if ":" in words[1] else "0:" + words[1]
        return found

    def _leaves(self, installed: "dict") -> "list[dict]":
        ran = self._call(["--assumeno", "autoremove"], accept=(1,))
        return [_change("%s.%s" % (words[0], words[1]), installed["%s.%s" % (words[0], words[1])], "absent")
                for words in (line.split() for line in ran["stdout"].splitlines())
                if len(words) > 2 and "%s.%s" % (words[0], words[1]) in installed]  # fmt: skip

    # -- doing it

    def apply(self, before: "dict") -> "dict":
        if self.args.get("update_cache"):
            self._call(["makecache"])
        if not self._texts():
            return self._call(["-y", "autoremove"]) if self.args.get("autoremove") else {}
        if self.asked == "absent":
            names = [change["subject"] for change in self.changes(before)]
            keep = [] if self.args.get("autoremove") else ["--setopt=clean_requirements_on_remove=0"]
            return self._call(["-y"] + keep + ["remove"] + names)
        texts = [] if "*" in self._texts() else self._texts()
        if self.asked == "latest":
            there = [text for text in texts if matching(text, before["installed"])]
            new = [text for text in texts if text not in there]
            ran: "dict" = {}
            if there or not texts:
                ran = self._call(["-y", "upgrade"] + there)
            return self._call(["-y", "install"] + new) if new and not self.args.get("update_only") else ran
        return self._call(["-y", "install"] + texts)

    def _options(self) -> "list[str]":
        words = ["--installroot=" + self.root] if self.root != "/" else []
        for key, option in (
            ("disable_gpg_check", "--nogpgcheck"), ("skip_broken", "--skip-broken"), ("security", "--security"),
            ("bugfix", "--bugfix"), ("nobest", "--nobest"), ("best", "--best"), ("allowerasing", "--allowerasing"),
            ("cacheonly", "--cacheonly"), ("download_only", "--downloadonly"),
        ):  # fmt: skip
            words += [option] * bool(self.args.get(key))
        for key, option in (
            ("enablerepo", "--enablerepo"), ("disablerepo", "--disablerepo"), ("exclude", "--exclude"),
            ("enable_plugin", "--enableplugin"), ("disable_plugin", "--disableplugin"),
        ):  # fmt: skip
            words += ["%s=%s" % (option, each) for each in self.args.get(key) or ()]
        for key, option in (
            ("conf_file", "--config"), ("releasever", "--releasever"), ("disable_excludes", "--disableexcludes"),
            ("download_dir", "--downloaddir"),
        ):  # fmt: skip
            words += ["%s=%s" % (option, self.args[key])] if self.args.get(key) else []
        if self.args.get("install_weak_deps") is False:
            words.append("--setopt=install_weak_deps=0")
        if self.args.get("sslverify") is False or self.args.get("validate_certs") is False:
            words.append("--setopt=sslverify=0")
        return words

    def _call(self, words: "list[str]", accept: "tuple[int, ...]" = ()) -> "dict":
        command = [self.program] + self._options() + words
        env = dict({"LC_ALL": "C"}, **{k: str(v) for k, v in (self.args.get("environment") or {}).items()})
        ran = dict(process.run(command, env=env, cap=4 << 20), cmd=command)
        if ran["rc"] != 0 and ran["rc"] not in accept:
            said = ran["stderr"] + ran["stdout"]
            lines = [line for line in ran["stderr"].splitlines() if line.startswith(("Error:", "No match"))]
            last = (lines or ran["stderr"].strip().splitlines() or ["status %s" % ran["rc"]])[-1]
            kind = next((kind for text, kind in KINDS if text in said), "failed")
            verb = next(word for word in words if not word.startswith("-"))
            raise failure.Failed("dnf %s: %s" % (verb, last), kind, ran)
        return ran

    def told(self) -> "dict":
        return {"results": []}

    # -- taking it back

    def undo(self, before: "dict") -> None:
        was, now = before["installed"], self.installed()
        came = sorted(name for name in now if name not in was)
        if came:
            self._call(["-y", "--setopt=clean_requirements_on_remove=0", "remove"] + came)
            now = self.installed()
        gone = ["%s-%s" % (name.rpartition(".")[0], version) for name, version in was.items() if name not in now]
        other = {name: version for name, version in was.items() if name in now and now[name] != version}
        down = [name for name, version in other.items() if newer(now[name].partition(":")[2], _bare(version))]
        for verb, texts in (
            ("install", gone),
            ("downgrade", ["%s-%s" % (name.rpartition(".")[0], other[name]) for name in down]),
            ("upgrade", ["%s-%s" % (name.rpartition(".")[0], other[name]) for name in other if name not in down]),
        ):
            if texts:
                self._call(["-y", "--setopt=install_weak_deps=0", verb] + sorted(_plain(text) for text in texts))


def rows(text: str) -> "dict":
    """Lines of FORM; keys of imported signatures (gpg-pubkey) are no packages."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] != "gpg-pubkey":
            found["%s.%s" % (words[0], words[1])] = words[2]
    return found


def matching(spec: str, installed: "dict") -> "list[str]":
    """The installed packages that NAME, NAME.ARCH, NAME-VERSION, NAME-VERSION-RELEASE(.ARCH), `NAME >= VERSION`, or a
    pattern of these means."""
    import fnmatch

    for sign in (">=", "<=", "=", ">", "<"):
        name, found, version = spec.partition(sign)
        if found:
            return [each for each in matching(name.strip(), installed)
                    if _holds(installed[each].partition(":")[2], sign, version.strip())]  # fmt: skip
    there = []
    for each, full in installed.items():
        name, _, arch = each.rpartition(".")
        version, release = full.partition(":")[2].rpartition("-")[::2]
        forms = (name, each, "%s-%s" % (name, version), "%s-%s-%s" % (name, version, release),
                 "%s-%s-%s.%s" % (name, version, release, arch), "%s-%s" % (name, full),
                 "%s-%s.%s" % (name, full, arch),
                 "%s:%s-%s-%s" % (full.partition(":")[0], name, version, release))  # fmt: skip
        if any(fnmatch.fnmatchcase(form, spec) for form in forms):
            there.append(each)
    return sorted(there)


def _holds(version: str, sign: str, other: str) -> bool:
    bare = version if "-" in other else version.rpartition("-")[0]
    equal = bare == other
    more = newer(bare, other)
    return {">=": equal or more, "<=": not more, "=": equal, ">": more, "<": not more and not equal}[sign]


def newer(one: str, other: str) -> bool:
    """Whether `one` is the newer of two VERSION or VERSION-RELEASE, as rpmvercmp has it (rpm-version(7))."""
    first, second = one.split("-", 1), other.split("-", 1)
    order = _order(first[0], second[0])
    if order == 0 and len(first) == 2 and len(second) == 2:
        order = _order(first[1], second[1])
    return order > 0


def _order(one: str, other: str) -> int:
    import re

    first, second = (re.findall(r"~|\^|\d+|[A-Za-z]+", text) for text in (one, other))
    for number in range(max(len(first), len(second))):
        a = first[number] if number < len(first) else ""
        b = second[number] if number < len(second) else ""
        if a == b:
            continue
        if "~" in (a, b):
            return -1 if a == "~" else 1
        if "^" in (a, b):
            return (1 if b == "" else -1) if a == "^" else (-1 if a == "" else 1)
        if not a or not b:
            return 1 if a else -1
        if a.isdigit() and b.isdigit():
            if int(a) != int(b):
                return 1 if int(a) > int(b) else -1
        elif a.isdigit() != b.isdigit():
            return 1 if a.isdigit() else -1
        else:
            return 1 if a > b else -1
    return 0


def _bare(version: str) -> str:
    return version.partition(":")[2]


def _plain(text: str) -> str:
    """NAME-0:VERSION-RELEASE without an epoch that is none."""
    return text.replace("-0:", "-", 1)


def _change(name: str, before: "str | None", after: str) -> "dict":
    return {"subject": name, "aspect": "version", "before": before, "after": after}
