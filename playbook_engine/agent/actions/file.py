"""What a path is: a file's attributes, a directory, a link, or nothing at all."""

import os

from playbook_engine.agent import failure, filestate

REFUSED = ": refusing to replace it with a link"
HASHED = 1 << 30  # bytes: a larger tree cannot be carried for its undo anyway, so it is not read for its digests

SPEC = {
    "name": "file",
    "kind": "state",
    "glance": True,
    "summary": "Make a path a directory, a link, an empty file or nothing; set owner and mode",
    "doc": "Without `state`, a path that is there keeps its kind and gets the attributes.",
    "params": dict(
        {
            "path": {"type": "path", "required": True, "aliases": ["dest", "name"], "doc": "The path."},
            "state": {
                "type": "str",
                "choices": ["absent", "directory", "file", "hard", "link", "touch"],
                "doc": "What it shall be. `file` makes none; `touch` makes an empty one, or renews its times.",
            },
            "src": {"type": "str", "doc": "For `link` and `hard`: what it points to; relative to the link itself."},
            "recurse": {"type": "bool", "default": False, "doc": "For `directory`: the attributes for all below it."},
            "force": {"type": "bool", "default": False, "doc": "A link may replace a file, and point to nothing."},
            "follow": {"type": "bool", "default": True, "doc": "The attributes are for what a link points to."},
            "access_time": {"type": "str", "doc": "For `touch`: `now`, `preserve` or YYYYMMDDhhmm.SS."},
            "access_time_format": {"type": "str", "default": "%Y%m%d%H%M.%S", "doc": "Of `access_time`, strptime(3)."},
            "modification_time": {"type": "str", "doc": "For `touch`: `now`, `preserve` or YYYYMMDDhhmm.SS."},
            "modification_time_format": {
                "type": "str",
                "default": "%Y%m%d%H%M.%S",
                "doc": "Of `modification_time`, strptime(3).",
            },
        },
        **filestate.PARAMS,
    ),
    "undo": "the path, what was below it, its attributes and times as before; directories that were made are removed",
    "returns": {"path": "", "state": "", "mode": "", "uid": "", "gid": "", "owner": "", "group": "", "size": "bytes"},
    "examples": "file: {path: /srv/app, state: directory, mode: 'u=rwX,g=rX,o=', recurse: true}",
}

VOLATILE = filestate.VOLATILE


def observe(args: "dict") -> "dict":
    path = args["path"].rstrip("/") or "/"
    if args["state"] == "hard" and args["src"] and os.path.isdir(path):
        path = os.path.join(path, os.path.basename(args["src"]))
    state = filestate.observe(path, digest=False)
    if state["type"] == "link" and args["follow"] and args["state"] not in ("absent", "link", "hard"):
        state = filestate.observe(os.path.realpath(path), digest=False)
        state["_through"] = path
    asked = kind(args, state)
    attributes = any(args[name] is not None for name in filestate.PARAMS if name != "unsafe_writes")
    if (asked == "link" and args["follow"] and attributes) or (asked == "hard" and args["src"]):
        # Attributes are set on it, through the link or as the other name of the same file. A link without is no matter
        # of what it points to: that may come or change later, and is not taken back with the link.
        state["pointed"] = filestate.observe(os.path.realpath(_pointed(args, path)), digest=False)
    if asked in ("link", "hard"):
        # Whether a link would point to anything is asked when it is planned, and is no state of the link.
        state["_source" if asked == "link" else "source"] = _source(args, path, asked) if args["src"] else None
        state["empty"] = state["type"] == "directory" and not os.listdir(path)
    if asked == "touch" and state["type"] != "absent":
        state["modified_ns"] = os.lstat(state["path"]).st_mtime_ns
    if asked == "directory":
        state["parents"] = filestate.missing_parents(state["path"])
        if args["recurse"] and state["type"] == "directory":
            state["below"] = filestate.tree(state["path"])[1:]
    if asked == "absent" and state["type"] == "directory":
        state["below"] = filestate.tree(state["path"])[1:]
    if asked in ("absent", "link", "hard"):
        _digests([state] + state.get("below", []))
    return state


def kind(args: "dict", state: "dict") -> str:
    """The state that the arguments ask for; Ansible's default when they do not say."""
    if args["state"]:
        return str(args["state"])
    if state["type"] in ("directory", "link"):
        return str(state["type"])
    return "directory" if args["recurse"] and state["type"] == "absent" else "file"


def _pointed(args: "dict", path: str) -> str:
    """What the link points to, or shall point to."""
    return os.path.join(os.path.dirname(path), args["src"]) if args["src"] else path


def _source(args: "dict", path: str, asked: str) -> "dict":
    try:
        there, here = os.stat(_pointed(args, path)), os.lstat(path) if os.path.lexists(path) else None
    except OSError:
        return {"exists": False}
    if asked == "link":
        return {"exists": True}
    return {"exists": True, "same_inode": bool(here and (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino))}


def _digests(states: "list[dict]") -> None:
    files = [state for state in states if state["type"] == "file"]
    if sum(state["size"] for state in files) <= HASHED:
        for state in files:
            state["sha256"] = filestate.digest_of(state["path"])


def plan(args: "dict", before: "dict") -> "list[dict]":
    asked = kind(args, before)
    if args["recurse"] and asked != "directory":
        raise failure.Failed("recurse needs state: directory")
    if args["src"] and asked not in ("hard", "link"):
        raise failure.Failed("src needs state: link or hard")
    return {
        "absent": _plan_absent,
        "directory": _plan_directory,
        "file": _plan_file,
        "hard": _plan_hard,
        "link": _plan_link,
        "touch": _plan_touch,
    }[asked](args, before)


def _plan_absent(_args: "dict", before: "dict") -> "list[dict]":
    if before["type"] == "absent":
        return []
    inside = len(before.get("below", ()))
    said = "%s with %d entries" % (before["type"], inside) if inside else before["type"]
    return [_become(before, "absent", said)]


def _plan_file(args: "dict", before: "dict") -> "list[dict]":
    if before["type"] == "link" and args["state"] == "file":
        raise failure.Failed("%s is a link, not a file" % before["path"])
    if before["type"] in ("absent", "directory"):
        raise failure.Failed(
            "%s is %s, not a file; `touch` makes an empty file, `copy` one with content"
            % (before["path"], before["type"]),
            "not-found" if before["type"] == "absent" else "failed",
        )
    return _attributes(args, before)


def _plan_directory(args: "dict", before: "dict") -> "list[dict]":
    if before["type"] not in ("absent", "directory"):
        raise failure.Failed("%s is there already, as a %s" % (before["path"], before["type"]))
    if before["type"] == "absent":
        made = [{"path": p, "aspect": "type", "before": "absent", "after": "directory"} for p in before["parents"]]
        return made + [_become(before, "directory")]
    return [change for state in [before] + before.get("below", []) for change in _attributes(args, state)]


def _plan_touch(args: "dict", before: "dict") -> "list[dict]":
    for key in ("access_time", "modification_time"):
        _moment(args, key, 0)
    if before["type"] == "absent":
        if "_through" in before:
            raise failure.Failed("%s is a link to what is not there" % before["_through"], "not-found")
        return [_become(before, "file")]
    times = [args[key] or "now" for key in ("access_time", "modification_time")]
    renewed = [] if times == ["preserve", "preserve"] else [{"path": before["path"], "aspect": "times"}]
    if renewed:
        renewed[0].update({"before": before["mtime"], "after": times[1]})
    return renewed + _attributes(args, before)


def _plan_link(args: "dict", before: "dict") -> "list[dict]":
    path = before["path"]
    if not args["src"]:
        if before["type"] != "link":
            raise failure.Failed("a link at %s needs src: what it shall point to" % path)
    elif before["type"] == "directory" and not (args["force"] and before["empty"]):
        raise failure.Failed("%s is a directory%s" % (path, "" if before["empty"] else " that is not empty") + REFUSED)
    elif before["type"] in ("file", "other") and not args["force"]:
        raise failure.Failed("%s is a %s: force: true replaces it with a link" % (path, before["type"]))
    elif not before["_source"]["exists"] and not args["force"]:
        raise failure.Failed("%s is not there; force: true makes a link to nothing" % args["src"], "not-found")
    made = []
    if args["src"] and before.get("target") != args["src"]:
        made = [_become(before, "link to %s" % args["src"], before.get("target", before["type"]))]
    pointed = before.get("pointed", {"type": "absent"})
    if pointed["type"] != "absent":
        return made + _attributes(args, pointed)
    return made or _attributes(args, before)


def _plan_hard(args: "dict", before: "dict") -> "list[dict]":
    path = before["path"]
    if not args["src"]:
        raise failure.Failed("a hard link at %s needs src: the file it shall be" % path)
    if not before["source"]["exists"]:
        raise failure.Failed("%s is not there" % args["src"], "not-found")
    if before["source"]["same_inode"]:
        return _attributes(args, before)
    if before["type"] == "directory" or (before["type"] not in ("absent", "link") and not args["force"]):
        raise failure.Failed("%s is a %s: force: true replaces a file with a hard link" % (path, before["type"]))
    return [_become(before, "hard link to %s" % args["src"])]


def _become(before: "dict", after: str, said: "str | None" = None) -> "dict":
    return {"path": before["path"], "aspect": "type", "before": said or before["type"], "after": after}


def _attributes(args: "dict", state: "dict") -> "list[dict]":
    return filestate.changes(state["path"], state, filestate.wanted(args, state))


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    """The contents of what will be removed or replaced."""
    asked = kind(args, before)
    replaced = before["type"] in ("file", "directory", "other") and (
        asked in ("absent", "link") or (asked == "hard" and not (before["source"] or {}).get("same_inode"))
    )
    if not replaced:
        return before
    states = [before] + before.get("below", [])
    if any(state["type"] == "other" and state["device"][0] == 0o140000 for state in states):
        raise failure.Failed("a socket cannot be put back once it is removed: %s" % before["path"], "over-undo-limit")
    total = sum(state["size"] for state in states if state["type"] == "file")
    if limit is not None and total > limit:
        raise filestate.over_limit(before["path"], total, limit)
    kept = filestate.keep(before, None)
    if "below" in before:
        kept = dict(kept, below=[filestate.keep(state, None) for state in before["below"]])
    return kept


def apply(args: "dict", before: "dict") -> "dict":
    path, asked = before["path"], kind(args, before)
    if asked == "absent":
        if os.path.lexists(path):
            filestate.remove(path)
    elif asked == "directory":
        _make_directory(args, before)
    elif asked == "touch":
        _touch(args, before)
    elif asked == "link" and args["src"]:
        _replace(before, args["src"], os.symlink)
    elif asked == "hard" and not before["source"]["same_inode"]:
        # link(2) would make another name of a link, and `same_inode` asks for the file that it points to.
        _replace(before, os.path.realpath(_pointed(args, path)), os.link)
    if asked != "absent":
        _set(args, filestate.observe(path, digest=False), asked)
    return result(args, filestate.observe(path, digest=False))


def _make_directory(args: "dict", before: "dict") -> None:
    if before["type"] == "directory":
        for state in before.get("below", []):
            filestate.set_attributes(state["path"], filestate.wanted(args, state))
        return
    filestate.make_parents(before["parents"] + [before["path"]])
    for parent in before["parents"]:
        filestate.set_attributes(parent, filestate.wanted(args, filestate.observe(parent)))


def _moment(args: "dict", key: str, now: int) -> int:
    """Nanoseconds since 1970; `now` is what it is. Raises Failed for what says no time."""
    import time

    said, form = args[key] or "now", args[key + "_format"]
    if said == "preserve":
        return now
    if said == "now":
        return time.time_ns() if hasattr(time, "time_ns") else int(time.time() * 1e9)
    try:
        return int(time.mktime(time.strptime(said, form))) * 10**9
    except ValueError:
        raise failure.Failed("%s %r is neither now, preserve nor like %s" % (key, said, form))


def _touch(args: "dict", before: "dict") -> None:
    path = before["path"]
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)) if before["type"] == "absent" else None
    st = os.lstat(path)
    times = (_moment(args, "access_time", st.st_atime_ns), _moment(args, "modification_time", st.st_mtime_ns))
    os.utime(path, ns=times, follow_symlinks=False)  # the path is resolved already, or the link meant


def _replace(before: "dict", source: str, make: object) -> None:
    """Makes the link under another name and renames it, so that the path is never without one."""
    path = before["path"]
    if before["type"] == "directory":
        os.rmdir(path)
    if make is os.symlink and before.get("target") == source:
        return
    beside = "%s.%d.new" % (path, os.getpid())
    make(source, beside)  # type: ignore[operator]
    try:
        os.rename(beside, path)
    except OSError:
        os.unlink(beside)
        raise


def _set(args: "dict", state: "dict", asked: str) -> None:
    if state["type"] == "link" and args["follow"] and asked == "link":
        pointed = os.path.realpath(state["path"])
        if not os.path.exists(pointed):
            return
        state = filestate.observe(pointed, digest=False)
    filestate.set_attributes(state["path"], filestate.wanted(args, state))


def undo(args: "dict", before: "dict") -> "dict":
    removed = []
    if before["type"] == "absent":
        removed = filestate.remove_created((before.get("parents") or [before["path"]])[0])
    else:
        _part(args, before)
        filestate.put_back(before)
        for state in before.get("below", []):
            filestate.put_back(state)
        if "modified_ns" in before:
            times = (os.lstat(before["path"]).st_atime_ns, before["modified_ns"])
            os.utime(before["path"], ns=times, follow_symlinks=False)
    if before.get("pointed", {}).get("type", "absent") != "absent":
        filestate.put_back(before["pointed"])
    return {"path": before["path"], "removed": removed}


def _part(args: "dict", before: "dict") -> None:
    """Removes the new name of a file, also where it looks like the old file: they would stay one."""
    apart = (before.get("source") or {}).get("same_inode") is False
    if apart and _source(args, before["path"], "hard").get("same_inode"):
        os.unlink(before["path"])


def result(args: "dict", state: "dict") -> "dict":
    asked = kind(args, state)
    if os.path.islink(args["path"]) and args["state"] in (None, "file", "touch"):
        told = filestate.told(filestate.observe(args["path"], digest=False))  # Ansible tells of the link itself
        return dict(told, path=args["path"], dest=args["path"])
    told = filestate.told(state)
    told["path"] = told["dest"] = args["path"] if args["path"].rstrip("/") == state["path"] else state["path"]
    if state["type"] == "link":
        told["src"] = state["target"]
    if asked in ("link", "hard") and args["src"]:
        told["src"] = args["src"]
    if asked == "absent" and not os.path.exists(state["path"]):
        told["state"] = asked
    if asked == "hard" and state["type"] == "file":
        told["state"] = asked
    return told
