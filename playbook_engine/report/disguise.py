"""A dossier without names: people as roles, hosts and addresses as numbers, everywhere and always the same.

It is done to the records, before anything is computed from them: what is cut, counted or escaped later cannot bring a
name back. What is a word of the engine (outcomes, ids of steps) stays, whatever somebody is called.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath

from playbook_engine.journal.approvals import person
from playbook_engine.journal.codec import Record
from playbook_engine.journal.fold import fold
from playbook_engine.journal.incident import fold_incident
from playbook_engine.model.events import Event, HostConnected, RunStarted
from playbook_engine.model.secret import Secret
from playbook_engine.report.blanks import MARK
from playbook_engine.report.declared import mapping, sequence, word
from playbook_engine.report.dossier import Dossier, Log, Part
from playbook_engine.report.people import mentions
from playbook_engine.report.subject import Subject

WORDS = frozenset(
    {"kind", "run", "of", "plan_run", "drill", "scope", "probe", "probes", "action", "verdict", "otherwise", "step",
     "reversible", "purpose", "outcome", "how", "unit", "engine", "trigger", "severity", "runbook_sha256",
     "inventory_sha256", "policy_sha256", "scenario_sha256", "file_sha256", "incident", "item", "milestone", "type",
     "boot_id", "python", "digest", "told", "due", "expires", "status", "approval",
     "id", "plan_sha256"}
)  # fmt: skip
"""Fields that hold words of the engine and no names."""
PLACES = frozenset({"where", "place", "file"})
ACCOUNTS = frozenset({"root", "admin", "ubuntu", "debian", "nobody", "runbook", "operator", "sre", "ops", "user"})
"""Names of accounts and teams that are words, too: by themselves they name nobody."""
HERE = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0")
ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)"
    r"|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])"
    r"|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}(?![\w:])"
    r"|(?<![\w:])(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}(?![\w:])"
)
"""IPv4, IPv6 and MAC addresses as they stand in texts; a time of day has fewer parts."""
FARTHER = re.compile(
    r"(?<=://)(?:[^\s/@:'\"]+(?::[^\s/@'\"]*)?@)?(?P<url>[\w.-]+)|(?<=\w@)(?P<mail>[\w-]+(?:\.[\w-]+)+)"
)
"""The machine of an URL or of a mail address."""


DOMAIN = r"(?:\.[a-z][\w-]*)*"


class Disguise:
    """What replaces what. `roles` for people, `external` for hosts, addresses and paths."""

    def __init__(self, dossier: Dossier, *, roles: bool, external: bool) -> None:
        self._external = external
        self._names: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        if external:
            self._take_hosts(dossier)
        if roles:
            self._take_people(dossier)
        longest = sorted(self._names, key=len, reverse=True)
        # A host is also called by its longer name, with a domain that the inventory does not have.
        words = "|".join(re.escape(n) + (DOMAIN if self._names[n].startswith("host-") else "") for n in longest)
        self._known = re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])", re.IGNORECASE) if words else None

    def text(self, text: str) -> str:
        """A text without the names; and without the mark of a blank, which only the document itself may set."""
        shown = text.replace(MARK[0], "□")
        if self._known is not None:
            shown = self._known.sub(lambda match: self._name(match[0].casefold()), shown)
        if self._external:
            shown = FARTHER.sub(self._farther, shown)
            shown = ADDRESS.sub(lambda match: self._address(match[0]), shown)
        return shown

    def _name(self, found: str) -> str:
        while found and found not in self._names:
            found = found.rpartition(".")[0]
        return self._names.get(found, "somebody")

    def event(self, event: Event) -> Event:
        held = {f.name: self._field(f.name, getattr(event, f.name)) for f in dataclasses.fields(event)}
        return dataclasses.replace(event, **held)  # type: ignore[arg-type]

    def records(self, records: Iterable[Record]) -> tuple[Record, ...]:
        return tuple(dataclasses.replace(r, event=self.event(r.event)) for r in records)

    # -------------------------------------------------------------- what is to be hidden

    def _take_people(self, dossier: Dossier) -> None:
        for mention in mentions(dossier):
            key = person(mention.name).casefold()
            role = self._names.get(key) or self._names.get(mention.name.casefold())
            if role is None or not re.fullmatch(r"[a-z-]+-\d+", role):
                role = self._next(re.sub(r"[^a-z]+", "-", mention.role.casefold()).strip("-") or "person")
            for form in _forms(mention.name):
                self._names.setdefault(form.casefold(), role)

    def _take_hosts(self, dossier: Dossier) -> None:
        for part in (*dossier.parts, *dossier.earlier):
            for name, address in _hosts(part.subject):
                self._host(name)
                if address and not HERE.fullmatch(address):
                    self._names.setdefault(address.casefold(), self._names[name.casefold()])
        for mention in mentions(dossier):
            _, _, machine = mention.name.rpartition("@")
            if "@" in mention.name and machine and not HERE.fullmatch(machine):
                self._host(machine)

    def _host(self, name: str) -> None:
        key = name.casefold()
        if key in self._names or HERE.fullmatch(name) or not name:
            return
        self._names[key] = self._next("host")
        short = key.partition(".")[0]
        if short != key and len(short) > 1 and not short.isdigit():
            self._names.setdefault(short, self._names[key])

    def _next(self, word: str) -> str:
        self._numbers[word] = self._numbers.get(word, 0) + 1
        return f"{word}-{self._numbers[word]}"

    def _address(self, found: str) -> str:
        if HERE.fullmatch(found) or found in self._names.values():
            return found
        return self._names.setdefault(found.casefold(), "") or self._new(found, "address")

    def _farther(self, match: re.Match[str]) -> str:
        name = match["url"] or match["mail"]
        if HERE.fullmatch(name) or re.fullmatch(r"(host|address)-\d+", name):
            return name
        return self._names.setdefault(name.casefold(), "") or self._new(name, "host")

    def _new(self, found: str, word: str) -> str:
        self._names[found.casefold()] = self._next(word)
        return self._names[found.casefold()]

    # -------------------------------------------------------------- where it is hidden

    def _field(self, name: str, value: object) -> object:
        if name in WORDS:
            return value
        if name == "command" and self._external:
            return ""  # it names inventories, keys, variables: nobody outside can type it anyway
        if name in PLACES and self._external and isinstance(value, str):
            return self.text(PurePath(value).name)
        return self._value(value)

    def _value(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(k) if isinstance(k, str) and not k.startswith("$") else k: self._inside(k, v)
                for k, v in value.items()
            }
        if isinstance(value, (list, tuple)):
            return type(value)(self._value(v) for v in value)
        if isinstance(value, (bytes, bytearray)):
            text = bytes(value).decode("utf-8", "surrogateescape")
            return self.text(text).encode("utf-8", "surrogateescape")
        return value

    def _inside(self, key: object, value: object) -> object:
        """A value of a mapping: in a plan, the words of the engine stay what they are."""
        if isinstance(key, str) and (key.startswith("$") or key in ("id", "action")):
            return value
        return value if isinstance(value, Secret) else self._value(value)


def disguised(dossier: Dossier, *, roles: bool = False, external: bool = False) -> Dossier:
    """The same dossier, from records without names. Without either option only marks of blanks go."""
    masks = Disguise(dossier, roles=roles, external=external)
    incident = fold_incident(dossier.incident.incident, masks.records(dossier.incident.records))
    assert incident is not None
    return dataclasses.replace(
        dossier, incident=incident, parts=tuple(_part(p, masks) for p in dossier.parts),
        earlier=tuple(_part(p, masks) for p in dossier.earlier),
        logs=tuple(_log(log, masks) for log in dossier.logs), faults=tuple(map(masks.text, dossier.faults)),
        unread=tuple(map(masks.text, dossier.unread)),
    )  # fmt: skip


def _part(part: Part, masks: Disguise) -> Part:
    return dataclasses.replace(part, subject=_subject(part.subject, masks), why=masks.text(part.why))


def _subject(subject: Subject, masks: Disguise) -> Subject:
    view = fold(subject.run, masks.records(subject.view.records))
    assert view is not None
    return dataclasses.replace(subject, view=view, later=tuple(_subject(s, masks) for s in subject.later))


def _log(log: Log, masks: Disguise) -> Log:
    return dataclasses.replace(log, records=masks.records(log.records))


def _hosts(subject: Subject) -> Iterator[tuple[str, str]]:
    """(name, address) of every host of the run, and of those that a step might be delegated to."""
    plan = subject.view.started.plan
    for name in subject.view.hosts:
        yield name, ""
    for each in (*sequence(plan.get("hosts")), *mapping(plan.get("others")).values()):
        host = mapping(each)
        if word(host.get("name")):
            yield word(host.get("name")), word(mapping(host.get("connection")).get("address"))
    for record in subject.view.records:
        event = record.event
        if isinstance(event, HostConnected) and event.host:
            yield event.host, event.address
        elif isinstance(event, RunStarted):
            yield from ((name, "") for name in event.hosts)


def _forms(name: str) -> Iterator[str]:
    """The ways in which a person is called: whole, before the @, and each name of `Ada Lovelace` or `ada.lovelace`."""
    if name.casefold() in ACCOUNTS:
        return
    yield name
    local = person(name)
    if local.casefold() in ACCOUNTS or len(local) < 2:
        return
    yield local
    parts = re.split(r"[\s._]+", local)
    if len(parts) > 1 and all(p[:1].isalpha() for p in parts):
        yield from (p for p in parts if len(p) > 2 and p.casefold() not in ACCOUNTS)
