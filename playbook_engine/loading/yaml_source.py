"""YAML with positions: every value and key knows its line and column, duplicate keys and ambiguous scalars are refused.

Scalars are read by YAML 1.2's core schema (yes, on, 22:22 and 2026-01-01 stay text), except that a number with a
leading zero is an error: YAML 1.1 reads 0644 as 420, YAML 1.2 as 644, and the author meant neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from playbook_engine.model.errors import LoadError
from playbook_engine.model.source import SourcePos

Where = tuple[str | int, ...]
"""A path into a document: keys and indexes from the top."""

MAX_BYTES = 4 << 20
MAX_NODES = 200_000  # aliases share nodes, so a small file can unfold into a huge one
MAX_DEPTH = 60

NULL = frozenset({"", "~", "null", "Null", "NULL"})
TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})
INT = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
OCTAL_LIKE = re.compile(r"[-+]?0[0-9]+$")
HEX = re.compile(r"0x[0-9a-fA-F]+$|0o[0-7]+$")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")


@dataclass(slots=True)
class Document:
    """A file's value, and where each part of it stands."""

    file: str
    text: str
    value: object = None
    values: dict[Where, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Where, tuple[int, int]] = field(default_factory=dict)

    def at(self, path: Where, *, key: bool = False) -> SourcePos:
        """The position of a value (or of its key); of the nearest parent that is there when it is not."""
        while path:
            found = (self.keys if key else self.values).get(path) or self.values.get(path)
            if found:
                return self.position(*found)
            path = path[:-1]
        return self.position(*self.values.get((), (1, 1)))

    def position(self, line: int, column: int) -> SourcePos:
        lines = self.text.splitlines()
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        return SourcePos(file=self.file, line=line, column=column, text=text)


def read_yaml(path: Path) -> Document:
    """Reads a file. Raises LoadError with the place."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LoadError(f"{path}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise LoadError(f"{path}: {len(data)} bytes is no runbook (at most {MAX_BYTES})")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        where = SourcePos(file=str(path), line=line)
        raise LoadError(
            f"not UTF-8: byte 0x{data[error.start]:02x}", where=where, advice="save the file as UTF-8"
        ) from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, file: str) -> Document:
    """One YAML document as values with positions. Raises LoadError."""
    document = Document(file=file, text=text)
    loader = yaml.CSafeLoader(text)
    try:
        root = loader.get_single_node()
    except yaml.YAMLError as error:
        raise _explain(error, document) from error
    finally:
        loader.dispose()
    if root is not None:
        document.value = _Builder(document).build(root, (), 0)
    return document


class _Builder:
    """Nodes → values, noting positions."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0

    def build(self, node: yaml.Node, path: Where, depth: int) -> object:
        self._count += 1
        position = (node.start_mark.line + 1, node.start_mark.column + 1)
        self._document.values[path] = position
        if self._count > MAX_NODES or depth > MAX_DEPTH:
            raise self._error("the document is too large or too deep once its aliases are unfolded", node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, n), depth + 1) for n, child in enumerate(node.value)]
        assert isinstance(node, yaml.MappingNode)
        return self._mapping(node, path, depth)

    def _mapping(self, node: yaml.MappingNode, path: Where, depth: int) -> dict[object, object]:
        found: dict[object, object] = {}
        merged: dict[object, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error(
                    "a mapping stands where a key was expected", key_node,
                    'a value that begins with a brace is YAML, not Jinja: quote it, as in "{{ name }}"',
                )  # fmt: skip
            key = key_node.value if key_node.style else self._scalar(key_node)
            if key == "<<" and not key_node.style:
                merged.update(self._merge(value_node, path, depth))
                continue
            if key in found:
                first = self._document.keys.get((*path, _part(key)), (0, 0))
                raise self._error(f"the key {key!r} stands twice; the first is in line {first[0]}", key_node)
            place = (*path, _part(key))
            self._document.keys[place] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            found[key] = self.build(value_node, place, depth + 1)
        return {**merged, **found}

    def _merge(self, node: yaml.Node, path: Where, depth: int) -> dict[object, object]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found: dict[object, object] = {}
        for part in reversed(parts):
            if not isinstance(part, yaml.MappingNode):
                raise self._error("<< wants a mapping", node)
            value = self.build(part, path, depth + 1)
            assert isinstance(value, dict)
            found.update(value)
        return found

    def _scalar(self, node: yaml.ScalarNode) -> object:
        text = str(node.value)
        if node.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:null") and node.tag.startswith("!"):
            raise self._error(f"the tag {node.tag} means nothing here", node)
        if node.style:
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
            return int(text)
        if HEX.match(text):
            return int(text, 0)
        if FLOAT.match(text):
            return float(text)
        if SPECIAL.match(text):
            return float(text.lower().replace(".", ""))
        return text

    def _error(self, message: str, node: yaml.Node, advice: str | None = None) -> LoadError:
        where = self._document.position(node.start_mark.line + 1, node.start_mark.column + 1)
        return LoadError(message, where=where, advice=advice)


def _part(key: object) -> str | int:
    return key if isinstance(key, (str, int)) else str(key)


def _explain(error: yaml.YAMLError, document: Document) -> LoadError:
    """PyYAML's complaint in the words of somebody who has seen these mistakes before."""
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    where = document.position(line, column)
    text = where.text
    if "\t" in text[: len(text) - len(text.lstrip())] or "'\\t'" in problem or "tab" in problem:
        return LoadError("a tab in the indentation", where=where, advice="YAML indents with spaces")
    if "{{" in text and ("flow" in problem or "hashable" in problem or "expected" in problem):
        return LoadError(
            problem, where=where, advice='a value that begins with a brace is YAML, not Jinja: quote it: "{{ name }}"'
        )
    if "mapping values are not allowed" in problem:
        return LoadError(
            "a second colon in the line",
            where=where,
            advice="quote the value if the colon belongs to it; else check the indentation",
        )
    if "expected a single document" in problem:
        return LoadError(
            "more than one document in the file", where=where, advice="a runbook is one document: drop the ---"
        )
    return LoadError(problem, where=where)
