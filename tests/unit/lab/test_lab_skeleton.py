from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from playbook_engine.lab import keys, skeleton
from playbook_engine.lab.spec import PlacedFile


@pytest.fixture
def base() -> dict[str, PlacedFile]:
    pair = (b"PRIVATE", "ssh-ed25519 AAAA")
    files = skeleton.base_files("web", "198.18.0.2", "ssh-ed25519 OPERATOR", pair, aliases=["api.test"])
    return {f.path: f for f in files}


def test_the_host_knows_itself_and_its_aliases(base: dict[str, PlacedFile]) -> None:
    assert base["etc/hosts"].content == b"127.0.0.1 localhost api.test\n198.18.0.2 web\n"
    assert base["etc/hostname"].content == b"web\n"


def test_every_account_has_a_locked_password(base: dict[str, PlacedFile]) -> None:
    users = {line.split(b":")[0] for line in base["etc/passwd"].content.splitlines()}
    shadow = dict(line.split(b":")[:2] for line in base["etc/shadow"].content.splitlines())
    assert {b"root", b"app", b"guest"} <= users
    assert users == set(shadow)
    assert set(shadow.values()) == {b"*"}
    assert base["etc/shadow"].mode == 0o640


def test_only_app_may_sudo_and_all_take_the_operator_s_key(base: dict[str, PlacedFile]) -> None:
    assert [p for p in base if p.startswith("etc/sudoers.d/")] == ["etc/sudoers.d/app"]
    assert base["etc/sudoers.d/app"].mode == 0o440
    for home in ("root", "home/app", "home/guest"):
        assert base[f"{home}/.ssh/authorized_keys"].content == b"ssh-ed25519 OPERATOR\n"


def test_a_service_is_laid_out_as_debian_does() -> None:
    run, supervise, enabled = skeleton.service("web", "#!/bin/sh\n")
    assert (run.path, run.mode) == ("etc/sv/web/run", 0o755)
    assert supervise.link == "/run/runit/supervise.web"
    assert (enabled.path, enabled.link) == ("etc/service/web", "/etc/sv/web")


def test_files_are_written_with_mode_link_and_directory(tmp_path: Path) -> None:
    uid, gid = os.getuid(), os.getgid()
    skeleton.write(
        tmp_path,
        [
            PlacedFile(path="etc/a", content=b"x", mode=0o600, uid=uid, gid=gid),
            PlacedFile(path="srv/d", directory=True, mode=0o711, uid=uid, gid=gid),
            *(f for f in skeleton.service("s", "") if f.link),
        ],
    )
    assert (tmp_path / "etc/a").read_bytes() == b"x"
    assert (tmp_path / "etc/a").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "srv/d").stat().st_mode & 0o777 == 0o711
    assert (tmp_path / "etc/service/s").readlink() == Path("/etc/sv/s")
    assert (tmp_path / "etc/service").stat().st_mtime == 0


def test_the_operator_s_key_is_made_once_and_ssh_reads_it(tmp_path: Path) -> None:
    public = keys.operator_key(tmp_path / "id")
    assert keys.operator_key(tmp_path / "id") == public
    assert (tmp_path / "id").stat().st_mode & 0o777 == 0o600
    derived = subprocess.run(["ssh-keygen", "-y", "-f", tmp_path / "id"], capture_output=True, text=True, check=True)
    assert derived.stdout.split()[:2] == public.split()[:2]
