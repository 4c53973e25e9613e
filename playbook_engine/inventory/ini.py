"""INI inventories: `[group]`, `[group:vars]`, `[group:children]`, host lines with inline variables.

Values are Python literals where they are one (`2222` a number, `[1, 2]` a list), otherwise text; `yes` is text.
Source: Ansible's documentation "How to build your inventory"; checked against ansible-core 2.19.
"""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from dataclasses import dataclass, field

from playbook_engine.inventory.draft import Draft
from playbook_engine.inventory.suggestions import did_you_mean
from playbook_engine.inventory.vars_files import kept_secret
from playbook_engine.model.addresses import expand
from playbook_engine.model.errors import InventoryError
from playbook_engine.model.source import SourcePos
from playbook_engine.templating.node import to_nodes

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_GROUP = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")
_SHELL = re.compile(r"""["'\\#]""")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*|[0-9]+(?:\.[0-9]+){2,}")
KINDS = ("hosts", "children", "vars")


@dataclass(slots=True, kw_only=True)
class _Promise:
    """A group that was used before it was declared."""

    kind: str
    where: SourcePos
    parents: list[str] = field(default_factory=list)


def parse(text: str, file: str, draft: Draft, *, secret: bool = False) -> None:
    """Add an INI inventory to the draft; `secret` when it was encrypted. Raises `InventoryError` with the line."""
    _Parser(file, draft, secret).run(text)


class _Parser:
    def __init__(self, file: str, draft: Draft, secret: bool) -> None:
        self.file = file
        self.secret = secret
        self.draft = draft
        self.promised: dict[str, _Promise] = {}

    def run(self, text: str) -> None:
        group, kind = "ungrouped", "hosts"
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if not line or line[0] in "#;":
                continue
            where = SourcePos(
                file=self.file, line=number, column=raw.index(line[0]) + 1, text="" if self.secret else raw
            )
            section = _SECTION.fullmatch(line)
            if section:
                group, kind = section[1], section[2] or "hosts"
                self.open_section(group, kind, where)
            elif line.startswith("[") and line.endswith("]"):
                raise InventoryError(
                    f"{line} is no section",
                    advice="a section is [group], [group:children] or [group:vars]",
                    where=where,
                )
            elif kind == "hosts":
                self.host_line(line, group, where)
            elif kind == "children":
                self.child_line(line, group, where)
            else:
                self.variable_line(line, group, where)
        for name, promise in self.promised.items():
            self.refuse(name, promise)

    def open_section(self, group: str, kind: str, where: SourcePos) -> None:
        if kind not in KINDS:
            hint = did_you_mean(kind, KINDS) or "a section is [group], [group:children] or [group:vars]"
            raise InventoryError(f"[{group}:{kind}] is of an unknown kind", advice=hint, where=where)
        if group not in self.draft.groups and kind == "vars":
            self.promised.setdefault(group, _Promise(kind=kind, where=where))
            self.draft.add_group(group)
            return
        self.draft.add_group(group)
        promise = self.promised.get(group)
        if promise and kind != "vars":
            for parent in promise.parents:
                self.draft.add_child(parent, group, where)
            del self.promised[group]

    def host_line(self, line: str, group: str, where: SourcePos) -> None:
        try:
            # Without quotes and the like a shell splits at blanks, and much sooner than shlex does.
            words = shlex.split(line, comments=True) if _SHELL.search(line) else line.split()
        except ValueError as exc:
            raise InventoryError(
                f"the quotes do not match ({exc})", advice="close the quote, or escape it with a backslash", where=where
            ) from None
        if not words:
            return
        try:
            names, port = expand(words[0])
        except ValueError as exc:
            raise InventoryError(str(exc), where=where) from None
        variables: dict[str, object] = {}
        for word in words[1:]:
            name, sign, value = word.partition("=")
            if not sign:
                raise InventoryError(
                    f"after a host come name=value pairs, not {word!r}",
                    advice="a host with blanks in a value needs quotes: name='a b'",
                    where=where,
                )
            variables[name] = self.value(value, where)
        for name in names:
            self.draft.add_host(name, group, port, where)
            self.draft.set_host_variables(name, variables, where)

    def child_line(self, line: str, group: str, where: SourcePos) -> None:
        match = _GROUP.fullmatch(line)
        if not match:
            raise InventoryError(f"{line!r} is no name of a group", where=where)
        child = match[1]
        if child in self.draft.groups and child not in self.promised:
            self.draft.add_child(group, child, where)
            return
        promise = self.promised.setdefault(child, _Promise(kind="children", where=where))
        promise.kind = "children"
        promise.parents.append(group)

    def variable_line(self, line: str, group: str, where: SourcePos) -> None:
        name, sign, value = line.partition("=")
        if not sign:
            raise InventoryError(f"in [{group}:vars] a line is name=value, not {line!r}", where=where)
        self.draft.set_group_variable(group, name.strip(), self.value(value.strip(), where), where)

    def value(self, text: str, where: SourcePos) -> object:
        value = to_nodes(parse_value(text), where)
        return kept_secret(value) if self.secret else value

    def refuse(self, name: str, promise: _Promise) -> None:
        known = [g for g in self.draft.groups if g not in self.promised]
        advice = did_you_mean(name, known) or f"declare it with a line [{name}]"
        if promise.kind == "vars":
            message = f"[{name}:vars] is for a group that is not there"
        else:
            message = f"[{promise.parents[0]}:children] names a group {name!r} that is not there"
        raise InventoryError(message, advice=advice, where=promise.where)


def parse_value(text: str) -> object:
    """The Python literal that the text is, else the text."""
    if _PLAIN.fullmatch(text) and text not in ("True", "False", "None"):
        return text  # a name, or an address: no literal
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `"\d"` is an odd escape, not our caller's business
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
    return _plain(value, text)


def _plain(value: object, text: str) -> object:
    if isinstance(value, str | int | float) or value is None:
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, set):
        value = sorted(value, key=repr)
    if isinstance(value, list | tuple):
        return [_plain(item, repr(item)) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item, repr(item)) for key, item in value.items()}
    return text
