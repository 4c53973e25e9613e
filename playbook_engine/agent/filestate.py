"""The state of one path, to look at, to compare, and to put back: content, mode, owner, link target, xattr and ACL.

A state is a dict: {path, type: absent|file|directory|link|other, mode: "0644", uid, gid, size, mtime, sha256, target,
xattr}; `content` (bytes) is in it only after `keep`. Size and times are told but not compared: restoring the content
restores the size, and access times are on the published list of exclusions.
"""

import os
import stat

from playbook_engine.agent import atomic, failure, hashes

COMPARED = ("type", "mode", "uid", "gid", "sha256", "target", "device", "xattr")
VOLATILE = ("size", "mtime", "content", "backup_file")  # in a state, but no part of the proof of a rollback

# The arguments that every action which makes files understands, as in Ansible.
PARAMS = {
    "mode": {
        "type": "mode",
        "doc": 'Permissions: an octal text such as "0644", or symbolic as in chmod(1) (u+x,go-w).',
    },
    "owner": {"type": "str", "doc": "Name or number of the user who owns it."},
    "group": {"type": "str", "doc": "Name or number of the group that owns it."},
    "seuser": {"type": "str", "doc": "SELinux user; of no consequence where the host has no SELinux."},
    "serole": {"type": "str", "doc": "SELinux role."},
    "setype": {"type": "str", "doc": "SELinux type."},
    "selevel": {"type": "str", "doc": "SELinux level."},
    "unsafe_writes": {
        "type": "bool",
        "default": False,
        "doc": "Write in place where a file cannot be replaced, such as one that is mounted into a container.",
    },
}
LABEL = "security.selinux"
LABEL_PARTS = ("seuser", "serole", "setype", "selevel")


def observe(path: str, digest: bool = True) -> "dict":
    """What `path` is now; a link is not followed. Raises OSError when it cannot be looked at."""
    try:
        st = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {"path": path, "type": "absent"}
    state: "dict" = {
        "path": path,
        "mode": "%04o" % stat.S_IMODE(st.st_mode),
        "uid": st.st_uid,
        "gid": st.st_gid,
        "size": st.st_size,
        "mtime": st.st_mtime,
        "xattr": xattr_of(path),
    }
    if stat.S_ISREG(st.st_mode):
        state["type"] = "file"
        if digest:
            state["sha256"] = digest_of(path)
    elif stat.S_ISDIR(st.st_mode):
        state["type"] = "directory"
    elif stat.S_ISLNK(st.st_mode):
        state["type"] = "link"
        state["target"] = os.readlink(path)
    else:
        state["type"] = "other"
        state["device"] = [stat.S_IFMT(st.st_mode), st.st_rdev]
    return state


def digest_of(path: str, algorithm: str = "sha256") -> str:
    """The digest of a file's content, read in pieces."""
    with open(path, "rb") as handle:
        total = hashes.start(algorithm, os.fstat(handle.fileno()).st_size)
        for part in iter(lambda: handle.read(1 << 20), b""):
            total.update(part)
    return total.hexdigest()


def xattr_of(path: str) -> "dict[str, bytes]":
    """Extended attributes; empty where the file system has none."""
    found = {}
    try:
        for name in os.listxattr(path, follow_symlinks=False):
            found[name] = os.getxattr(path, name, follow_symlinks=False)
    except OSError:
        pass
    return found


def same(one: "dict", other: "dict") -> bool:
    """Whether two states are equal by the definition of the rollback's proof."""
    return all(one.get(key) == other.get(key) for key in COMPARED)


def keep(state: "dict", limit: "int | None") -> "dict":
    """The state with its content, so that it can be put back. Raises Failed("over-undo-limit"), Failed("moved")."""
    if state["type"] != "file" or "content" in state:
        return state
    if limit is not None and state["size"] > limit:
        raise over_limit(state["path"], state["size"], limit)
    with open(state["path"], "rb") as handle:
        content = handle.read()
    if state.get("sha256") and hashes.of(content) != state["sha256"]:
        raise failure.Failed("%s changed while it was being read" % state["path"], "moved")
    return dict(state, content=content)


def over_limit(path: str, size: int, limit: int) -> "failure.Failed":
    return failure.Failed(
        "%s is %d bytes, more than the undo limit of %d bytes: it would be changed without a way back"
        % (path, size, limit),
        "over-undo-limit",
    )


def backup_of(path: str) -> str:
    """Where a backup of `path` can go: a name as Ansible gives it, and another one where that is taken already.

    Two steps within one second would otherwise share it: the second would overwrite the first one's backup, and its
    undo would remove it.
    """
    import time

    stem = "%s.%d.%s" % (path, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S"))
    name, count = stem + "~", 1
    while os.path.lexists(name):
        count += 1
        name = "%s.%d~" % (stem, count)
    return name


def put_back(before: "dict") -> None:
    """Makes the path what `before` (with its content) says it was. Doing it twice is doing it once."""
    path, kind = before["path"], before["type"]
    now = observe(path, digest="sha256" in before)
    if same(now, before):
        return
    rewrite = kind == "file" and (now["type"] != "file" or now.get("sha256") != before.get("sha256"))
    if rewrite and "content" not in before:
        raise failure.Failed("the content of %s before the change was not kept" % path)
    if now["type"] != kind and now["type"] != "absent":
        remove(path)
    if kind == "absent":
        return
    if rewrite:
        atomic.write(
            path, before["content"], int(before["mode"], 8), before["uid"], before["gid"], before["xattr"], unsafe=True
        )
        os.utime(path, (before["mtime"], before["mtime"]))
        return
    if kind == "directory" and now["type"] != "directory":
        os.mkdir(path, 0o700)
    if kind == "link" and now.get("target") != before["target"]:
        if now["type"] == "link":
            os.unlink(path)
        os.symlink(before["target"], path)
    if kind == "other" and now.get("device") != before["device"]:
        if now["type"] == "other":
            os.unlink(path)
        os.mknod(path, before["device"][0] | 0o600, before["device"][1])
    os.chown(path, before["uid"], before["gid"], follow_symlinks=False)
    if kind != "link":
        os.chmod(path, int(before["mode"], 8))
    atomic.set_xattr(path, before["xattr"])


def remove(path: str) -> None:
    """Removes a file, a link, or a directory with everything in it; links inside are not followed."""
    st = os.lstat(path)
    if not stat.S_ISDIR(st.st_mode):
        os.unlink(path)
        return
    for entry in os.listdir(path):
        remove(os.path.join(path, entry))
    os.rmdir(path)


def missing_parents(path: str) -> "list[str]":
    """The directories above `path` that are not there, the topmost first."""
    found: "list[str]" = []
    above = os.path.dirname(path.rstrip("/"))
    while above and not os.path.lexists(above):
        found.insert(0, above)
        above = os.path.dirname(above)
    return found


def make_parents(parents: "list[str]") -> None:
    for parent in parents:
        try:
            os.mkdir(parent)
        except FileExistsError:
            pass


def remove_created(path: str) -> "list[str]":
    """Removes what a step created, a directory with all that has come into it since; what that was, up to 1000."""
    if not os.path.lexists(path):
        return []
    inside = [state["path"] for state in tree(path, 1000)[1:]]
    remove(path)
    return inside


def tree(path: str, most: "int | None" = None) -> "list[dict]":
    """The states, without digests, of a path and of all below it, parents first; mount points are not entered."""
    found = [observe(path, digest=False)]
    if found[0]["type"] == "directory":
        _below(path, os.lstat(path).st_dev, found, most)
    return found


def _below(path: str, device: int, found: "list[dict]", most: "int | None") -> None:
    for entry in sorted(os.listdir(path)):
        if most is not None and len(found) > most:
            return
        inner = os.path.join(path, entry)
        st = os.lstat(inner)
        if stat.S_ISDIR(st.st_mode) and st.st_dev != device:
            continue  # only of directories: overlayfs gives files the device of the layer they are in
        found.append(observe(inner, digest=False))
        if stat.S_ISDIR(st.st_mode):
            _below(inner, device, found, most)


def told(state: "dict") -> "dict":
    """What `register` sees of a state, under Ansible's names: state, mode, uid, gid, owner, group, size, sha256."""
    seen = {k: state[k] for k in ("mode", "uid", "gid", "size", "mtime", "sha256") if k in state}
    if state["type"] != "absent":
        seen["state"] = state["type"]
    if "mode" in seen:
        seen["mode"] = "0%03o" % int(state["mode"], 8)  # as Ansible writes it: five digits where there are special bits
    if "uid" in state:
        seen["owner"], seen["group"] = name_of_uid(state["uid"]), name_of_gid(state["gid"])
    return seen


def wanted(args: "dict", state: "dict") -> "dict":
    """The mode, uid and gid that the arguments ask for, where they differ from the state: {aspect: value}."""
    asked: "dict" = {}
    if args.get("owner") is not None and uid_of(args["owner"]) != state.get("uid"):
        asked["uid"] = uid_of(args["owner"])
    if args.get("group") is not None and gid_of(args["group"]) != state.get("gid"):
        asked["gid"] = gid_of(args["group"])
    if args.get("mode") is not None and state["type"] != "link":
        mode = mode_of(args["mode"], state)
        if mode != state.get("mode"):
            asked["mode"] = mode
    label = state.get("xattr", {}).get(LABEL)
    if label is not None and any(args.get(part) is not None for part in LABEL_PARTS):
        was = label.rstrip(b"\0").decode("utf-8", "surrogateescape")
        parts = was.split(":", 3)
        now = ":".join(args.get(part) or parts[i] for i, part in enumerate(LABEL_PARTS[: len(parts)]))
        if now != was:
            asked["selinux"] = now
    return asked


def changes(path: str, state: "dict", asked: "dict") -> "list[dict]":
    """`wanted` as the changes of a plan."""
    return [{"path": path, "aspect": key, "before": state.get(key), "after": asked[key]} for key in sorted(asked)]


def set_attributes(path: str, asked: "dict") -> None:
    """Applies what `wanted` said. Raises OSError."""
    st = os.lstat(path)
    if "selinux" in asked:
        os.setxattr(path, LABEL, asked["selinux"].encode("utf-8") + b"\0", follow_symlinks=False)
    if "uid" in asked or "gid" in asked:
        os.chown(path, asked.get("uid", -1), asked.get("gid", -1), follow_symlinks=False)
    if "mode" in asked:
        os.chmod(path, int(asked["mode"], 8))
    elif st.st_mode & 0o6000 and stat.S_ISREG(st.st_mode) and asked:
        os.chmod(path, stat.S_IMODE(st.st_mode))  # chown(2) has cleared the set-user-id bits


def uid_of(name: object) -> int:
    """A user's number. Raises Failed when there is none of this name."""
    if str(name).isdigit():
        return int(str(name))
    import pwd

    try:
        return pwd.getpwnam(str(name)).pw_uid
    except KeyError:
        raise failure.Failed("there is no user %s on this host" % name, "not-found")


def gid_of(name: object) -> int:
    """A group's number. Raises Failed when there is none of this name."""
    if str(name).isdigit():
        return int(str(name))
    import grp

    try:
        return grp.getgrnam(str(name)).gr_gid
    except KeyError:
        raise failure.Failed("there is no group %s on this host" % name, "not-found")


def name_of_uid(uid: int) -> str:
    """The user's name, or the number as text when no account has it."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def name_of_gid(gid: int) -> str:
    """The group's name, or the number as text when no group has it."""
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def default_mode(kind: str = "file") -> str:
    """What a new file or directory gets under the agent's umask."""
    mask = os.umask(0o022)
    os.umask(mask)
    return "%04o" % ((0o777 if kind == "directory" else 0o666) & ~mask)


def mode_of(spec: str, state: "dict") -> str:
    """An octal or symbolic mode (chmod(1)) as four octal digits, starting from the state's own mode."""
    if all(c in "01234567" for c in spec):
        return "%04o" % int(spec, 8)
    mode = int(state.get("mode") or ("0755" if state["type"] == "directory" else "0644"), 8)
    directory = state["type"] == "directory"
    for clause in spec.split(","):
        signs = [i for i, c in enumerate(clause) if c in "+-="]
        who = clause[: signs[0]] if signs else "?"
        for at, end in zip(signs or [0], signs[1:] + [len(clause)]):
            mode = _symbolic(who, clause[at:end], mode, directory, spec)
    return "%04o" % mode


def _symbolic(given: str, clause: str, mode: int, directory: bool, spec: str) -> int:
    """The mode after one sign with its rights, `+x`, for those that are given."""
    who, rights = given or "a", clause[1:]
    if any(c not in "ugoa" for c in who) or any(c not in "rwxXstugo" for c in rights):
        raise failure.Failed("%r is no mode: give octal digits such as 0644, or clauses such as u+x,go-w" % spec)
    if "a" in who:
        who = "ugo"
    bits = touched = 0
    for w in who:
        shift = {"u": 6, "g": 3, "o": 0}[w]
        touched |= 7 << shift | {"u": 0o4000, "g": 0o2000, "o": 0o1000}[w]
        for r in rights:
            if r in "rwx":
                bits |= {"r": 4, "w": 2, "x": 1}[r] << shift
            elif r == "X" and (directory or mode & 0o111):
                bits |= 1 << shift
            elif r == "s":
                bits |= {"u": 0o4000, "g": 0o2000, "o": 0}[w]
            elif r == "t":
                bits |= 0o1000
            elif r in "ugo":
                bits |= (mode >> {"u": 6, "g": 3, "o": 0}[r] & 7) << shift
    if not given:  # without u, g, o or a the umask has its say (chmod(1))
        bits &= 0o7000 | int(default_mode("directory"), 8)
    if clause[0] == "+":
        return mode | bits
    if clause[0] == "-":
        return mode & ~bits
    return mode & ~touched | bits
