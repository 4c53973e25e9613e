"""A whole directory copied: `copy` whose `src` is one, on the controller (`tree`) or on the host (`remote_src`).

What is to be there is a list of entries [name, kind, mode, content or link target], directories before what is in them;
of a file that lies on the host, its path there instead of the content. Nothing in the target is removed.
"""

import os
import stat

from playbook_engine.agent import atomic, content, failure, filestate, hashes


def observe(args: "dict") -> "dict":
    """The states of everything that is copied to, parents first."""
    entries = _entries(args)
    top = _top(args)
    paths = filestate.missing_parents(top) + [top] + [os.path.join(top, name) for name, _, _, _ in entries]
    above = os.path.dirname(paths[0])
    if above and not os.path.isdir(above):
        raise failure.Failed("%s is no directory" % above)
    return {"path": top, "type": "tree", "states": [filestate.observe(path) for path in paths], "_entries": entries}


def _top(args: "dict") -> str:
    """Where the entries go: a source that ends in `/` is copied without its own name, as by rsync."""
    if args["src"].endswith("/"):
        return args["dest"].rstrip("/") or "/"
    return os.path.join(args["dest"], os.path.basename(args["src"]))


def _entries(args: "dict") -> "list":
    if args["tree"] is not None:
        sent: "list" = args["tree"]
        return sent
    found: "list" = []
    _walk(os.path.realpath(args["src"]), "", bool(args["local_follow"]), found, ())
    return found


def _walk(folder: str, base: str, follow: bool, found: "list", above: "tuple") -> None:
    for name in sorted(os.listdir(folder)):
        path, rel = os.path.join(folder, name), os.path.join(base, name)
        st = os.lstat(path)
        if stat.S_ISLNK(st.st_mode) and not (follow and os.path.exists(path) and os.path.realpath(path) not in above):
            found.append([rel, "link", "", os.readlink(path)])
            continue
        st = os.stat(path)
        mode = "%04o" % stat.S_IMODE(st.st_mode)
        if stat.S_ISDIR(st.st_mode):
            found.append([rel, "directory", mode, ""])
            _walk(path, rel, follow, found, above + (os.path.realpath(folder),))
        elif stat.S_ISREG(st.st_mode):
            found.append([rel, "file", mode, path])


def _content(data: object) -> bytes:
    if isinstance(data, bytes):
        return data
    with open(str(data), "rb") as handle:
        return handle.read()


class Wish(object):
    """One path that is to be something. `mode` is for one that is made or changed, `args` for every one."""

    def __init__(self, state: "dict", kind: str, mode: "str | None", data: object, args: "dict") -> None:
        self.state, self.kind, self.mode, self.data, self.args = state, kind, mode, data, args
        self.differs = state["type"] != kind
        if kind == "file" and not self.differs:
            digest = hashes.of(data) if isinstance(data, bytes) else filestate.digest_of(str(data))
            self.differs = digest != state["sha256"]
        if kind == "link":
            self.differs = state.get("target") != data

    def changes(self) -> "list[dict]":
        path, was = self.state["path"], self.state["type"]
        clash = "directory" in (was, self.kind) and was not in ("absent", self.kind)
        if clash or was == "other":
            raise failure.Failed("%s is a %s: refusing to replace it with a %s" % (path, was, self.kind))
        if self.kind == "link":
            said = "link to %s" % self.data
            return [{"path": path, "aspect": "type", "before": was, "after": said}] if self.differs else []
        if was != self.kind:
            return [{"path": path, "aspect": "type", "before": was, "after": self.kind}]
        made: "list[dict]" = [{"path": path, "aspect": "content"}] if self.differs else []
        return made + filestate.changes(path, self.state, self.wanted())

    def wanted(self) -> "dict":
        """The attributes that are to be set on what is there, or will be."""
        asked = filestate.wanted(self.args, self.state)
        if self.differs and self.mode is not None and "mode" not in asked and self.args["mode"] is None:
            asked["mode"] = self.mode
        return asked

    def make(self, accept: object) -> None:
        path = self.state["path"]
        if self.kind == "link":
            if self.differs:
                beside = "%s.%d.new" % (path, os.getpid())
                os.symlink(str(self.data), beside)
                os.rename(beside, path)
            return
        if self.kind == "directory" and self.differs:
            filestate.make_parents([path])
        elif self.differs:
            old = self.state["type"] == "file"
            mode = int(self.state["mode"] if old else filestate.default_mode(), 8)
            uid, gid = self.state.get("uid", -1), self.state.get("gid", -1)
            xattr = self.state["xattr"] if old else None
            atomic.write(path, _content(self.data), mode, uid if old else -1, gid if old else -1, xattr, accept)  # type: ignore[arg-type]
        now = filestate.observe(path, digest=False)
        asked = filestate.wanted(self.args, now)
        if self.differs and self.mode is not None and self.args["mode"] is None:
            asked["mode"] = self.mode
        filestate.set_attributes(path, asked)


def _wishes(args: "dict", before: "dict") -> "list[Wish]":
    entries = before["_entries"] if "_entries" in before else _entries(args)
    if not entries and args["tree"] is not None:
        return []  # of an empty directory of the controller nothing is copied, as in Ansible
    states = before["states"]
    first = len(states) - len(entries)
    here = args["tree"] is None
    owners = {"owner": args["owner"], "group": args["group"], "mode": None}
    folder = dict(owners, mode=args["directory_mode"])
    made = []
    for number, state in enumerate(states[:first]):
        mode = None
        if here and number == first - 1:
            mode = args["mode"]
            mode = "%04o" % stat.S_IMODE(os.stat(args["src"]).st_mode) if mode in (None, "preserve") else mode
        new = state["type"] == "absent"
        attributes = dict(folder if new else owners)
        if here and number == first - 1 and args["mode"] is not None:
            attributes["mode"] = mode
        made.append(Wish(state, "directory", mode, "", attributes))
    for (_, kind, mode, data), state in zip(entries, states[first:]):
        if kind == "file" and state["type"] in ("file", "link") and not args["force"]:
            continue
        asked = folder if kind == "directory" and not here else owners
        if kind == "file" and not here:
            asked = dict(owners, mode=mode if args["mode"] == "preserve" else args["mode"])
        made.append(Wish(state, kind, mode if here and kind != "link" else None, data, asked))
    return made


def plan(args: "dict", before: "dict") -> "list[dict]":
    return [change for wish in _wishes(args, before) for change in wish.changes()]


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    """The contents of the files that will be replaced, and where their backups go."""
    replaced = [w.state for w in _wishes(args, before) if w.differs and w.state["type"] == "file"]
    total = sum(state["size"] for state in replaced)
    if limit is not None and total > limit:
        raise filestate.over_limit(before["path"], total, limit)
    kept = {state["path"]: filestate.keep(state, None) for state in replaced}
    backups = {path: filestate.backup_of(path) for path in kept} if args["backup"] else {}
    return dict(before, states=[kept.get(state["path"], state) for state in before["states"]], backups=backups)


def apply(args: "dict", before: "dict") -> "dict":
    accept = atomic.accepted_by(args["validate"])
    for path, name in sorted(before.get("backups", {}).items()):
        state = next(state for state in before["states"] if state["path"] == path)
        atomic.write(name, _content(path), int(state["mode"], 8), state["uid"], state["gid"], state["xattr"])
    for wish in _wishes(args, before):
        wish.make(accept)
    return result(args, before)


def undo(args: "dict", before: "dict") -> "dict":
    removed: "list[str]" = []
    for state in before["states"]:
        if state["type"] != "absent":
            filestate.put_back(state)
        elif os.path.lexists(state["path"]):
            removed += filestate.remove_created(state["path"])
    for name in before.get("backups", {}).values():
        if os.path.lexists(name):
            os.unlink(name)
    return {"dest": before["path"], "removed": removed}


def result(args: "dict", state: "dict") -> "dict":
    files = [name for name, kind, _, _ in args["tree"] or () if kind == "file"]
    if len(files) == 1:  # Ansible tells of the file then
        path = os.path.join(state["path"], files[0])
        found = filestate.told(filestate.observe(path))
        data = next(data for _, kind, _, data in args["tree"] if kind == "file")
        return dict(found, dest=path, path=path, src=args["src"], checksum=content.sha1(data), md5sum=content.md5(data))
    told = filestate.told(filestate.observe(state["path"], digest=False))
    dest = args["dest"].rstrip("/") + "/"
    if args["tree"] is None:
        top = args["dest"].rstrip("/")
        new = any(each["path"] == top and each["type"] == "absent" for each in state["states"])
        dest = args["dest"] if new else os.path.join(args["dest"], os.path.basename(args["src"]))
        told.update(checksum=None, md5sum=None)
    return dict(told, dest=dest, src=args["src"])
