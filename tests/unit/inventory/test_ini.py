from __future__ import annotations

import pytest

from playbook_engine.inventory import ini
from playbook_engine.inventory.draft import Draft
from playbook_engine.model.errors import InventoryError
from playbook_engine.templating.node import Template


def parse(text: str) -> Draft:
    draft = Draft()
    ini.parse(text, "hosts.ini", draft)
    draft.reconcile()
    return draft


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2222", 2222),
        ("2.5", 2.5),
        ("True", True),
        ("None", None),
        ("yes", "yes"),
        ("01", "01"),
        ("[1, 'a']", [1, "a"]),
        ("(1, 2)", [1, 2]),
        ("{'a': 1}", {"a": 1}),
        ("'quoted'", "quoted"),
        ("10.0.0.1", "10.0.0.1"),
        ("{1, 2}", [1, 2]),
        ("...", "..."),
        ("1 # one", 1),
        ("a # b", "a # b"),
        ("", ""),
    ],
)
def test_values_are_python_literals_or_text(text: str, expected: object) -> None:
    value = ini.parse_value(text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("line", ["[g", "h[1:3", "w[1,2]", "h[1]", "h[]"])
def test_a_bracket_without_a_range_is_no_part_of_a_name(line: str) -> None:
    with pytest.raises(InventoryError, match=r"bracket|range"):
        parse(f"{line}\n")


def test_hosts_ranges_ports_and_variables() -> None:
    draft = parse("lone ansible_port=22\n[web]\nweb[08:10].test:2222 role='front end' # last\n\n[db]\ndb-[a:c]\n")
    assert list(draft.hosts) == ["lone", "web08.test", "web09.test", "web10.test", "db-a", "db-b", "db-c"]
    assert draft.hosts["web09.test"].variables == {"ansible_port": 2222, "role": "front end"}
    assert list(draft.groups["ungrouped"].hosts) == ["lone"]


def test_groups_may_be_used_before_they_are_declared() -> None:
    draft = parse("[site:children]\nweb\n[web:vars]\nx = {{ y }}\n[web]\nw1\n")
    assert list(draft.groups["site"].children) == ["web"]
    value = draft.groups["web"].variables["x"]
    assert isinstance(value, Template)
    assert str(value.where) == "hosts.ini:4:1"


@pytest.mark.parametrize(
    ("text", "line", "message", "advice"),
    [
        ("[web]\nw1 novalue", 2, "name=value", "quotes"),
        ("w1 a='b", 1, "quotes do not match", "close"),
        ("[web:vras]", 1, "unknown kind", "'vars'"),
        ("[web servers]", 1, "no section", None),
        ("[web:vars]\nword", 2, "name=value", None),
        ("[web]\n[site:children]\nwbe", 3, "'wbe' that is not there", "'web'"),
        ("[web]\n[wbe:vars]\nx=1", 2, "not there", "'web'"),
        ("w[1:]", 1, "no end", None),
        ("w[1:b]", 1, "mixes", None),
        ("w[01:100]", 1, "same number of digits", None),
        ("w[1:5:0]", 1, "step of 0", None),
        ("w[1:999999999]", 1, "longer than", None),
        ("w1:", 1, "colon", None),
        ("[a:children]\nb\n[b:children]\na\n", 4, "contain each other", None),
    ],
)
def test_errors_say_where_and_what_to_do(text: str, line: int, message: str, advice: str | None) -> None:
    with pytest.raises(InventoryError, match=message) as caught:
        parse(text)
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.line) == ("hosts.ini", line)
    if advice:
        assert caught.value.advice is not None
        assert advice in caught.value.advice
