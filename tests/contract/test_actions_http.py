"""`http`: what a service answers, how fast, and whether what it claims can be true; `observe_here` agrees."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator

import pytest
from live_agents import Agent, complete
from servers import free_port, pages

from playbook_engine.agent import serve
from playbook_engine.agent.actions import http


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with pages() as address:
        yield address


def here(**args: object) -> dict[str, object]:
    return http.observe_here(serve.here(complete("http", args), http.SPEC), importlib.import_module(http.HERE))


def test_a_service_that_answers(agent: Agent, web: str) -> None:
    args: dict[str, object] = {"url": f"{web}/health", "samples": 5, "warmup": 2, "json_path": "status"}
    one, two = agent.probe("http", **args), agent.probe("http", **args)
    assert one.ok, one.msg
    assert set(one.result) == set(two.result)
    result = one.result
    assert (result["status"], result["reachable"], result["failed"], result["value"]) == (200, True, 0, "ok")
    assert (result["samples"], result["warmup"], result["clock"]) == (5, 2, "monotonic")
    assert 0 < result["min_ms"] <= result["p50_ms"] <= result["p95_ms"] <= result["p99_ms"] <= result["max_ms"] < 2000  # type: ignore[operator]
    assert result["connect_ms"]
    assert result["first_byte_ms"]
    assert result["uptime_seconds"] > 0, "the test's own process listens, and /proc knows its age"  # type: ignore[operator]


def test_an_epoch_is_no_duration_and_neither_is_a_longer_one_than_the_process_lived(agent: Agent, web: str) -> None:
    """The value of a real report: 1754070167750 ms in a process that was up for 139 s."""
    result = agent.probe(
        "http", url=f"{web}/health", duration_path="db.ms", uptime_path="uptime", cold_below="5m"
    ).result
    claim = result["claim"]
    assert isinstance(claim, dict)
    assert (result["valid"], claim["valid"], claim["ms"], claim["raw"]) == (False, False, None, 1754070167750)
    assert "longer than the process has lived (139 s)" in claim["why"]
    assert (result["status"], result["cold"], result["uptime_seconds"]) == (200, True, 139.0)
    now = int(time.time() * 1000)
    claim = agent.probe("http", url=f"{web}/claim/{now}", duration_path="x").result["claim"]
    assert claim == {"raw": None, "valid": False, "ms": None, "why": "the answer has nothing at x"}


def test_a_body_that_is_slow_is_measured(newest: Agent, web: str) -> None:
    result = newest.probe("http", url=f"{web}/slow/0.2").result
    assert 180 < result["p50_ms"] < 2000  # type: ignore[operator]
    assert result["first_byte_ms"] > 180  # type: ignore[operator]


@pytest.mark.parametrize(
    ("path", "timeout", "kind"), [("/slow/2", 0.2, "timeout"), ("/reset", 5, "reset"), (None, 5, "refused")]
)
def test_what_does_not_answer_is_a_measurement(
    agent: Agent, web: str, path: str | None, timeout: float, kind: str
) -> None:
    url = f"{web}{path}" if path else f"http://127.0.0.1:{free_port()}/"
    reply = agent.probe("http", url=url, timeout=timeout)
    assert reply.ok, reply.msg
    result = reply.result
    assert (result["reachable"], result["status"], result["error_kind"]) == (False, -1, kind)
    assert result["error"]
    assert (result["failed"], result["samples"], result["p95_ms"]) == (1, 0, None)
    mine = here(url=url, timeout=timeout)
    assert (mine["reachable"], mine["status"], mine["error_kind"]) == (False, -1, kind)


def test_a_name_that_nobody_knows(newest: Agent) -> None:
    result = newest.probe("http", url="http://no-such-name.invalid/", timeout=5).result
    assert (result["reachable"], result["error_kind"]) == (False, "dns")


@pytest.mark.parametrize(
    "args",
    [
        {"url": "/health", "json_path": "db.ms", "duration_path": "db.ms", "uptime_path": "uptime"},
        {"url": "/status/503"},
        {"url": "/redirect"},
        {"url": "/redirect", "follow_redirects": True},
        {"url": "/echo", "method": "POST", "body": {"a": [1]}, "headers": {"X-A": "b"}},
        {"url": "/auth", "username": "user", "password": "pass word"},
        {"url": "/auth"},
    ],
    ids=lambda a: a["url"],
)
def test_the_controllers_own_measurement_agrees(newest: Agent, web: str, args: dict[str, object]) -> None:
    args = {**args, "url": web + str(args["url"])}
    theirs, mine = dict(newest.probe("http", **args).result), here(**args)
    assert set(theirs) == set(mine)
    assert mine["error"] == theirs["error"]
    for key in ("reachable", "status", "value", "claim", "valid", "cold", "failed", "samples"):
        assert theirs[key] == mine[key], key
    if str(args["url"]).endswith("/echo"):
        for told in (theirs, mine):
            body = told["json"]
            assert isinstance(body, dict)
            assert body["body"] == '{"a": [1]}'
            assert body["headers"]["X-A"] == "b"
            assert body["headers"]["Content-Type"] == "application/json"


def test_a_password_shows_nowhere(newest: Agent, web: str) -> None:
    reply = newest.probe("http", url=f"{web}/auth", username="user", password="pass word")
    assert reply.result["status"] == 200
    assert "pass word" not in repr(reply)
