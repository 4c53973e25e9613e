"""Properties of inventories: whatever the text, a draft or an InventoryError; INI and YAML say the same."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from playbook_engine.inventory import ini, yaml
from playbook_engine.inventory.draft import Draft
from playbook_engine.model import addresses, patterns
from playbook_engine.model.errors import InventoryError

NAME = st.text(alphabet=string.ascii_lowercase + string.digits, min_size=1, max_size=6).map("h{}".format)
GROUP = st.sampled_from(["web", "db", "cache"])
INVENTORY = st.dictionaries(GROUP, st.dictionaries(NAME, st.dictionaries(NAME, st.integers(), max_size=2), max_size=4))


@settings(max_examples=300)
@given(st.text(alphabet=string.printable, max_size=120))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parser in (ini.parse, yaml.parse):
        try:
            parser(text, "hosts", Draft())
        except InventoryError:
            pass


@given(INVENTORY)
def test_ini_and_yaml_agree(groups: dict[str, dict[str, dict[str, int]]]) -> None:
    lines, document = [], []
    for group, hosts in groups.items():
        lines.append(f"[{group}]")
        document.append(f"{group}:\n  hosts:")
        for host, variables in hosts.items():
            lines.append(" ".join([host, *(f"{name}={value}" for name, value in variables.items())]))
            body = ", ".join(f"{name}: {value}" for name, value in variables.items())
            document.append(f"    {host}: {{{body}}}")
    one, two = Draft(), Draft()
    ini.parse("\n".join(lines), "hosts", one)
    yaml.parse("\n".join(document), "hosts.yml", two)
    one.reconcile()
    two.reconcile()
    assert {n: (g.hosts, g.children) for n, g in one.groups.items()} == {
        n: (g.hosts, g.children) for n, g in two.groups.items()
    }
    assert {n: h.variables for n, h in one.hosts.items()} == {n: h.variables for n, h in two.hosts.items()}


@given(st.integers(0, 999), st.integers(0, 60), st.integers(1, 7), st.booleans())
def test_a_range_is_what_it_says(first: int, length: int, step: int, padded: bool) -> None:
    last = first + length
    width = len(str(last)) if padded else 0
    begin = str(first).zfill(width)
    names, port = addresses.expand(f"web[{begin}:{str(last).zfill(width)}:{step}].test:22")
    padding = width if begin.startswith("0") and len(begin) > 1 else 0
    assert names == [f"web{str(n).zfill(padding)}.test" for n in range(first, last + 1, step)]
    assert port == 22


class Names:
    def __init__(self, members: dict[str, list[str]]) -> None:
        self.members = {"all": sorted({h for hosts in members.values() for h in hosts}), **members}
        self.host_names = self.members["all"]

    def is_destination(self, name: str) -> bool:
        return False


@given(st.dictionaries(GROUP, st.lists(NAME, unique=True, max_size=6)), GROUP, GROUP)
def test_patterns_are_set_algebra(members: dict[str, list[str]], left: str, right: str) -> None:
    names = Names({"web": [], "db": [], "cache": []} | members)
    a, b = set(names.members[left]), set(names.members[right])
    for pattern, expected in ((f"{left}:{right}", a | b), (f"{left}:&{right}", a & b), (f"{left}:!{right}", a - b)):
        found = patterns.select(names, patterns.split(pattern))
        assert set(found) == expected
        assert len(found) == len(expected)


@settings(max_examples=300)
@given(st.text(alphabet=string.printable, max_size=20))
def test_any_pattern_is_answered_or_refused(pattern: str) -> None:
    names = Names({"web": ["h1", "h2"]})
    try:
        parts = [p for p in patterns.split(pattern) if p not in ("&", "!")]
        found = patterns.select(names, parts) if parts else []
    except InventoryError:
        return
    assert set(found) <= {*names.host_names, *patterns.LOCALHOST}
