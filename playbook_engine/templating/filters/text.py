"""Filters on text: quoting, regular expressions, comments, base64, URLs."""

from __future__ import annotations

import base64
import re
import shlex
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from jinja2.filters import do_batch, do_center, do_format, do_indent, do_join, do_replace, do_tojson
from jinja2.runtime import Undefined

from playbook_engine.templating import limits


def quote(value: object) -> str:
    """The value as one word of a POSIX shell."""
    return shlex.quote("" if value is None else str(value))


def _flags(ignorecase: bool, multiline: bool) -> int:
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)


def regex_replace(
    value: object = "",
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
    mandatory_count: int = 0,
) -> str:
    text = str(value)
    size = 0

    def expand(match: re.Match[str]) -> str:
        nonlocal size
        made = match.expand(replacement)
        size += len(made)
        limits.check_size(size)
        return made

    result, made = re.compile(pattern, _flags(ignorecase, multiline)).subn(expand, text, count=count)
    if mandatory_count and made != mandatory_count:
        raise ValueError(f"{pattern!r} matched {made} times, and {mandatory_count} were demanded")
    return result


def regex_search(value: object, regex: str, *groups: str, ignorecase: bool = False, multiline: bool = False) -> object:
    """The match, or the groups asked for as a list (`'\\\\1'`, `'\\\\g<name>'`), or none."""
    wanted: list[int | str] = []
    for group in groups:
        named = re.match(r"\\g<(\S+)>$", group)
        numbered = re.match(r"\\(\d+)$", group)
        if named:
            wanted.append(named[1])
        elif numbered:
            wanted.append(int(numbered[1]))
        else:
            raise ValueError(f"unknown group {group!r}: write '\\\\1' or '\\\\g<name>'")
    match = re.search(regex, str(value), _flags(ignorecase, multiline))
    if match is None:
        return None
    return [match.group(g) for g in wanted] if wanted else match.group()


def regex_findall(value: object, regex: str, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    return re.findall(regex, str(value), _flags(ignorecase, multiline))


def regex_escape(value: object, re_type: str = "python") -> str:
    if re_type == "python":
        return re.escape(str(value))
    if re_type == "posix_basic":
        return re.sub(r"([].[^$*\\])", r"\\\1", str(value))
    raise ValueError(f"regex_escape knows 'python' and 'posix_basic', not {re_type!r}")


_COMMENT_STYLES: dict[str, dict[str, str]] = {
    "plain": {"decoration": "# "},
    "erlang": {"decoration": "% "},
    "c": {"decoration": "// "},
    "cblock": {"beginning": "/*", "decoration": " * ", "end": " */"},
    "xml": {"beginning": "<!--", "decoration": " - ", "end": "-->"},
}


def comment(text: str, style: str = "plain", **options: object) -> str:
    """The text as a comment block. Options as in Ansible: newline, beginning, prefix, prefix_count, decoration,
    postfix, postfix_count, end.
    """
    if not isinstance(text, str):
        raise TypeError(f"comment wants text, not {type(text).__name__}")
    if style not in _COMMENT_STYLES:
        raise ValueError(f"unknown comment style {style!r}; there are {', '.join(_COMMENT_STYLES)}")
    chosen: dict[str, Any] = {"newline": "\n", "beginning": "", "end": "", **_COMMENT_STYLES[style]}
    decoration = str(options.get("decoration", chosen["decoration"]))
    chosen.update(prefix=decoration.rstrip(), prefix_count=1, postfix=decoration.rstrip(), postfix_count=1)
    unknown = options.keys() - chosen.keys()
    if unknown:
        raise ValueError(f"comment has no option {min(unknown)!r}; there are {', '.join(chosen)}")
    chosen.update(options)
    newline = str(chosen["newline"])
    lines = [decoration + line for line in text.split(newline)]
    # an empty line in the middle gets no trailing blank
    lines[1:-1] = [line.rstrip() if line == decoration else line for line in lines[1:-1]]
    return newline.join(
        [
            *([chosen["beginning"]] if chosen["beginning"] else []),
            *(_edge(chosen["prefix"].removesuffix(newline), chosen["prefix_count"]) if chosen["prefix"] else []),
            *lines,
            *_edge(chosen["postfix"], chosen["postfix_count"]),
            *([chosen["end"]] if chosen["end"] else []),
        ]
    )


def _edge(line: str, count: int) -> list[str]:
    limits.check_width(count)
    limits.budget().make(len(line) * count)
    return [line] * count


def b64encode(value: object, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    raw = value if isinstance(value, bytes) else str(value).encode(encoding, "surrogateescape")
    return (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(raw).decode("ascii")


def b64decode(value: object, encoding: str = "utf-8", urlsafe: bool = False) -> str:
    raw = value if isinstance(value, bytes) else str(value).encode("ascii", "strict")
    decoded = (base64.urlsafe_b64decode if urlsafe else base64.b64decode)(raw)
    return decoded.decode(encoding, "surrogateescape")


def split(value: str, sep: str | None = None, maxsplit: int = -1) -> list[str]:
    return value.split(sep, maxsplit)


def urlsplit(value: str, query: str = "") -> object:
    parts = urllib.parse.urlsplit(value)
    found: dict[str, object] = {
        "fragment": parts.fragment, "hostname": parts.hostname, "netloc": parts.netloc, "password": parts.password,
        "path": parts.path, "port": parts.port, "query": parts.query, "scheme": parts.scheme,
        "username": parts.username,
    }  # fmt: skip
    if not query:
        return found
    if query not in found:
        raise ValueError(f"an URL has no part {query!r}; there are {', '.join(found)}")
    return found[query]


def urldecode(value: str) -> str:
    return urllib.parse.unquote_plus(value)


def bounded_center(value: str, width: int = 80) -> str:
    limits.check_width(width)
    return do_center(value, width)


def bounded_indent(s: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    limits.check_width(width)
    lines = s.count("\n") + 1
    limits.budget().make(len(s) + lines * (len(width) if isinstance(width, str) else width))
    return do_indent(s, width, first, blank)


def bounded_format(value: str, *args: Any, **kwargs: Any) -> str:
    limits.check_percent(value, args or tuple(kwargs.values()))
    return do_format(value, *args, **kwargs)


def bounded_replace(eval_ctx: Any, s: object, old: object, new: object, count: int | None = None) -> str:
    text = s if isinstance(s, str) else str(s)
    limits.replaced(text, str(old), str(new))
    return do_replace(eval_ctx, text, str(old), str(new), count)


bounded_replace.jinja_pass_arg = do_replace.jinja_pass_arg  # type: ignore[attr-defined]


def bounded_join(eval_ctx: Any, value: Any, d: str = "", attribute: Any = None) -> Any:
    items = list(value)
    limits.budget().make(len(items) * len(str(d)) + sum(len(i) for i in items if isinstance(i, str)))
    return do_join(eval_ctx, items, d, attribute)


bounded_join.jinja_pass_arg = do_join.jinja_pass_arg  # type: ignore[attr-defined]


def bounded_tojson(eval_ctx: Any, value: object, indent: int | None = None) -> Any:
    limits.check_width(indent)
    return do_tojson(eval_ctx, value, indent)


bounded_tojson.jinja_pass_arg = do_tojson.jinja_pass_arg  # type: ignore[attr-defined]


def bounded_batch(value: Any, linecount: int, fill_with: object = None) -> Any:
    limits.check_width(linecount)
    return do_batch(value, linecount, fill_with)


def mandatory(value: object, msg: str | None = None) -> object:
    """The value, or an error that says `msg` when it is undefined."""
    if isinstance(value, Undefined):
        if msg is None:
            str(value)
        raise ValueError(msg)
    return value


def type_debug(value: object) -> str:
    """The name that Ansible has for the type."""
    if isinstance(value, Undefined):
        return "UndefinedMarker"
    if isinstance(value, Mapping):
        return "dict"
    return type(value).__name__


def ternary(value: object, true_val: object, false_val: object, none_val: object = None) -> object:
    """One of its arguments; the others may be undefined."""
    if isinstance(value, Undefined):
        return value
    if value is None and none_val is not None:
        return none_val
    return true_val if bool(value) else false_val


TRUE_WORDS = frozenset({"y", "yes", "on", "1", "true", "t", "1.0"})
FALSE_WORDS = frozenset({"n", "no", "off", "0", "false", "f", "0.0"})
"""What Ansible takes for a boolean where it expects one. The filter `bool` knows fewer words."""


def to_bool(value: object) -> bool:
    """`yes on 1 true` in any case are true; anything else that is no boolean is false, as in Ansible."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.lower() in ("yes", "on", "1", "true")
    if isinstance(value, Mapping | list):
        return False
    return value == 1


FILTERS: dict[str, Callable[..., object]] = {
    "quote": quote,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "regex_findall": regex_findall,
    "regex_escape": regex_escape,
    "comment": comment,
    "b64encode": b64encode,
    "b64decode": b64decode,
    "split": split,
    "urlsplit": urlsplit,
    "urldecode": urldecode,
    "mandatory": mandatory,
    "type_debug": type_debug,
    "ternary": ternary,
    "bool": to_bool,
    "center": bounded_center,
    "indent": bounded_indent,
    "format": bounded_format,
    "replace": bounded_replace,
    "batch": bounded_batch,
    "join": bounded_join,
    "tojson": bounded_tojson,
}
