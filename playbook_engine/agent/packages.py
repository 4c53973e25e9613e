"""Packages of the distribution: one set of rules over apt, dnf and apk.

A manager says what is installed, what of the arguments is not so yet, and does it. Its state before is every installed
package with its version: what a step brings along or takes with it is put back too.
"""

import os

from playbook_engine.agent import failure, packages_apk, packages_apt, packages_dnf

TYPE_CHECKING = False  # typing costs 10 ms of a host's CPU to import; a type checker knows this name
if TYPE_CHECKING:
    Manager = packages_apt.Apt | packages_dnf.Dnf | packages_apk.Apk

MANAGERS = ("apt", "dnf", "apk")
PLACES = (
    ("apt", "/usr/bin/apt-get"),
    ("dnf", "/usr/bin/dnf"),
    ("dnf", "/usr/bin/dnf5"),
    ("dnf", "/usr/bin/yum"),
    ("dnf", "/usr/bin/microdnf"),
    ("apk", "/sbin/apk"),
    ("zypper", "/usr/bin/zypper"),
    ("pacman", "/usr/bin/pacman"),
    ("xbps", "/usr/bin/xbps-install"),
)
NAMES = {"yum": "dnf", "dnf4": "dnf", "dnf5": "dnf", "yum4": "dnf"}  # Ansible's other names
UNDO = "the set of installed packages and their versions as before; package lists and logs stay"
RETURNS = {
    "name": "",
    "manager": "apt, dnf or apk",
    "changed_packages": "{package: version or null} of all that changed",
    "stdout": "",
    "stderr": "",
    "cmd": "",
}


def manager(args: "dict", name: "str | None" = None) -> "Manager":
    """The manager of this name, or the one that is here. Raises Failed where there is none that is known."""
    asked = name or args.get("use") or "auto"
    asked = NAMES.get(asked, asked)
    there_are = [each for each, path in PLACES if os.path.exists(path)]
    if asked == "auto":
        asked = there_are[0] if there_are else ""
    if asked in MANAGERS and asked in there_are:
        if asked == "apt":
            return packages_apt.Apt(args)
        return packages_dnf.Dnf(args) if asked == "dnf" else packages_apk.Apk(args)
    there = there_are[0] if there_are else "no package manager that is known"
    said = "%s is not here" % asked if asked in MANAGERS else "only apt, dnf and apk are understood"
    raise failure.Failed("%s; this host has %s: use `command`" % (said, there), "unsupported")


def here() -> "list[str]":
    """The managers of this host that are understood."""
    return [name for name in MANAGERS if any(os.path.exists(path) for each, path in PLACES if each == name)]


def observe(args: "dict", name: "str | None" = None) -> "dict":
    one = manager(args, name)
    state = one.state()
    state["_changes"] = one.changes(state)
    return state


def plan(before: "dict") -> "list[dict]":
    return [dict(change) for change in before["_changes"]]


def apply(args: "dict", before: "dict") -> "dict":
    one = manager(args, before["manager"])
    ran = one.apply(before)
    return dict(changed(args, one, before), stdout=ran.get("stdout", ""), stderr=ran.get("stderr", ""),
                cmd=ran.get("cmd", ""), **one.told())  # fmt: skip


def undo(args: "dict", before: "dict") -> "dict":
    one = manager(args, before["manager"])
    one.undo(before)
    return changed(args, one, before)


def changed(args: "dict", one: "Manager", before: "dict") -> "dict":
    was, now = before["installed"], one.installed()
    found = {name: now.get(name) for name in set(was) | set(now) if was.get(name) != now.get(name)}
    return {"name": args["name"], "manager": one.name, "changed_packages": found}


def result(args: "dict", state: "dict") -> "dict":
    one = manager(args, state["manager"])
    told = {"name": args["name"], "manager": state["manager"], "changed_packages": {}, "stdout": "", "stderr": ""}
    return dict(told, **one.told())
