"""Steps that run on their own on the host, or end with the link: over real SSH, with a controller that is killed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from live_hosts import CommandLine, Shop

from playbook_engine.lab.spec import HostSpec

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("background")]

BOOK = """\
name: apart
steps:
  - {name: long, shell: "echo x >> /root/counter; sleep 4; echo its end", async: 1m, poll: 1, register: long,
     irreversible: x}
  - {name: kept, copy: {content: "{{ long.stdout }}\\n", dest: /root/kept}}
  - {name: free, shell: "sleep 1; echo free", async: 1m, poll: 0, register: free, irreversible: x}
  - {name: its end, async_status: {jid: "{{ free.ansible_job_id }}"}, register: end, until: end.finished,
     retries: 9, delay: 1}
  - {name: kept too, copy: {content: "{{ end.stdout }}\\n", dest: /root/free}}
"""


@pytest.fixture
def host(shop: Shop) -> str:
    shop.host("apart", HostSpec(size_bytes=16 << 20, inodes=2000))
    shop.lab.exec("apart", ["sh", "-c", "rm -f /root/* /run/runbook-*"])
    return "apart"


def on(shop: Shop, host: str, script: str) -> str:
    return shop.lab.exec(host, ["sh", "-c", script]).stdout


def begun(runbook: CommandLine, book: Path, host: str, step: str) -> object:
    """A run whose host has begun this step."""
    child = runbook.start("run", str(book), host, "--json", "-i", str(runbook.inventory))
    assert child.stdout
    for line in child.stdout:
        event = json.loads(line)
        if event["event"] == "ChangeIntended" and event.get("name") == step:
            break
    time.sleep(0.8)
    return child


def test_it_is_looked_at_until_it_ends_or_asked_for_later(
    shop: Shop, host: str, runbook: CommandLine, tmp_path: Path
) -> None:
    book = tmp_path / "apart.yml"
    book.write_text(BOOK)
    said = runbook.on(None, "run", str(book), host)
    assert said.code == 0, said.out
    assert on(shop, host, "cat /root/kept /root/free") == "its end\nfree\n"
    assert on(shop, host, "ls /run | grep runbook") == "", "nothing is left of a run that ended in peace"


def test_it_outlives_the_controller_and_is_come_back_to(
    shop: Shop, host: str, runbook: CommandLine, tmp_path: Path
) -> None:
    book = tmp_path / "apart.yml"
    book.write_text(BOOK)
    child = begun(runbook, book, host, "long")
    child.kill()  # type: ignore[attr-defined]
    child.communicate()  # type: ignore[attr-defined]
    said = runbook("resume", "--json")
    assert said.code == 0, said.out + said.err
    assert on(shop, host, "cat /root/counter /root/kept /root/free") == "x\nits end\nfree\n"
    first = said.of("ChangeApplied")[0]
    assert first["settled"] == "record"


@pytest.mark.parametrize(("on_disconnect", "left"), [("kill", 0), ("finish", 1)])
def test_whether_it_ends_with_the_link(
    shop: Shop, host: str, runbook: CommandLine, tmp_path: Path, on_disconnect: str, left: int
) -> None:
    book = tmp_path / "leash.yml"
    book.write_text(
        "name: leash\nsteps:\n"
        f"  - {{name: long, shell: sleep 8642, on_disconnect: {on_disconnect}, timeout: 20s, irreversible: x}}\n"
    )
    child = begun(runbook, book, host, "long")
    child.kill()  # type: ignore[attr-defined]
    child.communicate()  # type: ignore[attr-defined]
    look = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c '^slee[p] 8642\\| slee[p] 8642' || true"
    deadline = time.monotonic() + 5
    while int(on(shop, host, look)) != left and time.monotonic() < deadline:
        time.sleep(0.2)
    assert int(on(shop, host, look)) == left
    said = runbook("resume", "--json")
    assert said.of("StepFinished"), said.out + said.err
    (end,) = said.of("StepFinished")
    assert end["kind"] == ("interrupted" if on_disconnect == "kill" else "timeout"), end
    assert int(on(shop, host, look)) == 0
