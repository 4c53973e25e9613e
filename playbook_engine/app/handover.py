"""`runbook handover`: a run leaves this state folder as one encrypted file, and comes into another one."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from playbook_engine.app.runs import view_of
from playbook_engine.app.wiring import App
from playbook_engine.journal import bundle
from playbook_engine.journal.blobs import sync_folder
from playbook_engine.journal.bundle import Manifest
from playbook_engine.journal.files import FileStore
from playbook_engine.journal.fold import RunView, fold
from playbook_engine.model.errors import JournalError, UsageError
from playbook_engine.model.events import RunHandedOver
from playbook_engine.model.frozen import frozen

SHORTEST = 8  # characters of a passphrase: it stands between a lost file and every before-image
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is taken for another one when it is read out


@frozen
class HandedOver:
    """What is in a bundle that was made or taken. `here`: it was in the state folder already, and nothing was done."""

    manifest: Manifest
    view: RunView
    here: bool = False


def passphrase() -> str:
    """A new one: 120 bits, in groups that can be read out."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(6))


def give(app: App, run: str, out: Path, secret: str, *, to: str, reason: str, cost: int = bundle.COST) -> HandedOver:
    """Writes the bundle of a run and of the rollbacks of it, and then marks the run as handed over.

    The file is there only when the mark is. Raises UsageError (the run goes on, or has left already; the file is there;
    the passphrase is too short), NotFound, JournalError.
    """
    if len(secret) < SHORTEST:
        raise UsageError(f"the passphrase has fewer than {SHORTEST} characters", advice="several words are better")
    if out.exists():
        raise UsageError(f"{out} is there already", advice="name another file: a bundle is not overwritten")
    runs = [*(row.run for row in app.index.runs() if row.of == run), run]
    for each in runs:
        if app.store.read(each).live:
            raise UsageError(
                f"{each} is still running", advice="interrupt it where it runs (Ctrl-C), then hand it over"
            )
    # From here on the run is ours: nobody resumes it between its last record in the bundle and the mark.
    journal = app.store.resume(run)
    beside = out.with_name(f".{out.name}.{os.getpid()}.new")
    try:
        view = view_of(app, run)
        if view.handed_over is not None:
            raise UsageError(
                f"{run} was handed over to {view.handed_over.to or 'somebody'} already",
                advice="whoever has it can hand it back; `runbook resume --force` goes on with it here all the same",
            )
        manifest = Manifest(
            run=run, files=_files(app.store, runs), by=app.settings.actor, to=to, reason=reason, at=app.clock.utc()
        )
        with _said(
            f"the bundle cannot be written to {out.parent}", "nothing was handed over: free space, or another -o"
        ):
            fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "wb") as handle:
                bundle.pack(handle, app.store.folder(run).parent, manifest, secret, cost=cost)
                handle.flush()
                os.fsync(handle.fileno())
        journal.append(RunHandedOver(to=to, actor=app.settings.actor, reason=reason))
        journal.close()
        with _said(f"the bundle cannot be put at {out}", f"it is whole, and lies at {beside}"):
            os.rename(beside, out)
            sync_folder(out.parent)
    except BaseException:
        journal.abandon()
        if not _marked(app, run):
            beside.unlink(missing_ok=True)
        raise
    return HandedOver(manifest=manifest, view=view)


def _marked(app: App, run: str) -> bool:
    return view_of(app, run).handed_over is not None


def _files(store: FileStore, runs: list[str]) -> tuple[tuple[str, int], ...]:
    """The files of runs with their sizes, each run's journal last: it refers to the others."""
    found: list[tuple[str, int]] = []
    for run in runs:
        folder = store.folder(run)
        names = [
            "key",
            *sorted(f"blobs/{p.name}" for p in (folder / "blobs").glob("*") if "." not in p.name),
            "journal",
        ]
        found += [(f"{run}/{name}", (folder / name).stat().st_size) for name in names]
    return tuple(found)


def take(app: App, file: Path, secret: str) -> HandedOver:
    """Brings the runs of a bundle into the state folder: all of them, or none.

    Nothing is written before the whole bundle is verified. A run that is here already is replaced only where it is the
    one that was handed over from here and is now handed back. Raises UsageError (another run of this id is here),
    JournalError.
    """
    with _said(f"{file} cannot be read", "name the file that `runbook handover RUN -o FILE` has made"):
        source = file.open("rb")
    with source:
        with _said(f"{file} cannot be read", "is its disk still there?"):
            manifest = bundle.unpack(source, secret, None)
        root = app.store.folder(manifest.run).parent
        with _said(f"the run cannot be written to {root}", "nothing was taken: free space, or set RUNBOOK_STATE"):
            source.seek(0)
            return _taken(app, source, secret, root)


def _taken(app: App, source: BinaryIO, secret: str, root: Path) -> HandedOver:
    """A bundle that was verified, unpacked beside the runs and then moved among them. Raises OSError."""
    staging = root / f".taking.{os.getpid()}.{secrets.token_hex(4)}"
    for each in (root.parent, root, staging):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        manifest = bundle.unpack(source, secret, staging / "runs")
        view = _verified(app, staging, manifest)
        new = [run for run in manifest.runs if not _same(app.store.folder(run), staging / "runs" / run)]
        for run in new:
            _replaceable(app, run, staging / "runs" / run)
        _move(root, staging, new)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return HandedOver(manifest=manifest, view=view, here=not new)


def _verified(app: App, staging: Path, manifest: Manifest) -> RunView:
    """The view of the run that was staged. Raises JournalError when a journal in the bundle is not whole."""
    store = FileStore(staging, app.clock, app.redactor)
    for run in manifest.runs:  # the last is the one that the bundle is about
        journal = store.read(run)
        view = fold(run, journal.records)
        if view is None or view.started.run != run or (journal.damage and "torn" not in journal.damage):
            raise JournalError(
                f"the bundle holds a journal of {run} that is not whole: {journal.damage or 'it is another run'}",
                advice="nothing was taken. `runbook show` says on the other machine what is wrong with it",
            )
    assert view is not None
    return view


def _same(one: Path, other: Path) -> bool:
    """Whether two folders of a run hold the same journal, with the same key."""
    names = ("journal", "key")
    return one.exists() and all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def _replaceable(app: App, run: str, coming: Path) -> None:
    """Raises UsageError when a run that is here has records that the one that comes does not have."""
    here = app.store.folder(run)
    if not here.exists():
        return
    journal, data = app.store.read(run), (here / "journal").read_bytes()
    mark = next((n for n, r in enumerate(journal.records) if isinstance(r.event, RunHandedOver)), None)
    lines = data.splitlines(keepends=True)
    known = b"".join(lines[:mark]) if mark is not None and len(lines) <= mark + 2 else None
    if journal.live or known is None or not (coming / "journal").read_bytes().startswith(known):
        raise UsageError(
            f"{run} is here already, and not as it is in the bundle: nothing was taken",
            advice=f"`runbook show {run}` shows the one that is here. To have both, point RUNBOOK_STATE elsewhere",
        )


def _move(root: Path, staging: Path, runs: list[str]) -> None:
    """Puts all of the staged runs in their places, the run that the bundle is about last; or none of them."""
    done: list[tuple[Path, Path]] = []
    try:
        for run in runs:
            place = root / run
            if place.exists():
                done.append(_renamed(place, staging / f"before.{run}"))
            done.append(_renamed(staging / "runs" / run, place))
        sync_folder(root)
    except BaseException:
        for was, now in reversed(done):
            os.rename(now, was)
        raise


def _renamed(was: Path, now: Path) -> tuple[Path, Path]:
    os.rename(was, now)
    return was, now


@contextlib.contextmanager
def _said(what: str, advice: str) -> Iterator[None]:
    """An OSError in words."""
    try:
        yield
    except OSError as error:
        raise JournalError(f"{what}: {error.strerror}", advice=advice) from error
