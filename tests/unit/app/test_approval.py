"""`runbook approve`: what is shown, who may answer, and that the answer reaches the run that waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from memory_bench import Bench, MemoryApp

from playbook_engine.app.approval import Waiting, give, waiting
from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.model.errors import EngineError, UsageError

BOOK = """\
name: r
title: Fail over
params: {word: {default: hi}, key: {secret: true, default: correct-horse}}
steps:
  - {name: go ahead, approve: {msg: is the standby fenced}, timeout: 20s}
  - {name: after, copy: {content: "{{ word }}", dest: /a}}
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def another(bench: Bench, actor: str) -> App:
    """The application of another person who shares the state folder."""
    app = MemoryApp(bench.folder / "state", [])
    app.settings = Settings.of({"RUNBOOK_STATE": str(bench.folder / "state"), "RUNBOOK_ACTOR": actor})
    return app


def meanwhile(bench: Bench, actor: str, answer: Callable[[App, Waiting], None]) -> tuple[threading.Thread, list[str]]:
    """Somebody who answers as soon as the run asks; what was shown, after what was said while there was nothing."""
    said: list[str] = []

    def work() -> None:
        app = another(bench, actor)
        for _ in range(100):
            try:
                asked = waiting(app, app.store.runs()[-1])
            except (IndexError, EngineError) as error:
                said.append(str(error))
                time.sleep(0.05)
                continue
            said.extend(asked.lines())
            answer(app, asked)
            return

    thread = threading.Thread(target=work)
    thread.start()
    return thread, said


def test_a_yes_lets_the_run_go_on(bench: Bench) -> None:
    host = bench.host()
    thread, shown = meanwhile(bench, "bob@x.test", lambda app, asked: give(app, asked, yes=True, reason="fenced"))
    done = bench.run(BOOK, word="ho")
    thread.join()
    assert (done.statuses, host.files) == ({"h1": "changed"}, {"/a": b"ho"})
    assert any(line.endswith("Fail over · started by tester") for line in shown)
    assert "  asks: is the standby fenced" in shown
    assert "  word: ho" in shown
    assert not any("correct-horse" in line for line in shown)
    (given,) = done.events("ApprovalGiven")
    assert (given.actor, given.reason) == ("bob@x.test", "fenced")  # type: ignore[attr-defined]


def test_a_no_fails_the_step(bench: Bench) -> None:
    host = bench.host()
    thread, _ = meanwhile(bench, "bob", lambda app, asked: give(app, asked, yes=False, reason="not now"))
    done = bench.run(BOOK)
    thread.join()
    assert (done.statuses, host.files) == ({"h1": "failed"}, {})
    assert "not approved by bob: not now" in done.view.hosts["h1"].finished.message  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="waits for nobody"):
        waiting(another(bench, "carol"), done.end.run)


def test_whoever_started_it_is_told_so(bench: Bench) -> None:
    bench.host()
    thread, said = meanwhile(bench, "tester@elsewhere.test", lambda app, asked: None)
    bench.run(BOOK.replace("20s", "1s"))
    thread.join()
    assert "tester@elsewhere.test cannot answer: whoever started or resumed a run does not approve it" in said
