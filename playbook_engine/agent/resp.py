"""A Redis client in the few lines of its protocol (RESP 2): strings, errors, integers, bulk strings, arrays."""

from playbook_engine.agent import reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket


class Refused(Exception):
    """Redis answered with an error: NOAUTH, WRONGPASS, READONLY, MISCONF, LOADING, OOM and the like."""


class Client(object):
    """One connection. Methods raise Refused and reach.Unreached."""

    def __init__(self, it: "socket.socket", where: str) -> None:
        self._it, self._where = it, where
        self._held = b""

    def call(self, *words: str) -> object:
        """One command; its answer as str, int, list or None."""
        parts = [word.encode("utf-8", "surrogateescape") for word in words]
        request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        try:
            self._it.sendall(request)
            return self._answer()
        except (OSError, ValueError) as error:
            raise reach.of(error, self._where)

    def close(self) -> None:
        self._it.close()

    def _more(self) -> None:
        data = self._it.recv(65536)
        if not data:
            raise reach.Unreached("closed", "%s: closed the connection" % self._where)
        self._held += data

    def _line(self) -> bytes:
        while b"\r\n" not in self._held:
            if len(self._held) > 65536:
                raise reach.Unreached("protocol", "%s: this is no Redis" % self._where)
            self._more()
        line, _, self._held = self._held.partition(b"\r\n")
        return line

    def _answer(self) -> object:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode("utf-8", "surrogateescape")
        if kind == b"-":
            raise Refused(rest.decode("utf-8", "surrogateescape"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self._bulk(int(rest))
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))] if int(rest) >= 0 else None
        raise reach.Unreached("protocol", "%s: this is no Redis: %r" % (self._where, line[:80]))

    def _bulk(self, size: int) -> "str | None":
        if size < 0:
            return None
        while len(self._held) < size + 2:
            self._more()
        data, self._held = self._held[:size], self._held[size + 2 :]
        return data.decode("utf-8", "surrogateescape")
