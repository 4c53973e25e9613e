"""Hosts that cannot be worked with: what is said of each, what to do about it, and that the others go on."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from live_hosts import CommandLine, Said, Shop, variables, write_inventory

from playbook_engine.lab.spec import HostSpec

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("bad-hosts")]

PASSWORD = "correct-horse-battery"
SMALL = HostSpec(size_bytes=16 << 20, inodes=2000)


@dataclass(frozen=True, kw_only=True)
class Bad:
    """What is expected of a host: its status, and words of the message and of the advice."""

    status: str
    message: str
    advice: str


EXPECTED = {
    "wrong-key": Bad(status="unreachable", message="refused every key and password: ", advice="ansible_user and"),
    "missing-key": Bad(status="unreachable", message="/no/such/key (no such file)", advice="ansible_ssh_private_key"),
    "other-host-key": Bad(status="unreachable", message="has CHANGED", advice="ssh-keygen -R"),
    "unknown-host-key": Bad(status="unreachable", message="is not known: it shows ssh-ed25519 ", advice="ssh-keyscan"),
    "refused": Bad(status="unreachable", message="port 22 refused the connection", advice="sshd is not listening"),
    "blackhole": Bad(status="unreachable", message="no answer from", advice="firewall"),
    "partition": Bad(status="unreachable", message="No route to host", advice="no way there"),
    "frozen": Bad(status="unreachable", message="accepted the connection and spoke no SSH", advice="MaxStartups"),
    "no-such-name": Bad(status="unreachable", message="db9.nowhere.test does not resolve", advice="spelling"),
    "no-sudo": Bad(status="failed", message="sudo: command not found", advice="there is no sudo on the host"),
    "sudo-wants-password": Bad(status="failed", message="a password is required", advice="ansible_become_password"),
    "sudo-wrong-password": Bad(status="failed", message="try again", advice="check ansible_become_password"),
    "sudo-refuses": Bad(status="failed", message="not in the sudoers", advice="ask for a rule in sudoers"),
    "su-wrong-password": Bad(status="failed", message="Authentication failure", advice="password of worker"),
    "su-wants-password": Bad(status="failed", message="su wants a password", advice="give ansible_become_password"),
    "su-unknown-user": Bad(status="failed", message="nobody9 does not exist", advice="check become_user"),
    "doas-refuses": Bad(status="failed", message="doas", advice="permit nopass"),
    "doas-wants-password": Bad(status="failed", message="on a terminal only", advice="or use sudo"),
    "sudo-unknown-user": Bad(status="failed", message="unknown user nobody9", advice="check become_user"),
    "no-python": Bad(status="failed", message="there is none", advice="apt-get install -y python3-minimal"),
    "other-python": Bad(status="failed", message="/opt/none/python3 is not there", advice="ansible_python_interp"),
    "full": Bad(status="rolled_back", message="No space left on device", advice="runbook run free-disk"),
    "no-inodes": Bad(status="rolled_back", message="No space left on device", advice="no inodes are left"),
    "read-only": Bad(status="rolled_back", message="Read-only file system", advice="dmesg"),
}  # fmt: skip


@pytest.fixture(scope="module")
def inventory(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One good host, and every kind of bad one."""
    folder = tmp_path_factory.mktemp("bad")
    good = shop.host("fine", SMALL)
    # guest has a password and no rule; worker has both; nopass needs a password that nobody gives.
    accounts = f"printf 'guest:{PASSWORD}\nworker:{PASSWORD}\n' | chpasswd"
    rule = "echo 'worker ALL=(ALL:ALL) ALL' > /etc/sudoers.d/worker; chmod 440 /etc/sudoers.d/worker"
    keys = "mkdir -p ~worker/.ssh; cp ~app/.ssh/authorized_keys ~worker/.ssh/; chown -R worker: ~worker/.ssh"
    doas = "echo 'permit nopass app as worker' > /etc/doas.conf; chmod 600 /etc/doas.conf"
    shop.lab.exec(good.name, ["sh", "-ec", f"useradd -m worker; {accounts}; {rule}; {doas}; {keys}"]).check_returncode()
    other_key = folder / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other_key], check=True)
    unknown = f"-o UserKnownHostsFile={folder}/nobody -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes"
    hosts: dict[str, Mapping[str, object]] = {
        "good": variables(good),
        "wrong-key": variables(good, ansible_ssh_private_key_file=str(other_key)),
        "missing-key": variables(good, ansible_ssh_private_key_file="/no/such/key"),
        "unknown-host-key": variables(good, ansible_ssh_common_args=unknown),
        "no-such-name": variables(good, ansible_host="db9.nowhere.test"),
        "sudo-wants-password": variables(good, ansible_user="worker", ansible_become=True),
        "sudo-wrong-password": variables(
            good, ansible_user="worker", ansible_become=True, ansible_become_password="incorrect-donkey"
        ),
        "sudo-right-password": variables(
            good, ansible_user="worker", ansible_become=True, ansible_become_password=PASSWORD
        ),
        "sudo-refuses": variables(good, ansible_user="guest", ansible_become=True, ansible_become_password=PASSWORD),
        "su-wrong-password": variables(
            good, ansible_user="app", ansible_become=True, ansible_become_user="worker", ansible_become_method="su",
            ansible_become_password="incorrect-donkey",
        ),
        "su-wants-password": variables(
            good, ansible_user="app", ansible_become=True, ansible_become_user="worker", ansible_become_method="su"
        ),
        "su-unknown-user": variables(
            good, ansible_user="root", ansible_become=True, ansible_become_user="nobody9", ansible_become_method="su"
        ),
        "doas-refuses": variables(good, ansible_user="guest", ansible_become=True, ansible_become_method="doas"),
        "doas-wants-password": variables(
            good, ansible_user="app", ansible_become=True, ansible_become_user="worker", ansible_become_method="doas",
            ansible_become_password=PASSWORD,
        ),
        "sudo-unknown-user": variables(
            good, ansible_user="app", ansible_become=True, ansible_become_user="nobody9"
        ),
        "other-python": variables(good, ansible_python_interpreter="/opt/none/python3"),
        "no-sudo": variables(
            shop.host("nosudo", HostSpec(size_bytes=16 << 20, inodes=2000, sudo=False)),
            ansible_user="app", ansible_become=True,
        ),
        "no-python": variables(
            shop.host("bare", HostSpec(size_bytes=16 << 20, inodes=2000, python="none")),
            ansible_python_interpreter=None,
        ),
    }  # fmt: skip
    faults = {
        "other-host-key": "newkey", "frozen": "freeze", "refused": "reject", "blackhole": "blackhole",
        "partition": "partition",
        "full": "fill", "no-inodes": "fill-inodes", "read-only": "readonly",
    }  # fmt: skip
    for name, fault in faults.items():
        host = shop.host(f"bad-{name}", SMALL)
        shop.lab.break_(host.name, fault)
        if fault == "newkey":
            assert host.answers(timeout=10)
        hosts[name] = variables(host, ansible_ssh_timeout=6 if fault == "partition" else 2)
    return write_inventory(folder / "hosts.yml", hosts)


@pytest.fixture(scope="module")
def said(inventory: Path, tmp_path_factory: pytest.TempPathFactory) -> Said:
    """One run on all of them at once."""
    runbook = CommandLine(tmp_path_factory.mktemp("state"), inventory)
    return runbook.on(inventory, "exec", "all", "-m", "copy", "-a", "content=x dest=/etc/app.conf", "--json")


@pytest.mark.parametrize("name", list(EXPECTED))
def test_what_a_bad_host_gets(said: Said, name: str) -> None:
    expected = EXPECTED[name]
    (end,) = said.of("HostFinished", name)
    assert (end["status"], expected.message in str(end["message"])) == (expected.status, True), end
    assert expected.advice in str(end["advice"]), end


def test_no_two_get_the_same(said: Said) -> None:
    ends = {str(e["host"]): f"{e.get('message')} {e.get('advice')}" for e in said.of("HostFinished")}
    bad = {ends[name].replace(name, "") for name in EXPECTED}
    assert len(bad) == len(EXPECTED)


def test_the_others_go_on(said: Said) -> None:
    statuses = {e["host"]: e["status"] for e in said.of("HostFinished")}
    # The same file on the same host, asked for twice: one of them made it.
    assert {statuses["good"], statuses["sudo-right-password"]} <= {"changed", "ok"}
    assert "changed" in (statuses["good"], statuses["sudo-right-password"])
    (end,) = said.of("RunFinished")
    assert (said.code, end["exit_code"]) == (2, 2)


def test_only_unreachable_hosts_are_exit_4(inventory: Path, runbook: CommandLine) -> None:
    said = runbook.on(inventory, "exec", "refused,wrong-key,no-such-name", "-m", "command", "-a", "true")
    assert said.code == 4, said.out


def test_a_password_is_neither_shown_nor_kept_in_the_open(inventory: Path, runbook: CommandLine) -> None:
    look = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | grep -c horse-batter[y] || true"
    said = runbook.on(inventory, "exec", "sudo-right-password", "-m", "shell", "-a", look, "--json")
    assert said.of("StepFinished")[0]["shown"]["stdout"] == "0", "on the host it is in no argument and no environment"  # type: ignore[index]
    assert PASSWORD not in said.out + said.err
    kept = [p for p in runbook.state.rglob("*") if p.is_file() and PASSWORD.encode() in p.read_bytes()]
    assert kept == []


def test_the_advice_about_an_unknown_key_works(shop: Shop, runbook: CommandLine, tmp_path: Path) -> None:
    options = f"-o UserKnownHostsFile={tmp_path}/kept -o GlobalKnownHostsFile=/dev/null"
    own = write_inventory(tmp_path / "i.yml", {"h": variables(shop.host("fine"), ansible_ssh_common_args=options)})
    said = runbook.on(own, "exec", "h", "-a", "true", "--json")
    (end,) = said.of("HostFinished")
    assert (said.code, end["status"]) == (4, "unreachable")
    command = str(end["advice"]).partition(": ")[2]
    assert command.startswith("ssh-keyscan ")
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    assert runbook.on(own, "exec", "h", "-a", "true").code == 0


@pytest.mark.parametrize(("login", "user"), [("root", "app"), ("app", "guest"), ("app", "root"), ("worker", "app")])
def test_becoming_somebody(shop: Shop, inventory: Path, runbook: CommandLine, login: str, user: str) -> None:
    password = PASSWORD if login == "worker" else None
    hosts = {"h": variables(shop.host("fine"), ansible_user=login, ansible_become_password=password)}
    own = write_inventory(runbook.state.parent / "own.yml", hosts)
    said = runbook.on(own, "exec", "h", "--become-user", user, "-m", "shell", "-a", "id -un; echo $HOME", "--json")
    (end,) = said.of("StepFinished")
    home = "/root" if user == "root" else f"/home/{user}"
    assert end["shown"]["stdout"] == f"{user}\n{home}"  # type: ignore[index]


@pytest.mark.parametrize(
    ("method", "login", "user", "password"),
    [
        ("su", "root", "app", None), ("su", "app", "worker", PASSWORD), ("su", "worker", "worker", PASSWORD),
        ("doas", "app", "worker", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("connection", ["ssh", "openssh"])
def test_becoming_somebody_by_other_means(
    shop: Shop, inventory: Path, runbook: CommandLine, method: str, login: str, user: str, password: str | None,
    connection: str,
) -> None:  # fmt: skip
    more = {"ansible_connection": connection, "ansible_user": login, "ansible_become_method": method}
    hosts = {"h": variables(shop.host("fine"), ansible_become_password=password, **more)}
    own = write_inventory(runbook.state.parent / "own.yml", hosts)
    said = runbook.on(own, "exec", "h", "--become-user", user, "-m", "shell", "-a", "id -un; echo $HOME", "--json")
    (end,) = said.of("StepFinished")
    assert end.get("shown", {}).get("stdout") == f"{user}\n/home/{user}", said.out  # type: ignore[attr-defined]


def test_becoming_somebody_without_python(shop: Shop, inventory: Path, runbook: CommandLine) -> None:
    hosts = {"h": variables(shop.host("bare"), ansible_user="app", ansible_python_interpreter=None)}
    own = write_inventory(runbook.state.parent / "own.yml", hosts)
    said = runbook.on(own, "exec", "h", "-b", "-m", "command", "-a", "id -un", "--json")
    (end,) = said.of("StepFinished")
    assert end["shown"]["stdout"] == "root"  # type: ignore[index]


def test_root_needs_no_sudo_to_be_root(shop: Shop, runbook: CommandLine) -> None:
    host = shop.host("poor", HostSpec(size_bytes=16 << 20, inodes=2000, python="none", sudo=False))
    assert runbook.on(None, "exec", host.name, "-b", "-a", "id -un").code == 0


def test_delegating_to_this_machine(shop: Shop, runbook: CommandLine, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    book = tmp_path / "note.yml"
    book.write_text(
        "name: note\ntitle: Leave a note here about a host there\nsteps:\n"
        f"  - name: the note\n    copy: {{content: '{{{{ inventory_hostname }}}}', dest: {mark}}}\n"
        "    delegate_to: localhost\n"
        "  - name: the host\n    command: hostname\n    changed_when: false\n"
    )  # fmt: skip
    host = shop.host("fine", SMALL)
    said = runbook.on(None, "run", str(book), host.name, "--json", "--wait", "60s")  # others work at localhost, too
    assert said.code == 0, said.out + said.err
    assert mark.read_text() == host.name
    assert [e.get("shown", {}).get("stdout") for e in said.of("StepFinished")][1] == host.name  # type: ignore[attr-defined]
    assert runbook("rollback", "last", "--wait", "60s").code == 0
    assert not mark.exists()


# ---------------------------------------------------------------- ssh_config


def test_ssh_config_is_honoured(shop: Shop, runbook: CommandLine, tmp_path: Path) -> None:
    """Include, alias, user, key, host key alias, and a jump: to a name that only the jump host knows."""
    jump = shop.host("jump", SMALL)
    shop.lab.exec(jump.name, ["sh", "-c", "echo '127.0.0.1 inner.test' >> /etc/hosts"]).check_returncode()
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    known = tmp_path / "known_hosts"
    key = next(line.split(None, 1)[1] for line in jump.known_hosts.read_text().splitlines() if jump.address in line)
    known.write_text(f"jump.alias {key}\ninner.alias {key}\n")
    (home / ".ssh" / "config").write_text(
        f"Include {home}/.ssh/extra\nHost *\n  UserKnownHostsFile {known}\n  IdentityFile {jump.key}\n"
    )
    (home / ".ssh" / "extra").write_text(
        f"Host gate\n  HostName {jump.address}\n  User app\n  HostKeyAlias jump.alias\n"
        "Host inside\n  HostName inner.test\n  User root\n  Port 22\n  ProxyJump gate\n  HostKeyAlias inner.alias\n"
    )
    own = write_inventory(tmp_path / "i.yml", {"inside": {}, "gate": {}})
    words = ["exec", "all", "-m", "shell", "-a", "id -un; echo $SSH_CONNECTION", "--json"]
    said = runbook.on(own, *words, env={"HOME": str(home)})
    assert said.code == 0, said.out + said.err
    shown = {str(e["host"]): str(e["shown"]["stdout"]).split() for e in said.of("StepFinished")}  # type: ignore[index]
    assert shown["gate"][0] == "app"
    assert shown["inside"][0:2] == ["root", "127.0.0.1"], "it came by way of the jump host"


def test_common_args_are_honoured(shop: Shop, runbook: CommandLine, tmp_path: Path) -> None:
    host = shop.host("fine", SMALL)
    key = f"-i {host.key} -o IdentitiesOnly=yes"
    kept = f"-o UserKnownHostsFile={tmp_path}/kept -o StrictHostKeyChecking=accept-new -o ConnectTimeout=5"
    hosts = {
        "by-options": {"ansible_host": host.address, "ansible_ssh_common_args": f"{key} {kept} -l app -o Port=22"},
        "by-jump": variables(host, ansible_host="127.0.0.1", ansible_ssh_common_args=f"{kept}2 -J app@{host.address}"),
    }
    own = write_inventory(tmp_path / "i.yml", hosts)
    said = runbook.on(own, "exec", "by-options", "-m", "command", "-a", "id -un", "--json")
    assert said.code == 0, said.out + said.err
    assert said.of("StepFinished")[0]["shown"]["stdout"] == "app"  # type: ignore[index]
    assert host.address in (tmp_path / "kept").read_text(), "accept-new has kept the key"
    said = runbook.on(own, "exec", "by-jump", "-m", "command", "-a", "id -un", "--json")
    (end,) = said.of("HostFinished")
    # -o and -i are for the destination, not for the jump host (ssh(1), -J): its key is not known.
    assert (said.code, "is not known" in str(end["message"])) == (4, True), end
