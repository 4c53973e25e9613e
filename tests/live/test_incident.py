"""A run that fails on a real host becomes an incident, a document, and items that close when the host is well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from live_hosts import CommandLine, Shop

from playbook_engine.lab.host import LabHost
from playbook_engine.lab.spec import HostSpec

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("incident")]

PAGE = """
name: page
title: Switch the page over
severity: P1
owner: sre
services: [page]
steps:
  - name: the new page
    copy: {content: new, dest: /etc/page}
    checks:
      - {name: its data is there, stat: {path: /srv/data}, expect: result.stat.exists, service: page}
checks:
  - {name: it is the new page, command: cat /etc/page, expect: result.stdout == 'new', service: page}
"""


@pytest.fixture(scope="module")
def host(shop: Shop) -> LabHost:
    return shop.host("plum", HostSpec(size_bytes=16 << 20, inodes=2000))


def test_from_a_failed_run_to_a_closed_incident(runbook: CommandLine, host: LabHost, tmp_path: Path) -> None:
    page = tmp_path / "page.yml"
    page.write_text(PAGE)
    host.exec(["sh", "-c", "rm -rf /srv/data; printf old > /etc/page"], check=True)
    assert runbook.on(None, "audit", str(page), host.name, "-o", str(tmp_path / "audit")).code == 2
    assert runbook.on(None, "run", str(page), host.name).code == 2
    assert host.exec(["cat", "/etc/page"]).stdout == "old", "it was taken back"

    said = runbook("incident", "open", "--run", "last")
    assert said.code == 0, said.err
    assert "the audit before" in said.out
    lines = tmp_path / "alerts.jsonl"
    lines.write_text(
        json.dumps({"at": "2020-01-02T03:04:05Z", "source": "pager", "text": f"{host.name} has no page"}) + "\n"
    )
    assert runbook("incident", "attach", "last", str(lines)).code == 0

    def document(*options: str) -> dict[str, object]:
        out = tmp_path / "out"
        done = runbook("report", "last", "--template", "post-incident", "-o", str(out), *options)
        assert done.code == 0, done.err
        found = json.loads((out / "post-incident.json").read_text())
        assert isinstance(found, dict)
        return found

    before = document()
    items = {i["kind"]: i for i in before["items"]}  # type: ignore[attr-defined]
    assert set(items) == {"step", "undone", "criterion"}
    assert {i["status"] for i in items.values()} == {"open"}
    assert items["step"]["probe"]["names"] == ["its data is there"]
    times = {t["milestone"]: t for t in before["times"]}  # type: ignore[attr-defined]
    assert times["detected"]["at"] == "2020-01-02T03:04:05.000Z"
    assert (times["mitigated"]["measured"], times["resolved"]["at"]) == (True, "")

    assert runbook("incident", "verify", "last").code == 2
    host.exec(["mkdir", "/srv/data"], check=True)
    assert runbook.on(None, "run", str(page), host.name).code == 0
    assert runbook("incident", "attach", "last").code == 0
    nothing = runbook("incident", "verify", "last")
    assert (nothing.code, "no open action item" in nothing.err) == (5, True), "the run itself has closed them"
    after = document()
    assert {i["status"] for i in after["items"]} == {"verified"}  # type: ignore[attr-defined]
    assert {t["milestone"]: bool(t["evidence"]) for t in after["times"]}["resolved"]  # type: ignore[attr-defined]

    document("--external", "--roles-only")
    for form in ("md", "html", "json"):
        text = (tmp_path / "out" / f"post-incident.{form}").read_text()
        assert host.name not in text
        assert host.address not in text
    assert runbook("incident", "close", "last").code == 5
    assert runbook("incident", "close", "last", "--force", "--reason", "a test").code == 0
