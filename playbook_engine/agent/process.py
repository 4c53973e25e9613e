"""Running a command on the host: own process group, bounded output, killed when the deadline's alarm rings.

`subprocess` costs 13 ms of CPU to import; fork, exec and poll are enough here, and the agent has one thread.
"""

# signal imports enum, re and more: 2 ms of a host's CPU
import _signal as signal  # type: ignore[import-not-found]
import os
import select
import sys

from playbook_engine.agent.failure import Cancelled, Failed, TimeUp

leash: "int | None" = None  # a descriptor whose hang-up ends what is running: `on_disconnect: kill`
DEFAULTS = (
    signal.SIGPIPE, signal.SIGALRM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip
SPAWNS = sys.version_info >= (3, 8)  # posix_spawnp came with that
CAP = 1 << 20  # bytes kept of each stream: the first and the last half, the rest is counted


class Stream(object):
    """What one pipe said: the head and the tail of it, and how much it was in all."""

    def __init__(self, cap: int) -> None:
        self.half = cap // 2
        self.head = bytearray()
        self.tail = bytearray()
        self.total = 0

    def feed(self, data: bytes) -> None:
        self.total += len(data)
        room = self.half - len(self.head)
        if room > 0:
            self.head += data[:room]
            data = data[room:]
        if data:
            self.tail += data
            if len(self.tail) > 2 * self.half:
                del self.tail[: -self.half]

    def text(self) -> str:
        tail = self.tail[-self.half :]
        left_out = self.total - len(self.head) - len(tail)
        middle = b"\n[... %d bytes left out ...]\n" % left_out if left_out else b""
        return bytes(self.head + middle + tail).decode("utf-8", "surrogateescape")


def run(
    argv: "list[str]",
    stdin: bytes = b"",
    cwd: object = None,
    env: "dict | None" = None,
    umask: object = None,
    cap: int = CAP,
    user: object = None,
) -> "dict":
    """Runs `argv` and waits for it: {rc, stdout, stderr, stdout_bytes, stderr_bytes, pid}.

    `rc` is negative for a signal, as in subprocess. `env` is added to the agent's own environment. A command that
    leaves a background child holding its output does not hold us: what was written by its own end is taken.
    Raises Failed("no-such-command") when it cannot be started, its errno as `rc`, and
    Failed("timeout") with the output so far.
    """
    out_r, out_w = os.pipe()
    err_r, err_w = os.pipe()
    in_r, in_w = os.pipe()
    # A spawned child costs a third of a forked one, which runs our own code before its program.
    plain = cwd is None and umask is None and user is None and "PATH" not in (env or {})
    try:
        pid = _spawn(argv, (in_r, out_w, err_w), env) if plain and SPAWNS else None
        if pid is None:
            pid = _fork(argv, (in_r, out_w, err_w), cwd, env, umask, user)
    except BaseException:
        for fd in (out_r, err_r, in_w):
            os.close(fd)
        raise
    finally:
        for fd in (out_w, err_w, in_r):
            os.close(fd)
    streams = {out_r: Stream(cap), err_r: Stream(cap)}
    out, err = streams[out_r], streams[err_r]
    try:
        try:
            status = _pump(pid, in_w, stdin, streams)
        except BaseException as error:
            _kill_group(pid)
            if isinstance(error, TimeUp):
                raise Failed("timed out; its process group was killed", "timeout", _said(None, out, err, pid))
            raise
        rc = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return _said(rc, out, err, pid)
    finally:
        for fd in [in_w] + list(streams):
            try:
                os.close(fd)
            except OSError:
                pass  # closed when its end was read


def _said(rc: object, out: "Stream", err: "Stream", pid: int) -> "dict":
    return {
        "rc": rc,
        "stdout": out.text(),
        "stderr": err.text(),
        "stdout_bytes": out.total,
        "stderr_bytes": err.total,
        "pid": pid,
    }


def _spawn(argv: "list[str]", streams: "tuple[int, int, int]", env: "dict | None") -> "int | None":
    """The child's pid; None where the C library cannot put it into a session of its own. Raises Failed."""
    actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(streams)]
    try:
        environment = _environment(env) if env else os.environ
        return os.posix_spawnp(argv[0], argv, environment, file_actions=actions, setsid=True, setsigdef=DEFAULTS)
    except NotImplementedError:
        return None
    except OSError as error:
        raise _no_start(error.errno or 0, "exec", argv[0])


def _fork(
    argv: "list[str]", streams: "tuple[int, int, int]", cwd: object, env: "dict | None", umask: object, user: object
) -> int:
    """The same, with what only code of our own in the child can do first."""
    bad_r, bad_w = os.pipe()  # closed by exec; an errno arrives on it when exec fails
    pid = os.fork()
    if pid == 0:
        _child(argv, streams, bad_w, cwd, env, umask, user)
    os.close(bad_w)
    said = os.read(bad_r, 200)
    os.close(bad_r)
    if said:
        os.waitpid(pid, 0)
        number, what = said.decode().split(" ", 1)
        raise _no_start(int(number), what, {"exec": argv[0], "chdir": str(cwd), "user": str(user)}.get(what, what))
    return pid


def _no_start(number: int, what: str, path: str) -> "Failed":
    said = "%s: %s" % (path, os.strerror(number))
    return Failed(said, "no-such-command", {"rc": number}) if what == "exec" else Failed(said, "failed")


def _environment(env: "dict | None") -> "dict":
    environment = dict(os.environ)
    environment.update(env or {})
    return environment


def _child(
    argv: "list[str]", streams: "tuple[int, int, int]", bad_w: int, cwd: object, env: "dict | None", umask: object,
    user: object,
) -> None:  # fmt: skip
    what = "exec"
    try:
        os.setsid()
        for number, fd in enumerate(streams):
            os.dup2(fd, number)
        for one in DEFAULTS:
            signal.signal(one, signal.SIG_DFL)
        if umask is not None:
            os.umask(int(umask))  # type: ignore[call-overload]
        environment = _environment(env)
        if user is not None:
            what = "user"
            _become(user, environment)
        if cwd is not None:
            what = "chdir"
            os.chdir(cwd)  # type: ignore[arg-type]
        what = "exec"
        os.execvpe(argv[0], argv, environment)
    except OSError as error:
        os.write(bad_w, ("%d %s" % (error.errno or 0, what)).encode())
    except BaseException:
        os.write(bad_w, b"22 " + what.encode())
    finally:
        os._exit(127)


def _become(user: object, environment: "dict") -> None:
    import pwd

    entry = pwd.getpwnam(str(user))
    os.initgroups(entry.pw_name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    environment.update({"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name})


def _pump(pid: int, in_w: int, stdin: bytes, streams: "dict") -> int:
    """Feeds and drains the pipes until the child has ended and has nothing more to say; its wait status."""
    poll = select.poll()
    open_ = set(streams)
    for fd in streams:
        poll.register(fd, select.POLLIN | select.POLLHUP)
    os.set_blocking(in_w, False)
    left = memoryview(stdin)
    if leash is not None:
        poll.register(leash, 0)  # POLLHUP comes unasked (poll(2))
    if left:
        poll.register(in_w, select.POLLOUT)
    else:
        os.close(in_w)
    while open_:
        events = poll.poll(50)
        for fd, _ in events:
            if fd == leash:
                raise Cancelled("the link was lost; its process group was killed, as on_disconnect says")
            if fd == in_w:
                try:
                    left = left[os.write(in_w, left[:65536]) :]
                except BlockingIOError:
                    pass
                except OSError:
                    left = left[:0]  # the command does not read its input; that is its business
                if not left:
                    poll.unregister(in_w)
                    os.close(in_w)
                continue
            data = os.read(fd, 65536)
            if data:
                streams[fd].feed(data)
            else:
                poll.unregister(fd)
                open_.discard(fd)
        if not events:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return status
    return os.waitpid(pid, 0)[1]


def _kill_group(pid: int) -> None:
    """Ends a command with all that it started, also what has left its group (setsid(2)) since."""
    for child in _left_the_group(pid):
        try:
            os.kill(child, signal.SIGKILL)
        except OSError:
            pass
    for number, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 100)):
        try:
            os.killpg(pid, number)
        except OSError:
            pass
        for _ in range(patience):
            try:
                if os.waitpid(pid, os.WNOHANG)[0]:
                    os.killpg(pid, signal.SIGKILL)  # what the leader left behind in its group
                    return
            except OSError:
                return
            select.select([], [], [], 0.05)


def _left_the_group(pid: int) -> "list[int]":
    """Descendants of a process in other process groups (proc(5): stat has the parent fourth, the group fifth)."""
    parents: "dict[int, tuple[int, int]]" = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as handle:
                    fields = handle.read().rpartition(b")")[2].split()
                parents[int(name)] = (int(fields[1]), int(fields[2]))
            except (OSError, IndexError, ValueError):
                continue
    found, todo = [], [pid]
    while todo:
        above = todo.pop()
        below = [child for child, (parent, _) in parents.items() if parent == above]
        todo += below
        found += [child for child in below if parents[child][1] != pid]
    return found
