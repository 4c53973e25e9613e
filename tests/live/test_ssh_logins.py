"""Logging in by password, certificate, jump host and sudo, over both SSH transports, to a real sshd."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest
from live_hosts import CommandLine, Said, Shop, variables, write_inventory

from playbook_engine.lab.host import LabHost
from playbook_engine.lab.spec import HostSpec
from playbook_engine.model.vault_format import sealed

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("ssh-logins")]

PASSWORD = "correct horse \\ 'battery' \"staple\" $x"
SSHD = """\
Port 2222
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd2.pid
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication yes
UsePAM no
UseDNS no
StrictModes no
PermitRootLogin prohibit-password
TrustedUserCAKeys /etc/ssh/user_ca.pub
"""


@pytest.fixture(params=["ssh", "openssh"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With keys: a certification authority, and one of its user."""
    made = tmp_path_factory.mktemp("logins")
    for name in ("ca", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(made / name)], check=True)
    sign = ["ssh-keygen", "-q", "-s", str(made / "ca"), "-I", "app", "-n", "app", str(made / "user.pub")]
    subprocess.run(sign, check=True)
    (made / "password").write_text(PASSWORD + "\n")
    (made / "wrong").write_text("not it\n")
    return made


@pytest.fixture(scope="module")
def host(shop: Shop, folder: Path) -> LabHost:
    found = shop.host("logins", HostSpec(size_bytes=16 << 20, inodes=2000))

    def put(path: str, text: str) -> None:
        (found.root() / path).write_text(text)

    put("etc/ssh/sshd2_config", SSHD)
    put("etc/ssh/user_ca.pub", (folder / "ca.pub").read_text())
    put("run/secret", f"app:{PASSWORD}\n")
    rule = "echo 'app ALL=(ALL:ALL) PASSWD: ALL' > /etc/sudoers.d/app; chmod 440 /etc/sudoers.d/app"
    script = f"chpasswd < /run/secret && rm /run/secret && {rule} && /usr/sbin/sshd -f /etc/ssh/sshd2_config"
    shop.lab.exec(found.name, ["sh", "-c", script]).check_returncode()
    key = next(line.split(None, 1)[1] for line in found.known_hosts.read_text().splitlines() if found.address in line)
    (folder / "known").write_text(f"[{found.address}]:2222 {key}\n{found.address} {key}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(folder / "known")], check=True, capture_output=True)
    return found


def inventory_of(host: LabHost, folder: Path, place: Path, **more: object) -> Path:
    """By password, at the second sshd, whose key is known by a hashed name."""
    options = f"-o UserKnownHostsFile={folder / 'known'} -o GlobalKnownHostsFile=/dev/null"
    given: dict[str, object] = {
        "ansible_port": 2222, "ansible_user": "app", "ansible_ssh_private_key_file": None,
        "ansible_ssh_common_args": f"{options} -o IdentityFile=none -o IdentitiesOnly=yes",
    }  # fmt: skip
    return write_inventory(place / "hosts.yml", {host.name: variables(host, **{**given, **more})})


def who(said: Said) -> list[str]:
    assert said.code == 0, said.out + said.err
    return [str(e["shown"]["stdout"]) for e in said.of("StepFinished")]  # type: ignore[index]


class TestPasswords:
    def test_from_a_file_and_to_sudo(
        self, transport: str, host: LabHost, folder: Path, tmp_path: Path, runbook: CommandLine
    ) -> None:
        own = inventory_of(host, folder, tmp_path)
        file = str(folder / "password")
        words = ["exec", "all", "-a", "id -un", "-c", transport, "--json", "--connection-password-file", file]
        with Listing() as seen:
            assert who(runbook.on(own, *words)) == ["app"]
            assert who(runbook.on(own, *words, "-b", "--become-password-file", file)) == ["root"]
        assert not [line for line in seen.lines if PASSWORD in line], "no process has it in its arguments"
        assert not [p for p in runbook.state.rglob("*") if p.is_file() and PASSWORD.encode() in p.read_bytes()]

    def test_out_of_a_vault(
        self, transport: str, host: LabHost, folder: Path, tmp_path: Path, runbook: CommandLine
    ) -> None:
        own = inventory_of(host, folder, tmp_path, ansible_connection=transport)
        (tmp_path / "pw").write_text("open")
        (tmp_path / "group_vars").mkdir()
        told = sealed(b'{"ansible_password": %s}' % _json(PASSWORD), b"open")
        (tmp_path / "group_vars" / "all.yml").write_bytes(told)
        words = ["exec", "all", "-a", "id -un", "--json"]
        assert who(runbook.on(own, *words, "--vault-password-file", str(tmp_path / "pw"))) == ["app"]
        said = runbook.on(own, *words)
        assert said.code == 5 and "there is no vault password" in said.err

    def test_a_wrong_one(
        self, transport: str, host: LabHost, folder: Path, tmp_path: Path, runbook: CommandLine
    ) -> None:
        own = inventory_of(host, folder, tmp_path)
        file = str(folder / "wrong")
        said = runbook.on(own, "exec", "all", "-a", "id", "-c", transport, "--json", "--connection-password-file", file)
        (event,) = said.of("HostUnreachable")
        assert (said.code, event["kind"]) == (4, "auth-failed"), said.out


def test_a_certificate(transport: str, host: LabHost, folder: Path, tmp_path: Path, runbook: CommandLine) -> None:
    """Of a key that no account lists: beside the key, and named by CertificateFile."""
    own = inventory_of(host, folder, tmp_path, ansible_ssh_private_key_file=str(folder / "user"))
    assert who(runbook.on(own, "exec", "all", "-a", "id -un", "-c", transport, "--json")) == ["app"]
    for name in ("alone", "alone.pub"):
        (tmp_path / name).write_bytes((folder / name.replace("alone", "user")).read_bytes())
        (tmp_path / name).chmod(0o600)
    (tmp_path / "elsewhere.pub").write_bytes((folder / "user-cert.pub").read_bytes())
    args = f"-o UserKnownHostsFile={folder / 'known'} -o CertificateFile={tmp_path / 'elsewhere.pub'}"
    own = inventory_of(
        host, folder, tmp_path, ansible_ssh_private_key_file=str(tmp_path / "alone"), ansible_ssh_common_args=args
    )
    assert who(runbook.on(own, "exec", "all", "-a", "id -un", "-c", transport, "--json")) == ["app"]


def test_a_jump_host_of_a_configuration_file(
    transport: str, host: LabHost, folder: Path, tmp_path: Path, runbook: CommandLine
) -> None:
    """-F counts for the hops too; the port of the first one, and two hops."""
    (tmp_path / "config").write_text(
        f"Host *\n  UserKnownHostsFile {folder / 'known'}\n  IdentityFile {host.key}\n  IdentitiesOnly yes\n"
        f"Host first second\n  HostName {host.address}\n  User app\nHost first\n  Port 2222\n"
        f"Host last\n  HostName {host.address}\n  User root\n  ProxyJump first,second\n"
    )
    args = {"ansible_ssh_common_args": f"-F {tmp_path / 'config'}"}
    own = write_inventory(tmp_path / "hosts.yml", {"last": args})
    line = "id -un; echo $SSH_CONNECTION | cut -d' ' -f1"
    (told,) = who(runbook.on(own, "exec", "all", "-m", "shell", "-a", line, "-c", transport, "--json"))
    assert told.split() == ["root", host.address], "it came from the host itself"


@pytest.mark.parametrize(("known", "words"), [("", "is not known|host key is known"), ("changed", "CHANGED")])
def test_keys_of_hosts(
    transport: str, host: LabHost, folder: Path, tmp_path: Path, runbook: CommandLine, known: str, words: str
) -> None:
    import re

    other = (folder / "ca.pub").read_text()
    (tmp_path / "known").write_text(f"[{host.address}]:2222 {other}" if known else "")
    args = f"-o UserKnownHostsFile={tmp_path / 'known'} -o GlobalKnownHostsFile=/dev/null"
    own = inventory_of(host, folder, tmp_path, ansible_ssh_common_args=args)
    said = runbook.on(own, "exec", "all", "-a", "id", "-c", transport, "--json")
    (event,) = said.of("HostUnreachable")
    assert (said.code, event["kind"]) == (4, "host-key"), said.out
    assert re.search(words, str(event["message"])), event


def test_arguments_that_only_ssh_understands(host: LabHost, folder: Path, tmp_path: Path, runbook: CommandLine) -> None:
    own = inventory_of(host, folder, tmp_path, ansible_ssh_private_key_file=str(folder / "user"))
    words = ["exec", "all", "-a", "id -un", "--json", "--ssh-extra-args", "-o RekeyLimit=1G"]
    assert who(runbook.on(own, *words, "-c", "openssh")) == ["app"]
    said = runbook.on(own, *words)
    assert said.code != 0 and "rekeylimit would not be honoured" in said.out + said.err


class Listing:
    """Meanwhile the command lines of all processes are collected."""

    def __init__(self) -> None:
        self.lines: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._stop.wait(0.01):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                for name in ("cmdline", "environ"):
                    try:
                        text = Path(f"/proc/{pid}/{name}").read_bytes()
                    except OSError:
                        continue
                    self.lines.add(text.replace(b"\0", b" ").decode("utf-8", "replace"))

    def __enter__(self) -> Listing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _json(text: str) -> bytes:
    import json

    return json.dumps(text).encode()
