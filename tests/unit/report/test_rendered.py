"""What a report looks like as a document: one file, every status with its record, and a host's words only words."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from incident_samples import Desk, story
from report_recorder import Recorder
from report_samples import RUNBOOK, failed_run

from playbook_engine.app.incidents import report_of
from playbook_engine.model.events import (
    ChangeIntended,
    HostFinished,
    HostUnreachable,
    RollbackStarted,
    RollbackVerified,
    StepStarted,
    StepUndone,
)
from playbook_engine.report.audit import audit
from playbook_engine.report.escalation import escalation
from playbook_engine.report.render import Report, render
from playbook_engine.report.run import run_report

HOSTILE = "<script>alert(1)</script> {{ 1787*1789 }} \x1b[2J \udcff \u202egnp.exe | `x` ](javascript:1) </style> &lt;"


def all_of_them(recorder: Recorder, text: str = "it did not start") -> list[Report]:
    subject = recorder.subject(failed_run(recorder, text))
    now = recorder.clock.now
    desk = Desk(recorder)
    incident = report_of(desk.app, story(desk, text, alert=text))
    return [audit(subject, now), run_report(subject, now), escalation(subject, now), incident]


class Document(HTMLParser):
    """The elements, ids and links of an HTML page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, k, v or "") for k, v in attrs]
        self.ids += [v or "" for k, v in attrs if k == "id"]
        self.links += [v or "" for k, v in attrs if k == "href"]


def test_every_link_leads_to_a_record_in_the_same_document(recorder: Recorder) -> None:
    for report in all_of_them(recorder):
        page = Document(render(report, "html"))
        assert len(page.ids) == len(set(page.ids))
        assert len(page.links) > 5
        assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
        text = render(report, "md")
        anchors = set(re.findall(r'<a id="([^"]+)">', text))
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


def test_a_page_is_one_file(recorder: Recorder) -> None:
    for report in all_of_them(recorder):
        text = render(report, "html")
        page = Document(text)
        assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & set(page.tags)
        assert not [a for a in page.attributes if a[1] in ("src", "srcset", "action") or a[1].startswith("on")]
        assert not re.search(r"url\(|@import|https?://", text)
        assert "default-src 'none'" in text
        assert "prefers-color-scheme: dark" in text
        assert "@media print" in text


def test_a_hosts_words_are_only_words(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "tame").mkdir()
    harmless = all_of_them(Recorder(tmp_path / "tame"), "fine; (or so) it is said")
    tame = {type(r): Document(render(r, "html")).tags for r in harmless}
    for report in all_of_them(recorder, HOSTILE):
        page = render(report, "html")
        # Not one element more than with harmless words.
        assert sorted(Document(page).tags) == sorted(tame[type(report)])
        for form in ("html", "md", "json"):
            text = render(report, form)
            assert "\x1b" not in text
            assert "\u202e" not in text
            assert "3196943" not in text
            assert "{{ 1787*1789 }}" in text.replace("\\", "")
            text.encode()
        assert "\\x1b" in page
        assert "\\xff" in page
        assert "\\u202e" in page


def test_markdown_does_not_become_markup(recorder: Recorder) -> None:
    for report in all_of_them(recorder, HOSTILE):
        outside = re.sub(r"(?ms)^(`{3,}).*?^\1$", "", render(report, "md"))
        outside = re.sub(r"(`+)(?:(?!\1).)+\1", "", outside)
        assert "<script" not in outside.replace("\\<script", "")
        # Every row of a table has as many cells as its header.
        for block in re.findall(r"(?m)(?:^\|.*\|$\n?)+", outside):
            counts = {len(re.findall(r"(?<!\\)\|", line)) for line in block.strip().splitlines()}
            assert len(counts) == 1, block


def test_json_is_json_and_says_its_version(recorder: Recorder) -> None:
    for report in all_of_them(recorder, HOSTILE):
        data = json.loads(render(report, "json"))
        assert re.fullmatch(r"playbook-engine/(audit|run|escalation|post-incident)-report/1", data["schema"])
        assert data["meta"]["run"]
        assert data["evidence"]


def test_every_status_of_a_criterion_links_to_its_record(recorder: Recorder) -> None:
    subject = recorder.subject(failed_run(recorder))
    report = audit(subject, recorder.clock.now)
    text = render(report, "html")
    for each in report.criteria:
        assert f'<a class="st {str(each.status).replace(" ", "-")}" href="#{each.evidence}">' in text
    by_id = {e.id: e for e in report.evidence}
    for each in report.criteria:
        entry = by_id[each.evidence]
        assert (entry.host, entry.at, entry.expect) == (each.host, each.at, each.expect)


@pytest.mark.parametrize("where", ["middle", "tail", "closing"])
def test_damage_of_the_journal_is_shown_by_every_report(recorder: Recorder, where: str) -> None:
    run = failed_run(recorder)
    path = recorder.store.folder(run) / "journal"
    lines = path.read_bytes().splitlines(keepends=True)
    if where == "middle":
        lines[10] = lines[10].replace(b'"e"', b'"f"')
    elif where == "tail":
        lines[-1] = lines[-1][:40]
    else:
        lines = lines[:-1]
    path.write_bytes(b"".join(lines))
    subject = recorder.subject(run)
    said = {"middle": "record 11 is damaged", "tail": "torn", "closing": "no closing record"}[where]
    for report in (
        audit(subject, recorder.clock.now), run_report(subject, recorder.clock.now),
        escalation(subject, recorder.clock.now),
    ):  # fmt: skip
        assert said in " ".join(report.meta.faults)
        for form in ("html", "md", "json"):
            assert said in render(report, form)
        assert "chain verified" not in render(report, "html")


def test_what_stood_behind_the_damage_is_unknown(recorder: Recorder) -> None:
    run = failed_run(recorder)
    path = recorder.store.folder(run) / "journal"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[5] = b"x" + lines[5]
    path.write_bytes(b"".join(lines))
    report = audit(recorder.subject(run), recorder.clock.now)
    assert report.counts == {"unknown": 2}
    assert "the journal is damaged before the place where it would stand" in report.criteria[0].why


def test_a_dead_run_says_so(recorder: Recorder) -> None:
    with recorder.run(RUNBOOK, kind="run", hosts=("web1.test",), end=None) as journal:
        journal.emit(
            StepStarted(host="web1.test", step="s1", name="step 1", action="copy", scope="main"),
            ChangeIntended(host="web1.test", step="s1", action="copy", name="step 1", reversible="action"),
        )
    subject = recorder.subject(journal.name)
    report = escalation(subject, recorder.clock.now)
    assert report.rule is not None
    assert (report.rule.name, report.severity) == ("run died", "P1")
    assert not report.targets[0].settled
    assert report.targets[0].now == "unknown: step 1 was sent, and nobody heard how it ended"
    assert [c for c in report.unsafe if c.command.startswith("runbook run")]
    assert [c.command for c in report.changing] == [f"runbook resume {journal.name}"]
    assert "the run died" in render(run_report(subject, recorder.clock.now), "html")


@pytest.mark.parametrize(
    ("status", "rule"),
    [
        ("rollback_failed", "rollback failed"), ("failed", "host failed"), ("unknown", "host unknown"),
        ("rolled_back", "host rolled back"), ("aborted", "host aborted"), ("ok", None),
    ],
)  # fmt: skip
def test_the_rule_that_fired(recorder: Recorder, status: str, rule: str | None) -> None:
    with recorder.run(RUNBOOK.replace("P1", "P3"), kind="run", hosts=("web1.test",), end=2) as journal:
        journal.host("web1.test", status, "why it ended so")
    report = escalation(recorder.subject(journal.name), recorder.clock.now)
    assert (report.rule.name if report.rule else None) == rule
    assert report.severity == ("P1" if status == "rollback_failed" else "P3")


def test_an_unreachable_host_is_its_own_class(recorder: Recorder) -> None:
    with recorder.run(RUNBOOK, hosts=("web1.test",), end=4) as journal:
        journal.emit(
            HostUnreachable(host="web1.test", kind="unreachable", message="no route to host"),
            HostFinished(host="web1.test", status="unreachable", message="no route to host"),
        )
    report = recorder.audit(journal.name)
    assert report.counts == {"unknown": 1}
    assert report.criteria[0].why == "no record: the host could not be worked with: no route to host"
    assert report.tasks[0].title == "measure what is not known"
    assert report.tasks[0].command == "runbook audit deploy web1.test"


def test_a_later_rollback_is_part_of_the_report(recorder: Recorder) -> None:
    run = failed_run(recorder)
    with recorder.run(RUNBOOK, kind="rollback", hosts=("web1.test",), end=0, of=run) as back:
        back.emit(
            RollbackStarted(host="web1.test", scope="main", why="by ada", steps=("step 1",)),
            StepUndone(host="web1.test", step="s2", name="step 2", action="copy", outcome="kept", how="irreversible"),
            StepUndone(host="web1.test", step="s1", name="step 1", action="copy", outcome="undone", how="action"),
            RollbackVerified(host="web1.test", scope="main", proved=True, compared=1, kept=("step 2",)),
        )
        back.host("web1.test", "partly_rolled_back")
    report = run_report(recorder.subject(run, [back.name]), recorder.clock.now)
    assert report.hosts[0].now.startswith(f"restored by {back.name} but for what cannot be taken back (step 2)")
    assert {c.fate for c in report.changes} == {"taken back", "kept"}
    assert not report.in_force
    page = Document(render(report, "html"))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)


def test_impact_from_before_a_rollback_says_nothing_of_now(recorder: Recorder) -> None:
    report = escalation(recorder.subject(failed_run(recorder)), recorder.clock.now)
    assert [i.hosts for i in report.impact] == [("web1.test",)]
    assert report.impact_text == "not measured on web2.test"


def test_a_condition_that_did_not_hold_is_not_counted(recorder: Recorder) -> None:
    text = RUNBOOK.replace("service: app,", "service: app, when: ansible_check_mode,")
    with recorder.run(text, hosts=("web1.test",)) as journal:
        journal.host("web1.test")
    report = recorder.audit(journal.name)
    assert report.counts == {"not applicable": 1}
    assert report.total == 0
    # Nothing was measured, and nothing is not green.
    assert report.overall == "unknown"


def test_the_same_records_give_the_same_text(recorder: Recorder) -> None:
    subject = recorder.subject(failed_run(recorder))
    for make in (audit, run_report, escalation):
        for form in ("html", "md", "json"):
            assert render(make(subject, recorder.clock.now), form) == render(make(subject, recorder.clock.now), form)


def test_known_secrets_are_masked_in_the_whole(recorder: Recorder) -> None:
    from playbook_engine.journal.redaction import Redactor

    redactor = Redactor()
    subject = recorder.subject(failed_run(recorder, "password is hunter2hunter2"))
    redactor.add("hunter2hunter2")
    for form in ("html", "md", "json"):
        assert "hunter2" not in render(run_report(subject, recorder.clock.now), form, redactor.text)
