"""Put a file on the host. `template` is the same with the content rendered first; `src` is read by the controller."""

import os

from playbook_engine.agent import content, failure, filestate

VOLATILE = filestate.VOLATILE

SPEC = {
    "name": "copy",
    "kind": "state",
    "glance": True,
    "summary": "Copy a file, or given content, to the host",
    "doc": "The new content is written beside the target, flushed and renamed, so a full disk spares the old.",
    "params": dict(
        {
            "src": {"type": "str", "local": "file", "doc": "A file beside the runbook or in its `files/`."},
            "content": {"type": "content", "doc": "The content itself, instead of `src`."},
            "dest": {"type": "path", "required": True, "doc": "Where it goes; ending in `/`, or a directory: into it."},
            "decrypt": {
                "type": "bool",
                "default": True,
                "doc": "Whether the controller decrypts a `src` that ansible-vault has encrypted.",
            },
            "force": {"type": "bool", "default": True, "doc": "When false, a file that is there is left alone."},
            "remote_src": {"type": "bool", "default": False, "doc": "`src` is a file on the host already."},
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
    if args.get("follow") and os.path.islink(dest):
        dest = os.path.realpath(dest)
    return dest


def observe(args: "dict") -> "dict":
    state = filestate.observe(target(args))
    if args["dest"].endswith("/"):
        state["parents"] = filestate.missing_parents(state["path"])
    if args.get("remote_src"):
        source = filestate.keep(filestate.observe(os.path.realpath(args["src"])), None)
        if source["type"] != "file":
            raise failure.Failed("%s, the source, is %s and no file" % (args["src"], source["type"]), "not-found")
        state["source"] = {"sha256": source["sha256"], "mode": source["mode"]}
        state["_source"] = source["content"]
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
    """`mode: preserve` is the source's mode; the controller puts its own file's mode in its place before it asks."""
    if args.get("mode") == "preserve" and "source" in before:
        return dict(args, mode=before["source"]["mode"])
    return args


def plan(args: "dict", before: "dict") -> "list[dict]":
    if before["type"] in ("file", "link") and not args.get("force", True):
        return []
    return content.plan(with_mode(args, before), before, wanted(args, before))


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    return content.keep(args, before, wanted(args, before), limit)


def apply(args: "dict", before: "dict") -> "dict":
    new = wanted(args, before)
    state = content.put(with_mode(args, before), before, new)
    return dict(content.told(args, state, before), checksum=content.sha1(new))


def undo(args: "dict", before: "dict") -> "dict":
    return {"dest": before["path"], "removed": content.undo(before)}


def result(args: "dict", state: "dict") -> "dict":
    told = content.told(args, state)
    if state["type"] == "file" and not content.differs(state, wanted(args, state)):
        told["checksum"] = content.sha1(wanted(args, state))
    return told
