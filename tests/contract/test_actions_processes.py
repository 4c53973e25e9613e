"""`process`, `memory` and `heartbeat` on real processes; psutil and /proc say the same."""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_agents import Agent, complete, start
from servers import pages

from playbook_engine.agent import serve
from playbook_engine.catalog import catalog

LISTEN = (
    "import socket,sys,time;s=socket.create_server(('127.0.0.1',0));print(s.getsockname()[1],flush=True);time.sleep(99)"
)
MARK = f"runbook-contract-engine-{os.getpid()}"  # of this worker: others run the same test


@pytest.fixture(scope="module")
def engine() -> Iterator[tuple[int, int]]:
    """A process that listens: (pid, port)."""
    with subprocess.Popen([sys.executable, "-c", LISTEN, MARK], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        port = int(child.stdout.readline())
        yield child.pid, port
        child.kill()


def here(action: str, **args: object) -> dict[str, object]:
    module = catalog.module(action)
    found = module.observe_here(serve.here(complete(action, args), module.SPEC), importlib.import_module(module.HERE))
    assert isinstance(found, dict)
    return found


def test_a_process_by_every_handle(agent: Agent, engine: tuple[int, int], tmp_path: Path) -> None:
    pid, port = engine
    (tmp_path / "pid").write_text(f"{pid}\n")
    for args in ({"match": MARK}, {"pid": pid}, {"pidfile": str(tmp_path / "pid")}, {"port": port, "user": "root"}):
        if "user" in args and os.geteuid():
            continue
        told = agent.probe("process", **args).result
        assert (told["running"], told["pids"], told["ports"]) == (True, [pid], [port]), args
    one = told["processes"][0]  # type: ignore[index]
    assert one["rss_bytes"] > 1 << 20
    assert 0 < one["uptime_seconds"] < 3600
    assert MARK in one["command"]


def test_a_process_that_is_not_there_is_a_measurement(newest: Agent, tmp_path: Path) -> None:
    for args in ({"match": "no-such-program-anywhere"}, {"pidfile": str(tmp_path / "none")}, {"pid": 2**22 - 1}):
        reply = newest.probe("process", **args)
        assert reply.ok
        assert (reply.result["running"], reply.result["count"], reply.result["uptime_seconds"]) == (False, 0, None)


def test_the_agent_does_not_find_itself_or_who_started_it() -> None:
    """The command line of the shell above it, and of a tool that runs it, may hold the very pattern."""
    it = start(sys.executable, ": needle-in-argv; ")
    try:
        assert it.probe("process", match="needle-in-argv").result["count"] == 0
    finally:
        it.session.close()


def test_psutil_agrees_about_a_process(newest: Agent, engine: tuple[int, int]) -> None:
    theirs, mine = dict(newest.probe("process", match=MARK).result), here("process", match=MARK)
    assert set(theirs) == set(mine)
    for key in ("running", "count", "pids", "ports"):
        assert theirs[key] == mine[key]
    one, other = theirs["processes"][0], mine["processes"][0]  # type: ignore[index]
    assert set(one) == set(other)
    for key in ("pid", "ppid", "name", "command", "user", "threads", "ports"):  # its state is another each instant
        assert one[key] == other[key], key
    assert abs(one["rss_bytes"] - other["rss_bytes"]) < 1 << 20
    assert abs(one["uptime_seconds"] - other["uptime_seconds"]) < 2.5


def test_psutil_agrees_about_memory(newest: Agent, engine: tuple[int, int]) -> None:
    theirs, mine = dict(newest.probe("memory", match=MARK).result), here("memory", match=MARK)
    assert set(theirs) == set(mine)
    assert theirs["total_bytes"] == mine["total_bytes"]
    assert theirs["process"]["pids"] == mine["process"]["pids"] == [engine[0]]  # type: ignore[index]
    assert theirs["process"]["of"] == mine["process"]["of"]  # type: ignore[index]
    assert abs(theirs["available_bytes"] - mine["available_bytes"]) < 512 << 20  # type: ignore[operator]


def test_a_process_that_is_not_there_takes_no_small_amount(agent: Agent) -> None:
    """Found by a drill: the memory of a trader that was down was 0.0 %, and the criterion met."""
    process = agent.probe("memory", match="no such process runs here").result["process"]
    assert isinstance(process, dict)
    assert (process["pids"], process["rss_bytes"], process["percent"]) == ([], None, None)


def test_memory_twice(agent: Agent) -> None:
    one, two = agent.probe("memory"), agent.probe("memory")
    assert one.ok, one.msg
    assert set(one.result) == set(two.result)
    assert 0 < one.result["available_bytes"] < one.result["total_bytes"]  # type: ignore[operator]
    assert one.result["process"] is None


def test_a_heap_names_its_denominator(newest: Agent) -> None:
    """68 of 71 MB is 96 % of something that grows on demand, and no finding."""
    body = json.dumps({"mem": {"heapUsed": 68, "heapTotal": 71, "limit": 4144}})
    with pages() as web:
        args: dict[str, object] = {"url": f"{web}/claim/{body}".replace(" ", ""), "heap_unit": "MB"}
        args.update(heap_used_path="mem.heapUsed", heap_total_path="mem.heapTotal")
        total = newest.probe("memory", **args).result["heap"]
        limit = newest.probe("memory", **args, heap_limit_path="mem.limit").result["heap"]
    assert isinstance(total, dict)
    assert isinstance(limit, dict)
    assert (total["percent"], total["of"], total["judged"]) == (95.8, "heapTotal", False)
    assert (limit["percent"], limit["of"], limit["judged"]) == (1.6, "heap_size_limit", True)


# -- heartbeat

CLOSED = {
    "days": ["mon"],
    "holidays": [time.strftime("%Y-%m-%d", time.gmtime(time.time() + d * 86400)) for d in (-1, 0, 1)],
}
NOBODY = "no-such-program-anywhere"


@pytest.mark.parametrize(
    ("alive", "age", "market", "state", "ok"),
    [
        (True, 1, "always", "running-verified", True),
        (True, 900, "always", "running-unverified", False),
        (True, 900, CLOSED, "running-unverified", True),
        (True, None, "always", "running-unverified", False),
        (False, None, "always", "stopped-unexpected", False),
        (False, 900, CLOSED, "stopped-expected", True),
        (False, 1, "always", "unknown", False),
        (True, -9000, "always", "unknown", False),
        (None, 1, "always", "running-verified", True),
        (None, 900, "always", "stopped-unexpected", False),
        (None, 900, CLOSED, "stopped-expected", True),
        (None, None, "always", "unknown", False),
    ],
)
def test_the_five_states(
    newest: Agent,
    engine: tuple[int, int],
    tmp_path: Path,
    alive: bool | None,
    age: float | None,
    market: object,
    state: str,
    ok: bool,
) -> None:
    beat = tmp_path / "beat"
    if age is not None:
        beat.touch()
        os.utime(beat, (time.time() - age,) * 2)
    args: dict[str, object] = {"path": str(beat), "max_age": "60s", "market": market}
    if alive is not None:
        args["match"] = MARK if alive else NOBODY
    reply = newest.probe("heartbeat", **args)
    assert reply.ok, reply.msg
    assert (reply.result["state"], reply.result["ok"]) == (state, ok), reply.result["reason"]
    assert reply.result["reason"]


@pytest.mark.parametrize("form", ["{:.3f}", "{}000", "iso", "iso-offset"])
def test_a_time_inside_the_file(agent: Agent, engine: tuple[int, int], tmp_path: Path, form: str) -> None:
    now = int(time.time())
    told: object = time.strftime("%Y-%m-%dT%H:%M:%S.25Z", time.gmtime(now))
    if form == "iso-offset":
        told = time.strftime("%Y-%m-%dT%H:%M:%S+02:00", time.gmtime(now + 7200))
    elif form.startswith("{"):
        told = float(form.format(now)) if "." in form else int(form.format(now))
    beat = tmp_path / "beat.json"
    beat.write_text(json.dumps({"engine": {"tick": told}}))
    os.utime(beat, (0, 0))
    result = agent.probe("heartbeat", path=str(beat), timestamp_path="engine.tick", port=engine[1]).result
    assert result["state"] == "running-verified", result["reason"]
    assert -2 < result["age_seconds"] < 30  # type: ignore[operator]


def test_what_cannot_be_looked_at_is_unknown(newest: Agent, tmp_path: Path) -> None:
    (tmp_path / "beat").write_text("no json")
    reply = newest.probe("heartbeat", path=str(tmp_path / "beat"), timestamp_path="a", match=MARK)
    assert (reply.result["state"], reply.result["ok"]) == ("unknown", False)
    assert "cannot be read" in str(reply.result["reason"])
    reply = newest.probe("heartbeat", match=MARK, market={"tz": "Mars/Base"})
    assert (reply.result["state"], reply.result["ok"]) == ("unknown", False)


def test_a_young_process_is_fresh(newest: Agent, engine: tuple[int, int]) -> None:
    result = newest.probe("heartbeat", match=MARK, started_within="1h").result
    assert result["fresh"] is True
    assert result["state"] == "running-unverified"


# -- tcp


def test_a_port(agent: Agent, engine: tuple[int, int]) -> None:
    told = agent.probe("tcp", port=engine[1], samples=3).result
    assert (told["reachable"], told["samples"], told["failed"]) == (True, 3, 0)
    with socket.create_server(("127.0.0.1", 0)) as it:
        closed = it.getsockname()[1]
    told = agent.probe("tcp", port=closed).result
    assert (told["reachable"], told["error_kind"], told["p50_ms"]) == (False, "refused", None)
