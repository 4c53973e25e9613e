"""`service` under a real systemd that is process 1 of a sandbox."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from live_agents import INTERPRETERS, Agent, needs, start
from sandbox import SystemdBox, cgroup2

from playbook_engine.agent import proof
from playbook_engine.agent.actions import service

PREPARE = """
cd $R/etc/systemd/system
unit() { printf '[Unit]\\nDefaultDependencies=no\\n[Service]\\n'; printf '%s\\n' "$@"; }
unit ExecStart='/bin/sleep 9999' ExecReload=/bin/true >static.service
unit ExecStart='/bin/sleep 9999' ExecReload=/bin/true '[Install]' WantedBy=box.target | tee app.service >idle.service
unit ExecStart=/bin/false Restart=always RestartSec=60 >loop.service
ln -s /dev/null masked.service
cd /
"""


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdBox]:
    needs("systemctl", "unshare", "nsenter", root=True)
    if not cgroup2() or not os.path.exists("/lib/systemd/systemd"):
        pytest.skip("needs systemd, and control groups of version 2")
    it = SystemdBox(tmp_path_factory.mktemp("box"), PREPARE)
    it.run("systemctl enable --now app 2>/dev/null; systemctl start loop 2>/dev/null || :")
    yield it
    it.close()


@pytest.fixture(scope="module", params=["oldest", "newest"])
def inside(request: pytest.FixtureRequest, box: SystemdBox) -> Iterator[Agent]:
    it = start(list(INTERPRETERS.values())[0 if request.param == "oldest" else -1], box.wrap())
    yield it
    it.session.close()


CHANGES: list[dict[str, object]] = [
    {"name": "app", "state": "stopped"},
    {"name": "app.service", "enabled": False},
    {"name": "app", "enabled": False, "state": "stopped"},
    {"name": "idle", "state": "started"},
    {"name": "idle", "state": "started", "enabled": True},
    {"name": "idle", "enabled": True},
    {"name": "static", "state": "started", "enabled": True},
]


@pytest.mark.parametrize("args", CHANGES, ids=lambda a: "-".join(str(v) for v in a.values()))
def test_it_settles_and_is_undone(inside: Agent, args: dict[str, object]) -> None:
    looked = inside.look("service", **args)
    assert looked.ok, looked.msg
    assert looked.plan
    assert looked.state is not None
    assert looked.state["manager"] == "systemd"
    applied = inside.apply("service", looked.before, **args)
    assert applied.ok, applied.msg
    assert not inside.look("service", **args).plan
    for _ in range(2):
        undone = inside.undo("service", looked.before, **args)
        assert undone.ok, undone.msg
        assert proof.differences(looked.state, undone.state, service.VOLATILE) == []


def test_restart_and_reload(inside: Agent) -> None:
    before = inside.look("service", name="app", state="reloaded")
    assert before.state is not None
    reloaded = inside.do("service", name="app", state="reloaded")
    assert reloaded.ok, reloaded.msg
    assert reloaded.result["pid"] == before.state["pid"]
    restarted = inside.do("service", name="app", state="restarted")
    assert restarted.result["pid"] not in (None, before.state["pid"])


def test_a_changed_unit_file_is_read_again(inside: Agent, box: SystemdBox) -> None:
    box.run("sed -i 's/9999/8888/' /etc/systemd/system/app.service")
    assert inside.do("service", name="app", state="restarted").ok
    assert "8888" in box.run("tr '\\0' ' ' </proc/$(systemctl show -p MainPID --value app)/cmdline")
    box.run("sed -i 's/8888/9999/' /etc/systemd/system/app.service; systemctl daemon-reload; systemctl restart app")


def test_a_crash_loop_does_not_run(inside: Agent) -> None:
    state = inside.look("service", name="loop", state="started").state
    assert state is not None
    assert (state["running"], state["sub_state"]) == (False, "auto-restart")


@pytest.mark.parametrize(
    ("name", "kind", "said"), [("ghost", "not-found", "no unit"), ("masked", "failed", "is masked")]
)
def test_what_cannot_be_started(inside: Agent, name: str, kind: str, said: str) -> None:
    looked = inside.look("service", name=name, state="started")
    assert looked.plan, "an earlier step may be about to install it"
    applied = inside.apply("service", looked.before, name=name, state="started")
    assert (applied.ok, applied.kind) == (False, kind)
    assert said in applied.msg


def test_facts_and_heartbeat_know_the_manager(inside: Agent) -> None:
    facts = inside.probe("facts", gather_subset=["min"]).result["ansible_facts"]
    assert isinstance(facts, dict)
    assert facts["service_mgr"] == "systemd"
    assert inside.probe("heartbeat", service="app").result["state"] == "running-unverified"
    assert inside.probe("heartbeat", service="idle").result["state"] == "stopped-unexpected"


def test_the_action_of_systemd_itself(inside: Agent, box: SystemdBox) -> None:
    told = inside.do("systemd", name="app", state="started").result
    assert told["status"]["ActiveState"] == "active"  # type: ignore[index]
    assert "ExecStart" in told["status"]  # type: ignore[operator]
    box.run("cp /etc/systemd/system/idle.service /usr/lib/systemd/system/vendor.service; systemctl daemon-reload")
    masked = inside.look("systemd", name="vendor", masked=True, state="stopped")
    assert inside.apply("systemd", masked.before, name="vendor", masked=True).ok
    assert not inside.look("systemd", name="vendor", masked=True, state="stopped").plan
    assert "is masked" in inside.do("systemd", name="vendor", state="started").msg
    assert inside.undo("systemd", masked.before, name="vendor", masked=True).ok
    assert box.run("systemctl is-enabled vendor || :").strip() == "disabled"
    refused = inside.do("systemd", name="idle", masked=True)
    assert "already exists" in refused.msg, "a file of one's own in /etc cannot be masked"


def test_unit_files_are_read_again_only_when_they_have_changed(inside: Agent, box: SystemdBox) -> None:
    box.run("sleep 0.1; systemctl daemon-reload")
    assert not inside.look("systemd", daemon_reload=True).plan
    drop = "/etc/systemd/system/app.service.d"
    box.run(f"sleep 0.1; mkdir -p {drop}; echo '[Service]' >{drop}/x.conf")
    assert inside.look("systemd", daemon_reload=True).plan
    assert inside.do("systemd", daemon_reload=True).ok
    assert not inside.look("systemd", daemon_reload=True).plan
    box.run("rm -r /etc/systemd/system/app.service.d; systemctl daemon-reload")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"state": "started"}, "state needs name"),
        ({}, "nothing is asked for"),
        ({"name": "a*", "state": "started"}, "is a pattern"),
        ({"name": "app", "state": "started", "scope": "global"}, "can only enable"),
    ],
)
def test_what_makes_no_sense_is_refused(inside: Agent, args: dict[str, object], said: str) -> None:
    assert said in inside.look("systemd", **args).msg


def test_the_services_are_listed(inside: Agent) -> None:
    services = inside.probe("service_facts").result["ansible_facts"]["services"]  # type: ignore[index]
    assert services["app.service"] == {
        "name": "app.service", "source": "systemd", "state": "running", "status": "enabled"
    }  # fmt: skip
    assert services["static.service"]["status"] == "static"
