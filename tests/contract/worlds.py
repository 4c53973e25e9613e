"""Any ground that files may lie on, for statements that hold on all of it: a small tree drawn by hypothesis.

Files, directories, links, hard links, fifos and devices, with any bytes, modes, owners, extended attributes, ACLs and
times. What this file system or this user cannot have is left out when it is laid, so that one drawing fits everywhere.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

NAMES = (
    "f",
    "g",
    "l",
    "t",
    "t/a",
    "t/b",
    "t/sub",
    "t/sub/c",
    "two\nlines",
    "t/\udcff\udcfe",
    "t/ümläut",
    "d ir",
    "d ir/x",
)
TARGETS = ("f", "g", "t", "t/a", "../f", "nowhere", "l", ".", "{d}/f", "{d}/t/sub", "two\nlines")
OWNERS = (0, 1, 12345, 54321)
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"

LINES = st.lists(
    st.sampled_from([b"alpha", b"beta = 1", b"beta = 2", b"", b"\tindented", b"cr\r", b"\xff\xfe", "grün".encode()]),
    max_size=6,
).map(b"\n".join)
CONTENTS = (
    st.sampled_from([b"", b"\n", b"alpha\n", b"alpha", b"\x00" * 70_000, b"\xff\xfea\x00b\x00"])
    | LINES
    | LINES.map(lambda text: text + b"\n")
    | st.binary(max_size=60)
)
MODES = st.sampled_from([0o644, 0o600, 0o755, 0o4755, 0o2751, 0o6711, 0o1777, 0o2770, 0, 0o7777, 0o400]) | st.integers(
    0, 0o7777
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One path of a world. `kind`: file, directory, link, hard (another name of `target`), fifo or device."""

    kind: str
    content: bytes = b""
    target: str = ""
    mode: int = 0o644
    owner: tuple[int, int] = (0, 0)
    xattr: tuple[tuple[str, bytes], ...] = ()
    mtime: int = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Nodes by their path, parents first; one whose parent is no directory is not there."""

    nodes: tuple[tuple[str, Node], ...] = ()

    def lay(self, d: Path) -> None:
        """Makes it in the empty directory `d`."""
        for name, node in self.nodes:
            path = os.path.join(d, name)
            if os.path.isdir(os.path.dirname(path)) and not os.path.islink(os.path.dirname(path)):
                _make(path, node, str(d))
        for name, node in reversed(self.nodes):
            path = os.path.join(d, name)
            if os.path.lexists(path):
                _dress(path, node)


def _make(path: str, node: Node, d: str) -> None:
    match node.kind:
        case "directory":
            os.mkdir(path)
        case "link":
            os.symlink(node.target.replace("{d}", d), path)
        case "hard" if os.path.isfile(os.path.join(d, node.target)):
            os.link(os.path.realpath(os.path.join(d, node.target)), path)
        case "fifo":
            os.mkfifo(path)
        case "device" if os.geteuid() == 0:
            os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        case _:
            Path(path).write_bytes(node.content)


def _dress(path: str, node: Node) -> None:
    """Owner, mode, attributes, times: in this order, since each clears what the next one sets."""
    link = os.path.islink(path)
    if os.geteuid() == 0:
        os.chown(path, *node.owner, follow_symlinks=False)
    if not link:
        os.chmod(path, node.mode)
    for name, value in node.xattr:
        try:
            os.setxattr(path, name, value, follow_symlinks=False)
        except OSError:
            pass  # not on this file system, not on this kind of file, or not for this user
    os.utime(path, (node.mtime, node.mtime), follow_symlinks=False)


def acl(user: int, rights: int, mask: int) -> bytes:
    """A POSIX ACL with one named user, as the kernel stores it: version 2, then tag, rights and id of each entry."""
    none = 0xFFFFFFFF
    entries = [(1, 6, none), (2, rights, user), (4, 4, none), (16, mask, none), (32, 0, none)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


ACLS = st.builds(acl, st.sampled_from((1, 12345)), st.integers(0, 7), st.integers(0, 7))
XATTR = st.dictionaries(
    st.sampled_from(["user.note", "user.empty", "trusted.mark"]), st.binary(max_size=20), max_size=2
)


@st.composite
def nodes(draw: st.DrawFn, kinds: tuple[str, ...]) -> Node:
    kind = draw(st.sampled_from(kinds))
    xattr: dict[str, bytes] = draw(XATTR)
    if draw(st.integers(0, 3)) == 0:
        xattr[ACCESS] = draw(ACLS)
    if kind == "directory" and draw(st.integers(0, 2)) == 0:
        xattr[DEFAULT] = draw(ACLS)
    return Node(
        kind=kind, content=draw(CONTENTS) if kind in ("file", "hard") else b"",
        target=draw(st.sampled_from(TARGETS)) if kind == "link" else draw(st.sampled_from(("f", "g"))),
        mode=draw(MODES), owner=(draw(st.sampled_from(OWNERS)), draw(st.sampled_from(OWNERS))),
        xattr=tuple(sorted(xattr.items())), mtime=draw(st.integers(0, 2_000_000_000)),
    )  # fmt: skip


KINDS = ("file", "file", "file", "directory", "link", "link", "hard", "fifo", "device")
PLACES = {"t": ("directory", "directory", "link"), "t/sub": ("directory",), "d ir": ("directory",)}


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Each name is there or not; those that others lie in are mostly directories."""
    there = [name for name in NAMES if draw(st.integers(0, 3)) > 0]
    return World(nodes=tuple((name, draw(nodes(PLACES.get(name, KINDS)))) for name in there))


def clear(d: Path) -> None:
    """Removes a world, whatever became of it."""
    shutil.rmtree(d, ignore_errors=True)
    if d.exists():
        for folder, _, _ in os.walk(d):
            os.chmod(folder, 0o700)
        shutil.rmtree(d)
