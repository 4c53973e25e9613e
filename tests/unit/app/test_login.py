"""-u, -k and their like: what they mean, and to what they give way."""

from __future__ import annotations

from pathlib import Path

import pytest

from playbook_engine.app.login import LoginOptions, login_variables
from playbook_engine.inventory.inventory import load_inventory
from playbook_engine.model.errors import UsageError
from playbook_engine.model.host import ConnectionSpec
from playbook_engine.model.secret import Secret
from playbook_engine.templating.environment import Templar


def spec(name: str, text: str, tmp_path: Path, **given: object) -> ConnectionSpec:
    login = login_variables(LoginOptions(**given))  # type: ignore[arg-type]
    (tmp_path / "hosts").write_text(text)
    sources = [str(tmp_path / "hosts")] if text else []
    return load_inventory(sources, templar=Templar(), login=login).get(name).connection


def test_they_count_where_the_inventory_says_nothing(tmp_path: Path) -> None:
    given = {"user": "u", "connection": "openssh", "connect_timeout": 3, "private_key": "/k", "common_args": "-J a",
             "extra_args": "-v"}  # fmt: skip
    made = spec("w1", "w1\n", tmp_path, **given)
    assert (made.user, made.connection, made.connect_timeout, made.private_key_file) == ("u", "openssh", 3.0, "/k")
    assert made.common_args == "-J a -v"


def test_the_inventory_wins_by_whichever_name(tmp_path: Path) -> None:
    text = "w1 ansible_ssh_user=own ansible_connection=ssh ansible_timeout=7 ansible_ssh_private_key_file=/own\n"
    made = spec("w1", text, tmp_path, user="u", connection="openssh", connect_timeout=3, private_key="/k")
    assert (made.user, made.connection, made.connect_timeout, made.private_key_file) == ("own", "ssh", 7.0, "/own")


def test_a_destination_names_its_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert spec("deploy@db1.test", "", tmp_path, user="u").user == "deploy"
    assert spec("db1.test", "", tmp_path, user="u").user == "u"


def test_this_machine_stays_local(tmp_path: Path) -> None:
    assert spec("localhost", "w1\n", tmp_path, connection="openssh").connection == "local"


class TestPasswords:
    def test_from_a_file_a_program_or_both(self, tmp_path: Path) -> None:
        (tmp_path / "pw").write_text(" with blanks \n")
        (tmp_path / "run").write_text("#!/bin/sh\necho printed\n")
        (tmp_path / "run").chmod(0o700)
        made = login_variables(
            LoginOptions(password_file=str(tmp_path / "pw"), become_password_file=str(tmp_path / "run"))
        )
        assert made == {"ansible_password": Secret(" with blanks "), "ansible_become_password": Secret("printed")}

    def test_typed_and_the_second_like_the_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        typed = iter(["one", ""])
        monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
        made = login_variables(LoginOptions(ask_password=True, ask_become_password=True))
        assert made == {"ansible_password": Secret("one"), "ansible_become_password": Secret("one")}

    @pytest.mark.parametrize("text", ["", "\n"])
    def test_an_empty_one_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "pw").write_text(text)
        with pytest.raises(UsageError, match="empty"):
            login_variables(LoginOptions(password_file=str(tmp_path / "pw")))

    def test_what_makes_no_sense(self, tmp_path: Path) -> None:
        (tmp_path / "bad").write_text("#!/bin/sh\nexit 4\n")
        (tmp_path / "bad").chmod(0o700)
        for given, words in (
            ({"password_file": "/not/there"}, "cannot be read"),
            ({"password_file": str(tmp_path / "bad")}, "ended with 4"),
            ({"password_file": "x", "ask_password": True}, "exclude"),
            ({"become_password_file": "x", "ask_become_password": True}, "exclude"),
        ):
            with pytest.raises(UsageError, match=words):
                login_variables(LoginOptions(**given))  # type: ignore[arg-type]
