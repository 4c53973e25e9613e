"""A local account: its numbers, groups, home and shell; or none."""

import os

from playbook_engine.agent import accounts, failure, filestate, hashes, process, userhome

SPEC = {
    "name": "user",
    "kind": "state",
    "summary": "Create, change or remove a local account",
    "doc": "Done with useradd(8), usermod(8) and userdel(8), which keep the files of accounts consistent. Only local "
    "accounts are seen, not those of a directory service. A home that is not there is made from /etc/skel.",
    "params": {
        "name": {"type": "str", "required": True, "aliases": ["user"], "doc": "The login name."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": ""},
        "uid": {"type": "int", "doc": "Number."},
        "group": {"type": "str", "doc": "Primary group: name or number; it must be there."},
        "groups": {"type": "list[str]", "doc": "Supplementary groups; an empty list: none."},
        "append": {"type": "bool", "default": False, "doc": "Add `groups`, and keep the others."},
        "comment": {"type": "str", "doc": "The GECOS field."},
        "home": {"type": "path", "doc": "Home directory."},
        "create_home": {"type": "bool", "default": True, "aliases": ["createhome"], "doc": "Make it."},
        "move_home": {"type": "bool", "default": False, "doc": "Move what is in the old one, when `home` changes."},
        "shell": {"type": "str", "doc": "Login shell."},
        "system": {
            "type": "bool",
            "default": False,
            "doc": "A number from the system's range; only for a new account.",
        },
        "password": {"type": "str", "secret": True, "doc": "The hash, as crypt(5) makes it; `!` locks."},
        "update_password": {
            "type": "str",
            "default": "always",
            "choices": ["always", "on_create"],
            "doc": "`on_create`: an account that is there keeps its password.",
        },
        "password_lock": {"type": "bool", "doc": "Lock or unlock the password."},
        "expires": {"type": "float", "doc": "When the account ends, in seconds of the epoch; negative: never."},
        "password_expire_max": {"type": "int", "doc": "Days after which the password has to be changed."},
        "password_expire_min": {"type": "int", "doc": "Days within which it cannot be changed."},
        "password_expire_warn": {"type": "int", "doc": "Days of warning before."},
        "password_expire_account_disable": {"type": "int", "doc": "Days after which the account is then closed."},
        "non_unique": {"type": "bool", "default": False, "doc": "A `uid` that another account has is taken, too."},
        "skeleton": {"type": "path", "doc": "What a new home is made from, instead of /etc/skel."},
        "umask": {"type": "str", "doc": "Octal, for a new home."},
        "uid_min": {"type": "int", "doc": "The lowest number that a new account may get."},
        "uid_max": {"type": "int", "doc": "The highest."},
        "seuser": {"type": "str", "doc": "The SELinux user."},
        "local": {"type": "bool", "default": False, "doc": "Only local accounts are seen in any case."},
        "remove": {"type": "bool", "default": False, "doc": "With `absent`: the home directory and mail too."},
        "force": {"type": "bool", "default": False, "doc": "With `absent`: even while it is logged in. A new SSH key."},
        "generate_ssh_key": {"type": "bool", "default": False, "doc": "It has an SSH key; one that is there stays."},
        "ssh_key_type": {"type": "str", "default": "rsa", "doc": "As ssh-keygen(1) has it: rsa, ed25519, …"},
        "ssh_key_bits": {"type": "int", "doc": "Its length; else ssh-keygen decides."},
        "ssh_key_file": {"type": "str", "doc": "Where it is, from the home directory: .ssh/id_TYPE."},
        "ssh_key_comment": {"type": "str", "doc": "Its comment; else ansible-generated on the host's name."},
        "ssh_key_passphrase": {"type": "str", "secret": True, "doc": "What it is encrypted with."},
    },
    "undo": "the account as before, with the same number, hash and groups; a home that was made is removed, one that "
    "was removed is put back",
    "returns": {
        "name": "",
        "uid": "",
        "group": "the number of the primary group",
        "groups": "supplementary groups",
        "home": "",
        "shell": "",
        "comment": "",
        "state": "",
        "system": "",
        "append": "",
        "create_home": "",
        "move_home": "",
        "force": "with absent",
        "remove": "with absent",
        "ssh_fingerprint": "with generate_ssh_key",
        "ssh_key_file": "",
        "ssh_public_key": "",
    },
    "examples": "user: {name: mlflow, system: true, home: /var/lib/mlflow, shell: /usr/sbin/nologin}",
}

VOLATILE = filestate.VOLATILE + ("hash", "own_group", "home_there", "home_at", "old_home_there", "mail_there")
MAIL = "/var/mail/%s"
ASPECTS = ("uid", "group", "comment", "home", "shell")
# What chage(1) sets: the argument, where it stands in shadow(5) behind the name, the option.
AGES = (
    ("password_expire_min", 2, "-m"),
    ("password_expire_max", 3, "-M"),
    ("password_expire_warn", 4, "-W"),
    ("password_expire_account_disable", 5, "-I"),
)


def observe(args: "dict") -> "dict":
    name = args["name"]
    found = accounts.user(name)
    state: "dict" = {"name": name, "exists": found is not None}
    if found is not None:
        state.update(found)
        state["group"] = accounts.group_name(found["gid"]) or str(found["gid"])
        state["groups"] = accounts.groups_of(name)
        try:
            shadow = accounts.shadow(name)
        except PermissionError:
            raise failure.Failed("only root may see and change accounts (become: true)", "permission")
        state["shadow"] = None if shadow is None else _digest(":".join(shadow[1:]))
        state["password"] = None if shadow is None else _digest(shadow[0])
        state["locked"] = shadow is not None and shadow[0].startswith("!")
        state["_shadow"] = shadow
        state["ages"] = None if shadow is None else {key: shadow[at] for key, at, _ in AGES}
        state["expires"] = None if shadow is None else shadow[6]
    state["mail_there"] = os.path.lexists(MAIL % name)
    state["own_group"] = accounts.group_id(name)
    state["subordinate"] = accounts.subordinate(name)
    home = args["home"] or state.get("home") or accounts.default_home(name)
    state["home_at"], state["home_there"] = home, os.path.lexists(home)
    state["old_home_there"] = state["exists"] and os.path.lexists(state["home"])
    state["parents"] = filestate.missing_parents(home)
    if args["state"] == "present" and args["generate_ssh_key"]:
        # A home that is moved takes along the key that is in it, and it comes back with the home.
        moves = args["move_home"] and state["old_home_there"] and not state["home_there"]
        state["ssh_key"] = userhome.key_state(userhome.key_path(args, state["home"] if moves else home))
    if args["state"] == "absent" and args["remove"] and state["exists"]:
        places = [place for place in (state["home"], MAIL % name) if os.path.lexists(place)]
        state["tree"] = [one for place in places for one in filestate.tree(place)]
        for one in state["tree"]:
            if one["type"] == "file":
                one["sha256"] = filestate.digest_of(one["path"])
    elif state["exists"] and (args["uid"] is not None or args["group"] is not None):
        state["tree"] = _swept(args, state)
    return state


def _swept(args: "dict", state: "dict") -> "list[dict]":
    """What usermod(8) does to a home that it cannot undo when it gives the numbers back: chown(2) clears set-user-id
    bits and capabilities, and what had the new numbers already can then no longer be told from the rest."""
    group = str(args["group"])
    uid, gid = args["uid"], int(group) if group.isdigit() else accounts.group_id(group)
    if uid in (None, state["uid"]) and gid in (None, state["gid"]):
        return []
    return [
        one
        for one in filestate.tree(state["home"])
        if one["type"] != "absent"
        and (one["uid"] == uid or one["gid"] == gid or one["xattr"] or int(one["mode"], 8) & 0o6000)
    ]


def _digest(text: str) -> str:
    """Told instead of a password's hash: enough to see that it changed."""
    return hashes.of(text.encode("utf-8", "surrogateescape"))[:16]


def wanted(args: "dict", before: "dict") -> "dict":
    """What the arguments ask for where it differs: {aspect: value}."""
    asked: "dict" = {key: args[key] for key in ASPECTS if args[key] is not None and args[key] != before.get(key)}
    if "group" in asked and str(args["group"]).isdigit() and int(args["group"]) == before.get("gid"):
        del asked["group"]
    if args["groups"] is not None:
        groups = set(args["groups"]) | (set(before.get("groups", ())) if args["append"] else set())
        if sorted(groups) != before.get("groups", []):
            asked["groups"] = sorted(groups)
    if _sets_password(args, before) and _digest(args["password"]) != before.get("password"):
        asked["password"] = _digest(args["password"])
    if args["password_lock"] is not None and args["password_lock"] != before.get("locked", False):
        asked["locked"] = args["password_lock"]
    asked.update(_ages(args, before))
    moves = "home" in asked and args["move_home"] and before["old_home_there"]
    if before["exists"] and args["create_home"] and not before["home_there"] and not moves:
        asked["home directory"] = "made"
    if args["generate_ssh_key"] and (args["force"] or before["ssh_key"]["files"][0]["type"] == "absent"):
        asked["SSH key"] = "made"
    return asked


def _ages(args: "dict", before: "dict") -> "dict":
    """What chage(1) is to change: {aspect: its word}."""
    now = before.get("ages") or {}
    found = {key: str(args[key]) for key, _, _ in AGES if args[key] is not None and str(args[key]) != now.get(key, "")}
    if args["expires"] is not None:
        day = "-1" if args["expires"] < 0 else str(int(args["expires"] // 86400))
        if day != (before.get("expires") or "-1"):
            found["expires"] = day
    return found


def _sets_password(args: "dict", before: "dict") -> bool:
    return args["password"] is not None and (args["update_password"] == "always" or not before["exists"])


def plan(args: "dict", before: "dict") -> "list[dict]":
    name = args["name"]
    if args["state"] == "absent":
        return [{"subject": name, "aspect": "account", "before": "there", "after": "absent"}] * before["exists"]
    if not before["exists"]:
        return [{"subject": name, "aspect": "account", "before": "absent", "after": "there"}]
    asked = wanted(args, before)
    return [{"subject": name, "aspect": k, "before": before.get(k), "after": asked[k]} for k in sorted(asked)]


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    if before.get("_shadow"):
        before = dict(before, hash=before["_shadow"])  # the engine encrypts states before in its journal
    if "ssh_key" in before:
        before = dict(before, ssh_key=userhome.keep(before["ssh_key"]))
    if args["state"] != "absent" or "tree" not in before:
        return before
    total = sum(one["size"] for one in before["tree"] if one["type"] == "file")
    if limit is not None and total > limit:
        raise filestate.over_limit(before["home"], total, limit)
    return dict(before, tree=[filestate.keep(one, None) for one in before["tree"]])


def apply(args: "dict", before: "dict") -> "dict":
    name = args["name"]
    if args["state"] == "absent":
        if accounts.user(name):
            words = ["-f"] * args["force"] + ["-r"] * args["remove"]
            _call(["userdel"] + words + [name], accept=(12,))  # 12: a home that was not there
    elif not before["exists"]:
        _create(args, before)
    else:
        asked = wanted(args, before)
        if "home" in asked and args["move_home"]:
            filestate.make_parents(before["parents"])  # usermod(8) would write the new home down and then not move it
        _change(args, asked)
    _password(args, before)
    if args["state"] == "present":
        _home_and_key(args, before)
    return result(args, observe(args))


def _home_and_key(args: "dict", before: "dict") -> None:
    """The home of an account that had none, how long its password lasts, and its SSH key."""
    account = accounts.user(args["name"])
    if account is None:
        return
    if args["create_home"] and not os.path.lexists(account["home"]):
        filestate.make_parents(before.get("parents", []))
        userhome.make(account["home"], account["uid"], account["gid"], args["skeleton"], args["umask"])
    shadow = accounts.shadow(args["name"])
    now = {"ages": {key: shadow[at] for key, at, _ in AGES}, "expires": shadow[6]} if shadow else {}
    asked = _ages(args, now)
    words = [word for key, _, option in AGES if key in asked for word in (option, asked[key])]
    words += ["-E", asked["expires"]] if "expires" in asked else []
    if words:
        _call(["chage"] + words + [args["name"]])
    path = userhome.key_path(args, account["home"])
    if args["generate_ssh_key"] and (args["force"] or not os.path.lexists(path)):
        userhome.make_key(args, path, account)


def _call(words: "list[str]", stdin: str = "", accept: "tuple[int, ...]" = ()) -> None:
    ran = process.run(words, stdin.encode("utf-8", "surrogateescape"), env={"LC_ALL": "C"})
    if ran["rc"] != 0 and ran["rc"] not in accept:
        said = (ran["stderr"] or ran["stdout"]).strip()
        kind = "disk-full" if "No space left" in said else "permission" if "Permission denied" in said else "failed"
        said = said if said.startswith(words[0]) else "%s: %s" % (words[0], said or "status %s" % ran["rc"])
        raise failure.Failed(said, kind, ran)


def _create(args: "dict", before: "dict") -> None:
    words = ["useradd"] + ["--system"] * args["system"]
    for key, option in (("uid", "-u"), ("comment", "-c"), ("home", "-d"), ("shell", "-s"), ("group", "-g")):
        if args[key] is not None:
            words += [option, str(args[key])]
    if args["group"] is None and accounts.group_id(args["name"]) is not None:
        words.append("-N")  # useradd refuses to make a group that is there; as in Ansible the default one is taken
    if args["groups"]:
        words += ["-G", ",".join(args["groups"])]
    words += ["-o"] * args["non_unique"] + (["-Z", args["seuser"]] if args["seuser"] else [])
    for key in ("umask", "uid_min", "uid_max"):
        words += ["-K", "%s=%s" % (key.upper(), args[key])] if args[key] is not None else []
    if args["create_home"]:
        words += ["-k", args["skeleton"]] if args["skeleton"] else []
        filestate.make_parents(before.get("parents", []))
        words.append("-m")
    else:
        words.append("-M")
    _call(words + [args["name"]])


def _change(args: "dict", asked: "dict") -> None:
    words: "list[str]" = []
    options = (("uid", "-u"), ("group", "-g"), ("comment", "-c"), ("home", "-d"), ("shell", "-s"))
    for key, option in options:
        if key in asked:
            words += [option, str(asked[key])]
    if "home" in asked and args["move_home"]:
        words.append("-m")
    if "groups" in asked:
        words += ["-G", ",".join(asked["groups"])]
    words += ["-o"] * (args["non_unique"] and "uid" in asked)
    if words:
        _call(["usermod"] + words + [args["name"]])


def _password(args: "dict", before: "dict") -> None:
    """Sets the hash through chpasswd's standard input: an argument would show in `ps`."""
    if args["state"] == "absent":
        return
    if _sets_password(args, before):
        _call(["chpasswd", "-e"], "%s:%s\n" % (args["name"], args["password"]))
    if args["password_lock"] is not None and args["password_lock"] != before.get("locked", False):
        _call(["usermod", "-L" if args["password_lock"] else "-U", args["name"]])


def undo(args: "dict", before: "dict") -> "dict":
    name, now = args["name"], accounts.user(args["name"])
    removed: "list[str]" = []
    if not before["exists"]:
        home = now["home"] if now else before["home_at"]
        if now:
            _call(["userdel", "-f", name])
        group = accounts.group_id(name)
        if before["own_group"] is None and group is not None:
            _call(["groupdel", name])
        elif before["own_group"] is not None and group is None:  # userdel(8) takes an account's empty group along
            _call(["groupadd", "-g", str(before["own_group"]), name])
        if not before["mail_there"] and os.path.lexists(MAIL % name):
            os.unlink(MAIL % name)
        removed = userhome.put_key_back(before)
        # Only a home that was seen not to be there is ours to remove: another one is somebody's data.
        made = args["create_home"] and home == before["home_at"] and not before["home_there"]
        if made:
            removed += filestate.remove_created((before["parents"] or [home])[0])
        return {"name": name, "removed": removed}
    if now is None:
        _restore(before)
    else:
        # A move that failed has left the home where it was; where there was none, a new one was made: nothing moved.
        moves = args["move_home"] and before["old_home_there"]
        moved = os.path.lexists(now["home"]) and not os.path.lexists(before["home"])
        _change(dict(args, move_home=moves and moved), _differences(before, now))
        if args["move_home"] and before["parents"] and not os.path.lexists(before["home_at"]):
            removed = filestate.remove_created(before["parents"][0])
    removed += userhome.take_back(before, moved=args["move_home"] and before["old_home_there"])
    for one in before.get("tree", []):
        filestate.put_back(one)
    _put_shadow(before)
    _put_subordinate(before)
    return dict(result(args, observe(args)), removed=removed)


def _differences(before: "dict", now: "dict") -> "dict":
    found = {key: before[key] for key in ("uid", "comment", "home", "shell") if before[key] != now[key]}
    if before["gid"] != now["gid"]:
        found["group"] = before["gid"]
    if before["groups"] != accounts.groups_of(before["name"]):
        found["groups"] = before["groups"]
    return found


def _restore(before: "dict") -> None:
    """Makes the account again, with its numbers; first its own group, which userdel took along."""
    name = before["name"]
    if accounts.group_name(before["gid"]) is None:
        _call(["groupadd", "-g", str(before["gid"]), before["group"]])
    words = ["useradd", "-M", "-o", "-u", str(before["uid"]), "-g", str(before["gid"])]
    words += ["-c", before["comment"], "-d", before["home"], "-s", before["shell"]]
    if before["groups"]:
        words += ["-G", ",".join(before["groups"])]
    _call(words + [name])


def _put_shadow(before: "dict") -> None:
    """The line of /etc/shadow as it was, under the lock that the account tools take."""
    kept = before.get("hash")
    if not kept or accounts.shadow(before["name"]) == kept:
        return
    _call(["chpasswd", "-e"], "%s:%s\n" % (before["name"], kept[0]))
    words = ["chage"]
    for value, option in zip(kept[1:7], ("-d", "-m", "-M", "-W", "-I", "-E")):
        words += [option, value or "-1"]
    _call(words + [before["name"]])


def _put_subordinate(before: "dict") -> None:
    """The ranges of subordinate numbers: useradd(8) gives a new account the next free one."""
    now = accounts.subordinate(before["name"])
    words: "list[str]" = []
    for kind, ranges in sorted(before["subordinate"].items()):
        for one, other, verb in ((now[kind], ranges, "del"), (ranges, now[kind], "add")):
            for first, count in (each for each in one if each not in other):
                words += ["--%s-sub%ss" % (verb, kind), "%d-%d" % (first, first + count - 1)]
    if words:
        _call(["usermod"] + words + [before["name"]])


def result(args: "dict", state: "dict") -> "dict":
    told = {k: state.get(k) for k in ("name", "uid", "groups", "home", "shell", "comment")}
    told.update(state="present" if state["exists"] else "absent", system=args["system"], group=state.get("gid"))
    if args["state"] == "absent":
        return dict(told, force=args["force"], remove=args["remove"])
    told.update({key: args[key] for key in ("append", "create_home", "move_home")})
    if args["password"] is not None:
        told["password"] = "NOT_LOGGING_PASSWORD"
    if args["generate_ssh_key"] and state["exists"]:
        told.update(userhome.key_told(userhome.key_path(args, state["home"])))
    return told
