"""One run at a time on this host, and what became of its changes, for whoever asks after a link or a controller died.

The lock is an abstract Unix socket (unix(7)): no root, no disk, and the kernel frees it when the agent ends, however
it ends. Who holds it is written into the names of further sockets, which anybody reads in /proc/net/unix (proc(5)), so
that a holder need not answer while it is busy:

    runbook.lock                            bound by whoever may change this host
    runbook.who/RUN/TOKEN/PID/SINCE/ACTOR   each agent of that run; a higher TOKEN fences the lower ones
    runbook.why/RUN/REASON                  what for
    runbook.doing/RUN/PID/CHANGE            while a change is made, also by an agent that lost its controller

Before each change an agent binds its `doing`, then makes sure that its run holds the lock; a run that takes the lock
binds it first, then looks for others' `doing`. Both set their own flag before they look at the other's, so never both
go on.

When the connection ends without goodbye, the agent leaves its last words, which changes it heard of and how they ended
(up to 4 KiB each, mode 0600), in the first writable of /run, /run/user/UID and /dev/shm: memory, not disk. Where none
is, it stays until its lease ends, with the last of them in the name of a socket (`runbook.last`). The next agent of the
same run takes them in.
"""

import _socket
import os
import signal
import time

from playbook_engine.agent import failure, wire

LONGEST = 107  # bytes of a name (unix(7): sun_path has 108, the first is NUL)
KEPT = 64  # changes that are remembered
RECORD = 4096  # bytes of an outcome
BIGGEST = 1 << 20  # bytes of last words that are read


class Lock(object):
    """What this agent knows of its run's hold on the host."""

    def __init__(self, args: "dict") -> None:
        self.args = args
        self.run = args["run"]
        self.token = int(args["token"])
        self.lease = float(args["lease"])
        self.name = "runbook-%s-%s-%d" % (self.run, args["line"], os.geteuid())
        self.fenced = False
        self.outcomes: "dict" = {}
        self.heard: "list" = []
        self.before: "list" = []  # what agents before this one heard of
        self.jobs: "list" = []  # changes that were made apart
        self.words = False  # whether one before this one has left its last words
        self._mutex: "object" = None
        self._labels: "list" = []
        self._doing: "object" = None
        self._said = ("who/%s/%d/%d/%d/%s" % (self.run, self.token, os.getpid(), time.time(), _plain(args["actor"])),
                      "why/%s/%s" % (self.run, _plain(args["reason"])))  # fmt: skip

    def take(self, over: str) -> "dict":
        """Holds the host for this run; what to answer. `over` is a run that is to be fenced."""
        end = time.monotonic() + 3
        while True:
            other = self._try(over)
            if other is None:
                self.absorb()
                return {"ok": True, "result": {"holds": self._mutex is not None}}
            if other.get("token", 0) > self.token and other["run"] == self.run:
                return _no("fenced", "another controller has resumed run %s: %s" % (self.run, other["actor"]), other)
            if time.monotonic() > end or not other["patience"]:
                return _locked(other)
            time.sleep(0.05)

    def _try(self, over: str) -> "dict | None":
        """None when this run holds the host; else who is in the way. `patience`: whether that may soon be over."""
        held = self._bound()
        mine, others = holders(self.run)
        if held:
            if not others["doing"]:
                return None
            self._let_go()
        if not held or others["doing"]:
            for one in mine["who"]:
                if one["token"] < self.token:
                    _fence(one["pid"])
            if mine["who"] and not others["who"] and not others["doing"]:
                older = [one for one in mine["who"] if one["token"] < self.token]
                newer = [one for one in mine["who"] if one["token"] > self.token]
                if newer:
                    return dict(newer[0], patience=False)
                if not older or mine["doing"]:
                    self._label()
                    return None  # a guest of an agent of its own run, or of one that is finishing a change
                return dict(older[0], patience=True)
        if over:
            for one in others["who"]:
                if one["run"] == over:
                    _fence(one["pid"])
        found = dict((others["who"] or others["doing"] or [NOBODY])[0])
        found.setdefault("actor", "a run that has ended")
        found["reason"] = next((w["reason"] for w in others["why"] if w["run"] == found["run"]), "")
        found["doing"] = [one["pid"] for one in others["doing"]]
        found["patience"] = not others["who"] or found["run"] == over
        return found

    def _bound(self) -> bool:
        """Binds the lock itself, if it is free; True when this agent has it."""
        if self._mutex is None:
            self._mutex = _bind("lock")
            if self._mutex is not None:
                self._label()
        return self._mutex is not None

    def _label(self) -> None:
        if not self._labels:
            self._labels = [one for one in map(_bind, self._said) if one is not None]

    def _let_go(self) -> None:
        for one in [self._mutex] + self._labels:
            one.close()  # type: ignore[attr-defined]
        self._mutex, self._labels = None, []

    # ------------------------------------------------------------------ changes

    def enter(self, change: str) -> None:
        """A change begins. Raises Failed when this run does not hold the host any more."""
        if not self.fenced:
            self._doing = _bind("doing/%s/%d/%s" % (self.run, os.getpid(), change))
            if self._bound() or self._guest():
                self.heard.append(change)
                return
            self.leave()
        raise failure.Failed("this host was taken over: nothing is changed any more", "fenced")

    def _guest(self) -> bool:
        """Whether the lock is held by another agent of this very controller."""
        mine, others = holders(self.run)
        return not others["who"] and any(one["token"] == self.token for one in mine["who"] if one["pid"] != os.getpid())

    def leave(self, change: str = "", reply: "dict | None" = None) -> None:
        """It has ended."""
        if reply is not None and change:
            self.outcomes[change] = trimmed(reply)
            for old in self.heard[:-KEPT]:
                self.outcomes.pop(old, None)
            self.heard = self.heard[-KEPT:]
        if self._doing is not None:
            self._doing.close()  # type: ignore[attr-defined]
        self._doing = None

    def of(self, run: str) -> "Lock":
        """What agents of another run have left here, for the run that takes that one back. It holds nothing."""
        return Lock(dict(self.args, run=run))

    def recall(self, change: str) -> "dict":
        """What is known of a change: running, recorded, unseen (it never came here) or unknown."""
        for one in holders(self.run)[0]["doing"]:
            if one["change"] == change:
                return {"status": "running", "pid": one["pid"]}
        self.absorb()
        found = outcome_of(self.run, change)
        if found is not None:
            self.outcomes[change] = found
            self.jobs.append(change)
            self.forget()
        if change in self.outcomes:
            return {"status": "recorded", "outcome": self.outcomes[change]}
        unseen = self.words and change not in self.before and change not in self.heard
        return {"status": "unseen" if unseen else "unknown"}

    # --------------------------------------------------------------- last words

    def absorb(self) -> None:
        """Takes in what agents of this run have left here, and clears it away."""
        for folder in folders():
            try:
                names = [n for n in os.listdir(folder) if n.startswith(self.name) and ".tmp" not in n]
            except OSError:
                continue
            for path in (os.path.join(folder, name) for name in names):
                said = read(path)
                if said is not None:
                    self._hear(said["heard"], said["outcomes"])
                try:
                    os.unlink(path)
                except OSError:
                    pass
        for last in _names("last"):
            if last[:2] == [self.run, self.name.rsplit("-", 2)[1]]:
                self._hear([last[2]], {last[2]: {"ok": last[3] == "ok", "kind": last[3], "msg": ""}})

    def _hear(self, heard: "list", outcomes: "dict") -> None:
        self.words = True
        self.before += heard
        self.outcomes.update(outcomes)

    def forget(self) -> None:
        """Clears away the records of jobs: how they ended is known, or nobody will ask, as the run ended in peace."""
        for change in self.jobs:
            for folder in folders():
                try:
                    os.unlink(os.path.join(folder, job(self.run, change)))
                except OSError:
                    pass

    def last_words(self) -> None:
        """For the next agent of this run: what was heard, and how it ended."""
        known = self.before[-KEPT:] + self.heard
        data = wire.pack({"heard": known, "outcomes": {c: self.outcomes[c] for c in known if c in self.outcomes}})
        for folder in folders():
            path = os.path.join(folder, self.name)
            try:
                fd = os.open(path + ".tmp%d" % os.getpid(), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
                try:
                    whole = os.write(fd, data) == len(data)
                finally:
                    os.close(fd)
                if whole:
                    os.rename(path + ".tmp%d" % os.getpid(), path)
                    return
                os.unlink(path + ".tmp%d" % os.getpid())
            except OSError:
                continue
        self._linger(known[-1] if known else "-")

    def _linger(self, change: str) -> None:
        """Nothing can be written: the last change stays in the name of a socket while the lease lasts."""
        self._let_go_of_all()
        outcome = self.outcomes.get(change, {})
        end = "ok" if outcome.get("ok") else outcome.get("kind") or "unknown"
        last = _bind("last/%s/%s/%s/%s" % (self.run, self.name.rsplit("-", 2)[1], change, end))
        time.sleep(self.lease if last is not None else 0)

    def _let_go_of_all(self) -> None:
        if self._mutex is not None:
            self._let_go()
        self.leave()

    # --------------------------------------------------------------- background

    def apart(self, change: str, work: "object") -> "dict":
        """Runs `work` in a process of its own, which leaves its outcome as last words. Returns once it is under way."""
        ready, started = os.pipe()
        child = os.fork()
        if child:
            os.close(started)
            os.waitpid(child, 0)
            pid = int(os.read(ready, 20) or b"0")
            os.close(ready)
            self.jobs.append(change)
            return {"started": 1, "finished": 0, "ansible_job_id": "%s.%s" % (self.run, change), "pid": pid}
        try:
            os.setsid()
            if os.fork():
                os._exit(0)
            self._mutex, self._labels, self._doing, self.outcomes, self.before = None, [], None, {}, []
            null = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            doing = _bind("doing/%s/%d/%s" % (self.run, os.getpid(), change))
            os.write(started, b"%d" % os.getpid())
            os.closerange(3, doing.fileno())  # type: ignore[attr-defined]
            os.closerange(doing.fileno() + 1, 1024)  # type: ignore[attr-defined]
            self.heard = [change]
            self.outcomes[change] = trimmed(work())  # type: ignore[operator]
            self.name = job(self.run, change)
            self.last_words()
        finally:
            os._exit(0)


NOBODY = {"run": "", "token": 0, "pid": 0, "since": 0, "actor": "somebody who has just come"}


def trimmed(reply: "dict") -> "dict":
    """An outcome that fits into a record: the ends of what was printed, and no more of the state than there is room."""
    kept = {k: reply[k] for k in ("ok", "kind", "msg", "result", "state", "plan", "elapsed", "untouched") if k in reply}
    kept["msg"] = str(kept.get("msg") or "")[:500]
    for room in (1024, 256, 0):
        if len(wire.pack(kept)) <= RECORD:
            break
        result = kept.get("result")
        if isinstance(result, dict):
            kept["result"] = {k: _end(v, room) for k, v in result.items() if _small(v, room)}
        if room < 1024:
            kept.pop("state", None)
            kept["plan"] = [{"aspect": "run"}] if kept.get("plan") else []
    return kept


def _small(value: object, room: int) -> bool:
    return isinstance(value, (str, int, float, bool)) or value is None or (bool(room) and len(str(value)) <= room)


def _end(value: object, room: int) -> object:
    if isinstance(value, str) and len(value) > room:
        return "[... %d characters left out ...]\n%s" % (len(value) - room, value[-room:] if room else "")
    return value


def _locked(other: "dict") -> "dict":
    since = time.strftime("%H:%M:%S UTC", time.gmtime(other["since"])) if other.get("since") else "a moment ago"
    why = " (%s)" % other["reason"] if other.get("reason") else ""
    if other.get("doing") and not other.get("token"):
        msg = "run %s has ended, and what it began here still runs as process %d" % (other["run"], other["doing"][0])
    else:
        msg = "run %s of %s is working at this host since %s%s" % (other["run"], other["actor"], since, why)
    return _no("locked", msg, other)


def _no(kind: str, msg: str, result: "dict") -> "dict":
    return {"ok": False, "kind": kind, "msg": msg, "result": result, "untouched": True}


def _fence(pid: int) -> None:
    """Tells another agent that its time is over. Without the right to (another user's), its lease has to end."""
    if pid != os.getpid():
        try:
            os.kill(pid, signal.SIGUSR2)
        except OSError:
            pass


def _bind(name: str) -> "object":
    """A socket of this name, or None when somebody has it."""
    one = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
    try:
        one.bind(b"\0" + ("runbook." + name).encode("ascii", "replace")[:LONGEST])
        return one
    except OSError:
        one.close()
        return None


def holders(run: str) -> "tuple[dict, dict]":
    """(of this run, of others): who, why and doing, as the kernel lists their sockets."""
    mine: "dict" = {"who": [], "why": [], "doing": []}
    others: "dict" = {"who": [], "why": [], "doing": []}
    for kind, keys in (("who", ("run", "token", "pid", "since", "actor")), ("why", ("run", "reason")),
                       ("doing", ("run", "pid", "change"))):  # fmt: skip
        for parts in _names(kind):
            one: "dict" = dict(zip(keys, parts))
            for key in ("token", "pid", "since"):
                if key in one:
                    one[key] = int(one[key])
            (mine if one["run"] == run else others)[kind].append(one)
    return mine, others


def _names(kind: str) -> "list[list[str]]":
    """The parts of the names of all sockets of a kind."""
    start = "@runbook.%s/" % kind
    with open("/proc/net/unix", "rb") as handle:
        lines = handle.read().split(b"\n")
    found = [line.decode("ascii", "replace").partition(start)[2] for line in lines if start.encode() in line]
    # The kernel shows each NUL of a name as @, and pads nothing; a name has as many parts as its kind.
    size = {"who": 5, "why": 2, "doing": 3, "last": 4}[kind]
    split = [text.split("/", size - 1) for text in found]
    return [parts for parts in split if len(parts) == size]


def job(run: str, change: str) -> str:
    """The name of the record of a change that was made apart."""
    return "runbook-job-%s-%s" % (run, change)


def outcome_of(run: str, change: str) -> "dict | None":
    """How a change that was made apart has ended, if it has."""
    for folder in folders():
        said = read(os.path.join(folder, job(run, change)))
        if said is not None:
            return said["outcomes"].get(change)
    return None


def folders() -> "list[str]":
    return ["/run", "/run/user/%d" % os.geteuid(), "/dev/shm"]


def read(path: str) -> "dict | None":
    """Last words, if they are ours and whole."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        st = os.fstat(fd)
        if st.st_uid != os.geteuid() or st.st_size > BIGGEST:
            return None
        said = wire.read(fd)
        return said if isinstance(said, dict) else None
    except (OSError, wire.Closed, wire.Garbage):
        return None
    finally:
        os.close(fd)


def _plain(text: object) -> str:
    """Printable ASCII without a slash."""
    return "".join(c if " " <= c <= "~" and c != "/" else "_" for c in str(text)) or "-"
