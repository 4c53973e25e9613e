"""`runbook incident` and its document as they are typed, on this machine over the local connection."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from unit.cli.test_reports import code, typed

from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.model.errors import LoadError, LoadErrors, NotFound, UsageError
from playbook_engine.model.events import IncidentAttached
from playbook_engine.report.blanks import QUESTIONS

REPAIR = """
name: repair
title: Write the marker
severity: P1
owner: sre
services: [page]
steps:
  - name: the marker
    copy: {{content: wanted, dest: "{0}/marker"}}
  - name: it is read
    command: "cat {0}/other"
    changed_when: "false"
    checks:
      - {{name: the other is there, stat: {{path: "{0}/other"}}, expect: result.stat.exists, service: page}}
checks:
  - {{name: the page is there, stat: {{path: "{0}/page"}}, expect: result.stat.exists, service: page}}
"""


WAIT = ("--wait", "60s")
"""This machine is one host for all tests, and one run at a time changes it."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where the repair fails, as a file is missing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("RUNBOOK_ACTOR", "ada@ops.test")
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "repair.yml").write_text(REPAIR.format(tmp_path))
    (tmp_path / "hosts.ini").write_text("here.test ansible_connection=local\n")
    return tmp_path


def app(here: Path) -> App:
    return App(Settings.of({"RUNBOOK_STATE": str(here / "state"), "RUNBOOK_ACTOR": "ada@ops.test"}))


@pytest.fixture
def failed(here: Path) -> Path:
    assert code(typed("run", "repair", "here.test", "-i", "hosts.ini", "-y", *WAIT)) == 2
    return here


def document(here: Path, *options: str, form: str = "md") -> str:
    typed("report", "last", "--template", "post-incident", "--format", form, "-o", "out", *options)
    return (here / "out" / f"post-incident.{form}").read_text()


def left(output: str) -> set[str]:
    """The ids that lint lists for an incident."""
    return {line.split()[0] for line in output.splitlines()[:-1]}


def test_a_failed_run_becomes_a_document_without_typing_anything(failed: Path) -> None:
    opened = typed("incident", "open", "--run", "last")
    assert code(opened) == 0
    (name,) = app(failed).incidents.runs()
    assert name.startswith("inc-")
    assert f"{name} is open" in opened.output
    text = document(failed)
    assert text.startswith("# Write the marker: post-incident document")
    assert "| Severity | P1: that of R1 |" in text
    assert "**Owner.** sre, the owner of the runbook ([R1-1](#R1-1))" in text
    assert "repair: it is read" in text
    assert "do again, or drop: the marker" in text
    data = json.loads(document(failed, form="json"))
    assert data["schema"] == "playbook-engine/post-incident-report/1"
    assert {i["kind"] for i in data["items"]} == {"step", "undone"}


def test_lint_lists_exactly_the_blanks_of_the_document(failed: Path) -> None:
    typed("incident", "open", "--run", "last")
    said = typed("incident", "lint", "last")
    assert code(said) == 2
    blanks = left(said.output)
    assert {str(kind) for kind in QUESTIONS} - {"owner"} <= blanks
    assert {b.partition("-")[2] for b in blanks if "-" in b} == {"owner", "due"}
    for form in ("md", "html"):
        marked = set(re.findall(r"▢ to be judged: [^▢\n]*?\(([a-z0-9-]+)\)", document(failed, form=form)))
        assert marked == blanks
        from_file = typed("incident", "lint", f"out/post-incident.{form}")
        assert code(from_file) == 2
        assert {line.split(":")[2].strip() for line in from_file.output.splitlines()[:-1]} == blanks
    assert said.output.splitlines()[-1] == f"{len(blanks)} blanks left"
    # Whoever fills one in the file, fills one.
    path = failed / "out" / "post-incident.md"
    path.write_text(path.read_text().replace("▢ to be judged: root cause (cause)", "the other file was never made"))
    after = typed("incident", "lint", str(path)).output
    assert after.splitlines()[-1] == f"{len(blanks) - 1} blanks left"
    assert " cause:" not in after


def test_every_command_that_fills_a_blank_fills_it(failed: Path) -> None:
    """Each is typed as lint gives it; then nothing is left, and the incident is closed."""
    import shlex

    typed("incident", "open", "--run", "last")
    with pytest.raises(UsageError, match="blanks are left"):
        typed("incident", "close", "last")
    lines = typed("incident", "lint", "last").output.splitlines()[:-1]
    for n, line in enumerate(lines, 1):
        words = shlex.split(line[line.index("runbook incident") :])
        given = "2026-01-31" if "--due" in words else "told"
        assert code(typed(*words[1:-1], given)) == 0
        rest = typed("incident", "lint", "last")
        assert len(rest.output.splitlines()[:-1]) == len(lines) - n
    assert code(rest) == 0
    assert rest.output == "nothing is left to be judged\n"
    assert "| Status | reviewed |" in document(failed)
    assert code(typed("incident", "close", "last")) == 0
    assert "| Status | final |" in document(failed)
    with pytest.raises(UsageError, match="was closed"):
        typed("incident", "close", "last")


def test_closing_with_blanks_wants_force_and_a_reason(failed: Path) -> None:
    typed("incident", "open", "--run", "last")
    with pytest.raises(UsageError, match="wants a reason"):
        typed("incident", "close", "last", "--force")
    assert code(typed("incident", "close", "last", "--force", "--reason", "nobody was harmed")) == 0
    text = document(failed)
    assert "by ada@ops.test: nobody was harmed" in text
    assert "| resolved | " in text
    assert "| Status | draft, " in text


def test_a_closing_probe_closes_its_item_and_only_when_it_holds(failed: Path) -> None:
    typed("incident", "open", "--run", "last")
    refused = typed("incident", "verify", "last")
    assert code(refused) == 2
    before = json.loads(document(failed, form="json"))
    step = next(i for i in before["items"] if i["kind"] == "step")
    assert (step["status"], step["status_why"]) == ("open", "its closing probe: not met")
    assert step["probe"]["basis"] == "the step's checks"
    typed("incident", "item", "last", step["id"], "--done", "--reason", "it looks well")
    assert "it stays open" in typed("incident", "item", "last", step["id"], "--done").output
    (failed / "other").write_text("x")
    (failed / "page").write_text("x")
    assert code(typed("incident", "verify", "last")) == 0
    after = json.loads(document(failed, form="json"))
    assert {i["status"] for i in after["items"]} == {"verified"}
    page = next(i for i in after["items"] if i["id"] == step["id"])
    known = {e["id"]: e for e in after["evidence"]}
    assert all(known[e]["outcome"] == "met" for e in page["verification"]["evidence"])
    # What verified them are runs like any other, and part of the incident.
    runs = [r for r in app(failed).index.runs() if r.kind == "audit"]
    assert len(runs) == 2
    assert {r.run for r in runs} <= {r["meta"]["run"] for r in after["runs"]}
    assert not (failed / "marker").exists(), "nothing was done but asking"
    with pytest.raises(UsageError, match="no open action item"):
        typed("incident", "verify", "last")


def test_what_belongs_to_it_is_found(failed: Path) -> None:
    (failed / "other").write_text("x")
    (failed / "page").write_text("x")
    said = typed("run", "repair", "here.test", "-i", "hosts.ini", "-y", *WAIT)
    assert code(said) == 0, said.output
    assert code(typed("rollback", "last", *WAIT)) == 0
    assert code(typed("audit", "repair", "here.test", "-i", "hosts.ini")) == 0
    typed("run", "repair", "here.test", "-i", "hosts.ini", "-y", "--check", *WAIT)
    (failed / "hosts.ini").write_text("here.test ansible_connection=local\nother.test ansible_connection=local\n")
    typed("exec", "other.test", "-i", "hosts.ini", "-m", "command", "-a", "true", *WAIT)
    store = app(failed)
    first, second, back, audit, _check, _other = store.store.runs()
    typed("incident", "open", "--run", first)
    records = store.incidents.read(store.incidents.runs()[0]).records
    found = {e.of: e.why for r in records if isinstance(e := r.event, IncidentAttached)}
    assert list(found) == [first, second, back, audit]
    assert found[back] == f"took {second} back"
    assert found[audit] == "an audit since"
    assert typed("incident", "attach", "last").output.endswith("nothing that is not in it already\n")


def test_files_of_lines_are_taken_whole_or_not_at_all(failed: Path) -> None:
    typed("incident", "open", "--run", "last")
    good = '{"at": "2026-01-02T03:04:05Z", "source": "slack", "actor": "grace", "text": "I am on it now"}\n'
    (failed / "chat.jsonl").write_text(good + "not json\n" + good + '{"at": "now", "source": "x", "text": "y"}\n')
    with pytest.raises(LoadErrors) as caught:
        typed("incident", "attach", "last", "chat.jsonl")
    assert [str(e.where) for e in caught.value.errors] == ["chat.jsonl:2:1", "chat.jsonl:4:1"]
    assert "I am on it now" not in document(failed)
    (failed / "chat.jsonl").write_text(good)
    assert "1 lines of chat.jsonl" in typed("incident", "attach", "last", "chat.jsonl").output
    text = document(failed)
    assert "*said* chat<br>I am on it now" in text
    assert "slack, chat.jsonl:1" in text
    with pytest.raises(NotFound):
        typed("incident", "attach", "last", "no-such-thing")


def test_a_note_can_be_one_of_the_times(failed: Path) -> None:
    typed("incident", "open", "--run", "last")
    typed("incident", "note", "last", "I took it", "--milestone", "acknowledged", "--at", "2026-01-02T03:04:05+01:00")
    assert "| acknowledged | 2026-01-02 02:04:05Z | note by ada@ops.test (said) " in document(failed)
    with pytest.raises(UsageError, match="no time"):
        typed("incident", "note", "last", "x", "--at", "yesterday")


def test_an_incident_needs_no_run(here: Path) -> None:
    with pytest.raises(UsageError, match="of what"):
        typed("incident", "open")
    typed("incident", "open", "The coffee is out", "--severity", "P3")
    text = document(here)
    assert "# The coffee is out: post-incident document" in text
    assert "No record says that anything was wrong." in text
    assert "Not measured: no record of a criterion" in text
    assert "| started | not recorded: no record says that anything was wrong |" in text


def test_lists_and_errors(failed: Path) -> None:
    assert "there are no incidents yet" in typed("incident", "list").output
    with pytest.raises(NotFound, match="no incident"):
        typed("incident", "show")
    typed("incident", "open", "--run", "last", "--severity", "P0")
    name = app(failed).incidents.runs()[0]
    assert name in typed("incident", "list").output
    shown = typed("incident", "show").output
    assert "P0 · Write the marker" in shown
    assert "repair: it is read" in shown
    with pytest.raises(NotFound, match="no action item"):
        typed("incident", "item", "last", "zzzzz", "--owner", "ada")
    with pytest.raises(UsageError, match="is no day"):
        typed("incident", "item", "last", "zzzzz", "--due", "soon")
    with pytest.raises(UsageError, match="names are left out"):
        typed("report", app(failed).store.runs()[-1], "--roles-only")
    (failed / "x.md").write_bytes(b"\xff\xfe")
    with pytest.raises(LoadError, match="cannot be read"):
        typed("incident", "lint", "x.md")


def test_pdf_is_an_extra(failed: Path) -> None:
    typed("incident", "open", "--run", "last")
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        with pytest.raises(UsageError, match="makes PDF") as caught:
            typed("report", "last", "--template", "post-incident", "--format", "pdf", "-o", "out")
        assert "playbook-engine[pdf]" in (caught.value.advice or "")
    else:
        typed("report", "last", "--template", "post-incident", "--format", "pdf", "-o", "out")
        assert (failed / "out" / "post-incident.pdf").read_bytes().startswith(b"%PDF")
