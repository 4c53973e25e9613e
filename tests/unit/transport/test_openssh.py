"""The OpenSSH client's command line, its words as errors, and the password that it is given."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_agents import needs

from playbook_engine.model.errors import AuthFailed, HostError, HostKeyError, InventoryError, Unreachable
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.secret import Secret
from playbook_engine.transport import ssh_config
from playbook_engine.transport.askpass import Askpass
from playbook_engine.transport.openssh import OpenSshTransport, arguments, failure
from playbook_engine.transport.ssh_config import route
from playbook_engine.transport.ssh_tokens import filled, filled_path, tokens


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    needs("ssh")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    for _ in range(2):
        for cached in (ssh_config._configured, ssh_config._ask_ssh, ssh_config._options, ssh_config._host_lines):
            cached.cache_clear()
        ssh_config._answers.clear()
        if _ == 0:
            yield tmp_path


def host(**spec: object) -> Host:
    return Host(name="db1.test", connection=ConnectionSpec(connection="openssh", **spec))  # type: ignore[arg-type]


class TestArguments:
    def test_nobody_is_asked_and_keys_are_checked(self) -> None:
        argv = arguments(host(user="app", port=2222, private_key_file="/k"), "/run/c")
        assert argv[-2:] == ["--", "db1.test"]
        assert "BatchMode=yes" in argv and "StrictHostKeyChecking=yes" in argv and "ControlPath=/run/c" in argv
        assert argv[argv.index("-p") :][:8] == ["-p", "2222", "-l", "app", "-i", "/k", "-o", "IdentitiesOnly=yes"]

    def test_a_password_is_in_none_of_them(self) -> None:
        argv = arguments(host(password=Secret("hush-hush")), "/run/c")
        assert "BatchMode=no" in argv and "hush-hush" not in " ".join(argv)

    @pytest.mark.parametrize(
        ("spec", "config", "wanted"),
        [
            ({}, "StrictHostKeyChecking no", "StrictHostKeyChecking=no"),
            ({}, "StrictHostKeyChecking accept-new", "StrictHostKeyChecking=accept-new"),
            ({}, "StrictHostKeyChecking ask", "StrictHostKeyChecking=yes"),
            ({"host_key_checking": False}, "", "StrictHostKeyChecking=accept-new"),
            ({"common_args": "-o StrictHostKeyChecking=off -o ConnectTimeout=3"}, "", "StrictHostKeyChecking=off"),
        ],
    )
    def test_what_is_said_of_host_keys_counts(
        self, home: Path, spec: dict[str, object], config: str, wanted: str
    ) -> None:
        (home / ".ssh" / "config").write_text(f"Host *\n  {config}\n")
        said = [word for word in arguments(host(**spec), "/run/c") if "stricthost" in word.lower()]
        assert said == [wanted]

    def test_everything_that_ssh_knows_is_passed_on(self) -> None:
        argv = arguments(host(common_args="-o Ciphers=aes128-ctr -J gate.test"), "/run/c")
        assert argv[argv.index("Ciphers=aes128-ctr") + 1 :] == ["-J", "gate.test", "--", "db1.test"]


@pytest.mark.parametrize(
    ("said", "kind", "advice"),
    [
        ("ssh: Could not resolve hostname db9: Name or service not known", Unreachable, "spelling"),
        ("ssh: connect to host db1 port 22: Connection refused", Unreachable, "sshd is not listening"),
        ("ssh: connect to host db1 port 22: Connection timed out", Unreachable, "firewall"),
        ("ssh: connect to host db1 port 22: No route to host", Unreachable, "jump host"),
        ("kex_exchange_identification: Connection closed by remote host", Unreachable, "jump host"),
        ("app@db1: Permission denied (publickey).", AuthFailed, "ansible_user"),
        ("Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures", AuthFailed, "ansible_user"),
        ("No ED25519 host key is known for db1 and you have requested strict checking.\nHost key verification failed.",
         HostKeyError, "ssh-keyscan db1.test"),
        ("@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@@@@\nHost key verification failed.",
         HostKeyError, "ssh-keygen -R db1.test"),
        ("command-line: line 0: Bad configuration option: nosuch", Unreachable, "ansible_ssh_common_args"),
        ("something else", Unreachable, "by hand"),
    ],
)  # fmt: skip
def test_its_words_are_our_errors(said: str, kind: type[HostError], advice: str) -> None:
    error = failure(host(), said)
    assert type(error) is kind and advice in str(error.advice)
    assert error.message.startswith("db1.test: ") and "@@" not in error.message


def test_without_a_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises((Unreachable, InventoryError), match=r"ssh client|no ssh client") as caught:
        OpenSshTransport().connect(host())
    assert "openssh-client" in str(caught.value.advice)


def test_what_is_locked_is_not_tried() -> None:
    with pytest.raises(AuthFailed, match="no vault password"):
        OpenSshTransport().connect(host(locked="there is no vault password"))


class TestAskpass:
    PASSWORD = "a \\n 'b' \"c\" $d `e` é"

    @pytest.mark.parametrize("prompt", ["app@db1.test's password: ", "(app@db1.test) Password: "])
    def test_it_answers_its_own_account(self, prompt: str) -> None:
        assert self.answer(prompt) == (0, self.PASSWORD + "\n")

    @pytest.mark.parametrize(
        "prompt", ["app@gate.test's password: ", "Enter passphrase for key '/k': ", "Are you sure (app@db1.test)?"]
    )
    def test_and_no_other(self, prompt: str) -> None:
        assert self.answer(prompt) == (1, "")

    def answer(self, prompt: str) -> tuple[int, str]:
        asked = Askpass(Secret(self.PASSWORD), "app@db1.test")
        try:
            script = asked.environment["SSH_ASKPASS"]
            folder = Path(script).parent
            assert folder.stat().st_mode & 0o777 == 0o700
            assert self.PASSWORD not in Path(script).read_text() and self.PASSWORD not in str(asked.environment)
            ran = subprocess.run([script, prompt], env=asked.environment, capture_output=True, text=True, check=False)
        finally:
            asked.close()
        assert not folder.exists()
        return ran.returncode, ran.stdout


class TestTokens:
    def test_each(self, home: Path) -> None:
        known = tokens(name="db", address="db1.test", port=2222, user="app", jump="gate", alias="key")
        assert filled("%n %h %p %r %k %j %% %d", known) == f"db db1.test 2222 app key gate % {home}"
        assert len(filled("%C", known)) == 40
        with pytest.raises(InventoryError, match="%z"):
            filled("%z", known)

    def test_variables_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEYS", "/keys")
        known = tokens(name="db", address="db1.test", port=22, user="app")
        assert filled_path("${KEYS}/%h", known) == "/keys/db1.test"
        with pytest.raises(InventoryError, match="NOT_SET"):
            filled_path("${NOT_SET}/x", known)

    def test_a_route_has_them_filled_in(self, home: Path) -> None:
        (home / ".ssh" / "config").write_text(
            "Host db\n  HostName db1.test\n  User app\n  IdentityFile ~/.ssh/%h_%r_%p\n  IdentityFile none\n"
            "  CertificateFile %d/%n.pub\n  UserKnownHostsFile /x/known_%k\n  ProxyCommand nc %h %p %%\n"
        )
        way = route("db", ConnectionSpec())
        assert way.identities == (f"{home}/.ssh/db1.test_app_22",)
        assert way.certificates == (f"{home}/db.pub",)
        assert way.known_hosts[0] == "/x/known_db"
        assert way.proxy_command == "nc db1.test 22 %"
