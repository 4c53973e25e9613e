"""Routes: what the inventory says, what ssh_config says, and what neither may say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live_agents import needs

from playbook_engine.model.errors import InventoryError
from playbook_engine.model.host import ConnectionSpec
from playbook_engine.transport import ssh_config
from playbook_engine.transport.ssh_config import jump_host, route


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, and nothing remembered."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir()
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    for cached in (ssh_config._configured, ssh_config._ask_ssh, ssh_config._options, ssh_config._host_lines):
        cached.cache_clear()
    ssh_config._answers.clear()


def test_a_plain_name_has_ssh_s_defaults(home: Path) -> None:
    way = route("db1.test", ConnectionSpec(user="deploy"))
    assert (way.address, way.port, way.user, way.jump) == ("db1.test", 22, "deploy", None)
    assert f"{home}/.ssh/id_ed25519" in way.identities
    assert way.known_hosts[0] == f"{home}/.ssh/known_hosts"


@pytest.mark.parametrize(
    ("args", "attribute", "value"),
    [
        ("-o Port=2222", "port", 2222),
        ("-p 2222", "port", 2222),
        ("-l deploy", "user", "deploy"),
        ("-oUser=deploy", "user", "deploy"),
        ("-o 'User deploy'", "user", "deploy"),
        ("-o StrictHostKeyChecking=no", "strict", "no"),
        ("-o HostKeyAlias=db", "alias", "db"),
        ("-J gate.test", "jump", "gate.test"),
        ("-o ProxyJump=a.test,b.test", "jump", "a.test,b.test"),
        ("-o 'ProxyCommand=nc %h %p'", "proxy_command", "nc db1.test 22"),
        ("-o ConnectTimeout=3", "timeout", 3.0),
        ("-o IdentitiesOnly=yes", "identities_only", True),
        ("-o ControlMaster=auto -o ControlPersist=60s -C", "port", 22),
        ("-o UserKnownHostsFile=/a/b", "known_hosts", ("/a/b",)),
        ("-i /k/one -i /k/two", "identities", ("/k/one", "/k/two")),
    ],
)
def test_common_args(args: str, attribute: str, value: object) -> None:
    assert getattr(route("db1.test", ConnectionSpec(common_args=args)), attribute) == value


def test_the_inventory_outranks_the_options(home: Path) -> None:
    spec = ConnectionSpec(user="deploy", port=2200, address="192.0.2.9", common_args="-l root -p 22 -o HostName=x.test")
    way = route("db1", spec)
    assert (way.user, way.port) == ("deploy", 2200)


def test_who_wants_no_checking_gets_unknown_keys_accepted(home: Path) -> None:
    assert route("db1.test", ConnectionSpec(host_key_checking=False)).strict == "accept-new"


def test_a_config_is_resolved_by_ssh_itself(home: Path) -> None:
    needs("ssh")
    (home / ".ssh" / "config").write_text(
        f"Include {home}/.ssh/more\nHost db*\n  User fallback\n  UserKnownHostsFile {home}/others\n"
    )
    (home / ".ssh" / "more").write_text("Host db1\n  HostName 192.0.2.7\n  Port 2200\n  ProxyJump gate.test:2022\n")
    way = route("db1", ConnectionSpec())
    assert (way.address, way.port, way.user, way.jump) == ("192.0.2.7", 2200, "fallback", "gate.test:2022")
    assert way.known_hosts[0] == f"{home}/others"


def test_arguments_that_make_no_sense_are_named(home: Path) -> None:
    with pytest.raises(InventoryError, match="ansible_ssh_common_args of db1"):
        route("db1", ConnectionSpec(common_args="-o 'User=x"))
    needs("ssh")
    with pytest.raises(InventoryError, match="nosuchoption would not be honoured") as caught:
        route("db1", ConnectionSpec(common_args="-o NoSuchOption=1"))
    assert "openssh" in str(caught.value.advice)


def test_without_a_client_a_config_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".ssh" / "config").write_text("Host *\n  User x\n")
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(InventoryError, match="no ssh client") as caught:
        route("db1", ConnectionSpec())
    assert "openssh-client" in str(caught.value.advice)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gate.test", (None, "gate.test", None)),
        ("app@gate.test:2022", ("app", "gate.test", 2022)),
        ("ssh://app@gate.test:2022", ("app", "gate.test", 2022)),
        ("[::1]:2022", (None, "::1", 2022)),
        ("app@[2001:db8::1]", ("app", "2001:db8::1", None)),
        ("2001:db8::1", (None, "2001:db8::1", None)),
        ("user@realm@gate.test", ("user@realm", "gate.test", None)),
    ],
)
def test_jump_hosts(text: str, expected: tuple[str | None, str, int | None]) -> None:
    assert jump_host(text) == expected


def test_a_jump_host_that_is_none(home: Path) -> None:
    with pytest.raises(InventoryError, match="is no jump host"):
        jump_host("gate.test:port")


CONFIGS = (
    "Host *\n  Port 2222\n  IdentitiesOnly yes\n",
    "Host db* !db2\n  User dba\nHost DB2 web?\n  Port=2200\nHost *\n  User other\n  ConnectTimeout 7\n",
    "Host db1 db2\n  HostName db2\n",
    "Host *\n  HostName %h.example.test\n",
    "Match host db1\n  User matched\n",
    "Include more\nHost web1\n  User web\n",
    "Include nothing-*\nHost web1\n  User web\n",
    "Host *\n  ProxyJump gate.test\n  IdentityFile ~/.ssh/%h\n",
)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("args", ["", "-o HostName=db2", "-o User=me -p 22", "-F {home}/other"])
def test_hosts_that_are_told_the_same_are_asked_for_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, config: str, args: str
) -> None:
    """Whatever is in the files: each host's route is what ssh says when it is asked for that host alone."""
    needs("ssh")
    (home / ".ssh" / "config").write_text(config)
    (home / ".ssh" / "more").write_text("Host db2\n  HostName 192.0.2.7\n")
    (home / "other").write_text("Host web*\n  User fleet\n")
    spec = ConnectionSpec(common_args=args.format(home=home))
    names = ("db1", "db2", "web1", "web2", "WEB1", "db10", "192.0.2.9")
    together = {name: route(name, spec) for name in names}
    for name in names:
        forget()
        with monkeypatch.context() as alone:
            alone.setattr(ssh_config, "_alike", lambda *_: None)
            assert together[name] == route(name, spec), name


def test_a_fleet_costs_one_question(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("ssh")
    (home / ".ssh" / "config").write_text("Host *\n  Port 2222\n")
    asked: list[str] = []
    real = ssh_config._ask_ssh

    def ask(target: str, args: str, port: int | None, user: str | None) -> dict[str, list[str]]:
        asked.append(target)
        return real(target, args, port, user)

    with monkeypatch.context() as counting:
        counting.setattr(ssh_config, "_ask_ssh", ask)
        assert [route(f"web{n}", ConnectionSpec()).address for n in range(50)] == [f"web{n}" for n in range(50)]
    assert asked == ["web0"]
