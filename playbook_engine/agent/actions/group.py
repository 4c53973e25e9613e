"""A local group: its number; or none."""

from playbook_engine.agent import accounts, failure, hashes, process

SPEC = {
    "name": "group",
    "kind": "state",
    "summary": "Create, change or remove a local group",
    "doc": "Done with groupadd(8), groupmod(8) and groupdel(8). Files keep the number that they have.",
    "params": {
        "name": {"type": "str", "required": True, "doc": "The group."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": ""},
        "gid": {"type": "int", "doc": "Number."},
        "system": {"type": "bool", "default": False, "doc": "A number from the system's range; for a new group."},
        "force": {"type": "bool", "default": False, "doc": "With `absent`: even if it is the primary group of a user."},
        "non_unique": {"type": "bool", "default": False, "doc": "A `gid` that another group has is taken, too."},
        "local": {"type": "bool", "default": False, "doc": "Only local groups are seen in any case."},
        "gid_min": {"type": "int", "doc": "The lowest number that a new group may get."},
        "gid_max": {"type": "int", "doc": "The highest."},
    },
    "undo": "the group as before, with its number, members and password",
    "returns": {"name": "", "gid": "", "state": "", "system": ""},
    "examples": "group: {name: app, system: true}",
}

VOLATILE = ("hash",)


def observe(args: "dict") -> "dict":
    name = args["name"]
    if args["non_unique"] and args["gid"] is None:
        raise failure.Failed("non_unique needs gid")
    state: "dict" = {"name": name, "exists": False}
    found = accounts.group(name)
    if found is None:
        return state
    try:
        shadow = accounts.group_shadow(name)
    except PermissionError:
        raise failure.Failed("only root may see and change groups (become: true)", "permission")
    state.update(found, exists=True, primary_of=accounts.primary_of(found["gid"]))
    state["administrators"] = shadow[1] if shadow else ""
    state["password"] = hashes.of(shadow[0].encode("utf-8", "surrogateescape"))[:16] if shadow else None
    state["_gshadow"] = shadow
    return state


def plan(args: "dict", before: "dict") -> "list[dict]":
    name = args["name"]
    if args["state"] == "absent":
        return [{"subject": name, "aspect": "group", "before": "there", "after": "absent"}] * before["exists"]
    if not before["exists"]:
        return [{"subject": name, "aspect": "group", "before": "absent", "after": "there"}]
    if args["gid"] is None or args["gid"] == before["gid"]:
        return []
    return [{"subject": name, "aspect": "gid", "before": before["gid"], "after": args["gid"]}]


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    return dict(before, hash=before.get("_gshadow"))  # the engine encrypts states before in its journal


def apply(args: "dict", before: "dict") -> "dict":
    name = args["name"]
    if args["state"] == "absent":
        if accounts.group_id(name) is not None:
            _call(["groupdel"] + ["-f"] * args["force"] + [name])
        return result(args, {"exists": False})
    words = (["-g", str(args["gid"])] if args["gid"] is not None else []) + ["-o"] * args["non_unique"]
    if not before["exists"]:
        for key in ("gid_min", "gid_max"):
            words += ["-K", "%s=%d" % (key.upper(), args[key])] if args[key] is not None else []
        _call(["groupadd"] + ["-r"] * args["system"] + words + [name])
    elif words:
        _call(["groupmod"] + words + [name])
    return result(args, observe(args))


def _call(words: "list[str]", stdin: bytes = b"") -> None:
    ran = process.run(words, stdin, env={"LC_ALL": "C"})
    if ran["rc"] != 0:
        said = (ran["stderr"] or ran["stdout"]).strip() or "status %s" % ran["rc"]
        kind = "disk-full" if "No space left" in said else "permission" if "Permission denied" in said else "failed"
        said = said if said.startswith(words[0]) else "%s: %s" % (words[0], said)
        raise failure.Failed(said, kind, ran)


def undo(args: "dict", before: "dict") -> "dict":
    name, now = args["name"], accounts.group(args["name"])
    if not before["exists"]:
        if now is not None:  # an account may have had its number for a primary group before it was there
            _call(["groupdel"] + ["-f"] * bool(accounts.primary_of(now["gid"])) + [name])
        return {"name": name}
    if now is None:
        _call(["groupadd", "-o", "-g", str(before["gid"]), name])
    elif now["gid"] != before["gid"]:
        # groupmod(8) takes along every account whose primary group has the number: those of another group go back.
        others = [user for user in accounts.primary_of(now["gid"]) if user not in before["primary_of"]]
        _call(["groupmod", "-o", "-g", str(before["gid"]), name])
        for user in others:
            _call(["usermod", "-g", str(now["gid"]), user])
    if (accounts.group(name) or {}).get("members") != before["members"]:
        _call(["gpasswd", "-M", ",".join(before["members"]), name])
    kept = before.get("hash")
    if kept:
        shadow = accounts.group_shadow(name) or ["", "", ""]
        if shadow[1] != kept[1]:
            _call(["gpasswd", "-A", kept[1], name])
        if shadow[0] != kept[0]:
            _call(["chgpasswd", "-e"], ("%s:%s\n" % (name, kept[0])).encode("utf-8", "surrogateescape"))
    return result(args, observe(args))


def result(args: "dict", state: "dict") -> "dict":
    told = {"name": args["name"], "state": "present" if state["exists"] else "absent", "system": args["system"]}
    return dict(told, gid=state["gid"]) if state["exists"] else told
