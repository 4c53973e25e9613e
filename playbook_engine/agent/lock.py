"""One run at a time on this host, and what became of its changes, for whoever asks after a link or a controller died.

The lock is an abstract Unix socket (unix(7)): no root, no disk, and the kernel frees it when the agent ends, however
it ends. Who holds it is written into the names of further sockets, which anybody reads in /proc/net/unix (proc(5)), so
that a holder need not answer while it is busy:

    runbook.lock                            bound by whoever may change this host
    runbook.own/RUN/TOKEN                   and by the same agent, bound after it and closed before it
    runbook.who/RUN/TOKEN/PID/SINCE/ACTOR   each agent of that run; a higher TOKEN fences the lower ones
    runbook.why/RUN/REASON                  what for
    runbook.doing/RUN/PID/CHANGE            while a change is made, also by an agent that lost its controller

Before each change an agent binds its `doing`, then makes sure that its run holds the lock (it does while there is the
`own` of its controller); a run that takes the lock
binds it first, then looks for others' `doing`. Both set their own flag before they look at the other's, so never both
go on.

When the connection ends without goodbye, the agent leaves its last words, which changes it heard of and how they ended
(up to 4 KiB each, mode 0600), in the first writable of /run, /run/user/UID and /dev/shm: memory, not disk. Where none
is, it stays until its lease ends, with the last of them in the name of a socket (`runbook.last`). The next agent of the
same run takes them in.
"""

import os
import time

from playbook_engine.agent import failure, labels, lastwords

KEPT = 64  # changes that are remembered
AFTER_ALL = 1 << 62  # a token higher than that of any controller


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
        self._own: "object" = None
        self._vouching = False
        self._labels: "list" = []
        self._doing: "object" = None
        who = (self.run, self.token, os.getpid(), time.time(), labels.plain(args["actor"]))
        self._vouch = "own/%s/%d" % (self.run, self.token)
        self._said = ("who/%s/%d/%d/%d/%s" % who, "why/%s/%s" % (self.run, labels.plain(args["reason"])))

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
        mine, others = labels.holders(self.run)
        if held and self._alone(others):
            return None
        older = [one for one in mine["who"] if one["token"] < self.token]
        newer = [one for one in mine["who"] if one["token"] > self.token]
        for one in older:
            labels.fence(one)
        if mine["who"] and not others["who"] and not others["doing"]:
            if newer:
                return dict(newer[0], patience=False)
            if older and not mine["doing"]:
                return dict(older[0], patience=True)
            self._label()
            return None  # a guest of an agent of its own run, or of one that is finishing a change
        for one in others["who"]:
            if one["run"] == over:
                labels.fence(one)
        found = dict((others["who"] or others["doing"] or [NOBODY])[0])
        found.setdefault("actor", "a run that has ended")
        found["reason"] = next((w["reason"] for w in others["why"] if w["run"] == found["run"]), "")
        found["doing"] = [one["pid"] for one in others["doing"]]
        found["patience"] = not others["who"] or found["run"] == over
        return found

    def _bound(self) -> bool:
        """Binds the lock itself, if it is free; True when this agent has it."""
        if self._mutex is None:
            # Made first: a process that ends closes its descriptors in their order, and `own` must not outlive `lock`.
            own = labels.socket()
            self._mutex = labels.bind("lock")
            if self._mutex is None:
                own.close()
            else:
                self._own = own
                self._label()
        return self._mutex is not None

    def _alone(self, others: "dict") -> bool:
        """With the lock bound: whether no other run is still changing something. Says then that this run holds it."""
        if others["doing"]:
            self._let_go()
        elif not self._vouching:
            self._vouching = True
            labels.bind(self._vouch, self._own)  # type: ignore[arg-type]
        return self._mutex is not None

    def _label(self) -> None:
        if not self._labels:
            self._labels = [one for one in map(labels.bind, self._said) if one is not None]

    def _let_go(self) -> None:
        for one in self._labels + [each for each in (self._own, self._mutex) if each is not None]:
            one.close()
        self._mutex, self._own, self._vouching, self._labels = None, None, False, []

    # ------------------------------------------------------------------ changes

    def enter(self, change: str) -> None:
        """A change begins. Raises Failed when this run does not hold the host any more."""
        if not self.fenced:
            self._doing = labels.bind("doing/%s/%d/%s" % (self.run, os.getpid(), change))
            if self._mutex is not None or self._guest() or self._inherited():
                self.heard.append(change)
                return
            self.leave()
        raise failure.Failed("this host was taken over: nothing is changed any more", "fenced")

    def _inherited(self) -> bool:
        """Whether the lock, which the agent that held it for us has left behind, is ours now."""
        return self._bound() and self._alone(labels.holders(self.run)[1])

    def _guest(self) -> bool:
        """Whether the lock is held by another agent of this very controller."""
        return labels.bound(self._vouch)

    def leave(self, change: str = "", reply: "dict | None" = None) -> None:
        """It has ended."""
        if reply is not None and change:
            self.outcomes[change] = lastwords.trimmed(reply)
            for old in self.heard[:-KEPT]:
                self.outcomes.pop(old, None)
            self.heard = self.heard[-KEPT:]
        if self._doing is not None:
            self._doing.close()  # type: ignore[attr-defined]
        self._doing = None

    def of(self, run: str) -> "Lock":
        """What agents of another run have left here, for the run that takes that one back. It holds nothing."""
        return Lock(dict(self.args, run=run, token=AFTER_ALL))

    def recall(self, change: str) -> "dict":
        """What is known of a change: running, recorded, unseen (it never came here) or unknown.

        While an agent before this one is still there its last words are not: that counts as running.
        """
        mine = labels.holders(self.run)[0]
        for one in mine["doing"] + [one for one in mine["who"] if one["token"] < self.token]:
            if one.get("change", change) == change:
                return {"status": "running", "pid": one["pid"]}
        self.absorb()
        found = lastwords.outcome_of(self.run, change)
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
        for said in lastwords.take(self.name):
            self._hear(said["heard"], said["outcomes"])
        for _, last in labels.names("last", 4, labels.ours()):
            if last[:2] == [self.run, self.args["line"]]:
                self._hear([last[2]], {last[2]: {"ok": last[3] == "ok", "kind": last[3], "msg": ""}})

    def _hear(self, heard: "list", outcomes: "dict") -> None:
        self.words = True
        self.before += heard
        self.outcomes.update(outcomes)

    def forget(self) -> None:
        """Clears away the records of jobs: how they ended is known, or nobody will ask, as the run ended in peace."""
        for change in self.jobs:
            lastwords.remove(lastwords.job(self.run, change))

    def last_words(self) -> None:
        """For the next agent of this run: what was heard, and how it ended."""
        known = self.before[-KEPT:] + self.heard
        outcomes = {change: self.outcomes[change] for change in known if change in self.outcomes}
        if not lastwords.leave(self.name, {"heard": known, "outcomes": outcomes}):
            self._linger(known[-1] if known else "-")

    def _linger(self, change: str) -> None:
        """Nothing can be written: the last change stays in the name of a socket while the lease lasts."""
        outcome = self.outcomes.get(change, {})
        end = "ok" if outcome.get("ok") else outcome.get("kind") or "unknown"
        last = labels.bind("last/%s/%s/%s/%s" % (self.run, self.args["line"], change, end))
        self._let_go()
        self.leave()
        time.sleep(self.lease if last is not None else 0)

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
            return {"started": True, "finished": False, "ansible_job_id": "%s.%s" % (self.run, change), "pid": pid}
        try:
            os.setsid()
            if os.fork():
                os._exit(0)
            self._mutex, self._own, self._labels, self._doing = None, None, [], None
            self.outcomes, self.before = {}, []
            null = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            doing = labels.bind("doing/%s/%d/%s" % (self.run, os.getpid(), change))
            os.write(started, b"%d" % os.getpid())
            os.closerange(3, doing.fileno())  # type: ignore[union-attr]
            os.closerange(doing.fileno() + 1, 1024)  # type: ignore[union-attr]
            self.heard = [change]
            self.outcomes[change] = lastwords.trimmed(work())  # type: ignore[operator]
            self.name = lastwords.job(self.run, change)
            self.last_words()
        finally:
            os._exit(0)


NOBODY = {"run": "", "token": 0, "pid": 0, "since": 0, "actor": "somebody who has just come"}


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
