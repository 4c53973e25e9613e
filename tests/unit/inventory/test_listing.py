from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from playbook_engine.inventory import listing
from playbook_engine.inventory.inventory import Inventory, load_inventory
from playbook_engine.templating.environment import Templar

HOSTS = """\
[web]
w1 url='{{ base }}/x' since=1
w2
[prod:children]
web
empty
[empty]
[web:vars]
tier=front
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    (tmp_path / "hosts").write_text(HOSTS)
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "web.yml").write_text("day: 2026-01-31\n")
    return load_inventory([str(tmp_path / "hosts")], templar=Templar())


def test_list_has_the_shape_of_ansible_inventory(inventory: Inventory) -> None:
    document = json.loads(listing.as_json(listing.as_list(inventory, inventory.host_names)))
    assert document == {
        "_meta": {
            "hostvars": {
                "w1": {"url": "{{ base }}/x", "since": 1, "tier": "front", "day": "2026-01-31"},
                "w2": {"tier": "front", "day": "2026-01-31"},
            }
        },
        "all": {"children": ["ungrouped", "prod"]},
        "prod": {"children": ["web", "empty"]},
        "web": {"hosts": ["w1", "w2"]},
    }


def test_a_limit_hides_hosts(inventory: Inventory) -> None:
    document = listing.as_list(inventory, ["w2"])
    assert document["web"] == {"hosts": ["w2"]}


def test_graph(inventory: Inventory) -> None:
    expected = "@prod:\n  |--@web:\n  |  |--w1\n  |  |--w2\n  |--@empty:\n"
    assert listing.as_graph(inventory, inventory.host_names, "prod") == expected


def test_graph_with_variables(inventory: Inventory) -> None:
    text = listing.as_graph(inventory, ["w2"], "web", with_variables=True)
    assert text == (
        "@web:\n  |--w2\n  |  |--{day = 2026-01-31}\n  |  |--{tier = front}\n"
        "  |--{day = 2026-01-31}\n  |--{tier = front}\n"
    )


EXPORTED = {
    "_meta": {"hostvars": {"w1": {"since": 1, "url": "{{ base }}/x"}}},
    "all": {"children": ["ungrouped", "prod"]},
    "prod": {"children": ["web", "empty"]},
    "web": {"hosts": ["w1", "w2"], "vars": {"day": "2026-01-31", "tier": "front"}},
}
WEB = {
    "hosts": {"w1": {"since": 1, "url": "{{ base }}/x"}, "w2": {}},
    "vars": {"day": datetime.date(2026, 1, 31), "tier": "front"},
}
EXPORTED_TREE = {"all": {"children": {"prod": {"children": {"web": WEB}}}}}
EFFECTIVE = {"day": datetime.date(2026, 1, 31), "tier": "front"}


def test_export_says_what_is_written_where(inventory: Inventory) -> None:
    """As `ansible-inventory --list --export` of ansible-core 2.19.14, and with --yaml."""
    document = json.loads(listing.as_json(listing.as_list(inventory, inventory.host_names, export=True)))
    tree = listing.as_tree(inventory, inventory.host_names, export=True)
    assert document == EXPORTED
    assert tree == EXPORTED_TREE


def test_a_tree_leaves_out_what_is_empty(inventory: Inventory) -> None:
    tree = listing.as_tree(inventory, ["w2"])
    assert tree == {"all": {"children": {"prod": {"children": {"web": {"hosts": {"w2": EFFECTIVE}}}}}}}
