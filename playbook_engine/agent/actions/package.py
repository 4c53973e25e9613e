"""Packages of the distribution: there, gone, or of a version. apt so far."""

import os

from playbook_engine.agent import dpkg, failure, process

SPEC = {
    "name": "package",
    "kind": "state",
    "summary": "Install or remove packages of the distribution",
    "doc": "With apt-get, without questions; changed configuration files stay. Other package managers are refused.",
    "params": {
        "name": {
            "type": "list[str]",
            "required": True,
            "aliases": ["pkg"],
            "doc": "Packages, as in `curl` or `curl=7.88`.",
        },
        "state": {
            "type": "str",
            "default": "present",
            "choices": ["absent", "latest", "present"],
            "doc": "`latest`: what the package lists offer now.",
        },
        "update_cache": {"type": "bool", "default": False, "doc": "Fetch the package lists first."},
        "cache_valid_time": {"type": "duration", "default": 0, "doc": "Not if they are younger than this."},
        "install_recommends": {"type": "bool", "default": False, "doc": "What is recommended, too."},
        "purge": {"type": "bool", "default": False, "doc": "With `absent`: configuration files too."},
        "lock_timeout": {"type": "duration", "default": 60, "doc": "How long to wait for another apt."},
        "environment": {"type": "dict", "internal": True, "doc": "From the step's `environment`: proxies, say."},
    },
    "undo": "the set of installed packages and their versions as before; package lists and logs stay",
    "returns": {
        "name": "",
        "manager": "apt",
        "changed_packages": "{package: version or null} of all that changed",
        "stdout": "",
        "stderr": "",
        "cmd": "",
    },
    "examples": "package: {name: [redis-server, python3-venv]}",
}

OTHERS = (("dnf", "/usr/bin/dnf"), ("yum", "/usr/bin/yum"), ("zypper", "/usr/bin/zypper"), ("apk", "/sbin/apk"))


def observe(args: "dict") -> "dict":
    if not os.path.exists("/usr/bin/apt-get"):
        other = next((name for name, path in OTHERS if os.path.exists(path)), "no package manager that is known")
        raise failure.Failed("package works with apt; this host has %s: use `command`" % other, "unsupported")
    whole, others = dpkg.installed()
    automatic = [name for name in dpkg.automatic() if name in whole]  # dpkg leaves the marks of what it removes
    state: "dict" = {"manager": "apt", "installed": whole, "others": others, "automatic": automatic}
    if args["state"] == "latest":
        state["candidates"] = dpkg.candidates([split(text)[0] for text in args["name"]])
    return state


def split(text: str) -> "tuple[str, str | None]":
    """`name=version` taken apart."""
    name, sign, version = text.partition("=")
    return name.strip(), version.strip() if sign else None


def plan(args: "dict", before: "dict") -> "list[dict]":
    found = []
    for text in args["name"]:
        name, version = split(text)
        now = before["installed"].get(name)
        if args["state"] == "absent":
            leftover = args["purge"] and before["others"].get(name, "").startswith(("rc", "pc"))
            if now is not None or leftover:
                found.append(
                    {"subject": name, "aspect": "version", "before": now or "configuration", "after": "absent"}
                )
            continue
        wanted = version or (before["candidates"].get(name, now) if args["state"] == "latest" else now)
        if now is None or now != wanted:
            found.append({"subject": name, "aspect": "version", "before": now, "after": wanted or "newest"})
    return found


def apply(args: "dict", before: "dict") -> "dict":
    if args["update_cache"] and _list_age() >= args["cache_valid_time"]:
        _apt(args, ["update"])
    names = [text.strip() for text in args["name"]]
    if args["state"] == "absent":
        words = ["purge" if args["purge"] else "remove"] + [split(name)[0] for name in names]
    else:
        words = ["install"] + ["--no-install-recommends"] * (not args["install_recommends"])
        words += ["--allow-downgrades"] * any("=" in name for name in names) + names
    ran = _apt(args, words)
    return dict(_changed(args, before), stdout=ran["stdout"], stderr=ran["stderr"], cmd=ran["cmd"])


def _apt(args: "dict", words: "list[str]") -> "dict":
    return dpkg.apt(words, args["lock_timeout"], args["environment"])


def _list_age() -> float:
    """Seconds since the package lists were fetched."""
    import time

    try:
        return time.time() - os.stat("/var/lib/apt/lists").st_mtime
    except OSError:
        return 1e9


def _changed(args: "dict", before: "dict") -> "dict":
    was, now = before["installed"], dpkg.installed()[0]
    changed = {name: now.get(name) for name in set(was) | set(now) if was.get(name) != now.get(name)}
    return {"name": args["name"], "manager": "apt", "changed_packages": changed}


def undo(args: "dict", before: "dict") -> "dict":
    was = before["installed"]
    whole, others = dpkg.installed()
    if any(status[1:2] not in ("c", "n") for status in others.values()):  # an installation that broke off
        process.run(["dpkg", "--configure", "-a"] + ["--force-confdef", "--force-confold"], env=dpkg.QUIET)
        whole, others = dpkg.installed()
    came = sorted(name for name in list(whole) + list(others) if name not in was and name not in before["others"])
    if came:
        _apt(args, ["purge"] + came)
        whole = dpkg.installed()[0]
    back = sorted("%s=%s" % (name, version) for name, version in was.items() if whole.get(name) != version)
    if back:
        words = ["install", "--no-install-recommends", "--allow-downgrades", "--reinstall"]
        _apt(args, words + ["-o", "Dpkg::Options::=--force-confmiss"] + back)
    config = [name for name in before["others"] if name in dpkg.installed()[0] and name not in was]
    if config:  # they were removed, with their configuration left
        _apt(args, ["remove"] + config)
    _marks(before)
    return _changed(args, before)


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


def result(args: "dict", state: "dict") -> "dict":
    return {"name": args["name"], "manager": "apt", "changed_packages": {}, "stdout": "", "stderr": ""}
