"""A file whose content an action decides (copy, template, lineinfile, replace, get_url): plan, keep, put, undo.

Each of them observes the path and says what the content shall be; everything else is the same for all.
"""

import os

from playbook_engine.agent import atomic, failure, filestate, hashes

PARAMS = dict(
    {
        "validate": {"type": "str", "doc": "A command that must accept the new file first; `%s` is its path."},
        "backup": {"type": "bool", "default": False, "doc": "Leave the old content beside it, as NAME.PID.DATE~."},
    },
    **filestate.PARAMS,
)


def lying(path: str, create: bool = False) -> "dict":
    """The state of a file that is to be edited, with its content in `_content`; a link is followed.

    With `create` one that is not there is an empty one, and `parents` are the directories that it lacks. Raises Failed.
    """
    state = filestate.keep(filestate.observe(os.path.realpath(path)), None)
    if state["type"] == "absent":
        if not create:
            raise failure.Failed("%s is not there" % path, "not-found")
        state["parents"] = filestate.missing_parents(state["path"])
        state["_content"] = b""
    elif state["type"] == "file":
        state["_content"] = state.pop("content")
    else:
        raise failure.Failed("%s is a %s, not a file" % (path, state["type"]))
    return state


def old(before: "dict") -> bytes:
    """The content of the state before, wherever that is."""
    found = before.get("_content", before.get("content"))
    if found is None:
        found = b""
        if before["type"] == "file":  # only attributes were to change: the content is the old one
            with open(before["path"], "rb") as handle:
                found = handle.read()
    return found


def said(args: "dict", before: "dict", done: str, made: bool = False) -> str:
    """Ansible's `msg` of an edit: what was done, and whether mode or owner differ then. `made`: it is being done."""
    changes = [done] * bool(done)
    new = {"type": "absent", "mode": filestate.default_mode(), "uid": os.geteuid(), "gid": os.getegid()}
    if filestate.wanted(args, before if before["type"] != "absent" else new) and (made or before["type"] != "absent"):
        changes.append("ownership, perms or SE linux context changed")
    return " and ".join(changes)


def plan(args: "dict", before: "dict", new: bytes) -> "list[dict]":
    """The changes that make `before` a file with the content `new` and the attributes of the arguments."""
    path, kind = before["path"], before["type"]
    if kind in ("directory", "other"):
        raise failure.Failed("%s is a %s: refusing to replace it with a file" % (path, kind))
    made: "list[dict]" = [
        {"path": parent, "aspect": "type", "before": "absent", "after": "directory"}
        for parent in before.get("parents", ())
    ]
    if kind == "absent":
        return made + [{"path": path, "aspect": "content", "before": "absent", "_after": new}]
    if differs(before, new):
        made.append({"path": path, "aspect": "content", "_after": new, "_before": before.get("_content")})
    return made + filestate.changes(path, before, filestate.wanted(args, before))


def differs(before: "dict", new: bytes) -> bool:
    return before["type"] != "file" or before.get("sha256") != hashes.of(new)


def keep(args: "dict", before: "dict", new: bytes, limit: "int | None") -> "dict":
    """The state with what `undo` needs: the old content if it will be replaced, and where a backup will go."""
    if not differs(before, new):
        return before  # only attributes change: the content need not travel
    kept = filestate.keep(before, limit)
    if args.get("backup") and before["type"] == "file":
        kept = dict(kept, backup_file=filestate.backup_of(before["path"]))
    return kept


def put(args: "dict", before: "dict", new: bytes) -> "dict":
    """Makes the changes; the state after."""
    path = before["path"]
    there = before["type"] == "file"  # nothing of a link that is replaced is taken over
    asked = filestate.wanted(args, before if there else {"type": "absent", "mode": filestate.default_mode()})
    if not differs(before, new):
        filestate.set_attributes(path, asked)
        return filestate.observe(path)
    accept = atomic.accepted_by(args.get("validate"))
    filestate.make_parents(before.get("parents", []))
    if before.get("backup_file"):
        with open(path, "rb") as old:  # through a link, where that gives way
            st = os.fstat(old.fileno())
            xattr = before["xattr"] if there else None
            atomic.write(before["backup_file"], old.read(), st.st_mode & 0o7777, st.st_uid, st.st_gid, xattr)
    mode = int(asked.get("mode") or (before["mode"] if there else filestate.default_mode()), 8)
    uid = asked.get("uid", before["uid"] if there else -1)
    gid = asked.get("gid", before["gid"] if there else -1)
    xattr = before["xattr"] if there else None
    atomic.write(path, new, mode, uid, gid, xattr, accept, bool(args.get("unsafe_writes")))
    made = filestate.observe(path)
    label = filestate.wanted(args, made).get("selinux")
    if label is not None:
        filestate.set_attributes(path, {"selinux": label})
        made = filestate.observe(path)
    return made


def undo(before: "dict") -> "list[str]":
    """Puts the file back; removes the backup and the directories that were made. What else was in those."""
    filestate.put_back({k: v for k, v in before.items() if k != "parents"})
    if before.get("backup_file"):
        try:
            os.unlink(before["backup_file"])
        except FileNotFoundError:
            pass
    return filestate.remove_created(before["parents"][0]) if before.get("parents") else []


def told(args: "dict", state: "dict", before: "dict | None" = None) -> "dict":
    """What `register` sees: the state under Ansible's names, and the backup if there is one."""
    seen = filestate.told(state)
    seen["path"] = seen["dest"] = state["path"]
    if before and before.get("backup_file"):
        seen["backup_file"] = before["backup_file"]
    return seen


def sha1(content: bytes) -> str:
    """Ansible's `checksum`."""
    return hashes.of(content, "sha1")


def md5(content: bytes) -> "str | None":
    """Ansible's `md5sum`; None on a host that forbids MD5."""
    try:
        return hashes.of(content, "md5")
    except ValueError:
        return None
