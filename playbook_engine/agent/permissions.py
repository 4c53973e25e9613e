"""What `stat` and `find` say of a mode, and the flags that a file system keeps beside it."""

import os
import stat

LETTERS = (
    (0x0001, "s", "secure_deletion"), (0x0002, "u", "undelete"), (0x0008, "S", "synchronous_updates"),
    (0x10000, "D", "synchronous_directory_updates"), (0x0010, "i", "immutable"), (0x0020, "a", "append_only"),
    (0x0040, "d", "no_dump"), (0x0080, "A", "no_atime"), (0x0004, "c", "compressed"), (0x4000, "j", "journaled"),
    (0x8000, "t", "no_tailmerging"), (0x20000, "T", "top_level"), (0x80000, "e", "extents"),
    (0x800000, "C", "no_cow"),
)  # fmt: skip
"""Flag (linux/fs.h), its letter in chattr(1), and its name, in the order in which lsattr(1) writes them."""
GET_FLAGS, GET_VERSION = 0x80086601, 0x80087601  # ioctl_iflags(2)


def flags(mode: int) -> "dict[str, bool]":
    """isreg, isdir …, rusr … xoth of a mode."""
    found = {
        "isreg": stat.S_ISREG(mode),
        "isdir": stat.S_ISDIR(mode),
        "islnk": stat.S_ISLNK(mode),
        "isblk": stat.S_ISBLK(mode),
        "ischr": stat.S_ISCHR(mode),
        "isfifo": stat.S_ISFIFO(mode),
        "issock": stat.S_ISSOCK(mode),
        "isuid": bool(mode & stat.S_ISUID),
        "isgid": bool(mode & stat.S_ISGID),
    }
    for number, right in enumerate(("rusr", "wusr", "xusr", "rgrp", "wgrp", "xgrp", "roth", "woth", "xoth")):
        found[right] = bool(mode & (0o400 >> number))
    return found


def attributes(path: str) -> "dict[str, object]":
    """attributes, attr_flags and version of a file or directory; nothing of anything else, or where there are none."""
    none: "dict[str, object]" = {"attributes": [], "attr_flags": "", "version": None}
    if stat.S_IFMT(os.lstat(path).st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
        return none
    import fcntl
    import struct

    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return none
    try:
        set_, version = (
            struct.unpack("i", fcntl.ioctl(handle, ask, b"\0" * 8)[:4])[0] for ask in (GET_FLAGS, GET_VERSION)
        )
    except OSError:
        return none
    finally:
        os.close(handle)
    there = [(letter, name) for bit, letter, name in LETTERS if set_ & bit]
    return {
        "attributes": [name for _, name in there],
        "attr_flags": "".join(letter for letter, _ in there),
        "version": str(version & 0xFFFFFFFF),
    }
