"""Put a file on the host. `template` is the same with the content rendered first; `src` is read by the controller."""

import os

from playbook_engine.agent import content, failure, filestate, foldercopy

VOLATILE = filestate.VOLATILE

SPEC = {
    "name": "copy",
    "kind": "state",
    "glance": True,
    "summary": "Copy a file, or given content, to the host",
    "doc": "The new content is written beside the target, flushed and renamed, so a full disk spares the old. A "
    "directory is copied with all that is in it, without its own name if "
    "`src` ends in `/`; what else is in `dest` stays.",
    "params": dict(
        {
            "src": {
                "type": "str",
                "local": "file",
                "doc": "A file, or a directory, beside the runbook or in its `files/`.",
            },
            "tree": {"type": "raw", "internal": True, "doc": "What the controller read of a directory."},
            "content": {"type": "content", "doc": "The content itself, instead of `src`."},
            "dest": {"type": "path", "required": True, "doc": "Where it goes; ending in `/`, or a directory: into it."},
            "decrypt": {
                "type": "bool",
                "default": True,
                "doc": "Whether the controller decrypts a `src` that ansible-vault has encrypted.",
            },
            "force": {"type": "bool", "default": True, "doc": "When false, a file that is there is left alone."},
            "remote_src": {
                "type": "bool",
                "default": False,
                "doc": "`src` is on the host already; its mode goes along.",
            },
            "checksum": {"type": "str", "doc": "SHA-1 that the source must have."},
            "directory_mode": {"type": "mode", "doc": "The mode of directories that are made."},
            "local_follow": {
                "type": "bool",
                "doc": "Copy what links in a directory point to (the default for the controller's), not the links.",
            },
            "follow": {
                "type": "bool",
                "default": False,
                "doc": "Write through a link at `dest` instead of replacing it.",
            },
        },
        **content.PARAMS,
    ),
    "one_of": [["src", "content"]],
    "undo": "content, mode, owner, extended attributes as before; what was absent is removed",
    "returns": {
        "dest": "the path written",
        "checksum": "SHA-1 of the content, as Ansible gives it",
        "sha256": "digest of the content",
        "mode": "",
        "uid": "",
        "gid": "",
        "size": "bytes",
        "backup_file": "where the old content lies, with `backup`",
    },
    "examples": 'copy: {content: "port = 80\\n", dest: /etc/app.conf, mode: "0644"}',
}


def target(args: "dict") -> str:
    """The path that is really written."""
    dest: str = args["dest"]
    if dest.endswith("/") or os.path.isdir(dest):
        if not args.get("src"):
            raise failure.Failed("%s is a directory: give the name of the file too" % dest)
        dest = os.path.join(dest, os.path.basename(args["src"]))
    if args.get("follow") and os.path.islink(dest) and os.path.exists(dest):
        dest = os.path.realpath(dest)
    return dest


def observe(args: "dict") -> "dict":
    if args.get("tree") is not None or (args.get("remote_src") and os.path.isdir(args["src"])):
        return foldercopy.observe(args)
    state = filestate.observe(target(args))
    if args["dest"].endswith("/"):
        state["parents"] = filestate.missing_parents(state["path"])
    if args.get("remote_src"):
        source = filestate.keep(filestate.observe(os.path.realpath(args["src"])), None)
        if source["type"] != "file":
            raise failure.Failed("%s, the source, is %s and no file" % (args["src"], source["type"]), "not-found")
        state["source"] = {"sha256": source["sha256"], "mode": source["mode"]}
        state["_source"] = source["content"]
    if args.get("checksum") and content.sha1(wanted(args, state)) != args["checksum"].strip().lower():
        raise failure.Failed("the checksum of the source is not %s" % args["checksum"], "checksum")
    return state


def wanted(args: "dict", before: "dict") -> bytes:
    """The content to write."""
    if not args.get("remote_src"):
        found: bytes = args["content"]
        return found
    if "_source" in before:
        return before["_source"]
    with open(args["src"], "rb") as handle:
        return handle.read()


def with_mode(args: "dict", before: "dict") -> "dict":
    """The arguments with the mode that is meant: of a source on the host its own, where it says `preserve`, or
    nothing and a file is replaced. The controller puts the mode of its own file in the place of `preserve`."""
    if "source" not in before:
        return args
    new = args.get("mode") is None and before["type"] == "file" and content.differs(before, wanted(args, before))
    return dict(args, mode=before["source"]["mode"]) if new or args.get("mode") == "preserve" else args


def left_alone(args: "dict", before: "dict") -> bool:
    return before["type"] in ("file", "link") and not args.get("force", True)


def plan(args: "dict", before: "dict") -> "list[dict]":
    if before["type"] == "tree":
        return foldercopy.plan(args, before)
    if left_alone(args, before):
        return []
    return content.plan(with_mode(args, before), before, wanted(args, before))


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    if before["type"] == "tree":
        return foldercopy.keep(args, before, limit)
    return content.keep(args, before, wanted(args, before), limit)


def apply(args: "dict", before: "dict") -> "dict":
    if before["type"] == "tree":
        return foldercopy.apply(args, before)
    new = wanted(args, before)
    state = content.put(with_mode(args, before), before, new)
    for parent in before.get("parents", []):
        made = filestate.observe(parent)
        owners = {"owner": args.get("owner"), "group": args.get("group"), "mode": args.get("directory_mode")}
        filestate.set_attributes(parent, filestate.wanted(owners, made))
    return dict(told(args, state, before), checksum=content.sha1(new), md5sum=content.md5(new))


def told(args: "dict", state: "dict", before: "dict") -> "dict":
    found = content.told(args, state, before)
    return dict(found, src=args["src"]) if args.get("src") else found


def undo(args: "dict", before: "dict") -> "dict":
    if before["type"] == "tree":
        return foldercopy.undo(args, before)
    return {"dest": before["path"], "removed": content.undo(before)}


def result(args: "dict", state: "dict") -> "dict":
    if state["type"] == "tree":
        return foldercopy.result(args, state)
    found = told(args, state, state)
    if left_alone(args, state):
        return dict(found, msg="file already exists") if args.get("remote_src") else found
    if args.get("remote_src"):
        return dict(found, checksum=content.sha1(wanted(args, state)), md5sum=content.md5(wanted(args, state)))
    if state["type"] == "file" and not content.differs(state, wanted(args, state)):
        found["checksum"] = content.sha1(wanted(args, state))
    return found
