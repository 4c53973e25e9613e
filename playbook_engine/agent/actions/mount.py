"""A mount point: in fstab(5), and mounted."""

import os

from playbook_engine.agent import failure, filestate, mounts, process, textfile

SPEC = {
    "name": "mount",
    "kind": "state",
    "summary": "Mount a file system, now and at boot, or take it away",
    "doc": "`mounted`: in fstab and mounted, the mount point is made. `present`: in fstab. `ephemeral`: mounted, "
    "but not in fstab. `unmounted`: not mounted, fstab stays. `absent`: neither, and an empty mount point is removed. "
    "`absent_from_fstab`: not in fstab. `remounted`: mounted anew with its options; always acts.",
    "params": {
        "path": {"type": "path", "required": True, "aliases": ["name"], "doc": "The mount point."},
        "state": {
            "type": "str",
            "required": True,
            "choices": ["absent", "absent_from_fstab", "ephemeral", "mounted", "present", "remounted", "unmounted"],
            "doc": "",
        },
        "src": {"type": "str", "doc": "Device, UUID=…, directory (for bind), host:/path, or tmpfs."},
        "fstype": {"type": "str", "doc": "As in ext4, nfs, tmpfs, none."},
        "opts": {"type": "str", "doc": "Options, with commas between them; `defaults` if there are none."},
        "dump": {"type": "str", "default": "0", "doc": "The fifth field of fstab."},
        "passno": {"type": "str", "default": "0", "doc": "The sixth field of fstab."},
        "boot": {"type": "bool", "default": True, "doc": "Whether it is mounted at boot; false adds noauto."},
        "fstab": {"type": "path", "default": "/etc/fstab", "doc": "Another fstab; mount(8) is then told of it."},
        "backup": {"type": "bool", "default": False, "doc": "Leave the old fstab beside it."},
    },
    "undo": "fstab as before; mounted as before, from the same source with the same options, or not; a mount point "
    "that was made is removed, one that was removed is made again",
    "returns": {
        "name": "the mount point",
        "path": "the same",
        "src": "",
        "fstype": "",
        "opts": "",
        "dump": "",
        "passno": "",
        "boot": "",
        "fstab": "",
        "backup_file": "",
        "mounted": "whether it is, now",
    },
    "examples": "mount: {path: /data, src: /dev/vdb1, fstype: ext4, opts: noatime, state: mounted}",
}

VOLATILE = filestate.VOLATILE + ("point",)
LISTED = ("mounted", "present")  # what stands in fstab afterwards


def observe(args: "dict") -> "dict":
    _sensible(args)
    state = textfile.observe(os.path.realpath(args["fstab"]))
    state["at"] = place(args["path"])
    state["mount"] = mounts.at(state["at"])
    # A mount hides what is below it: whether the directory was empty is then not seen, nor does it matter.
    point = {"there": os.path.lexists(state["at"]), "made": filestate.missing_parents(state["at"])}
    if point["there"] and state["mount"] is None:
        found = filestate.observe(state["at"], digest=False)
        point.update({key: found[key] for key in ("mode", "uid", "gid")}, kind=found["type"])
    state["point"] = point
    return state


def place(path: str) -> str:
    """As it stands in fstab: without a slash at the end."""
    return path.rstrip("/") or "/"


def _sensible(args: "dict") -> None:
    if not args["path"].startswith("/"):
        raise failure.Failed("%s is no absolute path" % args["path"])
    needs = {"mounted": ("src", "fstype"), "present": ("src", "fstype"), "ephemeral": ("src", "fstype")}
    for key in needs.get(args["state"], ()):
        if not args[key]:
            raise failure.Failed("state: %s needs %s" % (args["state"], key))


def options(args: "dict") -> str:
    words = [word for word in (args["opts"] or "defaults").split(",") if word]
    if not args["boot"] and "noauto" not in words:
        words.append("noauto")
    return ",".join(words)


def _fields(args: "dict") -> "list[str]":
    words = (args["src"], place(args["path"]), args["fstype"], options(args), args["dump"], args["passno"])
    return [mounts.escape(str(word)) for word in words]


def edited(args: "dict", before: "dict") -> str:
    """fstab with this mount point as it is to be there; lines that need not change stay as they are written."""
    text, found, done = textfile.text(before), [], False
    if args["state"] in ("unmounted", "remounted", "ephemeral"):
        return text
    at = place(args["path"])
    for line in text.splitlines(True):
        fields = line.split()
        if len(fields) < 4 or fields[0].startswith("#") or mounts.unescape(fields[1]) != at:
            found.append(line)
        elif args["state"] in LISTED and not done:
            whole = fields + ["0"] * (6 - len(fields))
            found.append(line if whole[:6] == _fields(args) else " ".join(_fields(args)) + "\n")
            done = True
    if args["state"] in LISTED and not done:
        if found and not found[-1].endswith("\n"):
            found[-1] += "\n"
        found.append(" ".join(_fields(args)) + "\n")
    return "".join(found)


def _goal(args: "dict", before: "dict") -> "bool | None":
    """Whether it is to be mounted; None: as it is."""
    return {"mounted": True, "ephemeral": True, "unmounted": False, "absent": False}.get(args["state"])


def plan(args: "dict", before: "dict") -> "list[dict]":
    at, mount = before["at"], before["mount"]
    found = [] if edited(args, before) == textfile.text(before) else textfile.plan(before, edited(args, before))
    listed = bool(found)
    goal = _goal(args, before)
    if args["state"] == "remounted":
        if mount is None:
            raise failure.Failed("%s is not mounted: state: mounted mounts it" % at)
        return found + [{"path": at, "aspect": "mount", "before": mount["options"], "after": "mounted anew"}]
    if args["state"] == "ephemeral" and mount is not None and not mounts.same_source(args["src"], mount):
        raise failure.Failed("%s is mounted from %s already" % (at, mount["source"]))
    if goal is not None and goal != (mount is not None):
        said = "from %s" % args["src"] if goal else "not mounted"
        was = "from %s" % mount["source"] if mount else "not mounted"
        found.append({"path": at, "aspect": "mount", "before": was, "after": said})
    elif goal and listed and mount is not None:
        found.append({"path": at, "aspect": "mount", "before": mount["options"], "after": options(args)})
    if goal and not before["point"]["there"]:
        found.append({"path": at, "aspect": "type", "before": "absent", "after": "directory"})
    if args["state"] == "absent" and before["point"]["there"]:
        found.append({"path": at, "aspect": "type", "before": "directory", "after": "absent"})
    return found


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    mount = before["mount"]
    if limit is not None and mount is not None and mount["fstype"] in mounts.MEMORY and _goal(args, before) is False:
        inside = os.listdir(before["at"])
        if inside:
            message = "%s is %s: what lies in it, %s for one, would be lost when it is unmounted, without a way back"
            raise failure.Failed(message % (before["at"], mount["fstype"], inside[0]), "over-undo-limit")
    return textfile.keep(args, before, edited(args, before), limit)


def apply(args: "dict", before: "dict") -> "dict":
    at, goal = before["at"], _goal(args, before)
    new = edited(args, before)
    listed = new != textfile.text(before)
    if goal and not before["point"]["there"]:
        filestate.make_parents(before["point"]["made"] + [at])
    if listed:
        textfile.put(args, before, new, 0o644)
    now = mounts.at(at)
    try:
        if args["state"] == "remounted" or (goal and now is not None and listed):
            _remount(args, at)
        elif goal and now is None:
            _mount(args, at)
        elif goal is False:
            unmount(at)
    except failure.Failed:
        if listed:  # a line that does not mount would hold up the next boot
            textfile.undo({key: value for key, value in before.items() if key != "backup_file"})
        raise
    if args["state"] == "absent" and os.path.isdir(at):
        try:
            os.rmdir(at)
        except OSError as error:
            raise failure.Failed("%s is not mounted any longer, and cannot be removed: %s" % (at, error.strerror))
    told = result(args, observe(args))
    return dict(told, backup_file=before["backup_file"]) if before.get("backup_file") else told


def _mount(args: "dict", at: str) -> None:
    words = ["-t", args["fstype"]] if args["fstype"] not in ("none", "auto") else []
    opts = ",".join(word for word in options(args).split(",") if word not in ("noauto", "auto"))
    _call(["mount"] + words + ["-o", opts or "defaults", args["src"], at])


def _remount(args: "dict", at: str) -> None:
    if args["opts"]:
        opts = ",".join(["remount"] + [word for word in options(args).split(",") if word not in ("noauto", "bind")])
    else:
        opts = "remount"
    from_table = [] if args["fstab"] == "/etc/fstab" else ["-T", args["fstab"]]
    ran = process.run(["mount"] + from_table + ["-o", opts, at], env={"LC_ALL": "C"})
    now = mounts.at(at)
    lossy = now is not None and now["fstype"] in mounts.MEMORY and os.listdir(at)
    if ran["rc"] != 0 and args["state"] == "mounted" and not lossy:  # it cannot be remounted (nfs, another source)
        unmount(at)
        _mount(args, at)
    elif ran["rc"] != 0:
        raise failure.Failed("mount -o %s %s: %s" % (opts, at, ran["stderr"].strip()), result=ran)


def unmount(at: str) -> None:
    for _ in range(16):  # several may lie over one another
        if mounts.at(at) is None:
            return
        _call(["umount", at])


def _call(words: "list[str]") -> None:
    ran = process.run(words, env={"LC_ALL": "C"})
    if ran["rc"] != 0:
        said = ran["stderr"].strip() or "status %s" % ran["rc"]
        kind = "permission" if "must be superuser" in said or "permission denied" in said.lower() else "failed"
        raise failure.Failed("%s: %s" % (" ".join(words), said), kind, ran)


def undo(args: "dict", before: "dict") -> "dict":
    at, was, point = before["at"], before["mount"], before["point"]
    now = mounts.at(at)
    if was is None and now is not None:
        unmount(at)
    if was is not None or point["there"]:
        filestate.make_parents(point["made"] + [at])
    if was is not None:
        _mount_as(was, now)
    if was is None and point["there"] and "mode" in point and point["kind"] == "directory":
        os.chown(at, point["uid"], point["gid"])
        os.chmod(at, int(point["mode"], 8))
    elif was is None and not point["there"]:
        for path in reversed(point["made"] + [at]):
            if os.path.isdir(path) and not os.listdir(path):
                os.rmdir(path)
    textfile.undo({key: value for key, value in before.items() if key != "parents"})
    return {"path": at, "name": at}


def _mount_as(was: "dict", now: "dict | None") -> None:
    """What was mounted is, and as it was. What no remount gives back (an option that the file system keeps) does a new
    mount, which fails while something is open there; never where it would take the content along."""
    at = was["path"]
    if now is not None and not mounts.alike(was, now):
        unmount(at)
        now = None
    if now is None:
        _call(mounts.again(was))
        return
    if now["options"] != was["options"]:
        _call(mounts.remount(was, now))
        now = mounts.at(at)
    if now is not None and now["options"] != was["options"]:
        if was["fstype"] in mounts.MEMORY and os.listdir(at):
            raise failure.Failed(
                "%s: %s keeps options: %s, was %s" % (at, was["fstype"], now["options"], was["options"])
            )
        unmount(at)
        _call(mounts.again(was))


def result(args: "dict", state: "dict") -> "dict":
    told = {key: args[key] for key in ("src", "fstype", "dump", "passno", "boot", "fstab")}
    told.update(name=state["at"], path=state["at"], opts=options(args), mounted=state["mount"] is not None)
    return told
