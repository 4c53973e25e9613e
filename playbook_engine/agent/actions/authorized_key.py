"""The keys that may log in as a user: authorized_keys of sshd(8)."""

import os

from playbook_engine.agent import accounts, failure, filestate, sshkeys, textfile

SPEC = {
    "name": "authorized_key",
    "kind": "state",
    "summary": "Add or remove SSH keys that may log in as a user",
    "doc": "A key is known by its type and body; with other options or another comment it is written anew. Comments "
    "and what is no key stay, unless `exclusive` leaves only the keys given.",
    "params": {
        "user": {"type": "str", "required": True, "doc": "Whose account."},
        "key": {"type": "str", "required": True, "doc": "Public keys, one a line, as in a .pub file."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": ""},
        "key_options": {"type": "str", "doc": 'Options before the key, as in `from="192.0.2.1",no-pty`.'},
        "comment": {"type": "str", "doc": "The comment behind it, instead of its own."},
        "exclusive": {"type": "bool", "default": False, "doc": "No other key stays."},
        "path": {"type": "path", "doc": "The file, instead of ~USER/.ssh/authorized_keys."},
        "manage_dir": {"type": "bool", "default": True, "doc": "The directory is made, and is the user's alone."},
        "follow": {"type": "bool", "default": False, "doc": "A link is followed."},
    },
    "undo": "the file, and mode and owner of its directory, as before; directories that were made are removed",
    "returns": {
        "user": "",
        "key": "",
        "keyfile": "the file",
        "path": "",
        "state": "",
        "exclusive": "",
        "key_options": "",
        "manage_dir": "",
    },
    "examples": "authorized_key: {user: deploy, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA deploy@ci.example.test}",
}

VOLATILE = filestate.VOLATILE + ("folder", "account")


def observe(args: "dict") -> "dict":
    account = accounts.user(args["user"]) or _elsewhere(args["user"])
    if args["key"].lstrip().startswith(("http://", "https://")):
        raise failure.Failed("key is an address: get its text with `uri: {return_content: true}` first", "unsupported")
    if not sshkeys.lines(args["key"]):
        raise failure.Failed("key holds no public key: paste a line of a .pub file")
    path = args["path"] or os.path.join(account["home"], ".ssh", "authorized_keys")
    state = textfile.observe(os.path.realpath(path) if args["follow"] else path)
    state["keyfile"] = path
    state["account"] = {"uid": account["uid"], "gid": account["gid"]}
    state["folder"] = filestate.observe(os.path.dirname(state["path"]), digest=False)
    return state


def _elsewhere(name: str) -> "dict":
    """A user that only a directory service knows."""
    import pwd

    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise failure.Failed("there is no user %s on this host" % name, "not-found")
    return {"home": found.pw_dir, "uid": found.pw_uid, "gid": found.pw_gid}


def edited(args: "dict", before: "dict") -> str:
    wanted = [sshkeys.parsed(line) for line in sshkeys.lines(args["key"])]
    for key in wanted:
        if args["key_options"] is not None:
            key["options"] = args["key_options"]
        if args["comment"] is not None:
            key["comment"] = args["comment"]
    text = textfile.text(before)
    left, there = [], []
    for line in text.splitlines():
        old = sshkeys.maybe(line)
        new = next((key for key in wanted if old and sshkeys.same(key, old)), None)
        if args["state"] == "absent":
            left += [] if new else [line]
        elif new is None:
            left += [line] if not args["exclusive"] else []
        elif new not in there:
            there.append(new)
            left.append(line if new == old else sshkeys.written(new))
    if args["state"] == "present":
        left += [sshkeys.written(key) for key in wanted if key not in there]
    if left == text.splitlines():
        return text
    return "".join(line + "\n" for line in left)


def plan(args: "dict", before: "dict") -> "list[dict]":
    new = edited(args, before)
    return textfile.plan(before, new) if new != textfile.text(before) else []


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    return textfile.keep({}, before, edited(args, before), limit)


def apply(args: "dict", before: "dict") -> "dict":
    account, path = before["account"], before["path"]
    new, folder = edited(args, before), os.path.dirname(path)
    if before.get("parents"):
        if not args["manage_dir"]:
            raise failure.Failed("%s is not there; manage_dir: true makes it" % folder, "not-found")
        filestate.make_parents(before["parents"])
    textfile.put({}, before, new, 0o600)
    if os.path.lexists(path):
        filestate.set_attributes(path, {"uid": account["uid"], "gid": account["gid"], "mode": "0600"})
    if args["manage_dir"] and (before["folder"]["type"] == "absent" or not args["path"]):
        filestate.set_attributes(folder, {"uid": account["uid"], "gid": account["gid"], "mode": "0700"})
    return result(args, before)


def undo(args: "dict", before: "dict") -> "dict":
    removed = textfile.undo(before)
    if before["folder"]["type"] == "directory":
        filestate.put_back(before["folder"])
    return {"user": args["user"], "keyfile": before["keyfile"], "removed": removed}


def result(args: "dict", state: "dict") -> "dict":
    told = {key: args[key] for key in ("user", "key", "path", "state", "exclusive", "key_options", "manage_dir")}
    return dict(told, keyfile=state["keyfile"])
