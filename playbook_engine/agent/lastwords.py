"""What an agent leaves for the next one of its run: in memory, for itself alone, at most once.

In the first writable of /run, /run/user/UID and /dev/shm, mode 0600; a file of somebody else there is not read.
"""

import os

from playbook_engine.agent import wire

RECORD = 4096  # bytes of an outcome
BIGGEST = 1 << 20  # bytes of last words that are read


def folders() -> "list[str]":
    return ["/run", "/run/user/%d" % os.geteuid(), "/dev/shm"]


def leave(name: str, said: "dict") -> bool:
    """Writes it whole, beside and renamed; whether that was possible anywhere."""
    data = wire.pack(said)
    for folder in folders():
        path = os.path.join(folder, name)
        beside = path + ".tmp%d" % os.getpid()
        try:
            fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                whole = os.write(fd, data) == len(data)
            finally:
                os.close(fd)
            if whole:
                os.rename(beside, path)
                return True
            os.unlink(beside)
        except OSError:
            continue
    return False


def take(name: str) -> "list[dict]":
    """What was left under this name, which is then gone."""
    found = [read(os.path.join(folder, name)) for folder in folders()]
    remove(name)
    return [said for said in found if said is not None]


def remove(name: str) -> None:
    for folder in folders():
        try:
            os.unlink(os.path.join(folder, name))
        except OSError:
            pass


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
