"""A block of lines in a file, between two marker lines: there, brought up to date, or gone."""

from playbook_engine.agent import content, failure, filestate

VOLATILE = filestate.VOLATILE

SPEC = {
    "name": "blockinfile",
    "kind": "state",
    "glance": True,
    "summary": "Keep a block of lines, between two marker lines, in a file",
    "doc": "The block is found again by its markers, so give each block of one file a `marker` of its own. A block "
    "that is not there yet goes after the last line that `insertafter` matches, before the last that "
    "`insertbefore` matches, else to the end. An empty `block` removes it.",
    "params": dict(
        {
            "path": {"type": "path", "required": True, "aliases": ["dest", "destfile", "name"], "doc": "The file."},
            "block": {"type": "str", "default": "", "aliases": ["content"], "doc": "The lines between the markers."},
            "marker": {
                "type": "str",
                "default": "# {mark} ANSIBLE MANAGED BLOCK",
                "doc": "Both marker lines; `{mark}` becomes `marker_begin` and `marker_end`.",
            },
            "marker_begin": {"type": "str", "default": "BEGIN", "doc": "In the line above the block."},
            "marker_end": {"type": "str", "default": "END", "doc": "In the line below the block."},
            "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": ""},
            "insertafter": {"type": "str", "doc": "A regular expression or `EOF`; `(?m)` lets it span lines."},
            "insertbefore": {"type": "str", "doc": "A regular expression or `BOF`; `(?m)` lets it span lines."},
            "create": {"type": "bool", "default": False, "doc": "Make the file, and its directory, if need be."},
            "append_newline": {"type": "bool", "default": False, "doc": "An empty line after it, if lines follow."},
            "prepend_newline": {"type": "bool", "default": False, "doc": "An empty line before it, if lines precede."},
        },
        **content.PARAMS,
    ),
    "undo": "content, mode, owner, extended attributes as before; what was absent is removed",
    "returns": {"path": "", "msg": "what was done", "backup_file": "with `backup`"},
    "examples": 'blockinfile: {path: /etc/hosts, block: "10.0.0.5 db1.test\\n10.0.0.6 db2.test"}',
}


def observe(args: "dict") -> "dict":
    if args["insertafter"] is not None and args["insertbefore"] is not None:
        raise failure.Failed("insertafter and insertbefore exclude one another")
    try:
        return content.lying(args["path"], create=args["create"])
    except failure.Failed as error:
        if error.kind == "not-found":
            raise failure.Failed("%s is not there; create: true makes it" % args["path"], "not-found")
        raise


def edited(args: "dict", before: "dict") -> bytes:
    """The new content. Raises Failed."""
    old = content.old(before)
    lines = old.splitlines(True)
    first, last = (
        _bytes(args["marker"].replace("{mark}", args[key])) + b"\n" for key in ("marker_begin", "marker_end")
    )
    present = args["state"] == "present"
    block = _bytes(args["block"]) if present else b""
    new = [first] + (block if block.endswith(b"\n") else block + b"\n").splitlines(True) + [last] if block else []
    at = _taken_out(lines, first, last)
    if at is None:
        at = _place(args, lines, old)
    if at > 0 and not lines[at - 1].endswith(b"\n"):
        lines[at - 1] += b"\n"
    if args["prepend_newline"] and present and at and lines[at - 1] != b"\n":
        lines.insert(at, b"\n")
        at += 1
    lines[at:at] = new
    after = at + len(new)
    if args["append_newline"] and present and after < len(lines) and lines[after] != b"\n":
        lines.insert(after, b"\n")
    return b"".join(lines)


def _taken_out(lines: "list[bytes]", first: bytes, last: bytes) -> "int | None":
    """Takes the block with its markers out of the lines; where it stood, or None. The last pair of markers counts."""
    ends = [max((i for i, line in enumerate(lines) if line == mark), default=-1) for mark in (first, last)]
    if min(ends) < 0:
        return None
    del lines[min(ends) : max(ends) + 1]
    return min(ends)


def _place(args: "dict", lines: "list[bytes]", text: bytes) -> int:
    """The number of the line before which a new block goes."""
    after = args["insertbefore"] is None
    wanted = args["insertafter"] if after else args["insertbefore"]
    if wanted in (None, "EOF") and after:
        return len(lines)
    if wanted == "BOF" and not after:
        return 0
    import re

    try:
        pattern = re.compile(_bytes(wanted))
    except re.error as error:
        raise failure.Failed("the regular expression %r cannot be used: %s" % (wanted, error))
    if pattern.flags & re.MULTILINE:
        match = pattern.search(text)
        found = [text.count(b"\n", 0, match.end() if after else match.start())] if match else []
    else:
        found = [i for i, line in enumerate(lines) if pattern.search(line)]
    return min(found[-1] + after, len(lines)) if found else len(lines)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def plan(args: "dict", before: "dict") -> "list[dict]":
    if before["type"] == "absent" and args["state"] == "absent":
        return []
    return content.plan(args, before, edited(args, before))


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    return content.keep(args, before, edited(args, before), limit)


def apply(args: "dict", before: "dict") -> "dict":
    told = _said(args, before, made=True)
    return dict(content.told(args, content.put(args, before, edited(args, before)), before), **told)


def _said(args: "dict", before: "dict", made: bool = False) -> "dict":
    done = ""
    if before["type"] == "absent" and args["state"] == "absent":
        return {"msg": "File %s not present" % args["path"]}
    if before["type"] == "absent":
        done = "File created"
    elif content.differs(before, edited(args, before)):
        done = "Block inserted" if args["block"] and args["state"] == "present" else "Block removed"
    return {"msg": content.said(args, before, done, made)}


def undo(args: "dict", before: "dict") -> "dict":
    return {"path": before["path"], "removed": content.undo(before)}


def result(args: "dict", state: "dict") -> "dict":
    return dict(content.told(args, state), **_said(args, state))
