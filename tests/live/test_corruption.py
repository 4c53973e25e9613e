"""Files of lab hosts that are corrupted and put back: never anything of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from live_hosts import Shop

from playbook_engine.lab.errors import LabError

pytestmark = pytest.mark.live


def test_a_file_comes_back_whatever_its_name_is(shop: Shop) -> None:
    host = shop.host("files")
    for name in ("plain.conf", "a%b.conf", "with space.conf"):
        there = host.root() / "etc" / name
        there.write_text("one\ntwo\n")
        shop.lab.break_("files", "corrupt-file", json.dumps({"path": f"/etc/{name}", "replace": "^two$", "with": "2"}))
        assert there.read_text() == "one\n2\n"
        assert [str(f) for f in shop.lab.heal("files")] == ["corrupt-file"]
        assert there.read_text() == "one\ntwo\n"


def test_a_link_on_a_host_does_not_lead_to_this_machine(shop: Shop, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    host = shop.host("files")
    host.exec(["ln", "-sfn", str(tmp_path), "/etc/away"], check=True)
    with pytest.raises(LabError, match="leads through a link"):
        shop.lab.break_("files", "corrupt-file", "/etc/away/mine")
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    "bad", ["{bad", '{"p": 1}', '{"path": "/etc/passwd", "replace": "("}', "/", "/etc/**x", "/etc"]
)
def test_what_is_no_file_is_said(shop: Shop, bad: str) -> None:
    shop.host("files")
    with pytest.raises(LabError):
        shop.lab.break_("files", "corrupt-file", bad)
