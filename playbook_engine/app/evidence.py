"""`runbook evidence`: journals leave the state folder as a bundle that others verify, and the keys to do it with."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from playbook_engine import __version__
from playbook_engine.app.reports import FORMS, file_name, reports, subject
from playbook_engine.app.wiring import App
from playbook_engine.journal.blobs import Blobs, sync_folder
from playbook_engine.journal.evidence import archive, export
from playbook_engine.journal.evidence.export import Exported
from playbook_engine.journal.evidence.keys import ChainKey, SigningKey, key_ring, signing_key
from playbook_engine.journal.evidence.manifest import Manifest
from playbook_engine.journal.evidence.verify import Verdict, verify
from playbook_engine.model.errors import EngineError, JournalError, NotFound, UsageError
from playbook_engine.model.frozen import frozen
from playbook_engine.report.render import render
from playbook_engine.report.subject import Subject

SIGNING_KEY = "evidence.key"
RUNS = "runs"


@frozen
class Made:
    """A bundle that was written."""

    manifest: Manifest
    journals: tuple[Exported, ...]


def chosen(app: App, names: Iterable[str]) -> list[str]:
    """The journals (`runs/ID`) that names mean, each once; after a run the rollbacks of it, which its reports rest on.

    A name is an id, a unique beginning or end of one, `last`, or `KIND/NAME`. Raises NotFound.
    """
    found: dict[str, None] = {}
    for name in names:
        journal = _find(app, name)
        found[journal] = None
        kind, _, run = journal.partition("/")
        if kind == RUNS:
            found |= {f"{RUNS}/{row.run}": None for row in app.index.runs() if row.of == run}
    return list(found)


def _find(app: App, name: str) -> str:
    stores = app.journals()
    kind, slash, rest = name.partition("/")
    if slash:
        if kind not in stores:
            raise NotFound(f"there are no journals of the kind {kind!r}", advice=f"the kinds are {', '.join(stores)}")
        return f"{kind}/{stores[kind].find(rest)}"
    if name == "last":
        return f"{RUNS}/{app.store.find(name)}"
    first: NotFound | None = None
    found = []
    for each, store in stores.items():
        try:
            found.append(f"{each}/{store.find(name)}")
        except NotFound as error:
            first = first or error
    if len(found) > 1:
        raise NotFound(f"{name!r} means several journals: {', '.join(found)}", advice="name one with its kind")
    if not found:
        assert first is not None
        raise first
    return found[0]


def give(app: App, names: Sequence[str], out: Path, *, carried: bool = False) -> Made:
    """Writes the bundle of journals. `carried`: with their sealed values, still encrypted.

    Raises UsageError (the file is there), NotFound, JournalError.
    """
    if out.exists():
        raise UsageError(f"{out} is there already", advice="name another file: a bundle is not overwritten")
    at = app.clock.utc()
    journals = chosen(app, names)
    signer = installation_key(app)
    # All secrets that a plan knows are masked before the first record is written, whichever journal knows them.
    subjects = {name: _subject(app, name) for name in journals}
    made = tuple(_exported(app, name, subjects, at, carried=carried) for name in journals)
    manifest, parts = export.bundle(
        made, signer, at=at, by=app.settings.actor, engine=__version__, carried=carried
    )  # fmt: skip
    beside = out.with_name(f".{out.name}.{os.getpid()}.new")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            archive.pack(handle, parts)
            handle.flush()
            os.fsync(handle.fileno())
        os.rename(beside, out)
        sync_folder(out.parent)
    except OSError as error:
        raise JournalError(
            f"the bundle cannot be written to {out}: {error.strerror}", advice="free space, or another -o"
        ) from error
    except ValueError as error:
        raise JournalError(f"the bundle cannot be written: {error}", advice="leave --with-sealed out") from error
    finally:
        beside.unlink(missing_ok=True)
    return Made(manifest=manifest, journals=made)


def _subject(app: App, journal: str) -> Subject | EngineError | None:
    """What the reports of a journal are about, or why there is nothing; None where its kind has no reports."""
    kind, _, name = journal.partition("/")
    if kind != RUNS:
        return None
    try:
        return subject(app, name)
    except EngineError as error:
        return error


def _exported(
    app: App, journal: str, subjects: dict[str, Subject | EngineError | None], at: str, *, carried: bool
) -> Exported:
    """The reports come first: whatever they rest on is then in the records, also of a run that goes on."""
    kind, _, name = journal.partition("/")
    about = subjects[journal]
    made: dict[str, bytes] = {}
    why = about.message if isinstance(about, EngineError) else ""
    if isinstance(about, Subject):
        among = {each.partition("/")[2] for each in subjects}
        for report in reports(app, about, (), among=among, at=datetime.fromisoformat(at)):
            for form in FORMS:
                text = render(report, form, app.redactor.text)
                made[file_name(report, form)] = text.encode("utf-8", "backslashreplace")
    store = app.journals()[kind]
    blobs = Blobs(store.folder(name) / "blobs")
    return export.exported(journal, store.raw(name), blobs, app.redactor, made, why, carried=carried)


def installation_key(app: App) -> SigningKey:
    """The key that this installation signs with; made when it is first asked for. Raises JournalError."""
    return signing_key(app.settings.state / SIGNING_KEY)


def chain_keys(app: App, names: Sequence[str]) -> list[ChainKey]:
    """The keys with which bundles of these journals are verified: secret. Raises NotFound, JournalError."""
    stores = app.journals()
    found = []
    for journal in chosen(app, names):
        kind, _, name = journal.partition("/")
        found.append(export.chain_key(journal, stores[kind].raw(name)))
    return found


def check(file: Path, keys: Sequence[Path], head: str = "") -> Verdict:
    """Whether a bundle holds. It needs nothing but the file and the keys. Raises UsageError, JournalError."""
    ring = key_ring(keys)
    try:
        with file.open("rb") as source:
            return verify(source, ring, head)
    except OSError as error:
        raise JournalError(
            f"{file} cannot be read: {error.strerror}", advice="name the file that `runbook evidence export` has made"
        ) from error


def write_key(out: Path, text: str) -> None:
    """A key in a file that only its owner reads. Raises UsageError, JournalError."""
    try:
        with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as handle:
            handle.write(text)
    except FileExistsError as error:
        raise UsageError(f"{out} is there already", advice="name another file: a key is not overwritten") from error
    except OSError as error:
        raise JournalError(f"the key cannot be written to {out}: {error.strerror}") from error
