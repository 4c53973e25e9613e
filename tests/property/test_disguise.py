"""A document without names: whoever and whatever is named in the journals, none of it is left, in any form."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from incident_samples import Desk, run_of, story
from report_recorder import Recorder

from playbook_engine.app.incidents import report_of
from playbook_engine.journal.codec import Record
from playbook_engine.model.events import (
    ApprovalGiven,
    DrillNoted,
    EscalationAcknowledged,
    EscalationOpened,
    EscalationProgressed,
    HostConnected,
    HostFinished,
    HostUnreachable,
    IncidentAttached,
    IncidentNoted,
    ItemDecided,
    LevelReached,
    LineImported,
    RunResumed,
    StepFinished,
    StepStarted,
)
from playbook_engine.report.render import render

FEW = settings(max_examples=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
FORMS = ("md", "html", "json")


def syllables(*some: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(some), min_size=2, max_size=4).map("".join)


# Names that are in no word of a template or of the engine, those of hosts in none of a person's.
MACHINE = syllables("zq", "xo", "vy")
HOST = st.builds("{}{}.{}.test".format, MACHINE, st.integers(0, 99), MACHINE)
NAME = syllables("ku", "qe", "wj")
PERSON = st.one_of(
    NAME, NAME.map(str.title), st.builds("{}.{}".format, NAME, NAME), st.builds("{}-{}".format, NAME, NAME),
    st.builds("{} {}".format, NAME.map(str.title), NAME.map(str.title)), st.builds("{}_{}".format, NAME, NAME),
)  # fmt: skip
ADDRESS = st.one_of(
    st.ip_addresses(v=4).map(str).filter(lambda a: not a.startswith(("127.", "0."))),
    st.ip_addresses(v=6).map(str).filter(lambda a: a.count(":") > 3),
)
MESSAGE = st.sampled_from(
    ["{0}", "ask {0}, please", "@{0}: look", "/home/{0}/x.log", "{0}@{1} said no", "<{0}>", "`{0}`|{1}", "{1}:{0}",
     "ssh {0}@{1} -i /keys/{1}", "\x1b[1m{0}\x1b[0m", "{0}'s", '"{0}"', "{1}_backup {0}!", "https://{1}:8080/{0}?q={1}"]
)  # fmt: skip


def everything(desk: Desk, hosts: list[str], people: list[str], address: str, message: str) -> str:
    """An incident in which these names stand wherever one can."""
    one, two = hosts
    ada, grace, linus = people
    text = " · ".join(message.format(p, h) for p, h in zip(people, [one, two, one], strict=True)) + f" from {address}"
    runbook = RUNBOOK.format(host=one, person=linus)
    with desk.recorder.run(
        runbook, kind="run", hosts=hosts, end=2, actor=f"{ada}@{two}", reason=text, owner=linus, escalation=grace,
        command=f"runbook run x {one} -i /srv/{one}/hosts -e who={ada}",
    ) as journal:  # fmt: skip
        for host in hosts:
            journal.emit(
                HostConnected(host=host, address=address, user=ada),
                StepStarted(host=host, step="s1", name=text, action="copy", scope="main", label=host),
                StepFinished(
                    host=host,
                    step="s1",
                    name=text,
                    action="copy",
                    scope="main",
                    outcome="failed",
                    message=text,
                    advice=text,
                    shown={"stdout": text, host: {"who": [ada, text.encode()]}},
                    on=two,
                    where=f"/home/{ada}/{host}/r.yml:3:1",
                ),
                HostUnreachable(host=host, kind="link-lost", message=f"no route to {address}: {text}"),
                ApprovalGiven(host=host, approval="main.s1", step="s1", answer="yes", actor=grace, reason=text),
                HostFinished(host=host, status="failed", message=text, advice=text),
            )
            journal.check(f"{host} answers {ada}", "not_met", host=host, value=text, detail=text, service=host)
        journal.emit(RunResumed(run=journal.name, actor=f"{linus}@{one}", reason=text, hosts=(one,)))
    name = desk.opened(
        run_of(journal.name, text), IncidentAttached(kind="escalation", of="esc-1", why=text),
        IncidentAttached(kind="drill", of="drill-1", why="practice"), title=f"{one} is down, says {ada}",
    )  # fmt: skip
    desk.write("escalations", "esc-1", [
        EscalationOpened(
            escalation="esc-1", policy="p", key=one, run=journal.name, trigger="t", severity="P1", why=text,
            snapshot={"contacts": [{"name": grace, "address": f"{grace}@{two}"}]},
        ),
        LevelReached(level="first", number=1, round=1, contacts=(grace,)),
        EscalationAcknowledged(by=grace, note=text), EscalationProgressed(actor=linus, what=text),
    ])  # fmt: skip
    desk.write("drills", "drill-1", [DrillNoted(actor=linus, role="commander", text=text)])
    items = report_of(desk.app, name).items
    desk.write("incidents", name, [
        LineImported(source="slack", told="2025-08-01T17:00:00Z", speaker=linus, text=text, place=f"/home/{ada}/c:1"),
        LineImported(source="alertmanager", told="2025-08-01T17:00:00Z", text=f"firing: {text}"),
        IncidentNoted(kind="decision", text=text, actor=ada), IncidentNoted(kind="cause", text=text, actor=grace),
        IncidentNoted(kind="reviewers", text=f"{ada}, {grace} and {linus}", actor=ada),
        ItemDecided(item=items[0].id, owner=linus, title=text, ticket=text, actor=ada),
    ])  # fmt: skip
    return name


RUNBOOK = """
name: repair
title: Repair of {host}
description: ask {person}
checks:
  - {{name: it answers, command: "true", expect: result.status == 200, service: app}}
"""


def plain(text: str) -> str:
    """What a reader sees: without the escapes of a form."""
    return re.sub(r"\\(.)", r"\1", text).casefold()


@FEW
@given(st.lists(HOST, min_size=2, max_size=2, unique=True), st.lists(PERSON, min_size=3, max_size=3, unique=True),
       ADDRESS, MESSAGE)  # fmt: skip
def test_no_name_is_left_in_any_form(hosts: list[str], people: list[str], address: str, message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Recorder(Path(folder)))
        name = everything(desk, hosts, people, address, message)
        whole = {form: plain(render(report_of(desk.app, name), form)) for form in FORMS}
        roles = {form: plain(render(report_of(desk.app, name, roles=True), form)) for form in FORMS}
        outside = {form: plain(render(report_of(desk.app, name, external=True), form)) for form in FORMS}
        both = {form: plain(render(report_of(desk.app, name, roles=True, external=True), form)) for form in FORMS}
    machines = [*hosts, *(h.partition(".")[0] for h in hosts), address]
    for form in FORMS:
        for person in people:
            assert person.casefold() in whole[form]
            for part in (person.casefold(), *re.split(r"[ .]", person.casefold())):
                for made in (roles, both):
                    assert not re.search(rf"(?<![^\W_]){re.escape(part)}(?![^\W_])", made[form]), part
        for machine in machines:
            assert machine.casefold() in whole[form]
            for made in (outside, both):
                assert machine.casefold() not in made[form], machine
        for host in hosts:
            assert host.casefold() in roles[form], "people go, hosts stay"


@FEW
@given(st.lists(HOST, min_size=2, max_size=2, unique=True), st.lists(PERSON, min_size=3, max_size=3, unique=True),
       ADDRESS, MESSAGE)  # fmt: skip
def test_everything_else_stays(hosts: list[str], people: list[str], address: str, message: str) -> None:
    """Statuses, times, records and links are the same with names and without."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Recorder(Path(folder)))
        name = everything(desk, hosts, people, address, message)
        whole, made = report_of(desk.app, name), report_of(desk.app, name, roles=True, external=True)
    assert [(t.at, t.evidence) for t in made.times] == [(t.at, t.evidence) for t in whole.times]
    assert [(i.id, i.status, i.evidence) for i in made.items] == [(i.id, i.status, i.evidence) for i in whole.items]
    assert [(e.id, e.outcome) for e in made.evidence] == [(e.id, e.outcome) for e in whole.evidence]
    assert [b.id for b in made.blanks] == [b.id for b in whole.blanks]


def test_the_same_host_is_the_same_number_everywhere(tmp_path: Path) -> None:
    desk = Desk(Recorder(tmp_path))
    said = "WEB2.TEST is down, and web2.test.internal. web1"
    report = report_of(desk.app, story(desk, "web2.test lost web1", alert=said), external=True)
    assert [h.name for h in report.runs[0].ends] == ["host-1", "host-2"]
    assert report.runs[0].ends[1].message == "host-2 lost host-1"
    assert "host-2 is down, and host-2. host-1" in report.detection


def test_roles_are_numbered_and_one_person_is_one(tmp_path: Path) -> None:
    desk = Desk(Recorder(tmp_path))
    report = report_of(desk.app, story(desk), roles=True)
    names = [p.name for p in report.people]
    assert len(set(names)) == len(names) == 2
    assert all(re.fullmatch(r"[a-z-]+-\d+", name) for name in names)
    decided = next(a for a in report.accounts if a.what == "note: decision")
    assert decided.text == f"{names[1]} tries once more"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("at 17:42:47 on 2025-08-01", "at 17:42:47 on 2025-08-01"), ("version 3.11.2", "version 3.11.2"),
        ("127.0.0.1:5000 refused", "127.0.0.1:5000 refused"), ("http://localhost/x", "http://localhost/x"),
        ("to 192.0.2.77:22", "to address-1:22"), ("from 2001:db8::17", "from address-1"),
        ("http://db.internal:80/x", "http://host-3:80/x"), ("mail to x@corp.internal", "mail to x@host-3"),
    ],
)  # fmt: skip
def test_addresses_that_no_inventory_has(tmp_path: Path, text: str, wanted: str) -> None:
    desk = Desk(Recorder(tmp_path))
    name = story(desk)
    desk.write("incidents", name, [IncidentNoted(kind="question", text=text)])
    (found,) = report_of(desk.app, name, external=True).questions
    assert re.sub(r"-\d+", "-N", found.text) == re.sub(r"-\d+", "-N", wanted)
    assert ("-" in found.text) == ("-" in wanted)


def test_names_that_are_words_are_no_names(tmp_path: Path) -> None:
    """`root` and `sre` name nobody; `root@vm.test` is somebody's."""
    desk = Desk(Recorder(tmp_path))
    text = "in /root, the sre of root@vm.test"
    name = desk.opened(title="x")
    desk.write("incidents", name, [IncidentNoted(kind="question", text=text, actor="root@vm.test")])
    desk.write("incidents", name, [IncidentNoted(kind="owner", text="sre", actor="root")])
    (found,) = report_of(desk.app, name, roles=True).questions
    assert found.text == "in /root, the sre of scribe-2"


def test_the_journals_themselves_are_as_they_were(tmp_path: Path) -> None:
    desk = Desk(Recorder(tmp_path))
    name = story(desk)

    def records() -> list[Record]:
        return [
            r
            for kind in ("incidents", "runs")
            for n in desk.store(kind).runs()
            for r in desk.store(kind).read(n).records
        ]

    before = records()
    report_of(desk.app, name, roles=True, external=True)
    assert records() == before
