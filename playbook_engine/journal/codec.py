"""Events as lines of JSON and back.

A field is one of four things. A *name* (a step's id, a host, an outcome) is written as it is: views are computed from
it, and whoever has chosen `changed` for a password must not make a journal unreadable. *Text* is redacted: secrets that
are known become stars. What *shelters* undeclared ones (diffs, output, the bodies of answers) is redacted and sealed.
What must come back exactly (before-images, variables, registered values) is sealed as it is.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import types
import typing
from collections.abc import Mapping
from functools import cache

from playbook_engine.journal.blobs import Blobs
from playbook_engine.journal.keys import JournalKey
from playbook_engine.journal.plain import from_json, to_json
from playbook_engine.journal.redaction import STARS, Redactor
from playbook_engine.model.defaults import defaults
from playbook_engine.model.errors import JournalError
from playbook_engine.model.events import EVENTS, SEALED, VERSION, Event
from playbook_engine.model.frozen import frozen
from playbook_engine.model.secret import Secret

_json = json.JSONEncoder(separators=(",", ":")).encode

INLINE = 32 << 10  # sealed bytes that stay in the line; more goes to a blob

LEARNED = "$secrets"
"""The sealed part's key for the secrets that were known when it was written, and not before."""

SHELTERS = frozenset({"changes", "differences", "evidence", "shown"})
"""Fields with what came from a host at length, which may hold a secret that nobody declared."""

NAMES = frozenset(
    {"host", "run", "kind", "runbook", "severity", "owner", "escalation", "services", "runbook_sha256",
     "inventory_sha256", "hosts", "batches", "engine", "of", "address", "user", "python", "boot_id", "scope", "probe",
     "action", "verdict", "otherwise", "on", "where", "step", "reversible", "become", "notify", "notified", "purpose",
     "outcome", "how", "status", "unit", "service", "to", "plan_run", "drill", "policy",
     "policy_sha256", "trigger", "contact", "channel", "notification", "level", "contacts", "fault",
     "scenario", "scenario_sha256", "incident", "item", "file_sha256"}
)  # fmt: skip
"""Fields with words of the engine and names of the inventory and the runbook: no value that a secret could be in."""


@frozen
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
        self._noted = 0
        self._noting = threading.Lock()

    def encode(self, event: Event, at: str) -> str:
        """The event as one line of JSON, without its sequence number: sealing happens outside the writer's lock.

        Raises JournalError when a large value cannot be stored.
        """
        cls = type(event)
        name = cls.__name__
        line: dict[str, object] = {"e": name, "v": VERSION, "at": at}
        hidden: dict[str, object] = {}
        for key, default in defaults(cls):
            value = getattr(event, key)
            if value is default or value == default:
                continue
            if key in SEALED:
                hidden[key] = to_json(value)
            else:
                (hidden if key in SHELTERS else line)[key] = _shown(key, value, self._redactor)
        if learned := self._learned():
            hidden[LEARNED] = learned
        text = _json(line)
        if not hidden:
            return text
        sealed = self._key.seal(_json(hidden).encode(), name.encode())
        if len(sealed) <= INLINE:
            return f'{text[:-1]},"sealed":"{binascii.b2a_base64(sealed, newline=False).decode()}"}}'
        return f'{text[:-1]},"blob":"{self._blobs.put(sealed)}"}}'

    def _learned(self) -> list[str]:
        """Secrets that no line before this one has: who reads the journal later does not show them either."""
        with self._noting:
            learned = self._redactor.since(self._noted)
            self._noted += len(learned)
        return learned

    def decode(self, seq: int, text: str) -> Record:
        """Raises JournalError for an event that this version does not know, or whose sealed part does not open."""
        line = json.loads(text, object_hook=from_json)
        name, at, version = line.pop("e"), line.pop("at"), line.pop("v")
        cls = EVENTS.get(name)
        if cls is None or version > VERSION:
            raise JournalError(f"record {seq} is a {name} of version {version}: written by a newer runbook than this")
        sealed, blob = line.pop("sealed", None), line.pop("blob", None)
        if sealed or blob:
            data = base64.b64decode(sealed) if sealed else self._blobs.get(blob)
            line.update(json.loads(self._key.open(data, name.encode()), object_hook=from_json))
            for text in line.pop(LEARNED, ()):
                self._redactor.add(str(text))
        depths = _tuples(name)
        known = {k: _tuple(v, depths[k]) for k, v in line.items() if k in depths}
        return Record(seq=seq, at=at, event=cls(**known))  # type: ignore[arg-type]


def _shown(name: str, value: object, redactor: Redactor) -> object:
    """`visible`, as JSON; in one go where no secret is known."""
    if redactor.idle:
        return to_json(value, stars=STARS)
    return to_json(visible(name, value, redactor), stars=STARS)


def visible(name: str, value: object, redactor: Redactor) -> object:
    """A field of an event as it may be shown: names as they are, all else without the secrets that are known."""
    if name in NAMES or (isinstance(value, (bool, int, float)) and name not in ("value", "threshold")):
        return value
    return redactor.value(_starred(value))


def _starred(value: object) -> object:
    if isinstance(value, Secret):
        return STARS
    if isinstance(value, Mapping):
        return {key: _starred(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_starred(item) for item in value]
    return value


@cache
def _tuples(name: str) -> dict[str, int]:
    """How deep the fields of an event are tuples: 0 for those that are none."""
    cls = EVENTS[name]
    hints = typing.get_type_hints(cls)
    return {name: tuple_depth(hints[name]) for name, _ in defaults(cls)}


def tuple_depth(hint: object) -> int:
    """1 for tuple[str, ...], 2 for tuple[tuple[str, ...], ...], also where None is allowed; else 0."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return max(tuple_depth(each) for each in typing.get_args(hint))
    if origin is not tuple:
        return 0
    return 1 + tuple_depth(typing.get_args(hint)[0])


def _tuple(value: object, depth: int) -> object:
    if depth == 0 or not isinstance(value, list):
        return value
    return tuple(_tuple(item, depth - 1) for item in value)
