"""Events as lines of JSON and back. What may be secret is sealed; what a person may read is redacted first."""

from __future__ import annotations

import base64
import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from playbook_engine.journal.blobs import Blobs
from playbook_engine.journal.keys import JournalKey
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.errors import JournalError
from playbook_engine.model.events import EVENTS, SEALED, VERSION, Event, fields
from playbook_engine.model.secret import Secret

INLINE = 32 << 10  # sealed bytes that stay in the line; more goes to a blob


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One event with its place: `seq` counts from 1 in its run, `at` is UTC, ISO 8601 with milliseconds."""

    seq: int
    at: str
    event: Event


class Codec:
    """For one journal."""

    def __init__(self, key: JournalKey, blobs: Blobs, redactor: Redactor) -> None:
        self._key = key
        self._blobs = blobs
        self._redactor = redactor

    def encode(self, event: Event, at: str) -> str:
        """The event as one line of JSON, without its sequence number: sealing happens outside the writer's lock."""
        name = type(event).__name__
        line: dict[str, object] = {"e": name, "v": VERSION, "at": at}
        hidden: dict[str, object] = {}
        for key, value in fields(event).items():
            (hidden if key in SEALED else line)[key] = value
        text = self._redactor.text(json.dumps(line, default=_plain, separators=(",", ":")))
        if not hidden:
            return text
        sealed = self._key.seal(json.dumps(hidden, default=_hidden, separators=(",", ":")).encode(), name.encode())
        if len(sealed) <= INLINE:
            return f'{text[:-1]},"sealed":"{base64.b64encode(sealed).decode()}"}}'
        return f'{text[:-1]},"blob":"{self._blobs.put(sealed)}"}}'

    def decode(self, seq: int, text: str) -> Record:
        """Raises JournalError for an event that this version does not know."""
        line = json.loads(text, object_hook=_revive)
        name, at = line.pop("e"), line.pop("at")
        version = line.pop("v")
        cls = EVENTS.get(name)
        if cls is None or version > VERSION:
            raise JournalError(f"record {seq} is a {name} of version {version}: written by a newer runbook than this")
        sealed = line.pop("sealed", None)
        blob = line.pop("blob", None)
        if sealed or blob:
            data = base64.b64decode(sealed) if sealed else self._blobs.get(blob)
            line.update(json.loads(self._key.open(data, name.encode()), object_hook=_revive))
        kinds = _tuples(name)
        known = {k: _tuple(v) if k in kinds and isinstance(v, list) else v for k, v in line.items() if k in kinds}
        return Record(seq=seq, at=at, event=cls(**known))  # type: ignore[arg-type]


@cache
def _tuples(name: str) -> dict[str, bool]:
    cls = EVENTS[name]
    hints = typing.get_type_hints(cls)
    return {f.name: _is_tuple(hints[f.name]) for f in dataclasses.fields(cls)}


def _is_tuple(hint: object) -> bool:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_is_tuple(each) for each in typing.get_args(hint))
    return origin is tuple


def _tuple(value: object) -> object:
    return tuple(_tuple(v) for v in value) if isinstance(value, list) else value


def _plain(value: object) -> object:
    if isinstance(value, Secret):
        return "********"
    return _common(value)


def _hidden(value: object) -> object:
    if isinstance(value, Secret):
        return {"$secret": value.reveal()}
    return _common(value)


def _common(value: object) -> object:
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be journaled")


def _revive(value: dict[str, object]) -> object:
    if len(value) == 1:
        if "$bytes" in value:
            return base64.b64decode(str(value["$bytes"]))
        if "$secret" in value:
            return Secret(str(value["$secret"]))
    return value
