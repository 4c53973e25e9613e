"""`service` under a real runit that is process 1 of a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from box_grounds import RUNIT, RUNSVDIR
from live_agents import INTERPRETERS, Agent, needs, start
from sandbox import Sandbox

from playbook_engine.agent import proof
from playbook_engine.agent.actions import service


@pytest.fixture(scope="module")
def runit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    needs("runsvdir", "sv", "unshare", "nsenter", root=True)
    box = Sandbox(tmp_path_factory.mktemp("box"), RUNSVDIR, RUNIT)
    assert not (Path(f"/proc/{box.pid}/root/etc/service")).is_symlink(), (
        "this machine's own services are not to be touched"
    )
    box.run("while ! sv status /etc/sv/app | grep -q ^run; do sleep 0.05; done")
    yield box
    box.close()


@pytest.fixture(scope="module", params=[min(INTERPRETERS, key=lambda v: int(v[2:])), "newest"])
def inside(request: pytest.FixtureRequest, runit: Sandbox) -> Iterator[Agent]:
    python = INTERPRETERS.get(request.param) or list(INTERPRETERS.values())[-1]
    it = start(python, runit.wrap())
    yield it
    it.session.close()


CHANGES: list[dict[str, object]] = [
    {"name": "app", "state": "stopped"},
    {"name": "app", "enabled": False},
    {"name": "app", "enabled": False, "state": "stopped"},
    {"name": "idle", "state": "started"},
    {"name": "idle", "state": "started", "enabled": True},
    {"name": "idle", "state": "stopped", "enabled": True},
    {"name": "idle", "enabled": True},
]


@pytest.mark.parametrize("args", CHANGES, ids=lambda a: "-".join(str(v) for v in a.values()))
def test_it_settles_and_is_undone(inside: Agent, args: dict[str, object]) -> None:
    looked = inside.look("service", **args)
    assert looked.ok, looked.msg
    assert looked.plan
    assert looked.state is not None
    assert looked.state["manager"] == "runit"
    applied = inside.apply("service", looked.before, **args)
    assert applied.ok, applied.msg
    again = inside.look("service", **args)
    assert not again.plan
    for _ in range(2):
        undone = inside.undo("service", looked.before, **args)
        assert undone.ok, undone.msg
        assert proof.differences(looked.state, undone.state, service.VOLATILE) == []


def test_a_restart_always_acts_and_gives_a_new_process(inside: Agent) -> None:
    before = inside.look("service", name="app", state="restarted")
    after = inside.do("service", name="app", state="restarted")
    assert after.ok, after.msg
    assert before.state is not None
    assert after.result["pid"] not in (None, before.state["pid"])
    assert inside.look("service", name="app", state="restarted").plan


def test_a_reload_sends_hup_to_the_same_process(inside: Agent, runit: Sandbox) -> None:
    before = inside.look("service", name="app", state="reloaded")
    after = inside.do("service", name="app", state="reloaded")
    assert before.state is not None
    assert after.result["pid"] == before.state["pid"]
    assert "hup" in runit.run("sleep 0.3; cat /tmp/hups")


def test_a_service_that_is_not_there_is_planned_and_then_refused(inside: Agent) -> None:
    looked = inside.look("service", name="ghost", state="started")
    assert looked.ok
    assert looked.state is not None
    assert looked.state["exists"] is False
    assert looked.plan, "an earlier step may be about to install it"
    applied = inside.apply("service", looked.before, name="ghost", state="started")
    assert (applied.ok, applied.kind) == (False, "not-found")


def test_an_unknown_manager_is_not_measured(newest: Agent) -> None:
    """Whatever runs the tests as process 1, it is not guessed from the programs that lie about."""
    if Path("/run/systemd/system").is_dir() or Path("/proc/1/comm").read_text().startswith("run"):
        pytest.skip("this machine has a service manager")
    reply = newest.look("service", name="cron", state="started")
    assert (reply.ok, reply.kind) == (False, "unmeasured")
    assert "process 1 is" in reply.msg
