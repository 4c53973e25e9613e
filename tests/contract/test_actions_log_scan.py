"""`log_scan` on logs as they are found: rotated, packed, without years, with times that cannot be true."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest
from live_agents import Agent

from playbook_engine.agent import logtime


def iso(ago: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))


def aged(path: Path, ago: float) -> None:
    at = time.time() - ago
    os.utime(path, (at, at))


def test_it_counts_since_a_time_across_rotated_files(agent: Agent, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(f"{iso(100)} ERROR three\n{iso(50)} fine\n{iso(40)} ERROR four\n  at frame ERROR five\n")
    (tmp_path / "app.log.1").write_text(f"{iso(4000)} ERROR one\n{iso(300)} ERROR two\n")
    aged(tmp_path / "app.log.1", 300)
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(f"{iso(90000)} ERROR zero\n".encode() * 3))
    aged(tmp_path / "app.log.2.gz", 90000)
    (tmp_path / "app.log.conf").write_text(f"{iso(10)} ERROR of another file\n")
    told = agent.probe("log_scan", path=str(log), pattern="ERROR", since="10m").result
    assert (told["matches"], told["lines"]) == (4, 5), "a line without a time has that of the line before"
    assert told["first"]["line"].endswith("ERROR two")  # type: ignore[index]
    assert told["last"]["line"].endswith("five")  # type: ignore[index]
    assert told["per_minute"] == pytest.approx(0.4, abs=0.01)
    assert [os.path.basename(f["path"]) for f in told["files"]] == ["app.log.1", "app.log"]  # type: ignore[attr-defined]
    whole = agent.probe("log_scan", path=str(log), patterns={"errors": "ERROR", "two": "two$"}).result
    assert whole["counts"] == {"errors": 8, "two": 1}
    alone = agent.probe("log_scan", path=str(log), pattern="ERROR", rotated=False, ignore="five").result
    assert alone["matches"] == 2


def test_a_time_that_cannot_be_true_is_told_and_not_taken_for_recent(newest: Agent, tmp_path: Path) -> None:
    log = tmp_path / "l"
    log.write_text(f"{iso(-86400)} ERROR tomorrow\n{iso(30)} ERROR now\n2026-13-45T00:00:00Z ERROR never\n")
    told = newest.probe("log_scan", path=str(log), pattern="ERROR", since=600).result
    assert (told["matches"], told["invalid"]) == (1, 2)
    assert str(told["invalid_line"]).endswith("tomorrow")
    assert float(str(told["age"])) < 3600


def test_only_its_end_is_read_when_that_is_asked_for(newest: Agent, tmp_path: Path) -> None:
    log = tmp_path / "l"
    log.write_text("".join(f"line {n}\n" for n in range(10000)))
    told = newest.probe("log_scan", path=str(log), pattern="line", last_bytes=1000).result
    assert told["truncated"] is True
    assert told["bytes"] == 1000
    assert told["last"]["line"] == "line 9999"  # type: ignore[index]
    assert 90 <= int(str(told["matches"])) <= 100


def test_a_line_without_an_end_does_not_fill_the_memory(newest: Agent, tmp_path: Path) -> None:
    log = tmp_path / "l"
    with log.open("wb") as handle:
        handle.write(b"begin ERROR ")
        handle.truncate(64 << 20)
        handle.seek(64 << 20)
        handle.write(b"\nERROR \xff\n")
    told = newest.probe("log_scan", path=str(log), pattern="ERROR").result
    assert told["matches"] == 2
    assert len(told["first"]["line"]) <= 500  # type: ignore[index]


def test_what_is_not_there_and_what_is_broken(newest: Agent, tmp_path: Path) -> None:
    told = newest.probe("log_scan", path=str(tmp_path / "none"), pattern="x").result
    assert (told["exists"], told["matches"], told["per_minute"]) == (False, 0, None)
    (tmp_path / "l").write_text("x\n")
    (tmp_path / "l.1.gz").write_bytes(b"no gzip")
    assert newest.probe("log_scan", path=str(tmp_path / "l"), pattern="x").kind == "unmeasured"
    assert "cannot be used" in newest.probe("log_scan", path=str(tmp_path / "l"), pattern="(").msg
    assert "directory" in newest.probe("log_scan", path=str(tmp_path), pattern="x").msg


TIME = time.mktime((2026, 11, 30, 12, 0, 5, 0, 0, -1))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2026-11-30T12:00:05.250Z ERROR", 1796040005.25),
        ("2026-11-30 12:00:05,250 +0100 x", 1796036405.25),
        ("2026/11/30 12:00:05 [error] 1#1: x", TIME),
        ('192.0.2.1 - - [30/Nov/2026:12:00:05 +0000] "GET / HTTP/1.1" 200', 1796040005.0),
        ("Nov 30 12:00:05 web1 app[1]: x", TIME),
        ("Dec 31 23:59:59 web1 app[1]: last year's", TIME + 31 * 86400 - 365 * 86400 + 11 * 3600 + 3594 + 1200),
        ("[Mon Nov 30 12:00:05.123456 2026] [core:error] x", TIME + 0.123456),
        ("1796040005123 x", 1796040005.123),
        ("1796040005.5 x", 1796040005.5),
        ('{"level": "error", "ts": 1796040005}', 1796040005.0),
        ("no time at all", None),
    ],
)
def test_the_forms_of_times(line: str, expected: float | None) -> None:
    reader = logtime.Reader(None, TIME + 3600)
    when, invalid = reader.read(line)
    assert not invalid
    if "last year's" in line:
        assert when == time.mktime((2025, 12, 31, 23, 59, 59, 0, 0, -1))
    else:
        assert when == (pytest.approx(expected) if expected is not None else None)


def test_a_form_of_ones_own() -> None:
    reader = logtime.Reader(r"^(?P<d>\d\d)\.(?P<mo>\d\d)\.(?P<y>\d{4}) (?P<h>\d\d):(?P<mi>\d\d):(?P<s>\d\d)", TIME + 60)
    assert reader.read("30.11.2026 12:00:05 x") == (TIME, False)
    assert reader.read("31.02.2026 12:00:05 x") == (None, True)
