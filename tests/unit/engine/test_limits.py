"""Blast radius: a canary, a failure budget over the whole run, and what stops whom."""

from __future__ import annotations

import pytest
from memory_bench import Bench, Result

from playbook_engine.engine.limits import Limits
from playbook_engine.model.events import RunFinished
from playbook_engine.model.plan import Options
from playbook_engine.model.runbook import Runbook

STEPS = "steps: [{name: a, command: act, irreversible: test}, {name: b, command: later, irreversible: test}]\n"


def hosts(bench: Bench, count: int, failing: str = "") -> None:
    for n in range(1, count + 1):
        host = bench.host(f"h{n}")
        if f"h{n}" in failing.split():
            host.commands["act"] = (1, "")


def stopped(done: Result) -> str:
    (event,) = done.events("RunFinished")
    assert isinstance(event, RunFinished)
    return event.message


# ---------------------------------------------------------------- the canary


@pytest.mark.parametrize("percentage", ["", "max_fail_percentage: 100\n"])
def test_a_canary_that_fails_stops_the_run_whatever_the_percentage(bench: Bench, percentage: str) -> None:
    hosts(bench, 6, failing="h2")
    done = bench.run(f"name: r\nserial: [3, 3]\n{percentage}{STEPS}")
    assert done.statuses == {
        "h1": "changed", "h2": "failed", "h3": "changed", "h4": "aborted", "h5": "aborted", "h6": "aborted",
    }  # fmt: skip
    assert done.end.code == 8
    assert stopped(done) == "the canary did not end well: h2 failed; no other batch begins"


def test_the_other_hosts_of_the_canary_finish(bench: Bench) -> None:
    hosts(bench, 4, failing="h1")
    done = bench.run(f"name: r\nserial: [2, 2]\n{STEPS}", options=Options(forks=1))
    assert done.statuses["h2"] == "changed"


@pytest.mark.parametrize("serial", ["[2, 2]", "[1, 50%]"])
def test_an_unreachable_canary_is_no_good_canary(bench: Bench, serial: str) -> None:
    hosts(bench, 4)
    bench.hosts["h1"].up = False
    done = bench.run(f"name: r\nserial: {serial}\n{STEPS}")
    assert (done.statuses["h1"], done.statuses["h4"], done.end.code) == ("unreachable", "aborted", 8)


def test_the_checks_are_the_gate(bench: Bench) -> None:
    hosts(bench, 3)
    bench.hosts["h1"].commands["look"] = (1, "")
    done = bench.run(f"name: r\nserial: [1, 2]\n{STEPS}checks: [{{name: well, command: look}}]\n")
    assert (done.statuses["h1"], done.statuses["h3"], done.end.code) == ("failed", "aborted", 8)


def test_a_single_size_is_no_ramp(bench: Bench) -> None:
    hosts(bench, 6, failing="h2")
    done = bench.run(f"name: r\nserial: 3\n{STEPS}")
    assert (done.statuses["h4"], done.end.code) == ("changed", 2)


def test_a_ramp_with_one_batch_has_nothing_to_stop(bench: Bench) -> None:
    hosts(bench, 2, failing="h2")
    done = bench.run(f"name: r\nserial: [5, 10]\n{STEPS}")
    assert done.end.code == 2


# ------------------------------------------------- the failure budget of the run


def test_a_budget_that_is_used_up_is_not_exceeded(bench: Bench) -> None:
    hosts(bench, 6, failing="h1 h3")
    done = bench.run(f"name: r\nserial: 1\nmax_fail_percentage: 100\nfailure_budget: 2\n{STEPS}")
    assert done.statuses["h6"] == "changed"
    assert done.end.code == 2


def test_one_more_stops_everybody(bench: Bench) -> None:
    hosts(bench, 8, failing="h1 h3 h5")
    done = bench.run(f"name: r\nserial: 1\nmax_fail_percentage: 100\nfailure_budget: 2\n{STEPS}")
    assert [done.statuses[f"h{n}"] for n in range(5, 9)] == ["failed", "aborted", "aborted", "aborted"]
    assert done.end.code == 8
    said = "3 of 8 hosts did not end well (h1 failed, h3 failed, h5 failed), and the failure budget of the run is 2"
    assert stopped(done) == said
    assert done.view.hosts["h8"].finished is not None
    assert done.view.hosts["h8"].finished.message == said


def test_hosts_that_cannot_be_reached_use_it_up_before_anything_is_touched(bench: Bench) -> None:
    hosts(bench, 5)
    bench.hosts["h2"].up = bench.hosts["h4"].up = False
    done = bench.run(f"name: r\nfailure_budget: 20%\n{STEPS}")
    assert done.end.code == 8
    assert all(not host.calls for host in bench.hosts.values())


def test_a_budget_of_nothing_stops_at_the_first(bench: Bench) -> None:
    hosts(bench, 3, failing="h1")
    done = bench.run(f"name: r\nserial: 1\nmax_fail_percentage: 100\nfailure_budget: 0\n{STEPS}")
    assert (done.statuses["h2"], done.end.code) == ("aborted", 8)


def test_hosts_that_were_stopped_use_up_no_budget(bench: Bench) -> None:
    """The kill switch, an interrupt, a deadline: nobody failed, so it is no exceeded budget that ends the run."""
    hosts(bench, 4)
    (bench.folder / "switch").write_text("")

    def throw(_call: object) -> None:
        (bench.folder / "state" / "STOP").touch()

    bench.hosts["h1"].rules.append(throw)
    done = bench.run(f"name: r\nserial: 1\nfailure_budget: 0\n{STEPS}")
    assert set(done.statuses.values()) == {"aborted"}
    assert done.end.code == 2


@pytest.mark.parametrize(("entry", "hosts_", "allowed"), [("10%", 30, 3), ("10%", 39, 3), ("10%", 9, 0), (4, 2, 4)])
def test_a_percentage_is_of_all_hosts_and_rounded_down(entry: int | str, hosts_: int, allowed: int) -> None:
    assert Limits.of(Runbook(name="r", file="", failure_budget=entry), hosts_).failure_budget == allowed
