"""Which processes the arguments of a probe mean, and what there is to say of each."""

import os

from playbook_engine.agent import failure, filestate, procfs

# The arguments that `process`, `memory` and `heartbeat` share.
PARAMS = {
    "match": {"type": "str", "doc": "A regular expression found in the command line."},
    "name": {"type": "str", "doc": "The program's name, exactly (the kernel keeps 15 characters)."},
    "pid": {"type": "int", "doc": "One process."},
    "pidfile": {"type": "path", "doc": "A file with its number."},
    "user": {"type": "str", "doc": "Only processes of this user."},
    "port": {"type": "int", "doc": "Only processes that listen on this TCP port."},
}
WRAPPERS = ("sh", "bash", "dash", "ash", "zsh", "sudo", "su", "runbook")


def asked(args: "dict") -> bool:
    """Whether the arguments name any process."""
    return any(args.get(key) is not None for key in PARAMS)


def find(args: "dict") -> "list[int]":
    """The processes that all given arguments mean, by number. Raises Unmeasured, Failed."""
    numbers = _candidates(args)
    if args["port"] is not None:
        there = procfs.listeners(args["port"])
        if not there and procfs.listening().get(args["port"]) and os.geteuid() != 0:
            raise failure.Unmeasured("port %d is listened on by another user's process: become" % args["port"])
        numbers = [pid for pid in numbers if pid in there]
    if args["user"] is not None:
        uid = str(filestate.uid_of(args["user"]))
        numbers = [pid for pid in numbers if procfs.status(pid).get("Uid", "").split()[:1] == [uid]]
    if args["name"] is not None:
        numbers = [pid for pid in numbers if (procfs.stat(pid) or {}).get("comm") == args["name"][:15]]
    if args["match"] is not None:
        numbers = _matching(args["match"], numbers)
    return [pid for pid in numbers if (procfs.stat(pid) or {}).get("state", "Z") != "Z"]


def _candidates(args: "dict") -> "list[int]":
    if args["pidfile"] is not None:
        try:
            with open(args["pidfile"]) as handle:
                return [int(handle.read().split()[0])]
        except FileNotFoundError:
            return []
        except (ValueError, IndexError):
            raise failure.Failed("%s holds no process number" % args["pidfile"])
    if args["pid"] is not None:
        return [args["pid"]]
    return [pid for pid in procfs.pids() if pid != os.getpid()]


def _matching(pattern: str, numbers: "list[int]") -> "list[int]":
    """Those whose command line matches; not the shells and interpreters above us, which hold our own arguments."""
    import re

    try:
        search = re.compile(pattern).search
    except re.error as error:
        raise failure.Failed("the regular expression %r cannot be used: %s" % (pattern, error))
    above = set()
    for pid in procfs.ancestors(os.getpid()):
        comm = (procfs.stat(pid) or {}).get("comm", "")
        if comm in WRAPPERS or comm.startswith("python"):
            above.add(pid)
    return [pid for pid in numbers if pid not in above and search(" ".join(procfs.argv(pid)))]


def tell(pid: int) -> "dict | None":
    """{pid, ppid, name, command, user, state, uptime_seconds, rss_bytes, threads, cpu_seconds, ports}; None: gone."""
    found, status = procfs.stat(pid), procfs.status(pid)
    if not found or not status:
        return None
    inodes = procfs.sockets(pid)
    ports = sorted(port for port, listed in procfs.listening().items() if any(inode in inodes for _, inode in listed))
    return {
        "pid": pid,
        "ppid": found["ppid"],
        "name": found["comm"],
        "command": " ".join(procfs.argv(pid)),
        "user": filestate.name_of_uid(int(status["Uid"].split()[0])),
        "state": found["state"],
        "uptime_seconds": round(max(procfs.uptime() - found["started"], 0.0), 2),
        "rss_bytes": int(status.get("VmRSS", "0").split()[0]) * 1024,
        "threads": found["threads"],
        "cpu_seconds": round(found["cpu_seconds"], 2),
        "ports": ports,
    }
