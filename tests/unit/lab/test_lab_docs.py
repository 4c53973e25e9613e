"""docs/lab.md says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from playbook_engine.cli.lab import lab
from playbook_engine.lab.faults import Fault
from playbook_engine.lab.sick import clutter, services
from playbook_engine.lab.sick.clutter import CLUTTER, MIB, Kind

TEXT = (Path(__file__).parents[3] / "docs" / "lab.md").read_text()


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_has_its_row(fault: Fault) -> None:
    assert f"| `{fault}" in TEXT


@pytest.mark.parametrize("command", sorted(lab.commands))
def test_every_command_has_its_row(command: str) -> None:
    assert f"| `lab {command}" in TEXT


@pytest.mark.parametrize("option", [o for p in lab.commands["up"].params for o in p.opts if o.startswith("-")])
def test_every_option_of_up_is_told(option: str) -> None:
    assert f"`{option}" in TEXT or f"[{option} " in TEXT


def test_the_amounts_are_those_of_the_clutter() -> None:
    size, files = clutter.reclaimable()
    assert f"| **{size // MIB:,}** | **{files:,}** |" in TEXT
    for kind in set(Kind) - {Kind.DATA}:
        pages = sum(c.count * -(-c.size // 4096) for c in CLUTTER if c.kind is kind)
        count = sum(c.count for c in CLUTTER if c.kind is kind)
        assert f"| {pages * 4096 // MIB:,} | {count:,} |" in TEXT


def test_ports_and_places_are_those_of_the_services() -> None:
    for place in (services.CALENDAR, services.CERTIFICATE, services.HEARTBEATS, services.NODE, services.WHEELHOUSE):
        assert place in TEXT
    for port in (services.HTTP_PORT, services.HTTPS_PORT, services.EXCHANGE_PORT, services.MLFLOW_PORT):
        assert str(port) in TEXT
