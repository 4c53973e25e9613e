"""Replace every match of a regular expression in a file."""

from playbook_engine.agent import content, failure, filestate

VOLATILE = filestate.VOLATILE

SPEC = {
    "name": "replace",
    "kind": "state",
    "glance": True,
    "summary": "Replace every match of a regular expression in a file",
    "doc": "`^` and `$` match at each line. Idempotent as long as the replacement does not match again.",
    "params": dict(
        {
            "path": {"type": "path", "required": True, "aliases": ["dest", "destfile", "name"], "doc": "The file."},
            "regexp": {"type": "str", "required": True, "doc": "What to look for, as in Python's re (MULTILINE)."},
            "replace": {"type": "str", "default": "", "doc": "What to put there; \\1 and \\g<name> are groups."},
            "after": {"type": "str", "doc": "Only what stands after the first match of this (DOTALL)."},
            "before": {"type": "str", "doc": "Only what stands before the first match of this (DOTALL)."},
            "encoding": {"type": "str", "default": "utf-8", "doc": "How the file's bytes are text."},
        },
        **content.PARAMS,
    ),
    "undo": "content, mode, owner, extended attributes as before",
    "returns": {"path": "", "msg": "how many replacements", "replacements": "count", "backup_file": "with `backup`"},
    "examples": "replace: {path: /etc/hosts, regexp: 'old\\.test', replace: new.test}",
}


def observe(args: "dict") -> "dict":
    return content.lying(args["path"])


def edited(args: "dict", before: "dict") -> "tuple[bytes, int]":
    """The new content, and how many replacements make it."""
    import re

    old = content.old(before)
    try:
        "x".encode(args["encoding"])  # an empty text is not looked at, whatever the encoding is called
    except LookupError:
        raise failure.Failed("there is no encoding %s" % args["encoding"])
    except UnicodeError:
        pass
    try:
        text = old.decode(args["encoding"], "surrogateescape")
    except UnicodeError as error:
        raise failure.Failed("%s is not text in %s: %s" % (before["path"], args["encoding"], error))
    start, end = 0, len(text)
    try:
        if args["after"] is not None or args["before"] is not None:
            section = re.search(_section(args), text, re.DOTALL)
            if section is None:
                return old, 0
            start, end = section.span("subsection")
        new, count = re.compile(args["regexp"], re.MULTILINE).subn(args["replace"], text[start:end])
    except re.error as error:
        raise failure.Failed("the regular expression cannot be used: %s" % error)
    except IndexError as error:
        raise failure.Failed("the replacement names a group that is not there: %s" % error)
    if new == text[start:end]:
        return old, 0
    try:
        return (text[:start] + new + text[end:]).encode(args["encoding"], "surrogateescape"), count
    except UnicodeError as error:
        raise failure.Failed("what it would become cannot be written in %s: %s" % (args["encoding"], error))


def _section(args: "dict") -> str:
    if args["before"] is None:
        return "%s(?P<subsection>.*)" % args["after"]
    return (
        "%s(?P<subsection>.*?)%s" % (args["after"], args["before"])
        if args["after"] is not None
        else ("(?P<subsection>.*)%s" % args["before"])
    )


def plan(args: "dict", before: "dict") -> "list[dict]":
    return content.plan(args, before, edited(args, before)[0])


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    return content.keep(args, before, edited(args, before)[0], limit)


def apply(args: "dict", before: "dict") -> "dict":
    new, count = edited(args, before)
    told = _said(args, before, count)
    state = content.put(args, before, new)
    return dict(content.told(args, state, before), **told)


def _said(args: "dict", before: "dict", count: int) -> "dict":
    done = "%d replacements made" % count if count else ""
    section = args["after"] is not None or args["before"] is not None
    told = {"msg": content.said(args, before, done), "replacements": count}
    if not count and section and not told["msg"] and _missed(args, before):
        told["msg"] = "Pattern for before/after params did not match the given file: %s" % _section(args)
    return told


def _missed(args: "dict", before: "dict") -> bool:
    """Whether `before` and `after` bound nothing in the file."""
    import re

    text = content.old(before).decode(args["encoding"], "surrogateescape")
    return re.search(_section(args), text, re.DOTALL) is None


def undo(args: "dict", before: "dict") -> "dict":
    content.undo(before)
    return {"path": before["path"]}


def result(args: "dict", state: "dict") -> "dict":
    return dict(content.told(args, state), **_said(args, state, edited(args, state)[1]))
