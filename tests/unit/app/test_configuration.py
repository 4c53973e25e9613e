"""Settings: which source wins, where each value was found, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.app.configuration import configured
from playbook_engine.app.setting import BY_NAME, SETTINGS, Kind, Said, Setting
from playbook_engine.app.settings import Settings
from playbook_engine.model.errors import UsageError

CFG = "[defaults]\ninventory = hosts\nremote_user=deploy\nforks = 9 ; as many as cores\n[diff]\nalways = yes\n"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir(mode=0o755)
    return folder


def test_without_a_folder_no_file_is_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "runbook.toml").write_text("forks = 7\n")
    monkeypatch.chdir(here)
    assert Settings.of({"RUNBOOK_STATE": "/x"}).forks == 50
    assert Settings.of({"RUNBOOK_STATE": "/x"}, here).forks == 7


def test_each_source_wins_over_the_one_below(here: Path) -> None:
    environ: dict[str, str] = {}

    def found() -> tuple[object, str]:
        said = configured(environ, here).said("forks")
        return said.value, said.origin

    assert found() == (None, "default")
    (here / "ansible.cfg").write_text(CFG)
    assert found() == (9, f"{here}/ansible.cfg:4")
    (here / "runbook.toml").write_text("# ours\nforks = 7\n")
    assert found() == (7, f"{here}/runbook.toml:2")
    environ["ANSIBLE_FORKS"] = "6"
    assert found() == (6, "ANSIBLE_FORKS")
    environ["RUNBOOK_FORKS"] = "5"
    assert found() == (5, "RUNBOOK_FORKS")


def test_the_file_is_the_first_of_four(here: Path, tmp_path: Path) -> None:
    home, xdg = tmp_path / "home", tmp_path / "xdg"
    for folder, number in ((home / ".config" / "runbook", 1), (xdg / "runbook", 2)):
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(f"forks = {number}\n")
    environ = {"HOME": str(home)}
    assert configured(environ, here).count("forks") == 1
    environ["XDG_CONFIG_HOME"] = str(xdg)
    assert configured(environ, here).count("forks") == 2
    (here / "runbook.toml").write_text("forks = 3\n")
    assert configured(environ, here).count("forks") == 3
    (tmp_path / "named.toml").write_text("max_hosts = 4\n")
    environ["RUNBOOK_CONFIG"] = str(tmp_path / "named.toml")
    assert configured(environ, here).count("forks") is None
    environ["RUNBOOK_CONFIG"] = "/nonexistent/file"
    with pytest.raises(UsageError, match="RUNBOOK_CONFIG names '/nonexistent/file'"):
        configured(environ, here)


def test_ansibles_file_is_the_first_of_three(here: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".ansible.cfg").write_text("[defaults]\nforks=1\n")
    environ = {"HOME": str(home)}
    assert configured(environ, here).count("forks") == 1
    (here / "ansible.cfg").write_text("[defaults]\nforks=2\n")
    assert configured(environ, here).count("forks") == 2
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks=3\n")
    for named in (tmp_path, tmp_path / "ansible.cfg"):  # a folder is meant as the file in it
        assert configured({**environ, "ANSIBLE_CONFIG": str(named)}, here).count("forks") == 3
    assert configured({**environ, "ANSIBLE_CONFIG": "/nonexistent"}, here).count("forks") == 2


@pytest.mark.parametrize("name", ["runbook.toml", "ansible.cfg"])
def test_a_folder_that_everybody_may_write_to_is_not_trusted(here: Path, name: str) -> None:
    (here / name).write_text("forks = 7\n" if name == "runbook.toml" else CFG)
    here.chmod(0o777)
    found = configured({}, here)
    assert found.count("forks") is None
    (warning,) = found.warnings
    assert str(here / name) in warning and "everybody may write" in warning


def test_paths_of_a_file_are_relative_to_it(here: Path) -> None:
    (here / "runbook.toml").write_text(
        'state = "s"\nprivate_key = "~/k"\npath = ["a", "/b"]\ninventory = ["hosts", "x,y,"]\n'
        'vault_identity_list = ["dev@pw", "prod@prompt"]\n'
    )
    found = configured({"HOME": "/nonexistent"}, here)
    assert found.text("state") == f"{here}/s"
    assert found.text("private_key") == str(Path("~/k").expanduser())
    assert found.words("path") == (f"{here}/a", "/b")
    assert found.words("inventory") == (f"{here}/hosts", "x,y,")
    assert found.words("vault_identity_list") == (f"dev@{here}/pw", "prod@prompt")


def test_what_ansibles_file_says(here: Path) -> None:
    (here / "hosts").write_text("")
    (here / "ansible.cfg").write_text(CFG + "[privilege_escalation]\nbecome=yes\n[ssh_connection]\npipelining=1\n")
    settings = Settings.of({}, here)
    assert (settings.user, settings.forks, settings.diff) == ("deploy", 9, True)
    assert settings.inventory == (f"{here}/hosts",)


@pytest.mark.parametrize(("word", "kind"), [("smart", "ssh"), ("paramiko", "ssh"), ("local", "local")])
def test_ansibles_words_for_connections(here: Path, word: str, kind: str) -> None:
    (here / "ansible.cfg").write_text(f"[defaults]\ntransport = {word}\n")
    assert Settings.of({}, here).transport == kind


def test_ansibles_flags_for_colours(here: Path) -> None:
    (here / "ansible.cfg").write_text("[defaults]\n\nnocolor = 1\n")
    assert configured({}, here).said("color") == Said(value="never", origin=f"{here}/ansible.cfg:3")
    assert configured({"ANSIBLE_FORCE_COLOR": "true"}, here).text("color") == "always"
    assert configured({"ANSIBLE_NOCOLOR": "1", "RUNBOOK_COLOR": "auto"}, here).text("color") == "auto"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("state = 'a'\nfroks = 5\n", 2, "no setting 'froks'"),
        ("\n[ssh]\nkex = 'a'\n", 2, "no setting 'ssh'"),
        ("forks = '5'\n", 1, "whole number from 1"),
        ("forks = true\n", 1, "whole number from 1"),
        ("forks = 0\n", 1, "whole number from 1"),
        ("# a\ndiff = 'yes'\n", 2, "true or false"),
        ("path = [1]\n", 1, "a list of texts"),
        ("state = 5\n", 1, "a text"),
        ("transport = 'telnet'\n", 1, "ssh, openssh or local"),
        ("color = true\n", 1, "auto, always or never"),
    ],
)
def test_a_mistake_in_the_file_has_its_line(here: Path, text: str, line: int, message: str) -> None:
    (here / "runbook.toml").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        configured({}, here)
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.line) == (f"{here}/runbook.toml", line)


def test_a_key_that_is_none_is_answered_with_the_nearest(here: Path) -> None:
    (here / "runbook.toml").write_text("inventori = 'a'\n")
    with pytest.raises(UsageError) as caught:
        configured({}, here)
    assert "'inventory'" in str(caught.value.advice)


@pytest.mark.parametrize("text", ["forks = \n", "a\x00b", "forks = 1\nforks = 2\n"])
def test_a_file_that_is_no_toml(here: Path, text: str) -> None:
    (here / "runbook.toml").write_text(text)
    with pytest.raises(UsageError, match="no valid TOML"):
        configured({}, here)


def test_a_file_that_is_no_ini(here: Path) -> None:
    (here / "ansible.cfg").write_text("forks = 5\n")
    with pytest.raises(UsageError, match="no valid ini file"):
        configured({}, here)


def test_a_value_that_is_none_in_ansibles_file(here: Path) -> None:
    (here / "ansible.cfg").write_text("[defaults]\nforks = many\n")
    with pytest.raises(UsageError, match="forks is 'many'") as caught:
        configured({}, here)
    assert caught.value.where is not None and caught.value.where.line == 2


@pytest.mark.parametrize(
    ("name", "value"), [("RUNBOOK_MAX_HOSTS", "all"), ("ANSIBLE_FORKS", "0"), ("RUNBOOK_DIFF", "?")]
)
def test_a_variable_that_means_nothing_is_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        configured({name: value})


def test_an_empty_variable_says_nothing() -> None:
    assert not configured({"RUNBOOK_FORKS": "", "RUNBOOK_INVENTORY": " "}).said("forks").is_set


def test_the_password_in_an_address_is_not_shown() -> None:
    said = configured({"RUNBOOK_URL": "https://ada:hunter2@ops.test/x"}).said("url")
    assert said.written(BY_NAME["url"]) == "https://ada:********@ops.test/x"
    assert said.value == "https://ada:hunter2@ops.test/x"


def test_every_setting_is_one_of_those_that_are_used() -> None:
    fields = {"path": "runbook_path", "escalation": "policy"}
    unused = {"host_key_checking"}  # read, and does nothing
    assert {fields.get(s.name, s.name) for s in SETTINGS} - unused <= set(Settings.__dataclass_fields__)


@given(
    st.sampled_from(SETTINGS), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
)
def test_any_text_is_a_value_or_refused(setting: Setting, text: str) -> None:
    try:
        value = setting.of_text(text)
    except ValueError:
        assert setting.choices or setting.kind in (Kind.COUNT, Kind.FLAG)
    else:
        assert isinstance(value, type(setting.empty())) or setting.kind is Kind.COUNT


def test_the_same_as_ansible_reads_it(here: Path) -> None:
    """What `ansible-config dump` of ansible-core 2.19 says of this file."""
    (here / "hosts").touch()
    (here / "ansible.cfg").write_text(
        "[defaults]\ninventory = ./hosts, /abs/other\nremote_user: deploy\nprivate_key_file = keys/id\n"
        "forks = 12 ; half\ntimeout=7\nvault_password_file = pw\nvault_identity_list = dev@pw, prod@prompt\n"
        "roles_path = roles:/abs\nhost_key_checking = no\n[diff]\nalways = True\n"
    )
    found = configured({}, here)
    assert {name: found.said(name).value for name in BY_NAME if found.said(name).is_set} == {
        "forks": 12, "inventory": (f"{here}/hosts", "/abs/other"), "private_key": f"{here}/keys/id", "user": "deploy",
        "roles_path": (f"{here}/roles", "/abs"), "connect_timeout": 7, "diff": True, "host_key_checking": False,
        "vault_identity_list": ("dev@pw", "prod@prompt"), "vault_password_file": f"{here}/pw",
    }  # fmt: skip
