"""The ailing host's parts, without a host."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from playbook_engine.lab import certificate, disk
from playbook_engine.lab.sick import clutter, services
from playbook_engine.lab.sick.clutter import CLUTTER, Clutter, Kind, scatter
from playbook_engine.lab.spec import PlacedFile

APP = Path(services.__file__).parent / "app"


def placed(**given: bool) -> dict[str, PlacedFile]:
    files = services.files(latency_ms=969, market_open=given.get("market_open", True), redis_uid=106, redis_gid=106)
    return {f.path: f for f in files}


def test_enough_can_be_won_back_and_all_of_it_fits() -> None:
    size, files = clutter.reclaimable()
    data = sum(c.count * 4096 for c in CLUTTER if c.kind is Kind.DATA)
    assert size >= 2 << 30
    assert files >= 100_000
    assert size + data < (3 << 30) - (64 << 20)
    assert sum(c.count for c in CLUTTER) < 200_000
    # what is free before is too little for MLflow, what is free afterwards is enough
    assert (
        200_000 - sum(c.count for c in CLUTTER)
        < 60_000
        < 200_000 - sum(c.count for c in CLUTTER if c.kind is Kind.DATA)
    )


def test_clutter_is_old_where_it_says_so_and_takes_real_blocks(tmp_path: Path) -> None:
    began = time.time()
    items = [
        Clutter(kind=Kind.OLD_TEMP, folder="var/tmp", name="b-{b}/{n}", count=300, size=4096, age_days=40),
        Clutter(kind=Kind.CACHE, folder="cache", name="{n}.whl", count=2, size=100_000),
    ]
    scatter(tmp_path, items)
    old = list((tmp_path / "var/tmp").rglob("*"))
    assert len([p for p in old if p.is_file()]) == 300
    assert all(p.stat().st_mtime < began - 39 * 86400 for p in old)
    for wheel in (tmp_path / "cache").iterdir():
        assert wheel.stat().st_size == 100_000
        assert wheel.stat().st_blocks * 512 >= 100_000


def test_a_log_is_text_and_is_appended_to(tmp_path: Path) -> None:
    log = tmp_path / "log/server.log"
    log.parent.mkdir()
    log.write_text("first line\n")
    inode = log.stat().st_ino
    scatter(tmp_path, [Clutter(kind=Kind.OPEN_LOG, folder="log", name="server.log", count=1, size=3 << 20, text=True)])
    text = log.read_text()
    assert text.startswith("first line\n2025-08-01T17:")
    assert text.endswith("\n")
    assert len(text) == len("first line\n") + (3 << 20)
    assert log.stat().st_ino == inode


def test_blocks_are_allocated(tmp_path: Path) -> None:
    disk.allocate(tmp_path / "a", 1 << 20)
    assert os.stat(tmp_path / "a").st_blocks * 512 >= 1 << 20


def test_the_seed_s_bug_is_there_exactly_once() -> None:
    source = (APP / "health-check.js").read_text()
    assert source.count("let start = 0;") == 1
    assert source.count("Date.now() - start") == 1
    assert source.count("start = ") == 1, "the start is never set"


def test_the_whole_application_is_placed_and_belongs_to_app() -> None:
    files = placed()
    for path in APP.iterdir():
        found = files[f"opt/trader/{path.name}"]
        assert (found.content, found.uid) == (path.read_bytes(), 1000)


def test_the_calendar_is_a_parameter() -> None:
    def sessions(market_open: bool) -> dict[str, int]:
        calendar = json.loads(placed(market_open=market_open)["etc/trader/market-calendar.json"].content)
        return {name: len(market["sessions"]) for name, market in calendar["markets"].items()}

    assert sessions(True) == {"traditional": 1, "crypto": 1}
    assert sessions(False) == {"traditional": 0, "crypto": 1}


def test_every_program_is_a_supervised_service() -> None:
    enabled = {p.rpartition("/")[2] for p in placed() if p.startswith("etc/service/")}
    assert enabled == {"redis", "exchange", "trader", "engine-traditional", "engine-crypto", "report-export"}


def test_the_certificate_is_the_one_asked_for() -> None:
    now = datetime.now(UTC)
    pem, key = certificate.self_signed(["a.test", "b.test"], issued=now - timedelta(85), expires=now + timedelta(5))
    found = x509.load_pem_x509_certificate(pem)
    assert abs(found.not_valid_after_utc - now - timedelta(5)) < timedelta(minutes=1)
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.test", "b.test"]
    assert b"PRIVATE KEY" in key


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_of_clutter_is_there(kind: Kind) -> None:
    assert any(c.kind is kind for c in CLUTTER)
