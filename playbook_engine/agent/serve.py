"""The agent's loop: a frame of calls in, a frame of replies out, until the connection closes.

A call names an operation (`op`), an action and its arguments:

    probe   observe
    look    observe, plan, and the state before if something would change
    peek    observe and plan, for a check that only asks whether something would change
    apply   make the changes (`before` is remembered from the `look` with the same `key`, or sent)
    run     look, and apply at once if something would change: for opaque actions, whose state before is nothing
    undo    put `before` back, then observe, so that the proof rides on the same round trip
    lock    hold this host for a run (agent/lock.py)
    recall  what became of a change

Calls of one frame run in order; after one that failed the rest are answered `not-run`. stdout belongs to frames, so
fd 1 and fd 0 are pointed elsewhere before an action runs. A frame `ping` keeps the lease of a lock, `bye` ends in
peace. SIGUSR1 ends what is being done, SIGUSR2 says that another controller has taken over.
"""

import _signal as signal  # type: ignore[import-not-found]
import os
import sys
import time

from playbook_engine.agent import boot, failure, filenames, hashes, wire

PACKAGE = "playbook_engine.agent"


def main() -> None:
    filenames.speak_utf8()
    frames_in, frames_out = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    signal.signal(signal.SIGALRM, _alarm)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    os.environ.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    for directory in ("/usr/sbin", "/sbin"):  # an ssh session of an ordinary user often lacks them
        if directory not in os.environ["PATH"].split(":"):
            os.environ["PATH"] += ":" + directory
    memory: "dict" = {"in": frames_in, "past": {}}
    peace = False
    try:
        wire.write(frames_out, hello())
        while not peace:
            request = next_request(frames_in, memory.get("lock"))
            peace = "bye" in request
            if "calls" not in request:
                continue
            replies = answer(request, memory)
            try:
                wire.write(frames_out, {"id": request["id"], "replies": replies})
            except TypeError as error:  # an action's fault must not cost the session
                lost = [_no("crash", "its answer cannot travel: %s" % error) for _ in replies]
                wire.write(frames_out, {"id": request["id"], "replies": lost})
            peace = getattr(memory.get("lock"), "fenced", False)
    except (wire.Closed, failure.TimeUp, failure.Fenced):
        peace = False
    lock = memory.get("lock")
    if lock is not None and (not peace or lock.fenced):
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        for each in [lock] + [one for one in memory["past"].values() if one is not lock and one.words]:
            each.last_words()
    elif lock is not None:
        lock.forget()
    os._exit(0)  # nothing is left to be written, and taking an interpreter apart costs a host 2 ms


def next_request(frames_in: int, lock: "object") -> "dict":
    """The next frame. Raises Closed; TimeUp when the controller was silent for as long as its lease; Fenced."""
    if lock is None:
        return wire.read(frames_in)  # type: ignore[return-value]
    signal.signal(signal.SIGUSR2, _taken_over)
    try:
        if lock.fenced:  # type: ignore[attr-defined]
            raise failure.Fenced()
        signal.setitimer(signal.ITIMER_REAL, lock.lease)  # type: ignore[attr-defined]
        return wire.read(frames_in)  # type: ignore[return-value]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGUSR2, lambda *_: setattr(lock, "fenced", True))


def hello() -> "dict":
    boot_id = ""
    try:
        with open("/proc/sys/kernel/random/boot_id") as handle:
            boot_id = handle.read().strip()
    except OSError:
        pass
    return {
        "hello": 1,
        "python": "%d.%d.%d" % sys.version_info[:3],
        "uid": os.getuid(),
        "pid": os.getpid(),
        "boot_id": boot_id,
        "time": time.time(),
    }


def answer(request: "dict", memory: "dict") -> "list":
    """The replies to one frame's calls."""
    replies: "list" = []
    try:
        for name, content in request.get("modules", ()):
            boot.install(name, content)
    except Exception as error:
        return [_no("crash", "cannot load %s: %r" % (name, error)) for _ in request["calls"]]
    for call in request["calls"]:
        if replies and not replies[-1]["ok"]:
            replies.append(_no("not-run", "an earlier call of the same frame failed"))
            continue
        began = time.monotonic()
        reply = perform(call, memory)
        reply["elapsed"] = time.monotonic() - began
        replies.append(reply)
    return replies


def perform(call: "dict", memory: "dict") -> "dict":
    """One call. What changes something is made under the lock of its run, and how it ended is remembered."""
    lock, change = memory.get("lock"), call.get("change", "")
    if lock is None or call["op"] == "recall" or not (change or call["op"] == "undo"):
        return attempt(call, memory)
    try:
        lock.enter(change or "undo")
    except failure.Failed as error:
        return dict(_no(error.kind, error.msg), untouched=True)
    if call.get("background"):
        later = dict(call, background=False)
        reply = _yes(result=lock.apart(change, lambda: attempt(later, memory)))
        lock.leave()
        return reply
    reply = attempt(call, memory)
    lock.leave(change, reply)
    return reply


def attempt(call: "dict", memory: "dict") -> "dict":
    """One call under its deadline; whatever goes wrong becomes a reply."""
    runner = sys.modules.get(PACKAGE + ".process")
    if runner is not None:
        runner.leash = memory["in"] if call.get("leash") else None  # type: ignore[attr-defined]
    try:
        try:
            if call.get("timeout"):
                signal.setitimer(signal.ITIMER_REAL, call["timeout"])
            signal.signal(signal.SIGUSR1, _cancel)
            return operate(call, memory)
        finally:
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            signal.setitimer(signal.ITIMER_REAL, 0)
    except failure.Cancelled as error:
        return _no("interrupted", str(error))
    except failure.TimeUp:
        return _no("timeout", "timed out after %gs" % call["timeout"])
    except failure.Failed as error:
        return _no(error.kind, error.msg, error.result)
    except OSError as error:
        known = failure.of_os_error(error)
        return _no(known.kind, known.msg)
    except MemoryError:
        return _no("failed", "out of memory")
    except Exception as error:
        import traceback

        return _no("crash", "%s: %s" % (type(error).__name__, error), {"traceback": traceback.format_exc()})


def operate(call: "dict", memory: "dict") -> "dict":
    op = call["op"]
    if op == "lock":
        # Not imported: it travels with the first call of this kind, as an action does.
        lock = memory.get("lock") or sys.modules[PACKAGE + ".lock"].Lock(call["args"])
        held: "dict" = lock.take(call["args"]["over"])
        memory["lock"] = lock if held["ok"] else None
        return held
    if op == "recall":
        known = {"status": "unknown"}
        if memory.get("lock"):
            run = call["args"].get("run") or memory["lock"].run
            if run not in memory["past"]:
                memory["past"][run] = memory["lock"] if run == memory["lock"].run else memory["lock"].of(run)
            known = memory["past"][run].recall(call["change"])
        return _yes(result=dict(known, boot_id=hello()["boot_id"]))
    action = sys.modules[PACKAGE + ".actions." + call["action"]]
    args = here(call["args"], action.SPEC)
    if op == "probe":
        return _yes(result=told(action.observe(args)))
    if op in ("look", "peek", "run"):
        try:
            state = action.observe(args)
            changes = action.plan(args, state)
        except failure.Failed as error:
            return dict(_no(error.kind, error.msg, error.result), untouched=True)
        if not changes:
            return _yes(plan=[], state=told(state), result=_result(action, args, state))
        if op == "peek":
            return _yes(plan=_bare(changes), state=told(state), result=_result(action, args, state))
        if op == "run":
            return _yes(plan=_bare(changes), state=told(state), result=action.apply(args, state))
        before = state
        if hasattr(action, "keep"):
            before = action.keep(args, state, call.get("undo_limit"))
        memory[call.get("key")] = before
        describe(changes, before, call.get("diff"))
        return _yes(plan=changes, state=told(state), before=told(before), result=_result(action, args, state))
    if op == "apply":
        if "before" not in call and call["key"] not in memory:
            return dict(_no("forgotten", "the state before is not known here"), untouched=True)
        before = call["before"] if "before" in call else memory.pop(call["key"])
        result = action.apply(args, before)
        # The state after: a later rollback compares it with what it finds, and refuses when somebody else was there.
        return _yes(result=result, state=told(action.observe(args)))
    if op == "undo":
        result = action.undo(args, call["before"])
        return _yes(result=result, state=told(action.observe(args)))
    raise failure.Failed("unknown operation " + op)


def here(args: "dict", spec: "dict") -> "dict":
    """All arguments, None where one is not given; `~` and `$VARIABLES` in paths expanded, as only the host can."""
    found: "dict" = dict.fromkeys(spec["params"])
    found.update(args)
    for name, value in args.items():
        kind = spec["params"].get(name, {}).get("type")
        if kind == "path" and isinstance(value, str):
            found[name] = _expanded(value)
        elif kind == "list[path]" and value:
            found[name] = [_expanded(item) for item in value]
    return found


def _expanded(path: str) -> str:
    return os.path.expandvars(os.path.expanduser(path))


def told(state: object) -> object:
    """A state without the keys that begin with `_`: what only `plan` and `apply` need does not travel."""
    if not isinstance(state, dict):
        return state
    return {k: v for k, v in state.items() if not k.startswith("_")}


def describe(changes: "list", before: object, diff: object) -> None:
    """Turns the new content that a plan carries (`_after`, and `_before` where the state does not hold it) into sizes,
    digests and, when asked, a unified diff."""
    for change in changes:
        after = change.pop("_after", None)
        old = change.pop("_before", None)
        if after is None:
            continue
        if old is None:
            old = before.get("content") if isinstance(before, dict) else None
        change["after"] = "%d bytes, sha256 %s" % (len(after), hashes.of(after)[:12])
        if old is not None:
            change["before"] = "%d bytes, sha256 %s" % (len(old), hashes.of(old)[:12])
        if diff and max(len(after), len(old or b"")) <= 1 << 18:
            import difflib

            lines = difflib.unified_diff(
                wire.text(old or b"").splitlines(True), wire.text(after).splitlines(True), "before", "after"
            )
            change["diff"] = "".join(x if x.endswith("\n") else x + "\n\\ No newline at end of file\n" for x in lines)


def _bare(changes: "list") -> "list":
    return [{k: v for k, v in change.items() if not k.startswith("_")} for change in changes]


def _result(action: object, args: "dict", state: object) -> object:
    return action.result(args, state) if hasattr(action, "result") else state


def _yes(**fields: object) -> "dict":
    fields["ok"] = True
    return fields


def _no(kind: str, msg: str, result: object = None) -> "dict":
    return {"ok": False, "kind": kind, "msg": msg, "result": result}


def _alarm(_number: int, _frame: object) -> None:
    raise failure.TimeUp()


def _cancel(_number: int, _frame: object) -> None:
    raise failure.Cancelled("ended by the operator; its process group was killed")


def _taken_over(_number: int, _frame: object) -> None:
    raise failure.Fenced()
