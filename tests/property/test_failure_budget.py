"""A failure budget holds whatever fails, in whichever order hosts end.

What can be promised exactly: a host holds one of the `forks` slots from its first step to the moment when its end is
counted. When the host ends that exceeds the budget, at most `forks - 1` others hold one; only they can be inside a
step, and nobody begins another. So at most budget + forks hosts end badly after they have begun a step.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from memory_bench import Bench, Result

from playbook_engine.app.clock import SystemClock
from playbook_engine.engine.coordinator import Coordinator
from playbook_engine.engine.limits import Limits
from playbook_engine.model.outcome import HostStatus
from playbook_engine.model.plan import Options

GOOD = (HostStatus.OK, HostStatus.CHANGED, HostStatus.SKIPPED)


@settings(max_examples=300, deadline=None)
@given(
    ends=st.lists(st.sampled_from([s for s in HostStatus if s is not HostStatus.ABORTED]), min_size=1, max_size=20),
    budget=st.integers(0, 6),
    forks=st.integers(1, 5),
    data=st.data(),
)
def test_no_step_begins_behind_an_exceeded_budget(
    ends: list[HostStatus], budget: int, forks: int, data: st.DataObject
) -> None:
    """Hosts take slots, begin steps and end in any order; the coordinator alone, without threads."""
    names = [f"h{n}" for n in range(len(ends))]
    it = Coordinator([names], Limits(failure_budget=budget, max_fail_percentage=100), SystemClock())
    waiting, working = list(zip(names, ends, strict=True)), []
    bad = begun_badly = 0
    while waiting or working:
        start = waiting and len(working) < forks and (not working or data.draw(st.booleans()))
        if start:
            name, end = waiting.pop(0)
            allowed = it.step(name) is None
            assert allowed == (bad <= budget)
            working.append((name, end if allowed else HostStatus.ABORTED))
            begun_badly += allowed and end not in GOOD
        else:
            name, end = working.pop(data.draw(st.integers(0, len(working) - 1)))
            it.finished(name, end)
            bad += end not in (*GOOD, HostStatus.ABORTED)
    assert it.budget_exceeded == (bad > budget)
    assert bad == begun_badly <= budget + forks


@settings(max_examples=25, deadline=None)
@given(
    failing=st.sets(st.integers(0, 11)),
    silent=st.sets(st.integers(0, 11), max_size=2),
    budget=st.integers(0, 4),
    forks=st.integers(1, 6),
    serial=st.sampled_from(["", "serial: 4\n", "serial: [1, 4]\n"]),
)
def test_it_holds_with_real_threads(failing: set[int], silent: set[int], budget: int, forks: int, serial: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for n in range(12):
            host = bench.host(f"h{n}", up=n not in silent)
            host.commands["act"] = (int(n in failing), "")
        text = f"name: r\n{serial}max_fail_percentage: 100\nfailure_budget: {budget}\n"
        done = bench.run(
            f"{text}steps: [{{name: a, command: act, irreversible: test}}]\n", options=Options(forks=forks)
        )
        begun = {name for name, host in bench.hosts.items() if host.calls}
        badly = {name for name in begun if done.statuses[name] not in ("changed", "aborted")}
        assert len(badly) <= budget + forks
        unreached = [name for name, status in done.statuses.items() if status == "unreachable"]
        if len(unreached) > budget:  # known before the first change, so nothing is touched
            assert not begun
        over = len(badly) + len(unreached) > budget
        assert (done.end.code == 8) == (over or _canary_failed(done, serial))
        if not over and not _canary_failed(done, serial):
            assert "aborted" not in done.statuses.values()


def _canary_failed(done: Result, serial: str) -> bool:
    return "[" in serial and done.statuses["h0"] not in ("changed", "ok")
