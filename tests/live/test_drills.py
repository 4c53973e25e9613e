"""Drills as they are typed, on lab hosts: what is broken, heard, scored, and left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_hosts import RUNBOOK
from sinks import smtp

from playbook_engine.journal.files import FileStore, Journal
from playbook_engine.journal.redaction import Redactor
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.prerequisites import require
from playbook_engine.model.events import DrillAborted, DrillScored, FaultCleared, FaultInjected

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

RUNBOOK_TEXT = """\
name: mend
title: Mend the file
severity: P1
owner: sre
steps:
  - name: write it
    copy: {content: "new\\n", dest: /etc/app.conf}
  - name: wait
    command: sleep {{ seconds }}
    changed_when: false
  - name: look
    command: test ! -e /etc/broken
    changed_when: false
params:
  seconds: {type: int, default: 0}
"""

POLICY = """\
name: team
contacts:
  - {{id: ana, name: Ana Field, channels: [{{email: ana@ops.test}}, {{file: /nowhere}}]}}
  - {{id: bo, name: Bo Marsh, channels: [{{email: bo@ops.test}}, {{file: /nowhere}}]}}
levels:
  - {{name: first, notify: [{{contact: ana}}], ack_timeout: 5m}}
  - {{name: second, notify: [{{contact: bo}}], ack_timeout: 5m}}
senders: {{email: {{host: 127.0.0.1, port: {port}, from: runbook@ops.test}}}}
"""

HEALS = """\
name: heals
title: The file is old
runbook: mend
hosts:
  - {name: db1, size: 32MiB, files: {/etc/app.conf: "old\\n", /etc/other: "same\\n"}}
expect:
  exit_code: 0
  status: changed
  changed: [write it]
  same: [/etc/other]
  notified: []
targets: {mitigated: 60s}
"""

FAILS = """\
name: fails
title: Somebody has broken it while it was mended
runbook: mend
hosts:
  - {name: db1, size: 32MiB, files: {/etc/app.conf: "old\\n", /etc/broken.not: "x"}}
faults:
  - {fault: corrupt-file, path: /etc/broken.not}
  - {fault: fill-inodes, at_step: look}
params: {seconds: %d}
expect:
  exit_code: 0
  status: %s
  undone: []
"""

ROLLS_BACK = """\
name: rolls-back
title: It is broken, and everything is taken back
runbook: mend
hosts:
  - name: db1
    size: 32MiB
    files: {/etc/app.conf: "old\\n"}
    prepare: touch /etc/broken
escalation: team
respond: [{level: second, by: bo, after: 30s}]
expect:
  status: rolled_back
  failed_on: look
  undone: [write it]
  same: [/etc/app.conf]
  notified:
    - {level: first, within: 3m}
    - {level: second, within: 9m}
targets: {rolled_back: 60s, communicated: 60s, acknowledged: 120s}
"""


class Range:
    """A folder with a runbook, its drills and a policy; the commands as they are typed."""

    def __init__(self, here: Path, port: int) -> None:
        self.here = here
        self.state = here / "state"
        (here / "runbooks" / "drills").mkdir(parents=True)
        (here / "escalation").mkdir()
        (here / "runbooks" / "mend.yml").write_text(RUNBOOK_TEXT)
        (here / "escalation" / "team.yml").write_text(POLICY.format(port=port))
        self.env = {**os.environ, "RUNBOOK_STATE": str(self.state), "NO_COLOR": "1"}

    def scenario(self, text: str) -> str:
        name = text.split("\n", 1)[0].removeprefix("name: ")
        (self.here / "runbooks" / "drills" / f"{name}.yml").write_text(text)
        return name

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(RUNBOOK), *words], env=self.env, cwd=self.here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True,
            # A shell starts what is in the background with SIGINT ignored, also the whole of these tests.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip

    def __call__(self, *words: str) -> tuple[int, str]:
        with self.start(*words) as child:
            out, _ = child.communicate(timeout=120)
        return child.returncode, out

    def journal(self) -> Journal:
        from playbook_engine.app.clock import SystemClock

        store = FileStore(self.state, SystemClock(), Redactor(), "drills")
        return store.read(store.runs()[-1])

    def links(self) -> list[str]:
        """Network links of lab hosts of this folder's drills that are still there."""
        return [str(p) for p in self.state.glob("drills/*/lab/hosts/*")]


@pytest.fixture
def drills(tmp_path: Path) -> Iterator[Range]:
    try:
        require()
    except LabError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    with smtp() as (box, port):
        made = Range(tmp_path, port)
        made.mails = box.mails  # type: ignore[attr-defined]
        yield made
        made("drill", "clean")


def test_a_drill_that_heals_passes_and_leaves_nothing(drills: Range) -> None:
    name = drills.scenario(HEALS)
    code, out = drills("drill", name, "--junit", "junit.xml")
    assert code == 0, out
    assert "PASSED · The file is old · 5 of 5 expectations met, 1 of 1 target reached" in out
    assert all(line.startswith("DRILL  ") for line in out.splitlines()), out
    assert ET.parse(drills.here / "junit.xml").getroot()[0].get("failures") == "0"
    assert drills.links() == []
    assert drills("lint", "--max-age", "1h", "mend")[0] == 0
    code, out = drills("history")
    assert "DRILL Mend the file" in out
    code, out = drills("show", "last")
    assert "DRILL Mend the file" in out


def test_what_was_never_drilled_changed_or_too_old_fails_lint(drills: Range) -> None:
    assert "mend has never been drilled" in drills("lint", "--max-age", "1h", "mend")[1]
    drills("drill", drills.scenario(HEALS))
    assert "mend was last drilled" in drills("lint", "--max-age", "0.001s", "mend")[1]
    path = drills.here / "runbooks" / "mend.yml"
    path.write_text(path.read_text() + "# another\n")
    code, out = drills("lint", "--max-age", "1h", "mend")
    assert (code, "mend was changed since it was drilled" in out) == (5, True)
    assert drills("lint", "mend")[0] == 0


def test_an_expectation_that_is_not_met_fails_the_drill(drills: Range) -> None:
    code, out = drills("drill", drills.scenario(HEALS.replace("status: changed", "status: ok")), "--junit", "junit.xml")
    assert code == 2
    assert "NOT MET db1 ends: ok: changed, wanted ok" in out
    assert ET.parse(drills.here / "junit.xml").getroot()[0].get("failures") == "1"
    assert "has never been drilled" in drills("lint", "--max-age", "1h", "mend")[1], "only one that passed counts"


def test_rollback_and_escalation_are_drilled_and_no_message_leaves(drills: Range) -> None:
    code, out = drills("drill", drills.scenario(ROLLS_BACK))
    assert code == 0, out
    assert "levels told: first and second" in out
    letters = sorted(drills.state.glob("drills/*/outbox/*/*/*.txt"))
    assert {p.parts[-3] for p in letters} == {"ana", "bo"}
    for letter in letters:
        text = letter.read_text()
        assert text.startswith("Subject: [DRILL] [P1] ") and text.count("*** DRILL ***") >= 2, text
    assert drills.mails == []  # type: ignore[attr-defined]
    assert "DRILL" in drills("escalations", "--all")[1]


def test_real_people_are_paged_only_when_that_is_said(drills: Range) -> None:
    out = drills("drill", drills.scenario(ROLLS_BACK), "--page-for-real")[1]
    mails = drills.mails  # type: ignore[attr-defined]
    assert mails, out
    assert all(str(m["Subject"]).startswith("[DRILL] ") and m["X-Runbook-Drill"] for m in mails)


def read(path: Path) -> bytes:
    """The command line of a process of `runbook`; empty for any other, and for one that has gone."""
    try:
        said = path.read_bytes()
    except OSError:
        return b""
    return said if b"playbook_engine.cli.main\0run" in said else b""


def waiting(drills: Range, seconds: float = 60) -> None:
    """Until the run of a drill is in its waiting step."""
    until = time.monotonic() + seconds
    while not any(b'"name":"wait"' in p.read_bytes() for p in drills.state.glob("runs/*/journal")):
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_drill_that_is_killed_is_put_right_by_clean(drills: Range) -> None:
    name = drills.scenario(FAILS % (60, "changed"))
    child = drills.start("drill", name)
    waiting(drills)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert drills.links(), "the host that was broken is still there"
    until = time.monotonic() + 10
    while ours := [p for p in Path("/proc").glob("[0-9]*/cmdline") if str(drills.state).encode() in read(p)]:
        assert time.monotonic() < until, f"the drill's run goes on: {[read(p) for p in ours]}"
        time.sleep(0.1)
    code, out = drills("drill", "clean")
    assert code == 0 and "corrupt-file put right" in out, out
    assert drills.links() == []
    events = [r.event for r in drills.journal().records]
    assert [e.fault for e in events if isinstance(e, FaultInjected)] == ["corrupt-file"]
    assert [e.fault for e in events if isinstance(e, FaultCleared)] == ["corrupt-file"]
    assert any(isinstance(e, DrillAborted) for e in events) and drills.journal().closed
    assert "there was nothing to put right" in drills("drill", "clean")[1]


def test_an_interrupted_drill_puts_everything_right_itself(drills: Range) -> None:
    name = drills.scenario(FAILS % (60, "changed"))
    child = drills.start("drill", name)
    waiting(drills)
    os.kill(child.pid, signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 2 and "ABORTED: interrupted by the operator" in out, out
    assert drills.links() == []
    events = [r.event for r in drills.journal().records]
    assert [e.passed for e in events if isinstance(e, DrillScored)] == [False]


def test_a_fault_that_could_not_be_put_there_fails_the_drill(drills: Range) -> None:
    text = HEALS + "faults: [{fault: corrupt-file, path: /etc/nothing-there, at_step: look}]\n"
    code, out = drills("drill", drills.scenario(text))
    assert code == 2, out
    assert "NOT MET every fault is there: db1 has no file /etc/nothing-there" in out
    assert "there was nothing to put right" in drills("drill", "clean")[1]


def test_a_drill_aborts_by_its_own_condition(drills: Range) -> None:
    text = FAILS % (60, "changed") + "abort_when: {command: grep -q new /etc/app.conf}\n"
    code, out = drills("drill", drills.scenario(text))
    assert code == 2 and "ABORTED: on db1: grep -q new /etc/app.conf" in out, out
    assert drills.links() == []


def test_the_controller_is_killed_at_a_step_and_the_run_is_resumed(drills: Range) -> None:
    text = HEALS.replace("name: heals", "name: resumes").replace("  notified: []", "  resumed: true")
    text += "faults: [{fault: kill-controller, at_step: look}]\n"
    code, out = drills("drill", drills.scenario(text))
    assert code == 0, out
    assert "the controller was killed; somebody resumes the run" in out and "met     resumed" in out


def test_a_breakage_that_no_drill_notices_is_listed(drills: Range) -> None:
    drills.scenario(HEALS)
    code, out = drills("drill", "mutate", "mend")
    assert code == 2
    assert "0 of 1 breakage noticed (0 %)" in out and "OVERLOOKED rollback “write it”" in out
    unheard = ROLLS_BACK[: ROLLS_BACK.index("  notified")].replace(
        "respond: [{level: second, by: bo, after: 30s}]\n", ""
    )
    drills.scenario(unheard)
    code, out = drills("drill", "mutate", "mend")
    assert code == 0, out
    assert "1 of 1 breakage noticed (100 %)" in out and "by rolls-back" in out
