"""The key of a host, in a known_hosts file of ssh(1)."""

import os

from playbook_engine.agent import failure, filestate, knownhosts, textfile

SPEC = {
    "name": "known_hosts",
    "kind": "state",
    "summary": "Add or remove a host's key in a known_hosts file",
    "doc": "One key of a type for a host: another one of the same type is replaced.",
    "params": {
        "name": {
            "type": "str",
            "required": True,
            "aliases": ["host"],
            "doc": "As in the key: `[host]:2222`.",
        },
        "key": {
            "type": "str",
            "doc": "The whole line: host, type, key. `absent` without it: all of the host.",
        },
        "path": {"type": "path", "default": "~/.ssh/known_hosts", "doc": "The file."},
        "hash_host": {"type": "bool", "default": False, "doc": "The host's name is not readable in the file."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": ""},
    },
    "undo": "the file as before; directories that were made are removed",
    "returns": {
        "name": "",
        "key": "",
        "path": "",
        "hash_host": "",
        "state": "",
        "mode": "and owner, group, uid, gid, size: of the file",
    },
    "examples": "known_hosts: {name: git.example.test, key: git.example.test ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA, "
    "path: /etc/ssh/ssh_known_hosts}",
}

VOLATILE = filestate.VOLATILE


def observe(args: "dict") -> "dict":
    name = args["name"].lower()
    if "," in name:
        raise failure.Failed("%s: one name at a time" % args["name"])
    if args["key"]:
        hosts = knownhosts.parsed(args["key"])["host"]
        if not knownhosts.means(hosts, name):
            raise failure.Failed("the key is one of %s, not of %s" % (hosts, args["name"]))
    elif args["state"] == "present":
        raise failure.Failed("state: present needs key")
    state = textfile.observe(os.path.realpath(args["path"]))
    state["_salt"] = os.urandom(20)
    return state


def edited(args: "dict", before: "dict") -> str:
    text, name = textfile.text(before), args["name"].lower()
    lines = text.splitlines(True)
    if not args["key"]:
        return "".join(line for line in lines if not knownhosts.plain_line_of(line, name))
    key = args["key"].strip()
    if args["hash_host"]:
        key = knownhosts.hashed(key, name, before.get("_salt") or os.urandom(20))
    found, at = knownhosts.search(lines, name, key)
    if args["state"] == "absent":
        return "".join(lines[:at] + lines[at + 1 :]) if at is not None else text
    if found:
        return text
    left = lines[:at] + lines[at + 1 :] if at is not None else lines
    if left and not left[-1].endswith("\n"):
        left[-1] += "\n"
    return "".join(left) + key + "\n"


def plan(args: "dict", before: "dict") -> "list[dict]":
    return textfile.plan(before, edited(args, before))


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    return textfile.keep({}, before, edited(args, before), limit)


def apply(args: "dict", before: "dict") -> "dict":
    textfile.put({}, before, edited(args, before), 0o644)
    return result(args, before)


def undo(args: "dict", before: "dict") -> "dict":
    return {"name": args["name"], "path": before["path"], "removed": textfile.undo(before)}


def result(args: "dict", state: "dict") -> "dict":
    told = {key: args[key] for key in ("name", "key", "path", "hash_host", "state")}
    return dict(filestate.told(filestate.observe(state["path"], digest=False)), **told)
