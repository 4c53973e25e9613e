"""What starts the services of this host: decided by what runs, never by the programs that lie about."""

import os

from playbook_engine.agent import procfs

KNOWN = {
    "systemd": "systemd",
    "runit": "runit",
    "runit-init": "runit",
    "runsvdir": "runit",
    "s6-svscan": "s6",
    "openrc-init": "openrc",
    "init": "sysvinit",
}


def name() -> str:
    """systemd, runit, s6, openrc, sysvinit, or else the name of process 1."""
    if os.path.isdir("/run/systemd/system"):  # sd_booted(3)
        return "systemd"
    comm = procfs.read("/proc/1/comm").strip()
    if comm == "init" and os.path.isdir("/run/openrc"):  # Alpine: busybox's init starts OpenRC
        return "openrc"
    if KNOWN.get(comm, "systemd") != "systemd":  # a systemd that did not boot this host manages nothing
        return KNOWN[comm]
    return "runit" if runsvdir() else comm or "unknown"


def runsvdir() -> "list[str]":
    """The command line of the runsvdir that is process 1 or its child; empty when there is none."""
    for pid in procfs.pids():
        found = procfs.stat(pid)
        if found and found["comm"] == "runsvdir" and (pid == 1 or found["ppid"] == 1):
            return procfs.argv(pid)
    return []
