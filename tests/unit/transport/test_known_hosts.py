"""Host keys against known_hosts files as ssh writes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import paramiko
import pytest

from playbook_engine.model.errors import HostKeyError
from playbook_engine.transport.known_hosts import KnownHosts, fingerprint
from playbook_engine.transport.ssh_config import Route

KEY, OTHER = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()


def entry(name: str, key: paramiko.PKey = KEY, marker: str = "") -> str:
    return f"{marker}{name} {key.get_name()} {key.get_base64()} a comment\n"


def hashed(name: str) -> str:
    salt = b"0123456789abcdef0123"
    digest = hmac.new(salt, name.encode(), "sha1").digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def way(file: Path, **more: object) -> Route:
    return Route(**{"address": "db1.test", "user": "root", "known_hosts": (str(file),), **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (entry("db1.test"), {}),
        (entry("web1.test,db1.test"), {}),
        (entry("*.test"), {}),
        (entry("db?.test"), {}),
        (entry(hashed("db1.test")), {}),
        (entry("[db1.test]:2222"), {"port": 2222}),
        (entry(hashed("[db1.test]:2222")), {"port": 2222}),
        (entry("database"), {"alias": "database", "port": 2222}),
        ("# a comment\n\nnonsense\n" + entry("DB1.test"), {}),
    ],
)
def test_known(tmp_path: Path, text: str, more: dict[str, object]) -> None:
    (tmp_path / "known").write_text(text)
    KnownHosts().check(way(tmp_path / "known", **more), KEY)


@pytest.mark.parametrize("text", ["", entry("db2.test"), entry("*.test,!db1.test"), entry("[db1.test]:2222")])
def test_unknown_is_refused_with_the_command_that_accepts_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "known").write_text(text)
    with pytest.raises(HostKeyError, match=r"the key of db1\.test is not known") as caught:
        KnownHosts().check(way(tmp_path / "known"), KEY)
    assert fingerprint(KEY) in caught.value.message
    assert f"ssh-keyscan db1.test >> {tmp_path}/known" in str(caught.value.advice)
    with pytest.raises(HostKeyError) as caught:
        KnownHosts().check(way(tmp_path / "known", port=2200), KEY)
    assert "ssh-keyscan -p 2200 db1.test" in str(caught.value.advice)


def test_changed_is_refused_whatever_is_said(tmp_path: Path) -> None:
    (tmp_path / "known").write_text("\n" + entry("db1.test", OTHER))
    for strict in ("ask", "yes", "no", "accept-new"):
        with pytest.raises(HostKeyError, match="has CHANGED") as caught:
            KnownHosts(lambda host, print_: True).check(way(tmp_path / "known", strict=strict), KEY)
        assert f"{tmp_path}/known:2" in caught.value.message
        assert "ssh-keygen -R 'db1.test'" in str(caught.value.advice)


def test_revoked_is_refused(tmp_path: Path) -> None:
    (tmp_path / "known").write_text(entry("db1.test") + entry("*", KEY, "@revoked "))
    with pytest.raises(HostKeyError, match="revoked"):
        KnownHosts().check(way(tmp_path / "known"), KEY)


def test_somebody_who_says_yes_is_asked_once(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def yes(host: str, print_: str) -> bool:
        asked.append((host, print_))
        return True

    known = KnownHosts(yes)
    for _ in range(2):
        known.check(way(tmp_path / "new" / "known"), KEY)
    assert asked == [("db1.test", f"{KEY.get_name()} {fingerprint(KEY)}")]
    assert (tmp_path / "new" / "known").stat().st_mode & 0o777 == 0o600
    KnownHosts().check(way(tmp_path / "new" / "known"), KEY)


def test_strict_does_not_even_ask(tmp_path: Path) -> None:
    with pytest.raises(HostKeyError):
        KnownHosts(lambda host, print_: pytest.fail("asked")).check(way(tmp_path / "known", strict="yes"), KEY)  # type: ignore[arg-type]


def test_accept_new_keeps_the_key(tmp_path: Path) -> None:
    KnownHosts().check(way(tmp_path / "known", strict="accept-new"), KEY)
    assert (tmp_path / "known").read_text() == f"db1.test {KEY.get_name()} {KEY.get_base64()}\n"


def test_the_fingerprint_is_what_ssh_keygen_prints() -> None:
    digest = base64.b64encode(hashlib.sha256(KEY.asbytes()).digest()).decode()
    assert fingerprint(KEY) == f"SHA256:{digest.rstrip('=')}"
