"""Sockets whose names say something: bound by one agent, listed by the kernel, read by all (unix(7), proc(5)).

What a process says so needs no answer from it, costs no file, and is over when the process is.
"""

import _signal as signal  # type: ignore[import-not-found]
import _socket
import os

LONGEST = 107  # bytes of a name (unix(7): sun_path has 108, the first is NUL)


def socket() -> "_socket.socket":
    """One without a name yet."""
    return _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)


def bind(name: str, one: "_socket.socket | None" = None) -> "_socket.socket | None":
    """A socket of this name, or None when somebody has it."""
    one = one or socket()
    try:
        one.bind(_address(name))
        return one
    except OSError:
        one.close()
        return None


def bound(name: str) -> bool:
    """Whether somebody has a socket of this name. Asking so takes the name from nobody, as trying to bind it would."""
    one = socket()
    try:
        one.connect(_address(name))
        return True
    except OSError:
        return False
    finally:
        one.close()


def _address(name: str) -> bytes:
    return b"\0" + ("runbook." + name).encode("ascii", "replace")[:LONGEST]


def holders(run: str) -> "tuple[dict, dict]":
    """(of this run, of others): who, why and doing, as the kernel lists their sockets."""
    mine: "dict" = {"who": [], "why": [], "doing": []}
    others: "dict" = {"who": [], "why": [], "doing": []}
    lines = ours()
    for kind, keys in (("who", ("run", "token", "pid", "since", "actor")), ("why", ("run", "reason")),
                       ("doing", ("run", "pid", "change"))):  # fmt: skip
        for inode, parts in names(kind, len(keys), lines):
            one: "dict" = dict(zip(keys, parts), inode=inode)
            try:
                one.update((key, int(one[key])) for key in ("token", "pid", "since") if key in one)
            except ValueError:
                continue  # nobody of ours
            (mine if one["run"] == run else others)[kind].append(one)
    return mine, others


def ours() -> "list[bytes]":
    """The lines of the kernel's list of sockets that may be an agent's (proc(5), /proc/net/unix)."""
    with open("/proc/net/unix", "rb") as handle:
        text = handle.read()
    return [line for line in text.split(b"\n") if b"@runbook." in line]  # the kernel shows a NUL as @


def names(kind: str, size: int, lines: "list[bytes]") -> "list[tuple[str, list[str]]]":
    """(inode, the `size` parts of the name) of all sockets of a kind."""
    start = b"@runbook.%s/" % kind.encode()
    found = []
    for line in lines:
        head, there, name = line.partition(start)
        if there:
            found.append((head.split()[-1].decode(), name.decode("ascii", "replace").split("/", size - 1)))
    return [(inode, parts) for inode, parts in found if len(parts) == size]


def fence(one: "dict") -> None:
    """Tells another agent that its time is over. Without the right to (another user's), its lease has to end.

    Anybody may bind any name, and another PID namespace has other numbers: only the process that holds this very
    socket is told.
    """
    try:
        links = [os.readlink("/proc/%d/fd/%s" % (one["pid"], fd)) for fd in os.listdir("/proc/%d/fd" % one["pid"])]
        if one["pid"] != os.getpid() and "socket:[%s]" % one["inode"] in links:
            os.kill(one["pid"], signal.SIGUSR2)
    except OSError:
        pass


def plain(text: object) -> str:
    """Printable ASCII without a slash."""
    return "".join(c if " " <= c <= "~" and c != "/" else "_" for c in str(text)) or "-"
