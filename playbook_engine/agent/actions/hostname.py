"""The name of the host: the kernel's, and the one that it gets at boot."""

import os

from playbook_engine.agent import failure, filestate, initsystem, textfile

SPEC = {
    "name": "hostname",
    "kind": "state",
    "summary": "Set the host's name, now and at boot",
    "doc": "/etc/hosts is not touched: `lineinfile` does that.",
    "params": {
        "name": {"type": "str", "required": True, "doc": "The name, with or without the domain."},
        "use": {
            "type": "str",
            "choices": ["alpine", "debian", "generic", "openrc", "redhat", "sles", "systemd"],
            "doc": "Where the name for the next boot is kept; else what fits this host. `generic`: nowhere.",
        },
    },
    "undo": "the name of before, now and at boot",
    "returns": {
        "name": "",
        "current": "what the kernel says",
        "permanent": "what it will be after a boot",
        "ansible_facts": "ansible_hostname, ansible_nodename, ansible_fqdn, ansible_domain",
    },
    "examples": "hostname: {name: web1.example.test}",
}

VOLATILE = filestate.VOLATILE
FILES = {
    "alpine": "/etc/hostname",
    "debian": "/etc/hostname",
    "systemd": "/etc/hostname",
    "sles": "/etc/HOSTNAME",
    "openrc": "/etc/conf.d/hostname",
    "redhat": "/etc/sysconfig/network",
}
KEYS = {"openrc": "hostname", "redhat": "HOSTNAME"}  # files of assignments, for the shell


def strategy(args: "dict") -> str:
    if args["use"]:
        return str(args["use"])
    if initsystem.name() != "systemd":
        for name in ("openrc", "redhat", "sles"):
            if os.path.exists(FILES[name]) and not os.path.exists("/etc/hostname"):
                return name
    return "debian"


def observe(args: "dict") -> "dict":
    name = args["name"]
    if not name or len(name) > 64 or name[0] in "-." or any(not (c.isalnum() or c in "-._") for c in name):
        raise failure.Failed("%r is no name of a host: letters, digits and hyphens, at most 64" % name)
    how = strategy(args)
    state: "dict" = {"current": os.uname().nodename, "use": how, "permanent": None}
    if how in FILES:
        state.update(textfile.observe(os.path.realpath(FILES[how])))
        state["permanent"] = _read(how, textfile.text(state))
    return state


def _read(how: str, text: str) -> "str | None":
    for line in text.splitlines():
        bare = line.strip()
        if how in KEYS:
            key, _, value = bare.partition("=")
            if key.strip() == KEYS[how]:
                return value.strip().strip("\"'")
        elif bare and not bare.startswith("#"):  # hostname(5)
            return bare
    return None


def edited(args: "dict", before: "dict") -> str:
    how, text = before["use"], textfile.text(before)
    if before["permanent"] == args["name"]:
        return text
    if how not in KEYS:
        return args["name"] + "\n"
    quote = '"' if how == "openrc" else ""
    new = "%s=%s%s%s\n" % (KEYS[how], quote, args["name"], quote)
    lines = text.splitlines(True)
    at = next((at for at, line in enumerate(lines) if line.partition("=")[0].strip() == KEYS[how]), None)
    if at is None:
        return text + "\n" * bool(text and not text.endswith("\n")) + new
    return "".join(lines[:at] + [new] + lines[at + 1 :])


def plan(args: "dict", before: "dict") -> "list[dict]":
    found: "list[dict]" = []
    if before["current"] != args["name"]:
        found.append({"subject": "kernel", "aspect": "hostname", "before": before["current"], "after": args["name"]})
    if before["use"] in FILES:
        found += textfile.plan(before, edited(args, before))
    return found


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    return textfile.keep({}, before, edited(args, before), limit) if before["use"] in FILES else before


def apply(args: "dict", before: "dict") -> "dict":
    if before["use"] in FILES:
        textfile.put({}, before, edited(args, before), 0o644)
    _set(args["name"])
    return result(args, observe(args))


def _set(name: str) -> None:
    """sethostname(2); systemd and hostnamectl(1) take it from there."""
    if os.uname().nodename == name:
        return
    import socket

    try:
        socket.sethostname(name)
    except OSError as error:
        raise failure.of_os_error(error, "the name of the host")


def undo(args: "dict", before: "dict") -> "dict":
    if before["use"] in FILES:
        textfile.undo(before)
    _set(before["current"])
    return {"name": before["current"]}


def result(args: "dict", state: "dict") -> "dict":
    short, _, domain = args["name"].partition(".")
    facts = {"ansible_hostname": short, "ansible_nodename": args["name"], "ansible_fqdn": args["name"],
             "ansible_domain": domain}  # fmt: skip
    told = {"name": args["name"], "current": state["current"], "permanent": state["permanent"]}
    return dict(told, ansible_facts=facts)
