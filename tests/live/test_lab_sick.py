"""The ailing host: is it as ill as it says, and does it get well by the right means only?"""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from playbook_engine.lab import disk
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.faults import Fault
from playbook_engine.lab.host import LabHost
from playbook_engine.lab.lab import Lab
from playbook_engine.lab.prerequisites import HOSTS, SICK, require
from playbook_engine.lab.sick import Sickness, bring_up, services

pytestmark = pytest.mark.live


@pytest.fixture(scope="module", autouse=True)
def able() -> None:
    try:
        require(HOSTS + SICK)
    except LabError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("state")) as made:
        yield made


@pytest.fixture(scope="module")
def sick(lab: Lab, able: None) -> LabHost:
    return bring_up(lab, Sickness(latency_ms=300, mlflow_wheels=False))


@pytest.fixture(scope="module")
def roomy(lab: Lab, able: None) -> LabHost:
    return bring_up(lab, Sickness(name="roomy", latency_ms=0, market_open=False, filled=False, mlflow_wheels=False))


def get(host: LabHost, path: str) -> Any:
    with urllib.request.urlopen(f"http://{host.address}:{services.HTTP_PORT}{path}", timeout=10) as answer:
        return json.load(answer)


def heartbeat(host: LabHost, engine: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((host.root() / services.HEARTBEATS[1:] / f"{engine}.json").read_text())
    return found


def age(host: LabHost, engine: str) -> float:
    return time.time() - float(heartbeat(host, engine)["ts"])


def until(condition: Any, *, seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_its_disk_is_full_and_stays_full(sick: LabHost) -> None:
    for _ in range(30):
        assert disk.free_bytes(sick.root()) == 0
        time.sleep(0.1)
    # fewer than installing MLflow takes, until the caches are cleared
    assert 0 < disk.free_inodes(sick.root()) < 60_000


def test_its_health_reads_like_the_audit(sick: LabHost) -> None:
    health = get(sick, "/health")
    assert health["status"] == "degraded"
    found = health["services"]
    assert found["database"]["status"] == "healthy"
    assert abs(found["database"]["responseTime"] / 1000 - time.time()) < 60, "an epoch, not a duration"
    assert found["redis"]["status"] == "healthy"
    assert 300 <= found["bybit"]["responseTime"] < 5000
    assert found["mlflow"] == {"status": "unhealthy", "connection": "failed", "error": "fetch failed"}
    assert health["tradingEngines"] == {"traditional": "running", "crypto": "unknown"}
    assert 0 < health["memory"]["heapUsed"] <= health["memory"]["heapTotal"]
    assert 0 < health["uptime"] < 600


def test_a_client_can_time_the_query_alone(sick: LabHost) -> None:
    began = time.monotonic()
    assert get(sick, "/api/db/ping")["trades"] == 5000
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("path", "status"), [("/api/audit", 501), ("/api/alerts", 404)])
def test_what_it_lacks_it_lacks(sick: LabHost, path: str, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        get(sick, path)
    with error.value as answer:
        assert answer.code == status


def test_its_certificate_is_about_to_expire(sick: LabHost) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((sick.address, services.HTTPS_PORT), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="trader.test") as tls,
    ):
        served = tls.getpeercert(binary_form=True)
    assert served
    left = x509.load_der_x509_certificate(served).not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=4) < left < timedelta(days=6)


def test_nobody_is_named_as_a_contact(sick: LabHost) -> None:
    contacts = json.loads((sick.root() / "etc/trader/contacts.json").read_text())
    assert set(contacts.values()) == {"[TBD]"}


def test_one_engine_is_stale_though_it_runs(sick: LabHost) -> None:
    assert age(sick, "crypto") > 3600
    assert age(sick, "traditional") < 10
    for port in services.ENGINE_PORTS.values():
        with socket.create_connection((sick.address, port), timeout=5) as connection:
            assert json.loads(connection.makefile().readline())["pid"] > 1
    assert "run: engine-crypto" in sick.exec(["sv", "status", "engine-crypto"]).stdout


def test_a_closed_market_is_silent_but_alive(roomy: LabHost) -> None:
    assert until(lambda: age(roomy, "traditional") < 5)
    assert time.time() - heartbeat(roomy, "traditional")["last_tick"] > 3600
    assert time.time() - heartbeat(roomy, "crypto")["last_tick"] < 10


def test_redis_is_real(roomy: LabHost) -> None:
    assert roomy.exec(["redis-cli", "set", "a", "b"]).stdout == "OK\n"


def test_services_die_hang_and_slow_down(lab: Lab, roomy: LabHost) -> None:
    lab.break_(roomy.name, Fault.SERVICE_KILL, "redis")
    lab.break_(roomy.name, Fault.STALE_HEARTBEAT, "engine-crypto")
    lab.break_(roomy.name, Fault.SLOW_API, "700")
    health = get(roomy, "/health")
    assert health["services"]["redis"]["status"] == "unhealthy"
    assert health["services"]["bybit"]["responseTime"] >= 700
    before = heartbeat(roomy, "crypto")["ts"]
    time.sleep(2.5)
    assert heartbeat(roomy, "crypto")["ts"] == before
    assert len(lab.heal(roomy.name)) == 3
    assert until(lambda: get(roomy, "/health")["services"]["redis"]["status"] == "healthy")
    assert get(roomy, "/health")["services"]["bybit"]["responseTime"] < 300
    assert until(lambda: heartbeat(roomy, "crypto")["ts"] > before)


def test_its_disk_goes_read_only_under_open_logs(lab: Lab, roomy: LabHost) -> None:
    lab.break_(roomy.name, Fault.READONLY)
    assert "Read-only file system" in roomy.exec(["touch", "/root/x"]).stderr
    lab.heal(roomy.name)
    assert roomy.exec(["touch", "/root/x"]).returncode == 0
    assert until(lambda: age(roomy, "crypto") < 5)


def test_it_comes_back_from_a_reboot(lab: Lab, roomy: LabHost) -> None:
    lab.break_(roomy.name, Fault.REBOOT)

    def healthy() -> bool:
        try:
            return bool(get(roomy, "/api/db/ping")["trades"] == 5000)
        except OSError:
            return False

    assert until(healthy)


# These two win space back, so they come last.


def test_unlinking_the_open_log_frees_nothing_and_truncating_does(sick: LabHost) -> None:
    sick.exec(["rm", "/var/log/trader/server.log"], check=True)
    assert disk.free_bytes(sick.root()) == 0
    sick.exec(["sh", "-c", ": > /proc/$(cat /etc/service/trader/supervise/pid)/fd/1"], check=True)
    assert disk.free_bytes(sick.root()) > 400 << 20
    get(sick, "/api/db/ping")
    assert disk.free_bytes(sick.root()) > 400 << 20, "the service appends: it does not write behind a hole"


def test_a_deleted_file_is_held_and_room_heals_the_engine(sick: LabHost) -> None:
    held = sick.exec(["sh", "-c", "readlink /proc/[0-9]*/fd/9 | grep report.part"])
    assert held.stdout == "/var/spool/export/report.part (deleted)\n"
    before = disk.free_bytes(sick.root())
    sick.exec(["sh", "-c", "for f in /proc/[0-9]*/fd/9; do readlink $f | grep -q report.part && : > $f; done"])
    assert disk.free_bytes(sick.root()) - before >= 190 << 20
    assert until(lambda: age(sick, "crypto") < 5)
    assert get(sick, "/health")["tradingEngines"]["crypto"] == "running"


def test_half_an_ailing_host_is_taken_back(lab: Lab) -> None:
    too_small = Sickness(name="small", size_bytes=64 << 20, mlflow_wheels=False)
    with pytest.raises(OSError, match="No space left"):
        bring_up(lab, too_small)
    assert "small" not in [h.name for h in lab.hosts()]
