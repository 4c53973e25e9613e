"""Reaching a service over the network. That it refuses, times out or resets is a measurement, not a failure."""

import errno

TYPE_CHECKING = False  # typing costs 10 ms of a host's CPU to import; a type checker knows this name
if TYPE_CHECKING:
    import socket


class Unreached(Exception):
    """The service could not be talked to: kind refused, timeout, reset, dns, unreachable, tls, closed or protocol."""

    def __init__(self, kind: str, msg: str) -> None:
        Exception.__init__(self, msg)
        self.kind = kind
        self.msg = msg


def connect(host: str, port: int, timeout: float) -> "socket.socket":
    """A connected socket with the timeout set and TCP_NODELAY. Raises Unreached."""
    import socket

    try:
        found = socket.create_connection((host, port), timeout)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found
    except OSError as error:
        raise of(error, "%s:%d" % (host, port))


def of(error: Exception, where: str) -> "Unreached":
    """An exception of socket, ssl or http.client as what it says of the service."""
    import socket

    kinds = {
        errno.ECONNREFUSED: "refused",
        errno.ENOENT: "refused",  # of a Unix socket
        errno.ETIMEDOUT: "timeout",
        errno.ECONNRESET: "reset",
        errno.EPIPE: "reset",
        errno.EHOSTUNREACH: "unreachable",
        errno.ENETUNREACH: "unreachable",
    }
    name = type(error).__name__
    if isinstance(error, Unreached):
        return error
    if isinstance(error, socket.gaierror):
        return Unreached("dns", "%s: the name cannot be resolved: %s" % (where, error.strerror or error))
    if isinstance(error, socket.timeout):
        return Unreached("timeout", "%s: timed out" % where)
    if name.startswith("SSL"):
        return Unreached("tls", "%s: %s" % (where, getattr(error, "reason", None) or error))
    if name in ("RemoteDisconnected", "EOFError"):
        return Unreached("closed", "%s: closed the connection without an answer" % where)
    if isinstance(error, OSError) and error.errno:
        return Unreached(kinds.get(error.errno, "unreachable"), "%s: %s" % (where, error.strerror or error))
    return Unreached("protocol", "%s: %s: %s" % (where, name, error))


def nothing(error: "Unreached") -> "dict":
    """What a probe says of a service that it could not reach."""
    return {"reachable": False, "error": error.msg, "error_kind": error.kind}
