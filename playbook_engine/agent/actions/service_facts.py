"""Which services there are, and what they are doing."""

import os

from playbook_engine.agent import failure, initsystem, process

SPEC = {
    "name": "service_facts",
    "kind": "probe",
    "summary": "List the services, with what they are doing",
    "doc": "Under systemd, runit, s6, OpenRC or System V scripts, whichever runs.",
    "params": {},
    "returns": {"ansible_facts": "{services: {NAME: {name, state, status, source}}}"},
    "examples": "service_facts: {}",
}


def observe(args: "dict") -> "dict":
    found = {"systemd": _systemd, "runit": _runit, "s6": _s6, "openrc": _openrc, "sysvinit": _scripts}
    name = initsystem.name()
    if name not in found:
        raise failure.Unmeasured("unknown service manager: process 1 is %s" % name)
    return {"ansible_facts": {"services": {one["name"]: one for one in found[name]()}}}


def _systemd() -> "list[dict]":
    env = {"SYSTEMD_COLORS": "0", "LC_ALL": "C"}
    words = ["--no-pager", "--no-legend", "--plain", "--type", "service", "--all"]
    units = process.run(["systemctl", "list-units"] + words, env=env, cap=8 << 20)
    files = process.run(["systemctl", "list-unit-files"] + words, env=env, cap=8 << 20)
    if units["rc"] != 0:
        raise failure.Unmeasured("systemd does not answer: %s" % units["stderr"].strip())
    found: "dict" = {}
    for line in units["stdout"].splitlines():
        row = line.replace("●", " ").split(None, 4)
        if len(row) >= 4:
            status = row[1] if row[1] in ("not-found", "masked") else "failed" if "failed" in row[2:4] else "unknown"
            found[row[0]] = {"name": row[0], "state": _state(row), "status": status, "source": "systemd"}
    for line in files["stdout"].splitlines():
        row = line.split()
        if len(row) >= 2:
            one = found.setdefault(row[0], {"name": row[0], "state": "inactive", "source": "systemd"})
            one["status"] = "failed" if one.get("status") == "failed" else row[1]
    return list(found.values())


def _state(row: "list[str]") -> str:
    if "failed" in row[2:4] or row[1] in ("not-found", "masked"):
        return "stopped"
    return "running" if row[3] == "running" else "stopped"


def _runit() -> "list[dict]":
    from playbook_engine.agent import runit

    names = set(os.listdir("/etc/sv")) if os.path.isdir("/etc/sv") else set()
    return [_kept(runit.Runit(name, 0, False).observe(), name, "runit") for name in sorted(names)]


def _s6() -> "list[dict]":
    from playbook_engine.agent import s6

    folder = s6.S6("", 0).scanned
    names = [name for name in os.listdir(folder) if not name.startswith(".")]
    return [_kept(s6.S6(name, 0).observe(), name, "s6") for name in sorted(names)]


def _kept(state: "dict", name: str, source: str) -> "dict":
    running = "running" if state["running"] else "stopped"
    return {"name": name, "state": running, "status": "enabled" if state["enabled"] else "disabled", "source": source}


def _openrc() -> "list[dict]":
    ran = process.run(["rc-status", "-a", "-s"], env={"LC_ALL": "C"})
    enabled = process.run(["rc-update", "show"], env={"LC_ALL": "C"})["stdout"]
    on = {line.split("|")[0].strip() for line in enabled.splitlines() if "|" in line}
    found = []
    for line in ran["stdout"].splitlines():
        name, bracket, state = line.strip().partition("[")
        if bracket:
            words = {"running": state.split()[0] == "started", "enabled": name.strip() in on}
            found.append(_kept(words, name.strip(), "openrc"))
    return found


def _scripts() -> "list[dict]":
    from playbook_engine.agent import initscripts

    none = {"arguments": None, "pattern": None, "sleep": None, "runlevel": "default"}
    found = []
    for name in sorted(os.listdir("/etc/init.d")):
        if os.access(os.path.join("/etc/init.d", name), os.X_OK) and not name.startswith("."):
            found.append(_kept(initscripts.Script(dict(none, name=name)).observe(), name, "sysv"))
    return found
