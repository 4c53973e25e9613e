"""Processes and listening sockets, read from /proc (proc(5)): no ps, no ss, no psutil on the host."""

import os

HIDDEN = (FileNotFoundError, ProcessLookupError, PermissionError)


def read(path: str) -> str:
    """A file of /proc as text; empty when it has gone or is not ours to read."""
    try:
        with open(path, "rb") as handle:
            return handle.read().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def pids() -> "list[int]":
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def stat(pid: int) -> "dict | None":
    """{pid, comm, state, ppid, session, threads, started (seconds after boot), cpu_seconds}; None when it has gone."""
    text = read("/proc/%d/stat" % pid)
    if not text:
        return None
    comm, _, rest = text.partition("(")[2].rpartition(")")  # a command's name may hold spaces and parentheses
    fields = rest.split()
    tick = float(os.sysconf("SC_CLK_TCK"))
    return {
        "pid": pid,
        "comm": comm,
        "state": fields[0],
        "ppid": int(fields[1]),
        "session": int(fields[3]),
        "cpu_seconds": (int(fields[11]) + int(fields[12])) / tick,
        "threads": int(fields[17]),
        "started": int(fields[19]) / tick,
    }


def uptime() -> float:
    """Seconds since the machine booted."""
    text = read("/proc/uptime")
    return float(text.split()[0]) if text else 0.0


def boot_time() -> "int | None":
    """When the machine booted, in seconds since 1970 (`btime` of /proc/stat)."""
    for line in read("/proc/stat").splitlines():
        if line.startswith("btime "):
            return int(line.split()[1])
    return None


def age(pid: int) -> "float | None":
    """For how many seconds a process has lived; None when it has gone."""
    found = stat(pid)
    return max(uptime() - found["started"], 0.0) if found else None


def argv(pid: int) -> "list[str]":
    """A process's command line; empty for a kernel thread and for a zombie."""
    text = read("/proc/%d/cmdline" % pid)
    return text.rstrip("\0").split("\0") if text else []


def status(pid: int) -> "dict[str, str]":
    """/proc/PID/status by field; empty when it has gone."""
    pairs = (line.partition(":") for line in read("/proc/%d/status" % pid).splitlines())
    return {key: value.strip() for key, _, value in pairs}


def ancestors(pid: int) -> "list[int]":
    """The processes above one, the nearest first."""
    found: "list[int]" = []
    here = stat(pid)
    while here and here["ppid"] and here["ppid"] not in found:
        found.append(here["ppid"])
        here = stat(here["ppid"])
    return found


def listening() -> "dict[int, list[tuple[str, int]]]":
    """Listening TCP sockets by port: [(address, inode)]."""
    found: "dict[int, list]" = {}
    for name in ("tcp", "tcp6"):
        for line in read("/proc/net/" + name).splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":  # TCP_LISTEN
                address, _, port = fields[1].rpartition(":")
                found.setdefault(int(port, 16), []).append((_address(address), int(fields[9])))
    return found


def connections(port: int) -> "list[tuple[str, str]]":
    """(remote address, state in hex) of every TCP socket whose local port this is."""
    found = []
    for name in ("tcp", "tcp6"):
        for line in read("/proc/net/" + name).splitlines()[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port:
                found.append((_address(fields[2].rpartition(":")[0]), fields[3]))
    return found


def _address(text: str) -> str:
    """An address of /proc/net/tcp: 32-bit words in the machine's byte order."""
    import socket
    import struct

    words = [int(text[i : i + 8], 16) for i in range(0, len(text), 8)]
    packed = struct.pack("=%dI" % len(words), *words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)


def sockets(pid: int) -> "set[int]":
    """The inodes of a process's sockets; empty where its descriptors are not ours to see."""
    found = set()
    try:
        for name in os.listdir("/proc/%d/fd" % pid):
            try:
                target = os.readlink("/proc/%d/fd/%s" % (pid, name))
            except OSError:
                continue
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    except OSError:
        pass
    return found


def listeners(port: int) -> "list[int]":
    """The processes that listen on a TCP port, as far as they are ours to see."""
    inodes = {inode for _, inode in listening().get(port, [])}
    return [pid for pid in pids() if inodes & sockets(pid)] if inodes else []
