"""How an action says that it did not work: a kind that a machine can act on, a message for a person.

Kinds: failed · timeout · disk-full · no-inodes · read-only · permission · not-found · unmeasured · no-such-command ·
refused · crash · interrupted · fenced · locked · forgotten. `unmeasured`
means that a probe could not run at all, which is not the same as a bad value.
"""

import errno
import os


class Failed(Exception):
    """The action failed. `result` is what it can say all the same (output, return code)."""

    def __init__(self, msg: str, kind: str = "failed", result: object = None) -> None:
        Exception.__init__(self, msg)
        self.msg = msg
        self.kind = kind
        self.result = result


class Unmeasured(Failed):
    """A probe could not measure: no permission, no tool. Never raised because a service is down."""

    def __init__(self, msg: str, result: object = None) -> None:
        Failed.__init__(self, msg, "unmeasured", result)


class TimeUp(BaseException):
    """Raised by the deadline's alarm inside whatever runs. BaseException, so that no action swallows it."""


class Cancelled(BaseException):
    """What is being done is to end at once: the operator says so, or the link to him is lost and he wanted that."""


class Fenced(BaseException):
    """A controller with a higher token has taken this host over; raised while nothing is being done."""


def of_os_error(error: "OSError", path: object = None) -> "Failed":
    """An OSError as a failure with the kind that tells the operator what is wrong with the host."""
    where = path or error.filename or ""
    said = "%s: %s" % (where, os.strerror(error.errno)) if where and error.errno else str(error)
    if error.errno == errno.ENOSPC:
        return Failed(said, "no-inodes" if out_of_inodes(str(where)) else "disk-full")
    if error.errno == errno.EDQUOT:
        return Failed(said, "disk-full")
    if error.errno == errno.EROFS:
        return Failed(said, "read-only")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Failed(said, "permission")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Failed(said, "not-found")
    return Failed(said)


def out_of_inodes(path: str) -> bool:
    """Whether the file system of `path` has bytes but no inodes left: both give ENOSPC (statvfs(3))."""
    while path and path != "/":
        try:
            fs = os.statvfs(path)
            return fs.f_files > 0 and fs.f_favail == 0 and fs.f_bavail > 0
        except OSError:
            path = os.path.dirname(path)
    return False
