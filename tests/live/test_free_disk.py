"""`free-disk` where it is needed: hosts with 0 bytes free, with 0 inodes free, with an old Python and with none."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_hosts import CommandLine, Said, Shop, old_python

from playbook_engine.lab.spec import HostSpec

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("free-disk")]

MIB = 1 << 20
# What is fetched again by itself, and what is not to be touched: some 24 of 64 MiB and 2,400 of 6,000 inodes.
CONTENT = """
set -e
mkdir -p /var/cache/apt/archives /root/.cache/pip/http/a/b /var/lib/app
for n in 1 2 3 4 5 6; do head -c 4194304 /dev/zero > /var/cache/apt/archives/p$n.deb; done
i=0; while [ $i -lt 2400 ]; do : > /root/.cache/pip/http/a/b/$i; i=$((i+1)); done
: > /var/cache/apt/archives/lock
head -c 1048576 /dev/zero > /var/lib/app/data; ln -s /var/lib/app /root/.cache/pip/link
"""
CASES = {
    "python-bytes": ("system", "fill"),
    "python-inodes": ("system", "fill-inodes"),
    "none-bytes": ("none", "fill"),
    "none-inodes": ("none", "fill-inodes"),
    "old-bytes": ("3.6", "fill"),
    "old-inodes": ("3.6", "fill-inodes"),
}


def broken(shop: Shop, name: str, python: str, fault: str) -> None:
    """A host that has something to give, and then no room."""
    host = shop.host(name, HostSpec(size_bytes=64 * MIB, inodes=6000, python=python))
    shop.lab.exec(host.name, ["sh", "-c", CONTENT]).check_returncode()
    shop.lab.break_(host.name, fault)


def run_on(shop: Shop, folder: Path, names: list[str]) -> Said:
    runbook = CommandLine(folder, shop.lab.inventory)
    return runbook.on(None, "run", "free-disk", ",".join(names), "--json")


@pytest.fixture(scope="module")
def said(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Said:
    """One run on all that need no Python 3.6."""
    names = [name for name in CASES if not name.startswith("old")]
    for name in names:
        broken(shop, name, *CASES[name])
    broken(shop, "read-only", "system", "readonly")
    return run_on(shop, tmp_path_factory.mktemp("state"), [*names, "read-only"])


@pytest.fixture(scope="module")
def said_by_old(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Said:
    prefix = old_python()
    names = [name for name in CASES if name.startswith("old")]
    for name in names:
        broken(shop, name, str(prefix), CASES[name][1])
    return run_on(shop, tmp_path_factory.mktemp("state"), names)


@pytest.mark.parametrize("name", list(CASES))
def test_it_makes_room(shop: Shop, request: pytest.FixtureRequest, name: str) -> None:
    said: Said = request.getfixturevalue("said_by_old" if name.startswith("old") else "said")
    python, fault = CASES[name]
    (connected,) = said.of("HostConnected", name)
    assert (connected.get("python") or "none").startswith({"system": "3.", "none": "none", "3.6": "3.6"}[python])  # type: ignore[attr-defined]
    (before,) = (e for e in said.of("PreconditionEvaluated", name) if e["name"] == "it is too full")
    measured = before["evidence"]["result"]  # type: ignore[index]
    assert measured["free_bytes" if fault == "fill" else "free_inodes"] == 0
    (end,) = said.of("HostFinished", name)
    assert end["status"] == "changed", end
    criteria = [e for e in said.of("CheckEvaluated", name) if e["purpose"] == "criterion"]
    assert [e["verdict"] for e in criteria] == ["met", "met"]
    (caches, *rest) = (e for e in said.of("StepFinished", name))
    shown = caches["shown"]
    assert shown["removed"] == 2407, "2400 files, 6 packages and the link itself"  # type: ignore[index]
    assert shown["freed_bytes"] >= 24 * MIB  # type: ignore[index]
    assert {e["outcome"] for e in rest} == {"ok"}, "it stops as soon as there is room"
    left = "find /var/cache/apt/archives /root/.cache/pip /var/lib/app | sort; stat -c %s /var/lib/app/data"
    assert shop.lab.exec(name, ["sh", "-c", left]).stdout.split() == [
        "/root/.cache/pip",
        "/var/cache/apt/archives", "/var/cache/apt/archives/lock", "/var/cache/apt/archives/partial",
        "/var/lib/app", "/var/lib/app/data", "1048576",
    ]  # fmt: skip


def test_a_read_only_root_is_not_a_matter_of_room(said: Said) -> None:
    (end,) = said.of("HostFinished", "read-only")
    assert end["status"] == "failed"
    assert "the file system can be written at all" in str(end["message"])
    assert "nothing was touched" in str(end["message"])
    assert said.of("ChangeIntended", "read-only") == []


def test_the_run_says_that_one_failed(said: Said) -> None:
    assert said.code == 2


def test_it_does_nothing_where_there_is_room(shop: Shop, runbook: CommandLine) -> None:
    host = shop.host("roomy", HostSpec(size_bytes=16 * MIB, inodes=2000))
    said = runbook.on(None, "run", "free-disk", host.name, "--json")
    (end,) = said.of("HostFinished")
    assert (said.code, end["status"]) == (0, "ok")
    assert "nothing to do here" in str(end["message"])
