"""Lookups that read files of the controller. What is expected was recorded with ansible-core 2.19.14."""

from __future__ import annotations

from pathlib import Path

import pytest

from playbook_engine.model.errors import TemplateError
from playbook_engine.templating.environment import Templar

USERS = [{"name": "ann", "tags": ["x"]}, {"name": "bob", "tags": []}, {"name": "cy", "tags": ["x", "y"]}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "elements.csv").write_text("Symbol,Atomic Number,Mass\nH,1,1.008\nLi,3,6.94\n")
    (tmp_path / "t.tsv").write_text("a\tb\tc\nd\te\tf\n")
    (tmp_path / "a.ini").write_text("[global]\nuser=global\n[integration]\nuser=int\npass=secret\nUser2=Big\n")
    (tmp_path / "a.properties").write_text("user.name=prop\nuser.age = 12\n")
    (tmp_path / "pw").write_text("keptpw salt=abcdefgh\n")
    (tmp_path / "id").write_text("id salt=abcdefghijklmnopqrstuv ident=2b\n")
    (tmp_path / "t.j2").write_text("T [[ s ]] {{ s }}\n")
    return tmp_path


def render(folder: Path, source: str) -> object:
    templar = Templar(search=[str(folder)])
    groups = {"all": ["web1", "web2", "db1"], "web": ["web1", "web2"]}
    return templar.render(templar.compile_value(source, None), {"users": USERS, "groups": groups, "s": "S"})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ lookup('csvfile', 'Li file=elements.csv delimiter=,') }}", "3"),
        ("{{ lookup('csvfile', 'Li', file='elements.csv', delimiter=',', col=2) }}", "6.94"),
        ("{{ lookup('csvfile', 'Zz', file='elements.csv', delimiter=',', default='none') }}", "none"),
        ("{{ lookup('csvfile', 'Zz', file='elements.csv', delimiter=',') }}", []),
        ("{{ lookup('csvfile', '1', file='elements.csv', delimiter=',', keycol=1, col=0) }}", "H"),
        ("{{ query('csvfile', 'a', 'd', file='t.tsv') }}", ["b", "e"]),
        ("{{ lookup('ini', 'user section=integration file=a.ini') }}", "int"),
        ("{{ lookup('ini', 'user', file='a.ini') }}", "global"),
        ("{{ lookup('ini', 'no', section='integration', file='a.ini', default='d') }}", "d"),
        ("{{ query('ini', '^us', section='integration', file='a.ini', re=true) }}", ["int", "Big"]),
        ("{{ lookup('ini', 'user2', section='integration', file='a.ini', case_sensitive=true) }}", ""),
        ("{{ lookup('ini', 'user.age', type='properties', file='a.properties') }}", "12"),
        ("{{ query('inventory_hostnames', 'all:!web') }}", ["db1"]),
        ("{{ query('inventory_hostnames', 'nowhere') }}", []),
        ("{{ query('subelements', users, 'tags') }}",
         [[{"name": "ann"}, "x"], [{"name": "cy"}, "x"], [{"name": "cy"}, "y"]]),
        ("{{ query('subelements', {'x': {'a': {'b': [1]}, 'z': 1}}, 'a.b') }}", [[{"a": {}, "z": 1}, 1]]),
        ("{{ query('sequence') }}", []),
        ("{{ lookup('template', 't.j2', variable_start_string='[[', variable_end_string=']]') }}", "T S {{ s }}\n"),
        ("{{ lookup('vars', '{{ \"s\" }}') }}", "S"),
        ("{{ lookup('password', '/dev/null', seed='x') }}", "O9iX65WvW9::bS:gx:86"),
        ("{{ lookup('password', '/dev/null seed=x length=8') }}", "O9iX65Wv"),
        ("{{ lookup('password', '/dev/null seed=x chars=digits,,') }}", "948860586965156877,4"),
        ("{{ lookup('password', '/dev/null seed=x chars=,,') }}", "," * 20),
        ("{{ lookup('password', 'pw') }}", "keptpw"),
        ("{{ lookup('password', 'pw encrypt=md5_crypt') }}", "$1$abcdefgh$atZZ5e612/MoRiM/GN2eI1"),
        ("{{ lookup('password', 'id encrypt=bcrypt') }}",
         "$2b$12$abcdefghijklmnopqrstuu8A3hYnLFLCiP17shJL3WaNOpRzwA6da"),
    ],
)  # fmt: skip
def test_gives(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, expected: object) -> None:
    monkeypatch.chdir(folder)
    assert render(folder, source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "{{ lookup('csvfile', 'x', file='nowhere.csv') }}",
        "{{ lookup('csvfile') }}",
        "{{ lookup('ini', 'x', section='nowhere', file='a.ini') }}",
        "{{ lookup('password', '/dev/null nope=x') }}",
        "{{ lookup('password', '/dev/null encrypt=nope') }}",
        "{{ lookup('password', 'id encrypt=bcrypt ident=2a') }}",
        "{{ query('sequence', 'start=1 end=3 count=2') }}",
        "{{ query('sequence', 'start=1 end=0 stride=1') }}",
        "{{ query('nested') }}",
    ],
)
def test_refuses(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(TemplateError):
        render(folder, source)


def test_a_hashed_password_keeps_its_salt(tmp_path: Path) -> None:
    """The hash is given and the password kept, whichever is asked for first."""
    file = tmp_path / "new"
    plain = render(tmp_path, f"{{{{ lookup('password', '{file}') }}}}")
    hashed = render(tmp_path, f"{{{{ lookup('password', '{file}', encrypt='sha256_crypt') }}}}")
    assert str(hashed).startswith("$5$rounds=535000$")
    assert hashed == render(tmp_path, f"{{{{ lookup('password', '{file}', encrypt='sha256_crypt') }}}}")
    assert file.read_text() == f"{plain} salt={str(hashed).split('$')[3]}\n"
    assert render(tmp_path, f"{{{{ lookup('password', '{file}') }}}}") == plain
    assert file.stat().st_mode & 0o777 == 0o600
