from __future__ import annotations

from pathlib import Path

import pytest

from playbook_engine.lab.errors import LabError
from playbook_engine.lab.spec import Bind, HostSpec, parse_amount


@pytest.mark.parametrize(
    ("text", "amount"), [("1000", 1000), ("64m", 64 << 20), ("3g", 3 << 30), ("200k", 200 << 10), ("2GiB", 2 << 30)]
)
def test_amounts_have_binary_suffixes(text: str, amount: int) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize("text", ["", "m", "-1", "1.5g", "3t", "12 apples"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(LabError, match="is not an amount"):
        parse_amount(text)


def test_a_bind_names_a_directory_of_this_machine(tmp_path: Path) -> None:
    assert Bind.parse(f"{tmp_path}=/wheels") == Bind(source=tmp_path, target="/wheels")


@pytest.mark.parametrize("text", ["/tmp", "/tmp=wheels", "/no/such/folder=/wheels", "/tmp=/two words"])
def test_a_bind_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(LabError, match="--bind"):
        Bind.parse(text)


@pytest.mark.parametrize("name", ["", "Web1", "1db", "a b", "../x", "a" * 33])
def test_a_name_that_is_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(LabError, match="cannot name a lab host"):
        HostSpec(name=name)


def test_a_tmp_that_is_not_there_is_not_noexec() -> None:
    with pytest.raises(LabError, match="without /tmp"):
        HostSpec(tmp=False, tmp_noexec=True)


def test_a_python_is_system_none_or_a_prefix(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").touch()
    assert HostSpec(python=str(tmp_path)).python == str(tmp_path)
    with pytest.raises(LabError, match="no bin/python3 below it"):
        HostSpec(python=str(tmp_path / "bin"))
    with pytest.raises(LabError, match="use `system`"):
        HostSpec(python="/usr")
