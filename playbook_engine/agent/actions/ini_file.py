"""One option of an INI file, or a whole section: there, changed, or gone; all else stays as it is."""

import os

from playbook_engine.agent import content, failure, filestate, inilines

VOLATILE = filestate.VOLATILE

SPEC = {
    "name": "ini_file",
    "kind": "state",
    "glance": True,
    "summary": "Set or remove options and sections of an INI file",
    "doc": "Comments, order and blank lines stay. A commented-out line of the option is taken for it, unless "
    "`modify_inactive_option` is false. As `community.general.ini_file`.",
    "params": dict(
        {
            "path": {"type": "path", "required": True, "aliases": ["dest"], "doc": "The file."},
            "section": {"type": "str", "doc": "Without brackets; left out or empty: the lines above all sections."},
            "section_has_values": {
                "type": "list[dict]",
                "doc": "Among sections of this name the first that has these: a list of `option` with `value` or "
                "`values`.",
            },
            "option": {"type": "str", "doc": "Left out, the section itself is meant."},
            "value": {"type": "str", "doc": "Its value."},
            "values": {"type": "list[str]", "doc": "Several lines of the same option, with these values."},
            "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": ""},
            "exclusive": {"type": "bool", "default": True, "doc": "No other lines of this option beside these."},
            "no_extra_spaces": {"type": "bool", "default": False, "doc": "`a=b` instead of `a = b`."},
            "ignore_spaces": {"type": "bool", "default": False, "doc": "Other spaces alone are no difference."},
            "allow_no_value": {"type": "bool", "default": False, "doc": "An option may stand without `=`."},
            "modify_inactive_option": {"type": "bool", "default": True, "doc": "Reuse a commented-out line."},
            "create": {"type": "bool", "default": True, "doc": "Make the file, and its directory, if need be."},
            "follow": {"type": "bool", "default": False, "doc": "Edit what a link points to, not replace the link."},
        },
        **content.PARAMS,
    ),
    "undo": "content, mode, owner, extended attributes as before; what was absent is removed",
    "returns": {"path": "", "msg": "what was done", "backup_file": "with `backup`"},
    "examples": "ini_file: {path: /etc/app.ini, section: server, option: workers, value: '8'}",
}


def observe(args: "dict") -> "dict":
    _sensible(args)
    path = args["path"]
    if os.path.islink(path) and not args["follow"]:
        # The new file takes the link's place, with the content that is read through the link.
        state = filestate.observe(path)
        state["_content"] = b""
        if os.path.isfile(path):
            with open(path, "rb") as handle:
                state["_content"] = handle.read()
        elif os.path.exists(path):
            raise failure.Failed("%s points to no file" % path)
        return state
    try:
        return content.lying(path, create=args["create"])
    except failure.Failed as error:
        if error.kind == "not-found":
            raise failure.Failed("%s is not there, and create is false" % path, "not-found")
        raise


def _sensible(args: "dict") -> None:
    if args["value"] is not None and args["values"] is not None:
        raise failure.Failed("value and values exclude one another")
    nothing = args["value"] is None and not args["values"]
    if args["state"] == "present" and nothing and not args["allow_no_value"]:
        raise failure.Failed("state: present needs value or values, or allow_no_value: true")
    if not args["option"] and not nothing and args["state"] == "present":
        raise failure.Failed("a value needs its option")
    for wanted in args["section_has_values"] or ():
        if not wanted.get("option"):
            raise failure.Failed("section_has_values: each entry needs option")


def edited(args: "dict", before: "dict") -> "tuple[bytes, str]":
    """The new content and what was done. Raises Failed when the old is no text."""
    old = _old(before)
    try:
        text = old.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise failure.Failed("%s is not text in UTF-8: %s" % (before["path"], error))
    new, done = inilines.edited(args, text.replace("\r\n", "\n").replace("\r", "\n"))
    return (new.encode("utf-8", "surrogateescape"), done) if new is not None else (old, "OK")


def _old(before: "dict") -> bytes:
    if before["type"] == "link" and "_content" not in before:
        with open(before["path"], "rb") as handle:
            return handle.read()
    return content.old(before)


def _untouched(before: "dict", new: bytes) -> bool:
    """Whether there is nothing to write: then a link stays, and no file is made."""
    return before["type"] in ("link", "absent") and new == _old(before)


def plan(args: "dict", before: "dict") -> "list[dict]":
    new = edited(args, before)[0]
    return [] if _untouched(before, new) else content.plan(args, before, new)


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    new = edited(args, before)[0]
    kept = content.keep(args, before, new, limit)
    linked = before["type"] == "link" and os.path.isfile(before["path"])
    if args["backup"] and linked and not _untouched(before, new):
        kept = dict(kept, backup_file=filestate.backup_of(before["path"]))
    return kept


def apply(args: "dict", before: "dict") -> "dict":
    new, done = edited(args, before)
    return dict(content.told(args, content.put(args, before, new), before), path=args["path"], msg=done)


def undo(args: "dict", before: "dict") -> "dict":
    return {"path": before["path"], "removed": content.undo(before)}


def result(args: "dict", state: "dict") -> "dict":
    return dict(content.told(args, state), path=args["path"], msg=edited(args, state)[1])
