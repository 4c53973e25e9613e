"""One line in a file: there, replaced, or gone."""

from playbook_engine.agent import content, failure, filestate

TYPE_CHECKING = False  # typing costs 10 ms of a host's CPU to import; a type checker knows this name
if TYPE_CHECKING:
    import re
    from collections.abc import Callable

VOLATILE = filestate.VOLATILE

SPEC = {
    "name": "lineinfile",
    "kind": "state",
    "glance": True,
    "summary": "Make sure that a line is in a file, or is not",
    "doc": "With `regexp` or `search_string` the last line that matches becomes `line`. Without a match it is added "
    "after the last line that `insertafter` matches, before the last that `insertbefore` matches, else at the end.",
    "params": dict(
        {
            "path": {"type": "path", "required": True, "aliases": ["dest", "destfile", "name"], "doc": "The file."},
            "line": {"type": "str", "aliases": ["value"], "doc": "The line, without its newline."},
            "regexp": {"type": "str", "aliases": ["regex"], "doc": "Which line to replace or remove."},
            "search_string": {"type": "str", "doc": "The same as a plain text that the line contains."},
            "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": ""},
            "backrefs": {"type": "bool", "default": False, "doc": "`line` may use the groups of `regexp` (\\1)."},
            "insertafter": {"type": "str", "doc": "A regular expression, `EOF` or `BOF`."},
            "insertbefore": {"type": "str", "doc": "A regular expression or `BOF`."},
            "firstmatch": {"type": "bool", "default": False, "doc": "The first match counts instead of the last."},
            "create": {"type": "bool", "default": False, "doc": "Make the file, and its directory, if need be."},
        },
        **content.PARAMS,
    ),
    "undo": "content, mode, owner, extended attributes as before; what was absent is removed",
    "returns": {"path": "", "msg": "what was done", "found": "lines removed", "backup_file": "with `backup`"},
    "examples": "lineinfile: {path: /etc/ssh/sshd_config, regexp: '^#?PermitRootLogin', line: PermitRootLogin no}",
}


def observe(args: "dict") -> "dict":
    _sensible(args)
    try:
        return content.lying(args["path"], create=args["create"] or args["state"] == "absent")
    except failure.Failed as error:
        if error.kind == "not-found":
            raise failure.Failed("%s is not there; create: true makes it" % args["path"], "not-found")
        raise


def edited(args: "dict", before: "dict") -> "tuple[bytes, str, int]":
    """The new content, what was done, and how many lines were found to remove."""
    lines = _lines(content.old(before))
    matches = _matcher(args)
    if args["state"] == "absent":
        left = [line for line in lines if not matches(line)]
        gone = len(lines) - len(left)
        return b"".join(left), "%d line(s) removed" % gone if gone else "", gone
    done = _present(args, lines, matches)
    return b"".join(lines), done, 0


def _sensible(args: "dict") -> None:
    """Ansible's rules for which arguments go together."""
    for one, other in (("insertafter", "insertbefore"), ("regexp", "search_string")):
        if args[one] is not None and args[other] is not None:
            raise failure.Failed("%s and %s exclude one another" % (one, other))
    if args["state"] == "present" and args["line"] is None:
        raise failure.Failed("state: present needs line")
    if args["backrefs"] and args["regexp"] is None:
        raise failure.Failed("backrefs needs regexp")
    if args["state"] == "absent" and (args["regexp"], args["search_string"], args["line"]) == (None, None, None):
        raise failure.Failed("state: absent needs line, regexp or search_string: which line is it?")


def _lines(data: bytes) -> "list[bytes]":
    """Lines end at a newline only: a carriage return alone is part of the line."""
    found = [part + b"\n" for part in data.split(b"\n")]
    found[-1] = found[-1][:-1]
    return found if found[-1] else found[:-1]


def _matcher(args: "dict") -> "Callable":
    """A function: whether a line is the one that the arguments mean (a match object where there is one)."""
    if args["regexp"] is not None:
        return _compiled(args["regexp"]).search
    if args["search_string"] is not None:
        wanted = _bytes(args["search_string"])
        return lambda line: wanted in line
    exact = _bytes(args["line"])
    return lambda line: line.rstrip(b"\r\n") == exact


def _compiled(pattern: str) -> "re.Pattern[bytes]":
    import re

    try:
        return re.compile(_bytes(pattern))
    except re.error as error:
        raise failure.Failed("the regular expression %r cannot be used: %s" % (pattern, error))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _present(args: "dict", lines: "list[bytes]", matches: "Callable") -> str:
    """Edits `lines` in place; what was done, or an empty text."""
    wanted = _bytes(args["line"])
    searched = args["regexp"] is not None or args["search_string"] is not None
    at = _find(lines, matches, args["firstmatch"])
    if at is not None and args["backrefs"]:
        import re

        try:
            wanted = matches(lines[at]).expand(wanted)
        except (re.error, IndexError) as error:
            raise failure.Failed("line cannot be made from the match: %s" % error)
    if at is None and searched:
        if args["backrefs"]:
            return ""  # without the match there is nothing to fill the line's groups with
        at = _find(lines, lambda line: line.rstrip(b"\r\n") == wanted, False)
    new = wanted if wanted.endswith(b"\n") else wanted + b"\n"
    if at is not None:
        if lines[at] == new:
            return ""
        lines[at] = new
        return "line replaced"
    _insert(args, lines, new)
    return "line added"


def _insert(args: "dict", lines: "list[bytes]", new: bytes) -> None:
    place = len(lines)
    if "BOF" in (args["insertbefore"], args["insertafter"]):
        place = 0
    elif args["insertbefore"] or args["insertafter"] not in (None, "EOF"):
        before = bool(args["insertbefore"])
        pattern = _compiled(args["insertbefore"] if before else args["insertafter"])
        at = _find(lines, pattern.search, args["firstmatch"])
        if at is not None:
            place = at if before else at + 1
    if place == len(lines) and lines and not lines[-1].endswith((b"\n", b"\r")):
        lines[-1] += b"\n"
    lines.insert(place, new)


def _find(lines: "list[bytes]", matches: "Callable", first: bool) -> "int | None":
    order = range(len(lines)) if first else range(len(lines) - 1, -1, -1)
    return next((i for i in order if matches(lines[i])), None)


def plan(args: "dict", before: "dict") -> "list[dict]":
    new = edited(args, before)[0]
    if before["type"] == "absent" and args["state"] == "absent":
        return []
    return content.plan(args, before, new)


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    return content.keep(args, before, edited(args, before)[0], limit)


def apply(args: "dict", before: "dict") -> "dict":
    new, done, found = edited(args, before)
    told = _said(args, before, done, found, made=True)
    return dict(content.told(args, content.put(args, before, new), before), **told)


def _said(args: "dict", before: "dict", done: str, found: int, made: bool = False) -> "dict":
    told: "dict" = {"msg": content.said(args, before, done, made), "backup": before.get("backup_file", "")}
    if args["state"] == "absent":
        told["found"] = found
        if before["type"] == "absent":
            told = {"msg": "file not present"}
    return told


def undo(args: "dict", before: "dict") -> "dict":
    return {"path": before["path"], "removed": content.undo(before)}


def result(args: "dict", state: "dict") -> "dict":
    _, done, found = edited(args, state)
    return dict(content.told(args, state), **_said(args, state, done, found))
