"""A socket that asks the kernel for as little as it can.

paramiko reads a packet in two pieces, and Python's sockets with a timeout ask poll(2) before each of them and before
each send(2). Every one of these calls lets go of the interpreter's lock, which other hosts' threads are waiting for.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

ONCE = 1 << 16  # bytes


class QuickSocket(socket.socket):
    """A connected socket; what arrived with a packet's first bytes is kept for who asks for the rest."""

    _held = b""

    @classmethod
    def of(cls, sock: socket.socket) -> QuickSocket:
        """The same connection; `sock` is of no use any more."""
        timeout = sock.gettimeout()
        made = cls(fileno=sock.detach())
        made.settimeout(timeout)
        return made

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        if flags:
            return super().recv(bufsize, flags)
        data = self._held or super().recv(max(ONCE, bufsize))
        self._held = data[bufsize:]
        return data[:bufsize]

    def send(self, data: Buffer, flags: int = 0, /) -> int:
        if not flags:
            try:
                return os.write(self.fileno(), data)
            except BlockingIOError:
                pass  # the far side does not take it in: that is waited for
        return super().send(data, flags)
