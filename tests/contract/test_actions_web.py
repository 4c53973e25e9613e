"""`mlflow`, `tls`, `uri`, `get_url` and `wait_for` against servers of this machine."""

from __future__ import annotations

import hashlib
import importlib
import ipaddress
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from live_agents import Agent
from servers import free_port, pages, tracking

from playbook_engine.agent import proof
from playbook_engine.agent.actions import get_url, tls

# -- mlflow


def test_a_tracking_server_that_tracks(agent: Agent) -> None:
    with tracking() as (url, server):
        told = agent.probe("mlflow", url=url + "/").result
    assert (told["state"], told["run_read_back"], told["registry_ok"], told["cleaned"]) == (
        "verified",
        True,
        True,
        True,
    )
    assert (told["version"], told["error"], told["step"]) == ("3.17.2", "", None)
    assert server.deleted == ["registered-models/delete", "runs/delete", "experiments/delete"]


@pytest.mark.parametrize(
    ("broken", "state", "step", "run", "registry"),
    [
        ("health", "listening-unhealthy", "health", False, False),
        ("experiments/create", "up-but-write-fails", "create an experiment", False, False),
        ("runs/log-metric", "up-but-write-fails", "log to the run", False, False),
        ("runs/get", "up-but-write-fails", "read the run back", False, False),
        ("registered-models/create", "up-but-write-fails", "register a model", True, False),
    ],
)
def test_the_ladder(newest: Agent, broken: str, state: str, step: str, run: bool, registry: bool) -> None:
    with tracking(broken) as (url, server):
        told = newest.probe("mlflow", url=url).result
    assert (told["state"], told["step"], told["run_read_back"], told["registry_ok"]) == (state, step, run, registry)
    assert "500" in str(told["error"])
    made = {"health": 0, "experiments/create": 0, "runs/log-metric": 2, "runs/get": 2}.get(broken, 2)
    assert len(server.deleted) == made, "what was made is deleted, come what may"


def test_nothing_listens(newest: Agent) -> None:
    told = newest.probe("mlflow", url=f"http://127.0.0.1:{free_port()}").result
    assert (told["state"], told["step"], told["reachable"]) == ("not-listening", "connect", False)


def test_something_else_listens(newest: Agent) -> None:
    with pages() as url:
        told = newest.probe("mlflow", url=url).result
    assert told["state"] == "up-but-write-fails"


# -- tls


def certificate(folder: Path, days: int) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api.example.test")])
    now = datetime.now(UTC)
    names = [x509.DNSName("api.example.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert").write_bytes(cert.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key").write_bytes(private)
    return folder / "cert", folder / "key"


@pytest.mark.parametrize("days", [12, -1])
def test_a_certificate(agent: Agent, tmp_path: Path, days: int) -> None:
    cert, key = certificate(tmp_path, days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with pages(context) as url:
        port = int(url.rpartition(":")[2])
        reply = agent.probe("tls", port=port)
        known = agent.probe("tls", port=port, ca_path=str(cert)).result
        asked = agent.probe("http", url=f"{url}/health").result
        lax = agent.probe("http", url=f"{url}/health", validate_certs=False).result
    told = tls.finish_here(dict(reply.result), importlib.import_module(tls.READS))
    assert (told["reachable"], told["trusted"], told["self_signed"]) == (True, False, True)
    assert told["days_left"] == pytest.approx(days, abs=0.1)
    assert told["san"] == ["api.example.test", "127.0.0.1"]
    assert (told["subject"], told["key"]) == ("CN=api.example.test", {"algorithm": "ec", "bits": 256})
    assert str(told["protocol"]).startswith("TLSv1")
    assert known["trusted"] is (days > 0)
    assert (asked["reachable"], asked["error_kind"]) == (False, "tls")
    assert lax["status"] == 200


def test_a_port_that_does_not_speak_tls(newest: Agent) -> None:
    with pages() as url:
        told = newest.probe("tls", port=int(url.rpartition(":")[2]), timeout=2).result
    assert (told["reachable"], told["error_kind"], told["pem"]) == (False, "tls", None)
    assert tls.finish_here(dict(told), importlib.import_module(tls.READS)) == told


# -- uri


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with pages() as address:
        yield address


def test_uri_gives_ansibles_answer(agent: Agent, web: str) -> None:
    told = agent.probe("uri", url=f"{web}/echo", method="post", body={"a": 1}, body_format="json").result
    assert (told["status"], told["redirected"], told["content_type"]) == (200, False, "application/json")
    assert told["json"]["method"] == "POST"  # type: ignore[index]
    assert told["json"]["body"] == '{"a": 1}'  # type: ignore[index]
    form = agent.probe("uri", url=f"{web}/echo", method="PUT", body={"a": "b c"}, body_format="form-urlencoded")
    assert form.result["json"]["body"] == "a=b+c"  # type: ignore[index]
    followed = agent.probe("uri", url=f"{web}/redirect").result
    assert (followed["status"], followed["redirected"], followed["url"]) == (200, True, f"{web}/echo")
    assert agent.probe("uri", url=f"{web}/auth", url_username="user", url_password="pass word").ok


def test_another_status_is_a_failure(newest: Agent, web: str) -> None:
    reply = newest.probe("uri", url=f"{web}/status/503")
    assert (reply.ok, reply.result["status"]) == (False, 503)
    assert newest.probe("uri", url=f"{web}/status/503", status_code="200,503").ok
    reply = newest.probe("uri", url=f"http://127.0.0.1:{free_port()}/")
    assert (reply.ok, reply.result["status"]) == (False, -1)
    assert newest.probe("uri", url=f"{web}/redirect", follow_redirects="none").result["status"] == 302


def test_what_is_gzipped_is_unpacked(agent: Agent, web: str, tmp_path: Path) -> None:
    assert agent.probe("uri", url=f"{web}/gzip", return_content=True).result["content"] == "hello world\n"
    raw = agent.probe("uri", url=f"{web}/gzip", return_content=True, decompress=False).result["content"]
    assert str(raw).startswith("\x1f")
    assert agent.do("get_url", url=f"{web}/gzip", dest=str(tmp_path / "f")).ok
    assert (tmp_path / "f").read_text() == "hello world\n"


def test_a_redirect_takes_cookies_along_and_a_password_only_within_one_place(agent: Agent, web: str) -> None:
    told = agent.probe("uri", url=f"{web}/login").result
    assert told["cookies"] == {"sid": "abc"}
    assert told["json"]["headers"]["Cookie"] == "sid=abc"  # type: ignore[index]
    user: dict[str, object] = {"url_username": "user", "url_password": "pass word", "force_basic_auth": True}
    here = agent.probe("uri", url=f"{web}/to//echo", **user).result
    assert here["json"]["headers"]["Authorization"].startswith("Basic ")  # type: ignore[index]
    with pages() as other:
        there = agent.probe("uri", url=f"{web}/to/{other}/echo", **user).result
    assert "Authorization" not in there["json"]["headers"]  # type: ignore[index]


def test_a_password_in_an_address_is_sent_and_not_shown(agent: Agent, web: str) -> None:
    reply = agent.probe("uri", url=web.replace("//", "//user:pass%20word@") + "/auth")
    assert (reply.ok, reply.result["url"]) == (True, f"{web}/auth")
    reply = agent.probe("uri", url=web.replace("//", "//user:wrong@") + "/auth")
    assert (reply.ok, reply.result["url"]) == (False, web.replace("//", "//****:****@") + "/auth")
    assert "wrong" not in str(reply)


# -- get_url

HELLO = hashlib.sha256(b"hello world\n").hexdigest()


@pytest.mark.parametrize("old", [None, "other\n"])
@pytest.mark.parametrize("checked", [True, False])
def test_a_download_settles_and_is_undone(
    agent: Agent, web: str, tmp_path: Path, old: str | None, checked: bool
) -> None:
    dest = tmp_path / "file"
    if old is not None:
        dest.write_text(old)
        dest.chmod(0o4711)
    args: dict[str, object] = {"url": f"{web}/file", "dest": f"{tmp_path}/", "mode": "0640", "backup": True}
    args.update({"checksum": f"sha256:{HELLO}"} if checked else {"force": True})
    looked = agent.look("get_url", **args)
    assert looked.plan
    applied = agent.apply("get_url", looked.before, **args)
    assert applied.ok, applied.msg
    assert (dest.read_text(), dest.stat().st_mode & 0o7777) == ("hello world\n", 0o640)
    assert len(list(tmp_path.iterdir())) == (1 if old is None else 2)
    assert not agent.look("get_url", **args).plan
    for _ in range(2):
        undone = agent.undo("get_url", looked.before, **args)
        assert undone.ok, undone.msg
        assert proof.differences(looked.state, undone.state, get_url.VOLATILE) == []
    assert [p.name for p in tmp_path.iterdir()] == ([] if old is None else ["file"])
    if old is not None:
        assert (dest.read_text(), dest.stat().st_mode & 0o7777) == (old, 0o4711)


def test_a_link_gives_way_to_the_download_and_comes_back(agent: Agent, web: str, tmp_path: Path) -> None:
    """What it leads to is not written to: it may be a file of the whole system."""
    (tmp_path / "shared").write_text("shared")
    (tmp_path / "shared").chmod(0o600)
    dest = tmp_path / "f"
    dest.symlink_to("shared")
    args: dict[str, object] = {"url": f"{web}/file", "dest": str(dest), "force": True}
    looked = agent.look("get_url", **args)
    assert agent.apply("get_url", looked.before, **args).ok
    assert not dest.is_symlink()
    assert (dest.read_text(), dest.stat().st_mode & 0o777) == ("hello world\n", 0o600)
    assert (tmp_path / "shared").read_text() == "shared"
    undone = agent.undo("get_url", looked.before, **args)
    assert proof.differences(looked.state, undone.state, get_url.VOLATILE) == []
    assert os.readlink(dest) == "shared"


@pytest.mark.parametrize("status", [202, 204, 304])
def test_another_success_is_no_file(newest: Agent, web: str, tmp_path: Path, status: int) -> None:
    reply = newest.do("get_url", url=f"{web}/status/{status}", dest=str(tmp_path / "f"))
    assert (reply.ok, reply.result["status_code"], list(tmp_path.iterdir())) == (False, status, [])


@pytest.mark.parametrize("line", ["{} *file", "{}  ./file", "SHA256 (file) = {}", "{}"])
def test_files_of_checksums(newest: Agent, web: str, tmp_path: Path, line: str) -> None:
    (tmp_path / "sums").write_text(line.format(HELLO) + "\n")
    sums = f"sha256:file://{tmp_path}/sums"
    assert newest.do("get_url", url=f"{web}/file", dest=str(tmp_path / "f"), checksum=sums).ok
    (tmp_path / "sums").write_text(line.format("0" * 64) + "\n")
    assert newest.do("get_url", url=f"{web}/file", dest=str(tmp_path / "g"), checksum=sums).kind == "checksum"


def test_a_wrong_checksum_spares_the_old_file(newest: Agent, web: str, tmp_path: Path) -> None:
    dest = tmp_path / "f"
    dest.write_text("old")
    reply = newest.do("get_url", url=f"{web}/file", dest=str(dest), checksum="md5:" + "0" * 32)
    assert (reply.ok, reply.kind) == (False, "checksum")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("f", "old")]


def test_an_address_that_is_not_there(newest: Agent, web: str, tmp_path: Path) -> None:
    reply = newest.do("get_url", url=f"{web}/none", dest=str(tmp_path / "f"))
    assert (reply.ok, reply.result["status_code"]) == (False, 404)
    assert list(tmp_path.iterdir()) == []


# -- wait_for


def test_waiting_for_a_path_and_a_port(agent: Agent, tmp_path: Path) -> None:
    path = tmp_path / "ready"
    threading.Timer(0.3, lambda: path.write_text("so: ready=42\n")).start()
    told = agent.probe("wait_for", path=str(path), search_regex=r"ready=(\d+)", sleep=0.05, timeout=5)
    assert told.ok, told.msg
    assert told.result["match_groups"] == ["42"]
    port = free_port()
    reply = agent.probe("wait_for", port=port, timeout=0.3, sleep=0.1)
    assert (reply.ok, reply.kind) == (False, "timeout")
    assert agent.probe("wait_for", port=port, state="stopped", timeout=1).ok
    with socket.create_server(("127.0.0.1", port)):
        assert agent.probe("wait_for", port=port, timeout=1).ok
        assert not agent.probe("wait_for", port=port, state="stopped", timeout=0.2, sleep=0.1).ok


def test_waiting_says_what_for(newest: Agent, tmp_path: Path) -> None:
    reply = newest.probe("wait_for", path=str(tmp_path / "f"), timeout=0.2, sleep=0.1, msg="Not here")
    assert reply.msg == "Not here"
    reply = newest.probe("wait_for", path=str(tmp_path / "f"), timeout=0.2, sleep=0.1)
    assert reply.msg == f"Timeout when waiting for file {tmp_path}/f"
    assert not newest.probe("wait_for", path="/x", port=1).ok
    began = time.monotonic()
    assert newest.probe("wait_for", timeout=0.2).ok
    assert time.monotonic() - began > 0.2


def test_a_port_that_drains(newest: Agent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert not newest.probe("wait_for", port=port, state="drained", timeout=0.2, sleep=0.1).ok
        assert os.path.exists("/proc/net/tcp")
