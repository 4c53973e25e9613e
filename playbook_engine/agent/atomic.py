"""Writing a file so that the old one is intact until the new one is whole.

The new content goes to a file beside the target, is flushed to the disk, gets owner, mode and extended attributes,
and is renamed over the target (rename(2) is atomic). When the disk is full the new file is removed and the old one was
never touched: writing in place leaves 4096 bytes of the new text and nothing of the old.
"""

import errno
import os

from playbook_engine.agent import failure

TYPE_CHECKING = False  # typing costs 10 ms of a host's CPU to import; a type checker knows this name
if TYPE_CHECKING:
    from collections.abc import Callable


def write(
    path: str,
    content: "bytes | Callable[[Callable[[bytes], None]], None]",
    mode: int,
    uid: int = -1,
    gid: int = -1,
    xattr: "dict | None" = None,
    accept: "Callable[[str], None] | None" = None,
    unsafe: bool = False,
) -> None:
    """Makes `path` a regular file with this content, mode, owner (-1: the agent's own) and extended attributes.

    Content too large for memory is a function: it is called with one that takes the pieces. `accept` is called with
    the path of the new file before it takes the old one's place, and may raise. `unsafe`: where it cannot
    take it (one that is mounted cannot be renamed over) the old one is written in place.
    Raises Failed with the kind disk-full, no-inodes, read-only, permission or not-found; the target is as it was then.
    """
    folder, name = os.path.split(path)
    folder = folder or "."
    beside = os.path.join(folder, ".%s.%s.new" % (name[:200], _random()))
    try:
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise failure.of_os_error(error, folder)
    try:
        try:
            if isinstance(content, bytes):
                _pour(fd, content)
            else:
                content(lambda piece: _pour(fd, piece))
            if uid != -1 or gid != -1:
                os.fchown(fd, uid, gid)
            os.fchmod(fd, mode)  # after chown, which clears set-user-id bits (chown(2))
            if xattr is not None:
                set_xattr(fd, xattr)
            os.fsync(fd)
        finally:
            os.close(fd)
        if accept is not None:
            accept(beside)
        try:
            os.rename(beside, path)
        except OSError as error:
            if not unsafe or error.errno not in (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES):
                raise
            _in_place(beside, path)
    except BaseException as error:
        try:
            os.unlink(beside)
        except OSError:
            pass
        if isinstance(error, OSError):
            raise failure.of_os_error(error, path)
        raise
    flush_folder(folder)


def _in_place(beside: str, path: str) -> None:
    """The content of one file into another that stays the same file."""
    with open(beside, "rb") as new, open(path, "r+b") as old:
        for piece in iter(lambda: new.read(1 << 20), b""):
            old.write(piece)
        old.truncate()
        old.flush()
        os.fsync(old.fileno())
    os.unlink(beside)


def _pour(fd: int, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(fd, left) :]


def accepted_by(command: "str | None") -> "Callable[[str], None] | None":
    """`accept` for `write` from the argument `validate`: a command in which `%s` is the new file's path, or None.

    Raises Failed when the text has no `%s`.
    """
    if not command:
        return None
    if "%s" not in command:
        raise failure.Failed("validate must contain %%s, where the path of the new file goes: %s" % command)

    def accept(path: str) -> None:
        import shlex

        from playbook_engine.agent import process

        ran = process.run([part.replace("%s", path) for part in shlex.split(command)])
        if ran["rc"] != 0:
            said = (ran["stderr"] or ran["stdout"]).strip()
            raise failure.Failed("validation refused the new content (status %s): %s" % (ran["rc"], said), result=ran)

    return accept


def set_xattr(target: "int | str", wanted: "dict") -> None:
    """These extended attributes (ACLs are among them) and no others, as far as file system and rights allow.

    No others: in a directory with a default ACL (acl(5)) a new file has one that nobody gave it.
    """
    follow = isinstance(target, int)  # a descriptor is no link, and cannot be asked not to follow one
    try:
        others = set(os.listxattr(target, follow_symlinks=follow)) - set(wanted)
    except OSError:
        others = set()
    for name in sorted(others):
        try:
            os.removexattr(target, name, follow_symlinks=follow)
        except OSError:
            pass  # as below
    for name, value in wanted.items():
        try:
            os.setxattr(target, name, value, follow_symlinks=follow)
        except OSError:
            pass  # not supported here, or not ours to set: the proof of a rollback compares them and says so


def flush_folder(folder: str) -> None:
    """Makes a rename or an unlink survive a power cut (fsync(2) on the directory)."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass  # some file systems refuse it; the rename itself has happened
    finally:
        os.close(fd)


def _random() -> str:
    return "".join("%02x" % b for b in os.urandom(6))
