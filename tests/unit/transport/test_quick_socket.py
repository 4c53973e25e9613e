"""A socket that reads ahead and asks less: the same bytes in the same order."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from playbook_engine.transport.quick_socket import ONCE, QuickSocket


@pytest.fixture
def pair() -> Iterator[tuple[QuickSocket, socket.socket]]:
    near, far = socket.socketpair()
    near.settimeout(0.2)
    quick = QuickSocket.of(near)
    yield quick, far
    quick.close()
    far.close()


def test_what_came_together_is_handed_out_in_pieces(pair: tuple[QuickSocket, socket.socket]) -> None:
    quick, far = pair
    assert quick.gettimeout() == 0.2
    far.sendall(b"0123456789")
    assert [quick.recv(4), quick.recv(4), quick.recv(4)] == [b"0123", b"4567", b"89"]
    with pytest.raises(TimeoutError):
        quick.recv(1)


def test_the_end_comes_after_what_was_sent(pair: tuple[QuickSocket, socket.socket]) -> None:
    quick, far = pair
    far.sendall(b"last")
    far.shutdown(socket.SHUT_WR)
    assert [quick.recv(3), quick.recv(3), quick.recv(3), quick.recv(3)] == [b"las", b"t", b"", b""]


def test_more_than_is_taken_at_once(pair: tuple[QuickSocket, socket.socket]) -> None:
    quick, far = pair
    sent = os.urandom(5 * ONCE + 7)
    threading.Thread(target=far.sendall, args=(sent,)).start()
    got = b""
    while len(got) < len(sent):
        got += quick.recv(ONCE // 2 + 3)
    assert got == sent


def test_sending_waits_for_who_does_not_read(pair: tuple[QuickSocket, socket.socket]) -> None:
    quick, far = pair
    quick.setblocking(False)
    while True:
        try:
            quick.send(b"x" * 65536)
        except BlockingIOError:
            break
    quick.settimeout(0.05)
    with pytest.raises(TimeoutError):
        quick.send(b"y")
    quick.settimeout(5)
    reader = threading.Thread(target=lambda: [far.recv(65536) for _ in range(20)])
    reader.start()
    assert quick.send(b"y") == 1
    far.shutdown(socket.SHUT_RDWR)
    reader.join(5)


def test_a_broken_pipe_is_an_error(pair: tuple[QuickSocket, socket.socket]) -> None:
    quick, far = pair
    far.close()
    with pytest.raises(OSError, match="Broken pipe"):
        quick.send(b"x")
