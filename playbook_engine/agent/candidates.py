"""Which files on this host `reclaim` could take. Looks only; nothing is changed here."""

import os
import stat
import time

from playbook_engine.agent import failure, openfiles, protected
from playbook_engine.agent.choice import Candidate, Choice


def choose(args: "dict") -> "Choice":
    """What the arguments mean on this host now. Raises Failed for a place that is protected."""
    choice = Choice(args, time.time())
    choice.at = time.monotonic()
    for number, entry in enumerate(args["paths"]):
        for path in expand(entry):
            _gather(choice, number, path)
    choice.settle(openfiles.look(choice.devices))
    return choice


def _gather(choice: "Choice", number: int, path: str) -> None:
    """The candidates of one expanded entry."""
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    choice.permit(real)
    try:
        st = os.lstat(real)
    except OSError:
        return
    if stat.S_ISDIR(st.st_mode):
        choice.root(real, st.st_dev)
        fd = open_beneath(real, ())
        try:
            _walk(choice, number, real, fd, (), st.st_dev)
        finally:
            os.close(fd)
    else:
        _consider(choice, number, os.path.dirname(real), (os.path.basename(real),), st)


def _walk(choice: "Choice", number: int, root: str, fd: int, parts: "tuple[str, ...]", device: int) -> None:
    for name in os.listdir(fd):
        try:
            st = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if not stat.S_ISDIR(st.st_mode):
                _consider(choice, number, root, parts + (name,), st)
            elif st.st_dev != device:
                choice.skip("another file system")
            elif name in protected.KEPT:
                choice.skip("protected")
            else:
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
                try:
                    _walk(choice, number, root, inner, parts + (name,), device)
                finally:
                    os.close(inner)
        except PermissionError:
            choice.skip("not ours to read")
        except OSError:
            choice.skip("went away")


def _consider(choice: "Choice", number: int, root: str, parts: "tuple[str, ...]", st: "os.stat_result") -> None:
    one = Candidate(number, root, parts, st.st_mode, st.st_blocks, st.st_mtime, st.st_nlink, (st.st_dev, st.st_ino))
    choice.consider(one, stat.S_ISLNK(st.st_mode))


def device_of(path: str) -> int:
    """The device that a path is on, or -1 when it has gone."""
    try:
        return os.lstat(path).st_dev
    except OSError:
        return -1


def expand(entry: str) -> "list[str]":
    """The paths that an entry means; an entry that is there is itself, whatever characters are in it."""
    if not entry.startswith("/"):
        raise failure.Failed("reclaim wants absolute paths, not %r" % entry, "refused")
    if os.path.lexists(entry) or not any(c in entry for c in "*?["):
        return [os.path.normpath(entry)]
    import glob

    return [os.path.normpath(path) for path in sorted(glob.glob(entry))]


def open_beneath(root: str, parts: "tuple[str, ...]") -> int:
    """A descriptor of the directory `root/parts`, reached without following any link. Raises OSError."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open("/", flags)
    for part in tuple(root.strip("/").split("/")) + parts:
        try:
            inner = os.open(part, flags, dir_fd=fd)
        finally:
            os.close(fd)
        fd = inner
    return fd
