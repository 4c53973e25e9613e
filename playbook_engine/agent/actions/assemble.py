"""A file put together from the files of a directory."""

import os

from playbook_engine.agent import content, failure, filestate

VOLATILE = filestate.VOLATILE

SPEC = {
    "name": "assemble",
    "kind": "state",
    "glance": True,
    "summary": "Put a file together from the fragments in a directory",
    "doc": "The fragments are the files of `src`, in the order of their names (as the C locale sorts them); each is "
    "made to end its line before the next. Directories below it are left out.",
    "params": dict(
        {
            "src": {"type": "path", "required": True, "local": "folder", "doc": "The directory of the fragments."},
            "fragments": {"type": "raw", "internal": True, "doc": "What the controller read, without `remote_src`."},
            "dest": {"type": "path", "required": True, "doc": "The file that they become."},
            "remote_src": {"type": "bool", "default": True, "doc": "`src` is on the host; else on the controller."},
            "delimiter": {"type": "str", "doc": "A line between two fragments; `\\n` and the like are understood."},
            "regexp": {"type": "str", "doc": "Only fragments whose name it matches somewhere."},
            "decrypt": {"type": "bool", "default": True, "doc": "Whether the controller decrypts encrypted fragments."},
            "ignore_hidden": {"type": "bool", "default": False, "doc": "Leave out names that begin with a dot."},
        },
        **content.PARAMS,
    ),
    "undo": "content, mode, owner, extended attributes as before; what was absent is removed",
    "returns": {"dest": "", "src": "", "checksum": "SHA-1 of the whole", "backup_file": "with `backup`", "msg": "OK"},
    "examples": "assemble: {src: /etc/app.d, dest: /etc/app.conf, delimiter: '# ---'}",
}


def observe(args: "dict") -> "dict":
    state = filestate.observe(args["dest"])
    if state["type"] == "directory":
        raise failure.Failed("%s is a directory: give the name of the file too" % args["dest"])
    state["_new"] = assembled(args)
    return state


def assembled(args: "dict") -> bytes:
    """The content of the file. Raises Failed."""
    matches = None
    if args["regexp"] is not None:
        import re

        try:
            matches = re.compile(args["regexp"]).search
        except re.error as error:
            raise failure.Failed("the regular expression %r cannot be used: %s" % (args["regexp"], error))
    delimiter = _delimiter(args["delimiter"], args["remote_src"])
    made, parts = b"", 0
    for name, part in _fragments(args):
        if (matches and not matches(name)) or (args["ignore_hidden"] and name.startswith(".")):
            continue
        if parts and not made.endswith(b"\n") and made:
            made += b"\n"
        made += (delimiter if parts else b"") + part
        parts += 1
    return made


def _delimiter(text: "str | None", there: bool) -> bytes:
    """The line between two fragments, ended; of the controller's fragments (not `there`) once more, as Ansible does:
    files have that by now."""
    if not text:
        return b""
    import codecs

    plain: bytes = codecs.escape_decode(text.encode("utf-8", "surrogateescape"))[0]
    return plain if there and plain.endswith(b"\n") else plain + b"\n"


def _fragments(args: "dict") -> "list":
    """(name, content) of each, sorted."""
    if not args["remote_src"]:
        return sorted((args["fragments"] or {}).items())
    folder = args["src"]
    if not os.path.isdir(folder):
        there = os.path.lexists(folder)
        said = "is no directory" if there else "is not there"
        raise failure.Failed("%s, the source, %s" % (folder, said), "failed" if there else "not-found")
    found = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, "rb") as handle:
                found.append((name, handle.read()))
    return found


def _new(args: "dict", before: "dict") -> bytes:
    found: bytes = before["_new"] if "_new" in before else assembled(args)
    return found


def plan(args: "dict", before: "dict") -> "list[dict]":
    return content.plan(args, before, _new(args, before))


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    return content.keep(args, before, _new(args, before), limit)


def apply(args: "dict", before: "dict") -> "dict":
    new = _new(args, before)
    return _told(args, content.put(args, before, new), before)


def undo(args: "dict", before: "dict") -> "dict":
    return {"dest": before["path"], "removed": content.undo(before)}


def result(args: "dict", state: "dict") -> "dict":
    return _told(args, state, state)


def _told(args: "dict", state: "dict", before: "dict") -> "dict":
    told = content.told(args, state, before)
    new = _new(args, before)
    return dict(told, src=args["src"], checksum=content.sha1(new), md5sum=content.md5(new), msg="OK")
