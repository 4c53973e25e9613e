"""`service` under s6, OpenRC's and System V's scripts: real programs in a sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from borrowed import fetched, install
from live_agents import INTERPRETERS, Agent, needs, start
from sandbox import Sandbox

from playbook_engine.agent import proof
from playbook_engine.agent.actions import service

S6 = """
mkdir -p $R/srv/scan/app $R/srv/scan/idle
for n in app idle; do printf '#!/bin/sh\\nexec sleep 9999\\n' >$R/srv/scan/$n/run; chmod +x $R/srv/scan/$n/run; done
touch $R/srv/scan/idle/down
"""
SCRIPT = """#!/bin/sh
### BEGIN INIT INFO
# Provides: {name}
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
P=/run/{name}.pid
case $1 in
start) [ -e $P ] || {{ sleep 9999 >/dev/null 2>&1 & echo $! >$P; }} ;;
stop) [ ! -e $P ] || {{ kill $(cat $P); rm -f $P; }} ;;
restart|reload|force-reload) $0 stop; $0 start; echo "$1 $2" >>/run/verbs ;;
status) [ -e $P ] || exit 3 ;;
esac
"""
OPENRC = """#!/sbin/openrc-run
command=/bin/sleep
command_args=9999
command_background=true
pidfile=/run/{name}.pid
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Agent]]:
    """An agent in a sandbox of each kind."""
    needs("unshare", "nsenter", "update-rc.d", root=True)
    python, agents, boxes = next(iter(INTERPRETERS.values())), {}, []
    for kind in ("s6", "openrc", "sysvinit"):
        packages = {"s6": ["s6"], "openrc": ["openrc"], "sysvinit": []}[kind]
        if packages:
            fetched(*packages)
        box = Sandbox(tmp_path_factory.mktemp(kind), "sleep 3600", S6)
        boxes.append(box)
        if packages:
            install(box, *packages)
        if kind == "s6":
            box.run("s6-svscan /srv/scan >/dev/null 2>&1 </dev/null & until s6-svok /srv/scan/idle; do sleep 0.1; done")
        else:
            text = SCRIPT if kind == "sysvinit" else OPENRC
            for name in ("app-rb", "idle-rb"):
                script = text.format(name=name)
                box.run(f"cat >/etc/init.d/{name} <<'X'\n{script}X\nchmod 755 /etc/init.d/{name}")
        if kind == "openrc":
            box.run(
                "mkdir -p /run/openrc; touch /run/openrc/softlevel;"
                "rc-update add app-rb default; rc-service app-rb start"
            )
        if kind == "sysvinit":
            box.run("update-rc.d app-rb defaults; /etc/init.d/app-rb start")
        agents[kind] = start(python, box.wrap())
    yield agents
    for agent in agents.values():
        agent.session.close()
    for box in boxes:
        box.close()


CHANGES = [
    ("s6", {"name": "app", "state": "stopped"}),
    ("s6", {"name": "app", "enabled": False}),
    ("s6", {"name": "idle", "state": "started"}),
    ("s6", {"name": "idle", "state": "started", "enabled": True}),
    ("openrc", {"name": "app-rb", "state": "stopped"}),
    ("openrc", {"name": "app-rb", "enabled": False, "state": "stopped"}),
    ("openrc", {"name": "idle-rb", "state": "started", "enabled": True}),
    ("sysvinit", {"name": "app-rb", "state": "stopped"}),
    ("sysvinit", {"name": "app-rb", "enabled": False}),
    ("sysvinit", {"name": "idle-rb", "state": "started", "enabled": True}),
    ("sysvinit", {"name": "idle-rb", "state": "started", "arguments": "--fast"}),
]


@pytest.mark.parametrize(("kind", "args"), CHANGES, ids=str)
def test_it_settles_and_is_undone(work: dict[str, Agent], kind: str, args: dict[str, object]) -> None:
    agent, args = work[kind], {**args, "use": kind}
    looked = agent.look("service", **args)
    assert looked.ok, looked.msg
    assert looked.plan
    assert looked.state is not None
    assert looked.state["manager"] == kind
    applied = agent.apply("service", looked.before, **args)
    assert applied.ok, applied.msg
    assert not agent.look("service", **args).plan
    for _ in range(2):
        undone = agent.undo("service", looked.before, **args)
        assert undone.ok, undone.msg
        assert proof.differences(looked.state, undone.state, service.VOLATILE) == []


@pytest.mark.parametrize(("kind", "name"), [("s6", "app"), ("openrc", "app-rb"), ("sysvinit", "app-rb")])
def test_restart_and_what_is_not_there(work: dict[str, Agent], kind: str, name: str) -> None:
    assert work[kind].do("service", name=name, state="restarted", use=kind).ok
    assert work[kind].do("service", name="ghost", state="started", use=kind).kind == "not-found"


def test_who_runs_is_asked(work: dict[str, Agent]) -> None:
    facts = work["openrc"].probe("facts", gather_subset=["min"]).result["ansible_facts"]
    assert isinstance(facts, dict)
    services = work["s6"].probe("service", name="app", use="s6").result
    assert services["running"] is True
