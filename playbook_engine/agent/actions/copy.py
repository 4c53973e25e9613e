"""Put a file on the host. `template` is the same with the content rendered first; `src` is read by the controller."""

import os

from playbook_engine.agent import atomic, failure, filestate

SPEC = {
    "name": "copy",
    "kind": "state",
    "summary": "Copy a file, or given content, to the host",
    "doc": "The new content is written beside the target, flushed and renamed, so a full disk spares the old.",
    "params": dict(
        {
            "src": {"type": "str", "local": "file", "doc": "A file beside the runbook or in its `files/`."},
            "content": {"type": "content", "doc": "The content itself, instead of `src`."},
            "dest": {"type": "path", "required": True, "doc": "Where it goes; ending in `/`, or a directory: into it."},
            "force": {"type": "bool", "default": True, "doc": "When false, a file that is there is left alone."},
            "follow": {
                "type": "bool",
                "default": False,
                "doc": "Write through a link at `dest` instead of replacing it.",
            },
            "validate": {"type": "str", "doc": "A command that must accept the new file first; `%s` is its path."},
        },
        **filestate.PARAMS,
    ),
    "one_of": [["src", "content"]],
    "undo": "content, mode, owner, extended attributes as before; what was absent is removed",
    "returns": {
        "dest": "the path written",
        "sha256": "digest of the content",
        "mode": "",
        "uid": "",
        "gid": "",
        "size": "",
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
    return filestate.observe(target(args))


def plan(args: "dict", before: "dict") -> "list[dict]":
    path = before["path"]
    if before["type"] == "absent":
        return [{"path": path, "aspect": "content", "before": "absent", "_after": args["content"]}]
    if before["type"] in ("directory", "other"):
        raise failure.Failed("%s is a %s: refusing to replace it with a file" % (path, before["type"]))
    if not args.get("force", True):
        return []
    found = []
    if before.get("sha256") != _digest(args["content"]):
        found.append({"path": path, "aspect": "content", "_after": args["content"]})
    return found + filestate.changes(path, before, filestate.wanted(args, before))


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    if before.get("sha256") == _digest(args["content"]):
        return before  # only attributes change: the content need not travel
    return filestate.keep(before, limit)


def apply(args: "dict", before: "dict") -> "dict":
    path, content = before["path"], args["content"]
    asked = filestate.wanted(args, before if before["type"] != "absent" else dict(before, mode=_default_mode()))
    if before.get("sha256") == _digest(content):
        filestate.set_attributes(path, asked)
        return result(args, filestate.observe(path))
    if args.get("validate"):
        _validate(args["validate"], content, path)
    mode = int(asked.get("mode") or before.get("mode") or _default_mode(), 8)
    if before["type"] == "link":
        mode = int(asked.get("mode") or _default_mode(), 8)
    uid = asked.get("uid", before.get("uid", -1))
    gid = asked.get("gid", before.get("gid", -1))
    xattr = before.get("xattr") if before["type"] == "file" else None
    atomic.write(path, content, mode, uid, gid, xattr)
    return result(args, filestate.observe(path))


def undo(args: "dict", before: "dict") -> "dict":
    filestate.put_back(before)
    return {"dest": before["path"]}


def result(args: "dict", state: "dict") -> "dict":
    """What `register` sees: the state of the file, under Ansible's names where it has them."""
    told = {k: v for k, v in state.items() if k not in ("path", "content", "xattr")}
    return dict(told, dest=state["path"])


def _digest(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def _default_mode() -> str:
    mask = os.umask(0o022)
    os.umask(mask)
    return "%04o" % (0o666 & ~mask)


def _validate(command: str, content: bytes, path: str) -> None:
    """Runs the check on the new content before it takes the place of the old. `%s` is a file beside the target."""
    from playbook_engine.agent import process

    candidate = path + ".candidate"
    atomic.write(candidate, content, 0o600)
    try:
        import shlex

        ran = process.run([part.replace("%s", candidate) for part in shlex.split(command)])
    finally:
        os.unlink(candidate)
    if ran["rc"] != 0:
        raise failure.Failed(
            "validation refused the new content: %s" % (ran["stderr"] or ran["stdout"]).strip(), result=ran
        )
