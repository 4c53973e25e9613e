"""`runbook inventory --explain`: the places are right, and so is the winner."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playbook_engine.cli.group import cli
from playbook_engine.inventory import explanation
from playbook_engine.inventory.explanation import by_variable
from playbook_engine.inventory.inventory import load_inventory
from playbook_engine.inventory.vars_files import extra_vars, parse_extra_vars
from playbook_engine.model.errors import InventoryError
from playbook_engine.templating.environment import Templar

FILES = {
    "inv/hosts.ini": "[web]\nw1 port=1 ansible_password=hunter2\nw1 port=2\n\n"
    "[web:vars]\nport=80\n[all:vars]\nport=8\n",
    "inv/s.sh": '#!/bin/sh\necho \'{"web": {"hosts": ["w1"], "vars": {"port": 99}}, "_meta": {"hostvars": '
    '{"w1": {"port": 98}}}}\'\n',
    "inv/z.yml": "all:\n  children:\n    web:\n      vars: {port: 81}\n      hosts:\n        w1:\n"
    "          port: 3\n          nested: {token: t0psecret}\n        w2:22: {}\n",
    "inv/group_vars/web/a.yml": "---\n# why\nport: 800\n",
    "inv/group_vars/all.yml": "port: 801\n",
    "inv/host_vars/w1.yml": "x: '{{ port }}'\nport: 802\n",
    "book/group_vars/web.yml": "port: 900\n",
    "e.yml": "a: 1\nport: 5\n",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if text.startswith("#!"):
            path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def explained(*words: str) -> str:
    result = CliRunner().invoke(cli, ["inventory", "-i", "inv", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_place_in_the_order_of_precedence(here: Path) -> None:
    said = explained("--playbook-dir", "book", "--explain", "w1", "port", "-e", "port=7", "-e", "@e.yml")
    rows = [line.removeprefix("* ").split(maxsplit=3) for line in said.splitlines()]
    assert [(value, place) for _, value, place, _ in rows] == [
        ("5", "e.yml:2"), ("7", "-e"), ("802", "inv/host_vars/w1.yml:2"), ("3", "inv/z.yml:7"), ("98", "inv/s.sh"),
        ("2", "inv/hosts.ini:3"), ("1", "inv/hosts.ini:2"), ("900", "book/group_vars/web.yml:1"),
        ("800", "inv/group_vars/web/a.yml:3"), ("801", "inv/group_vars/all.yml:1"), ("81", "inv/z.yml:4"),
        ("99", "inv/s.sh"), ("80", "inv/hosts.ini:6"), ("8", "inv/hosts.ini:8"),
    ]  # fmt: skip
    assert [line.startswith("* ") for line in said.splitlines()] == [True] + [False] * 13
    assert "group web (depth 1, priority 1)" in rows[-2][3] and "beside the runbook" in rows[7][3]


def test_all_variables_with_the_place_of_the_winner(here: Path) -> None:
    said = explained("--explain", "w1")
    assert [line.split()[0] for line in said.splitlines()] == ["ansible_password", "nested", "port", "x"]
    assert "hunter2" not in said and "t0psecret" not in said and "{{ port }}" in said


def test_as_json(here: Path) -> None:
    said = json.loads(explained("--explain", "w2", "ansible_port", "--json"))
    place = {"file": "inv/z.yml", "line": 9, "source": "inventory", "value": 22, "group": None}
    assert said == {"host": "w2", "variables": {"ansible_port": {"value": 22, "candidates": [place]}}}
    said = json.loads(explained("--explain", "w1", "port", "--json"))
    script = next(c for c in said["variables"]["port"]["candidates"] if c["file"] == "inv/s.sh")
    assert script["line"] is None


def test_names_that_are_nowhere(here: Path) -> None:
    for words, advice in ((("w1", "prt"), "'port'"), (("w3",), "--graph")):
        result = CliRunner().invoke(cli, ["inventory", "-i", "inv", "--explain", *words])
        assert isinstance(result.exception, InventoryError)
        assert advice in str(result.exception.advice)


def test_what_is_encrypted_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inv").mkdir()
    (tmp_path / "inv" / "h.yml").write_text(
        "all:\n  hosts:\n    a.test:\n      key: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        3131\n"
    )
    assert explained("--explain", "a.test").split()[1:] == ["(encrypted)", "inv/h.yml:4", "inventory"]


def test_the_settings_come_last(here: Path) -> None:
    (here / "runbook.toml").write_text('# ours\nuser = "deploy"\n')
    here.chmod(0o755)
    assert explained("--explain", "w2", "ansible_user").split() == [
        "*", "ansible_user", "deploy", f"{here}/runbook.toml:2", "settings",
    ]  # fmt: skip
    rows = explained("--explain", "w2", "ansible_user", "-e", "ansible_user=ada").splitlines()
    assert [row.split()[-1] for row in rows] == ["vars", "settings"]


NAMES = st.sampled_from(["a", "b", "c"])
VARS = st.dictionaries(NAMES, st.integers(0, 99), max_size=3)
GROUPS = ["all", "g1", "g2", "g3"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    own=st.fixed_dictionaries(dict.fromkeys(GROUPS, VARS)), files=st.fixed_dictionaries(dict.fromkeys(GROUPS, VARS)),
    book=st.fixed_dictionaries(dict.fromkeys(GROUPS, VARS)), host=VARS, given_=VARS, below=st.booleans(),
    priority=st.integers(1, 3), kind=st.sampled_from(["ini", "yml"]),
)  # fmt: skip
def test_the_winner_is_what_a_run_sees(
    tmp_path: Path, own: dict[str, dict[str, int]], files: dict[str, dict[str, int]], book: dict[str, dict[str, int]],
    host: dict[str, int], given_: dict[str, int], below: bool, priority: int, kind: str,
) -> None:  # fmt: skip
    for folder, values in (("group_vars", files), ("book/group_vars", book)):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for group, variables in values.items():
            (tmp_path / folder / f"{group}.yml").write_text(json.dumps(variables))
    source = tmp_path / f"hosts.{kind}"
    if kind == "ini":
        lines = ["[g1]", "h " + " ".join(f"{k}={v}" for k, v in host.items()), "[g2]", "h", "[g3]", "h"]
        lines += ["[g1:children]", "g2"] if below else []
        for group, variables in own.items():
            lines += [f"[{group}:vars]", *(f"{k}={v}" for k, v in variables.items())]
        source.write_text("\n".join([*lines, "[g3:vars]", f"ansible_group_priority={priority}"]) + "\n")
    else:
        groups = {g: {"vars": own[g], "hosts": {"h": {}}} for g in GROUPS[1:]}
        groups["g1"]["hosts"] = {"h": host}  # type: ignore[dict-item]
        groups["g3"]["vars"] = {**own["g3"], "ansible_group_priority": priority}
        source.write_text(json.dumps({"all": {"vars": own["all"], "children": groups}}, indent=1))
    templar = Templar()
    texts = [f"{k}={v}" for k, v in given_.items()]
    loaded = load_inventory(
        [str(source)], playbook_dir=tmp_path / "book", templar=templar, extra_vars=parse_extra_vars(texts, templar),
        trail=True,
    )  # fmt: skip
    layers = list(extra_vars(texts, templar, placed=True))
    found = by_variable([*explanation.candidates(loaded, "h"), *explanation.extra(texts, layers)], None, "h")
    assert {name: each[0].value for name, each in found.items()} == loaded.get("h").variables
    for each in (c for cs in found.values() for c in cs if c.line):
        line = Path(each.file).read_text().splitlines()[each.line - 1]
        assert each.name in line and str(each.value) in line
