"""Writing a file so that the old one is intact until the new one is whole.

The new content goes to a file beside the target, is flushed to the disk, gets owner, mode and extended attributes,
and is renamed over the target (rename(2) is atomic). When the disk is full the new file is removed and the old one was
never touched: writing in place leaves 4096 bytes of the new text and nothing of the old.
"""

import os

from playbook_engine.agent import failure


def write(path: str, content: bytes, mode: int, uid: int = -1, gid: int = -1, xattr: "dict | None" = None) -> None:
    """Makes `path` a regular file with this content, mode, owner (-1: the agent's own) and extended attributes.

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
            left = memoryview(content)
            while left:
                left = left[os.write(fd, left) :]
            if uid != -1 or gid != -1:
                os.fchown(fd, uid, gid)
            os.fchmod(fd, mode)  # after chown, which clears set-user-id bits (chown(2))
            set_xattr(fd, xattr or {})
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(beside, path)
    except BaseException as error:
        try:
            os.unlink(beside)
        except OSError:
            pass
        if isinstance(error, OSError):
            raise failure.of_os_error(error, path)
        raise
    flush_folder(folder)


def set_xattr(target: "int | str", wanted: "dict") -> None:
    """Extended attributes (ACLs are among them) as far as the file system and the agent's rights allow."""
    for name, value in wanted.items():
        try:
            if isinstance(target, int):
                os.setxattr(target, name, value)
            else:
                os.setxattr(target, name, value, follow_symlinks=False)
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
