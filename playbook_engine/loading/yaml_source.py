"""YAML with positions: every value and key knows its line and column, duplicate keys and ambiguous scalars are refused.

Scalars are read by YAML 1.2's core schema (yes, on, 22:22 and 2026-01-01 stay text), except that a number with a
leading zero is an error: YAML 1.1 reads 0644 as 420, YAML 1.2 as 644, and the author meant neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import yaml

from playbook_engine.loading.yaml_mistakes import BRACES, explain
from playbook_engine.model.errors import LoadError
from playbook_engine.model.source import SourcePos
from playbook_engine.model.vaulted import Vaulted

Where = tuple[str | int, ...]
"""A path into a document: keys and indexes from the top."""

MAX_BYTES = 4 << 20
MAX_NODES = 200_000  # aliases share nodes, so a small file can unfold into a huge one
MAX_DEPTH = 60
NESTING = "maximum nesting depth"  # how PyYAML 6.0.4 and newer say that libyaml's own limit is passed: 1,000
SHOWN = 200  # characters of a line
MAX_DIGITS = 400  # int() refuses texts of more than 4,300 digits with a ValueError

NULL = frozenset({"", "~", "null", "Null", "NULL"})
TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})
INT = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
OCTAL_LIKE = re.compile(r"[-+]?0[0-9]+$")
HEX = re.compile(r"0x[0-9a-fA-F]+$|0o[0-7]+$")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")  # what YAML 1.1 counts as the end of a line
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")  # no c-printable
VAULT = ("!vault", "!vault-encrypted")
STR = "tag:yaml.org,2002:str"
SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")


class Unsafe(str):
    """Text that is no template, whatever it looks like (`!unsafe`)."""

    __slots__ = ()


@dataclass(slots=True)
class Document:
    """A file's value, and where each part of it stands. `blocks`: the first line of texts that begin with `|`."""

    file: str
    text: str
    value: object = None
    values: dict[Where, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Where, tuple[int, int]] = field(default_factory=dict)
    blocks: dict[Where, int] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)

    def at(self, path: Where, *, key: bool = False) -> SourcePos:
        """The position of a value (or of its key); of the nearest parent that is there when it is not."""
        if key and path in self.keys:
            return self.position(*self.keys[path])
        while path and path not in self.values:
            path = path[:-1]
        return self.position(*self.values.get(path, (1, 1)))

    def inside(self, path: Where, line: int) -> SourcePos | None:
        """The position of the nth line of a text that begins with `|`; None for any other text."""
        if path not in self.blocks:
            return None
        number = self.blocks[path] + line - 1
        text = self.line(number)
        return self.position(number, len(text) - len(text.lstrip()) + 1)

    def position(self, line: int, column: int) -> SourcePos:
        return SourcePos(file=self.file, line=line, column=column, text=shown(self.line(line), column))

    def line(self, number: int) -> str:
        """The text of a line, counted from 1."""
        if not self._lines:
            self._lines = BREAK.split(self.text)
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""


def shown(line: str, column: int) -> str:
    """A line as it is shown with a caret: cut where it is too long, nothing when the caret would be off the screen."""
    if column > SHOWN - 40:
        return ""
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def read_yaml(
    path: Path, decrypt: Callable[[bytes, str], bytes] = lambda data, name: data, *, yaml11: bool = False
) -> Document:
    """Reads a file; with `yaml11` as Ansible does: yes is true, 0644 is octal. `decrypt` opens one that is encrypted.
    Raises LoadError with the place."""
    try:
        with path.open("rb") as handle:
            return read_from(handle, str(path), decrypt, yaml11=yaml11)
    except OSError as error:
        where = SourcePos(file=str(path), line=1)
        raise LoadError(f"the file cannot be read: {error.strerror}", where=where) from error


def read_from(
    stream: IO[bytes], path: str, decrypt: Callable[[bytes, str], bytes] = lambda data, name: data, *,
    yaml11: bool = False,
) -> Document:  # fmt: skip
    """The same from a stream; `path` is what errors call it. Raises LoadError, OSError."""
    start = SourcePos(file=path, line=1)
    data = decrypt(stream.read(MAX_BYTES + 1), path)
    if len(data) > MAX_BYTES:
        raise LoadError(
            f"the file is larger than {MAX_BYTES >> 20} MiB: this is no runbook", where=start,
            advice="large contents belong into a file beside it, placed with copy: {src: ...}",
        )  # fmt: skip
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", "replace")
        after = data[error.start :].split(b"\n", 1)[0].decode("utf-8", "replace")
        where = SourcePos(
            file=path, line=data.count(b"\n", 0, error.start) + 1, column=len(before) + 1,
            text=shown((before + after).rstrip("\r"), len(before) + 1),
        )  # fmt: skip
        raise LoadError(
            f"the file is not UTF-8: byte 0x{data[error.start]:02x}", where=where, advice="save the file as UTF-8"
        ) from error
    return parse_yaml(text, path, yaml11=yaml11)


def parse_yaml(text: str, file: str, *, yaml11: bool = False) -> Document:
    """One YAML document as values with positions. Raises LoadError."""
    try:
        return _parsed(text, file, yaml11)
    except LoadError as error:
        error.code = "bad-yaml"
        raise


def _parsed(text: str, file: str, yaml11: bool) -> Document:
    document = Document(file=file, text=text)
    control = CONTROL.search(text)
    if control:
        before = BREAK.split(text[: control.start()])
        where = document.position(len(before), len(before[-1]) + 1)
        raise LoadError(
            f"a control character stands here (U+{ord(control[0]):04X})", where=where,
            advice='remove it; where it is meant, write it as an escape in double quotes: "\\x1b"',
        )  # fmt: skip
    try:
        texts = _survey(document, text, yaml11)
        loader = yaml.CBaseLoader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        if mark is not None and NESTING in str(error):
            # libyaml scans ahead through brackets, and newer ones give up there before they hand out the first event.
            # What stands before that place holds our own limit, and it is met while that text is surveyed.
            _survey(document, text[: mark.index], yaml11)
        raise explain(error, document) from error
    if root is not None:
        document.value = _Builder(document, texts, yaml11).build(root, (), 0)
    return document


def _survey(document: Document, text: str, yaml11: bool) -> set[tuple[int, int]]:
    """Looks at the parser's events of the document's text, or of its beginning, before anything is built of them.

    Returns where `!!str` stands. Raises LoadError at what no runbook may hold, YAMLError at what is no YAML.

    libyaml composes nodes by recursion in C: what is nested too deeply would end the process, not raise.
    """
    loader = yaml.CBaseLoader(text)
    depth, documents = 0, 0
    texts: set[tuple[int, int]] = set()
    try:
        while loader.check_event():
            event = loader.get_event()
            assert event is not None and event.start_mark is not None
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise LoadError(
                        "a second document begins here", where=document.position(*place),
                        advice="a runbook is one document in one file: leave the --- out, or make two files",
                    )  # fmt: skip
            elif isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise LoadError(
                        f"this is nested more than {MAX_DEPTH} levels deep", where=document.position(*place)
                    )
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            tag = getattr(event, "tag", None)
            if tag == STR and isinstance(event, yaml.ScalarEvent):
                texts.add(place)
            elif tag in VAULT and isinstance(event, yaml.ScalarEvent):
                continue
            elif tag is not None and not (yaml11 and tag == "!unsafe"):
                _refuse_tag(tag, document.position(*place))
    finally:
        loader.dispose()
    return texts


def _refuse_tag(tag: str, where: SourcePos) -> None:
    shown = tag.replace("tag:yaml.org,2002:", "!!")
    advice = "leave it out"
    if tag in VAULT:
        advice = "!vault stands before encrypted text: `runbook vault encrypt_string` writes it"
    elif shown == "!unsafe":
        advice = "write {% raw %} and {% endraw %} around braces that are no template"
    raise LoadError(f"the tag {shown} means nothing in a runbook", where=where, advice=advice)


class _Builder:
    """Nodes → values, noting positions."""

    def __init__(self, document: Document, texts: set[tuple[int, int]], yaml11: bool) -> None:
        self._document = document
        self._old = yaml.SafeLoader("") if yaml11 else None
        self._texts = texts
        self._count = 0

    def build(self, node: yaml.Node, path: Where, depth: int) -> object:
        self._count += 1
        self._document.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            raise self._error("the document is too large once its aliases are unfolded", node)
        if isinstance(node, yaml.ScalarNode):
            if node.style == "|":
                self._document.blocks[path] = node.start_mark.line + 2
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, n), depth + 1) for n, child in enumerate(node.value)]
        assert isinstance(node, yaml.MappingNode)
        return self._mapping(node, path, depth)

    def _mapping(self, node: yaml.MappingNode, path: Where, depth: int) -> dict[object, object]:
        merged: dict[object, object] = {}
        own: list[tuple[yaml.Node, object, yaml.Node]] = []
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._no_key(key_node)
            key = key_node.value if key_node.style else self._scalar(key_node)
            if key == "<<" and not key_node.style:
                merged.update(self._merge(value_node, path, depth))
            else:
                own.append((key_node, key, value_node))
        self._document.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        found: dict[object, object] = {}
        for key_node, key, value_node in own:
            place = (*path, _part(key))
            if key in found:
                first = self._document.keys.get(place, (0, 0))
                raise self._error(f"the key {key!r} stands twice: first in line {first[0]}", key_node)
            self._document.keys[place] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            found[key] = self.build(value_node, place, depth + 1)
        return {**merged, **found}

    def _merge(self, node: yaml.Node, path: Where, depth: int) -> dict[object, object]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found: dict[object, object] = {}
        for part in reversed(parts):
            if not isinstance(part, yaml.MappingNode):
                raise self._error("<< takes over the keys of a mapping, and this is none", node)
            value = self.build(part, path, depth + 1)
            assert isinstance(value, dict)
            found.update(value)
        return found

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text = str(node.value)
        if node.tag in VAULT:
            where = self._document.position(node.start_mark.line + 1, node.start_mark.column + 1)
            return Vaulted(ciphertext=text, where=where)
        if self._old is not None:
            return self._as_old(node, text)
        if node.style or (node.start_mark.line + 1, node.start_mark.column + 1) in self._texts:
            return text
        if text in NULL:
            return None
        if text in TRUE or text in FALSE:
            return text in TRUE
        if OCTAL_LIKE.match(text):
            raise self._error(
                f"{text} without quotes is read as a different number by different YAML versions", node,
                f'write "{text}" for a file mode or other text, {text.lstrip("+-0") or "0"} for a number',
            )  # fmt: skip
        if INT.match(text):
            if len(text) > MAX_DIGITS:
                raise self._error(f"a number of {len(text)} digits", node, "put it in quotes if it is text")
            return int(text)
        if HEX.match(text):
            return int(text, 0)
        if FLOAT.match(text):
            return float(text)
        if SPECIAL.match(text):
            return float(text.lower().replace(".", ""))
        return text

    def _as_old(self, node: yaml.ScalarNode, text: str) -> object:
        """By the rules of YAML 1.1."""
        assert self._old is not None
        if node.tag == "!unsafe":
            return Unsafe(text)
        if node.style or (node.start_mark.line + 1, node.start_mark.column + 1) in self._texts:
            return text
        tag: str = self._old.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        if tag.endswith((":timestamp", ":value", ":merge")):
            return text
        try:
            return self._old.construct_object(yaml.ScalarNode(tag, text))
        except (ValueError, OverflowError) as error:
            raise self._error(f"{text[:80]} is no value: {error}", node) from None

    def _no_key(self, node: yaml.Node) -> LoadError:
        """A list or a mapping as a key: most often braces that somebody forgot to quote."""
        number = node.start_mark.line + 1
        text = self._document.line(number)
        if isinstance(node, yaml.MappingNode) and "{{" in text:
            where = self._document.position(number, text.index("{{") + 1)
            return LoadError("braces begin a value that has no quotes", where=where, advice=BRACES)
        what = "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
        return self._error(f"{what} stands where a key was expected", node, "a key is a word or a number")

    def _error(self, message: str, node: yaml.Node, advice: str | None = None) -> LoadError:
        where = self._document.position(node.start_mark.line + 1, node.start_mark.column + 1)
        return LoadError(message, where=where, advice=advice)


def _part(key: object) -> str | int:
    return key if isinstance(key, (str, int)) else str(key)
