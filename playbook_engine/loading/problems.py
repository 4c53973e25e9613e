"""Collecting what is wrong with a file, so that a person gets all of it at once."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Iterator, Mapping

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from playbook_engine.loading.foreign_words import ANSIBLE
from playbook_engine.loading.schema import LATER, keywords
from playbook_engine.loading.yaml_source import Document, Where
from playbook_engine.model.errors import LoadError, LoadErrors
from playbook_engine.model.spelling import did_you_mean, nearest

EXPECTED = {
    "list_type": "a list", "dict_type": "a mapping", "model_type": "a mapping", "model_attributes_type": "a mapping",
    "string_type": "text", "int_type": "a whole number", "int_parsing": "a whole number",
    "int_from_float": "a whole number", "float_type": "a number", "float_parsing": "a number",
    "finite_number": "a finite number",
}  # fmt: skip
BOUNDS = {"greater_than_equal": ("ge", "below"), "less_than_equal": ("le", "above")}
ENTRIES = {
    "steps": "a step", "handlers": "a handler", "checks": "a check", "preconditions": "a precondition",
    "unless": "a probe", "rollback": "a step", "params": "a parameter", "services": "a service",
    "contacts": "a contact", "rooms": "a room", "channels": "a channel", "schedules": "a schedule",
    "overrides": "an override", "levels": "a level", "notify": "a target", "triggers": "a trigger",
    "faults": "a fault", "injects": "an inject", "away": "a span of time",
}  # fmt: skip
BRANCH = re.compile(r"^(list|literal|union|tagged|function|nullable|str|bool)\b.*\[|^(probes|word)$")
"""What pydantic puts into the path of an error besides the keys of the file."""


class Problems:
    """The load errors of one file."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: list[LoadError] = []
        self._muted: list[Where] = []

    def add(self, path: Where, message: str, advice: str | None = None, *, key: bool = False, code: str = "") -> None:
        """At a value of the file, or at its key. What is under something already refused is left out."""
        if not self.told(path):
            self._found.append(LoadError(message, advice=advice, where=self._document.at(path, key=key), code=code))

    def add_error(self, error: LoadError) -> None:
        self._found.extend(error.errors if isinstance(error, LoadErrors) else [error])

    def unknown_key(self, path: Where, known: Iterable[str], what: str) -> None:
        """An unknown key with the nearest known one."""
        key = str(path[-1])
        if key in LATER:
            self.add(
                path,
                f"{key} is known, and not carried out by this version of runbook",
                key=True,
                code="not-carried-out",
            )
            return
        beside = [str(at[-1]) for at in self._document.keys if at[:-1] == path[:-1]]
        close = nearest(key, known, beside)
        if close and (*path[:-1], close[0]) not in self._document.keys:
            self.mute((*path[:-1], close[0]))  # that what was meant is missing follows from it
        advice = ANSIBLE.get(key) or did_you_mean(close)
        if " " in key:
            advice = "inside braces a comma ends a value: quote text that holds one"
        if advice is None and "action" in what:
            advice = "`runbook actions` lists the actions"
            if "." in key:
                advice = "an action has a plain name, without a collection: `runbook actions` lists them"
        self.add(path, f"unknown {what} {key!r}", advice, key=True, code="unknown-key")

    def of_validation(self, error: ValidationError, model: type[BaseModel], at: Where = ()) -> list[Where]:
        """pydantic's findings, each at its place in the file. Returns the places, in what stands `at` this one."""
        places = []
        for each in error.errors():
            path = tuple(p for p in each["loc"] if not (isinstance(p, str) and BRANCH.match(p)))
            no_text = path[-1:] == ("[key]",)
            path = path[:-1] if no_text else path
            places.append(path)
            if no_text:
                self.add(
                    (*at, *path),
                    f"a name is expected, and this is {kind_of(each['input'])}",
                    key=True,
                    code="wrong-type",
                )
            elif each["type"] == "extra_forbidden":
                self.unknown_key((*at, *path), keywords(_model_at(model, path)), "key")
            elif each["type"] == "missing":
                advice = "begin the file with name: and a short name" if path == ("name",) else None
                self.add((*at, *path[:-1]), f"{path[-1]} is missing", advice, code="missing-key")
            else:
                self._value((*at, *path), each)
        return places

    def _value(self, path: Where, error: ErrorDetails) -> None:
        label = f"{_label(path)}: "
        value, context = error["input"], error.get("ctx", {})
        if error["type"] == "literal_error":
            choices = re.findall(r"'([^']+)'", str(context.get("expected", "")))
            advice = did_you_mean(nearest(str(value), choices))
            self.add(path, f"{label}{_said(value)} is none of {', '.join(choices)}", advice, code="wrong-value")
        elif error["type"] in EXPECTED:
            self._shape(path, EXPECTED[error["type"]], value)
        elif error["type"] in BOUNDS:
            bound, word = BOUNDS[error["type"]]
            self.add(path, f"{label}{_said(value)} is {word} {context.get(bound)}", code="wrong-value")
        elif error["type"] == "invalid_key":
            self.add(path, f"{path[-1]} is no key: put it in quotes if it is a name", key=True)
        else:
            message = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
            self.add(path, f"{label}{message}", code="wrong-type")

    def _shape(self, path: Where, expected: str, value: object) -> None:
        """Something of another kind than what belongs there."""
        parent = str(path[-2]) if len(path) > 1 else ""
        entry = ENTRIES.get(parent) if expected == "a mapping" else None
        if entry is None:
            advice = None
            if expected == "a list" and isinstance(value, Mapping):
                advice = "begin each entry with a dash"
            elif path[-1:] == ("irreversible",):
                advice = "give the reason: irreversible: the cache is fetched again on demand"
            elif expected == "text" and isinstance(value, (bool, int, float)):
                advice = "put it in quotes if text is meant"
            self.add(
                path, f"{_label(path)}: {expected} is expected, and this is {kind_of(value)}", advice, code="wrong-type"
            )
        elif value is None:
            self.add(path, f"{entry} is expected, and here is nothing", code="wrong-type")
        else:
            probe = "it begins with name: and holds one action, such as command: uptime"
            advice = probe if parent not in ("params", "services") else f"write {path[-1]}: {{type: ...}}"
            self.add(path, f"{entry} is a mapping, and this is {kind_of(value)}", advice, code="wrong-type")

    def mute(self, path: Where) -> None:
        """What is under this place has been told: nothing that follows from it is."""
        self._muted.append(path)

    def told(self, path: Where) -> bool:
        """Whether a problem at this place, or around it, was told already."""
        return any(path[: len(muted)] == muted for muted in self._muted)

    @property
    def found(self) -> list[LoadError]:
        return list(self._found)

    def raise_any(self) -> None:
        """Raises what was found, in the order of the file."""
        if not self._found:
            return
        found = in_order(self._found)
        raise found[0] if len(found) == 1 else LoadErrors(found)


def in_order(errors: Iterable[LoadError]) -> list[LoadError]:
    """Each error once, in the order of the file."""
    unique = {(str(e.where), e.message): e for e in errors}
    return sorted(
        unique.values(), key=lambda e: (e.where.file, e.where.line, e.where.column) if e.where else ("", 0, 0)
    )


def kind_of(value: object) -> str:
    """`text`, `a list`, … with the value itself where it is short."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return f"the text {_said(value)}"


def _said(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}…{text[-1]}"


def _label(path: Where) -> str:
    """The key that a person looks for: `timeout`, `tags`; for the entry of a list, the list's."""
    return next((str(part) for part in reversed(path) if isinstance(part, str)), "the file")


def _model_at(model: type[BaseModel], path: Where) -> type[BaseModel]:
    """The model in which a key of this path would be looked for: the parts before the last lead to it."""
    found = model
    for part in path[:-1]:
        field = next((f for name, f in found.model_fields.items() if part in (name, f.alias)), None)
        found = next(_models(field.annotation), found) if field is not None else found
    return found


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """The models inside an annotation: of a list's entries, a mapping's values, the one that may be absent."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models(inner)
