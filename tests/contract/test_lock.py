"""The lock on the host and what agents remember for one another, under every Python of this machine."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live_agents import INTERPRETERS, Agent, complete, needs, start

from playbook_engine.model.errors import LinkLost
from playbook_engine.transport.base import Call, Claim, Reply

Start = Callable[[], Agent]


@pytest.fixture(params=list(INTERPRETERS))
def begin(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Starts agents that share a network namespace with one another and with nobody else."""
    needs("unshare", "nsenter", root=True)
    holder = subprocess.Popen(["unshare", "--net", "--mount", "sleep", "300"])
    agents: list[Agent] = []

    def one() -> Agent:
        agents.append(
            start(INTERPRETERS[request.param], f"exec nsenter --net=/proc/{holder.pid}/ns/net unshare --mount ")
        )
        return agents[-1]

    time.sleep(0.2)
    yield one
    for agent in agents:
        agent.session.close()
    holder.kill()
    holder.wait()


@pytest.fixture
def run() -> Iterator[str]:
    """A run, whose records are cleared away."""
    name = f"test-{secrets.token_hex(4)}"
    yield name
    for path in [*Path("/run").glob(f"runbook*{name}*"), *Path("/dev/shm").glob(f"runbook*{name}*")]:
        path.unlink()


def lock(agent: Agent, run: str, turn: int = 1, **more: object) -> Reply:
    claim = Claim(run=run, actor="alice@laptop.test", reason="keys", **more)  # type: ignore[arg-type]
    return agent.session.ask([claim.call("web1", turn)])[0]


def change(agent: Agent, name: str, cmd: str = "true", **more: object) -> Reply:
    args = complete("command", {"cmd": cmd})
    return agent.session.ask([Call(op="run", action="command", args=args, change=name, timeout=20, **more)])[0]  # type: ignore[arg-type]


def recall(agent: Agent, name: str, run: str = "") -> dict[str, object]:
    return dict(agent.session.ask([Call(op="recall", action="command", args={"run": run}, change=name)])[0].result)


def eventually(agent: Agent, run: str, **more: object) -> Reply:
    """The lock, once an agent that was let go of has noticed."""
    for _ in range(50):
        reply = lock(agent, run, **more)
        if reply.ok:
            break
        time.sleep(0.1)
    return reply


def test_one_run_at_a_time_and_the_other_is_told(begin: Start, run: str) -> None:
    first, second = begin(), begin()
    assert lock(first, run).ok
    reply = lock(second, "another")
    assert (reply.ok, reply.kind, reply.untouched) == (False, "locked", True)
    assert f"run {run} of alice@laptop.test is working at this host since" in reply.msg
    assert "(keys)" in reply.msg
    first.session.close()
    assert eventually(second, "another").ok


def test_agents_of_one_controller_share_it(begin: Start, run: str) -> None:
    first, second = begin(), begin()
    assert lock(first, run).ok
    assert lock(second, run).ok
    assert change(second, "c1").ok


def test_a_guest_goes_on_alone_when_the_holder_has_gone(begin: Start, run: str) -> None:
    """Whether its run holds the host is one question to the kernel; the answer ends with the agent that holds it."""
    first, second = begin(), begin()
    assert lock(first, run).ok
    assert lock(second, run).ok
    assert change(second, "c1").ok
    first.session.close()
    time.sleep(0.3)
    assert change(second, "c2").ok, "nobody else has taken it: the guest does"
    assert lock(begin(), "another").kind == "locked"


def test_a_guest_does_nothing_once_another_run_holds_the_host(begin: Start, run: str) -> None:
    first, second, third = begin(), begin(), begin()
    assert lock(first, run).ok
    assert lock(second, run).ok
    os.kill(int(first.session.hello.pid or 0), signal.SIGKILL)
    time.sleep(0.3)
    assert lock(third, "another").ok
    assert change(second, "c1").kind == "fenced"
    assert change(third, "c1").ok


def test_a_higher_token_fences_the_lower(begin: Start, run: str) -> None:
    first, second = begin(), begin()
    assert lock(first, run, leg=1).ok
    assert lock(second, run, leg=2).ok
    assert change(second, "c1").ok
    with pytest.raises(LinkLost):
        change(first, "c2")
    assert lock(begin(), run, leg=1).kind == "fenced"


def test_taking_over_fences_another_run(begin: Start, run: str) -> None:
    first, second = begin(), begin()
    assert lock(first, run).ok
    assert lock(second, "another", over=run).ok
    with pytest.raises(LinkLost):
        change(first, "c1")


def test_last_words_say_what_ended_how_and_what_never_came(begin: Start, run: str) -> None:
    first = begin()
    assert lock(first, run).ok
    assert change(first, "c1", "echo said").ok
    assert change(first, "c2", "false").kind == "failed"
    first.session.abandon()
    second = begin()
    assert eventually(second, run, turn=2).ok
    one, two, three = (recall(second, name) for name in ("c1", "c2", "c3"))
    assert (one["status"], one["outcome"]["result"]["stdout"]) == ("recorded", "said")  # type: ignore[index]
    assert (two["status"], two["outcome"]["result"]["rc"]) == ("recorded", 1)  # type: ignore[index]
    assert three["status"] == "unseen"


def test_a_run_that_takes_another_back_asks_for_that_one(begin: Start, run: str) -> None:
    first = begin()
    assert lock(first, run).ok
    assert change(first, "c1").ok
    first.session.abandon()
    back = begin()
    assert eventually(back, "the-rollback").ok
    assert recall(back, "c1", run)["status"] == "recorded"
    assert recall(back, "c2", run)["status"] == "unseen"
    assert recall(back, "c1")["status"] == "unknown"


def test_what_still_runs_is_said_to_and_keeps_others_out(begin: Start, run: str) -> None:
    first = begin()
    assert lock(first, run).ok
    assert change(first, "c1", "sleep 6", background=True).ok
    first.session.abandon()
    second = begin()
    assert eventually(second, run, turn=2).ok
    told = recall(second, "c1")
    assert told["status"] == "running"
    second.session.abandon()
    time.sleep(0.3)  # it frees the lock; what was begun in its name still keeps others out
    reply = lock(begin(), "another")
    assert (reply.kind, "what it began here still runs as process" in reply.msg) == ("locked", True)
    os.kill(int(str(told["pid"])), signal.SIGKILL)


def test_nothing_is_known_of_an_agent_that_was_killed(begin: Start, run: str) -> None:
    first = begin()
    assert lock(first, run).ok
    assert first.session.hello.pid is not None
    subprocess.run(["kill", "-9", str(first.session.hello.pid)], check=True)
    second = begin()
    assert eventually(second, run, turn=2).ok
    assert recall(second, "c1")["status"] == "unknown"


def test_a_silent_controller_loses_its_lease(begin: Start, run: str) -> None:
    first, second = begin(), begin()
    assert lock(first, run, lease=1.0).ok
    assert not lock(second, "another").ok
    first.session.ping()
    time.sleep(1.5)
    assert eventually(second, "another").ok


def test_without_a_lock_nothing_is_asked_and_nothing_remembered(begin: Start) -> None:
    assert recall(begin(), "c1")["status"] == "unknown"


def test_where_nothing_can_be_written_the_last_change_stands_in_a_name(begin: Start, run: str) -> None:
    first = begin()
    assert lock(first, run, lease=5.0).ok
    assert change(first, "c1").ok
    pid = first.session.hello.pid
    hide = "mount -t tmpfs -o ro none /run; mount -t tmpfs -o ro none /dev/shm"
    subprocess.run(["nsenter", f"--mount=/proc/{pid}/ns/mnt", "sh", "-ec", hide], check=True)
    first.session.abandon()
    second = begin()
    assert eventually(second, run, turn=2).ok
    assert recall(second, "c1")["status"] == "recorded"
    assert recall(second, "c2")["status"] == "unseen"


def test_only_the_process_behind_a_label_is_fenced(begin: Start, run: str) -> None:
    """Anybody may bind a name that says another's number: root must not be made to signal it."""
    agent = begin()
    pid = agent.session.hello.pid
    with subprocess.Popen(["sleep", "60"]) as victim:
        name = f"runbook.who/{run}/1/{victim.pid}/0/mallory"
        bind = f"import socket,time; s=socket.socket(socket.AF_UNIX,2); s.bind(b'\\0{name}'); print(flush=True)"
        liar = subprocess.Popen(
            ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", f"{bind}; time.sleep(60)"],
            stdout=subprocess.PIPE,
        )
        assert liar.stdout
        liar.stdout.readline()
        assert lock(agent, run, leg=2).ok
        time.sleep(0.2)
        assert victim.poll() is None, "SIGUSR2 would have ended it"
        for child in (liar, victim):
            child.kill()
            child.wait()
        liar.stdout.close()
