"""Durations that cannot be true, and the summary of those that can."""

from __future__ import annotations

import pytest

from playbook_engine.agent import latency, plausible

NOW = 1754070167.75  # 2025-08-01T17:42:47Z


@pytest.mark.parametrize(
    ("value", "unit", "uptime", "why"),
    [
        (1754070167750, "ms", None, "a time of day"),
        (1754070167, "s", None, "a time of day"),
        (1754070167750000, "us", None, "a time of day"),
        (1754070167750000000, "ns", None, "a time of day"),
        (1754070167750 - 3600000, "ms", None, "2025-08-01T16:42:47Z"),
        (140000, "ms", 139.0, "longer than the process has lived (139 s)"),
        (-1, "ms", None, "negative"),
        (None, "ms", None, "NaN becomes null"),
        ("12", "ms", None, "no number"),
        (True, "ms", None, "no number"),
        (float("nan"), "ms", None, "no measurement"),
    ],
)
def test_what_cannot_be_true_is_invalid(value: object, unit: str, uptime: float | None, why: str) -> None:
    judged = plausible.duration(value, unit, NOW, uptime)
    assert (judged["valid"], judged["ms"]) == (False, None)
    assert why in str(judged["why"])


@pytest.mark.parametrize(
    ("value", "unit", "ms"), [(12, "ms", 12.0), (0, "ms", 0.0), (1.5, "s", 1500.0), (90, "us", 0.09)]
)
def test_what_can_be_true_is_told_in_milliseconds(value: float, unit: str, ms: float) -> None:
    judged = plausible.duration(value, unit, NOW, 139.0)
    assert (judged["valid"], judged["why"]) == (True, None)
    assert judged["ms"] == pytest.approx(ms)


def test_percentiles_are_samples_that_were_taken() -> None:
    told = latency.summary([float(n) for n in range(100, 0, -1)])
    assert (told["p50_ms"], told["p95_ms"], told["p99_ms"], told["max_ms"]) == (50.0, 95.0, 99.0, 100.0)
    assert latency.summary([7.0])["p99_ms"] == 7.0
    assert latency.summary([]) == {
        "samples": 0,
        "clock": "monotonic",
        "min_ms": None,
        "max_ms": None,
        "p50_ms": None,
        "p95_ms": None,
        "p99_ms": None,
    }


def test_paths_into_a_document() -> None:
    document = {"checks": [{"ms": 3}], "a": {"b": None}}
    assert plausible.at(document, "checks.0.ms") == 3
    assert plausible.at(document, "a.b") is None
    for path in ("checks.1.ms", "a.c", "checks.x"):
        with pytest.raises(KeyError):
            plausible.at(document, path)
