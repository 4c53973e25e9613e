"""A journal knows its secrets, sealed: whoever reads it later masks them."""

from __future__ import annotations

from pathlib import Path

from playbook_engine.app.clock import SystemClock
from playbook_engine.journal.files import FileStore
from playbook_engine.journal.redaction import STARS, Redactor
from playbook_engine.model.events import FactsObserved, HostConnected


def test_who_reads_a_journal_masks_what_was_secret_when_it_was_written(tmp_path: Path) -> None:
    redactor = Redactor()
    journal = FileStore(tmp_path, SystemClock(), redactor).create("r1")
    journal.append(HostConnected(host="a", address="a", user="u"))
    redactor.add("hush-hush")
    journal.append(FactsObserved(host="a", facts={"x": "hush-hush"}))
    journal.close()
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"hush-hush" not in path.read_bytes()
    later = Redactor()
    records = FileStore(tmp_path, SystemClock(), later).read("r1").records
    assert [type(r.event).__name__ for r in records][:2] == ["HostConnected", "FactsObserved"]
    assert records[1].event == FactsObserved(host="a", facts={"x": "hush-hush"})
    assert later.text("it is hush-hush") == f"it is {STARS}"
