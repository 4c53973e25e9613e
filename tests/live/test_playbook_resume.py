"""A playbook whose controller is killed: `runbook resume` comes to the end that it would have come to, and
`runbook rollback` takes back the files it made.

Two hosts that are this machine, in a temporary folder; and in a network of their own, as the lock that holds a host for
one run is a name in it: another test that is at this machine does not come between.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.live]

RUNBOOK = Path(sys.executable).with_name("runbook")
INVENTORY = "[all]\nh1 ansible_connection=local\nh2 ansible_connection=local\n"
SLOW = "test '{{ slow }}' != %s || { echo $$ > {{ out }}/slow.pid; test -e {{ out }}/go || sleep 2; }"
MORE = f"""\
- name: included
  copy: {{content: "{{{{ inventory_hostname }}}}\\n", dest: "{{{{ out }}}}/{{{{ inventory_hostname }}}}.included"}}
  notify: handled
- name: slow
  shell: "{SLOW % "included"}"
  changed_when: false
"""
SITE = f"""\
- hosts: all
  gather_facts: false
  serial: 1
  tasks:
    - name: first
      shell: echo {{{{ inventory_hostname }}}} >> {{{{ out }}}}/first
    - name: once
      shell: "{SLOW % "once"}; echo {{{{ inventory_hostname }}}} | tee -a {{{{ out }}}}/once"
      run_once: true
      register: told
    - include_tasks: more.yml
    - name: uses
      copy: {{content: "{{{{ told.stdout }}}}", dest: "{{{{ out }}}}/{{{{ inventory_hostname }}}}.told"}}
  handlers:
    - name: handled
      shell: "{SLOW % "handled"}; echo {{{{ inventory_hostname }}}} >> {{{{ out }}}}/handled"
- hosts: all
  gather_facts: false
  tasks:
    - name: once more
      shell: "{SLOW % "more"}; echo {{{{ inventory_hostname }}}} | tee -a {{{{ out }}}}/more"
      run_once: true
      register: more
    - name: last
      copy: {{content: "{{{{ more.stdout }}}}", dest: "{{{{ out }}}}/{{{{ inventory_hostname }}}}.last"}}
"""
ENDED = f"""\
- hosts: all
  gather_facts: false
  serial: 1
  tasks:
    - shell: echo {{{{ inventory_hostname }}}} >> {{{{ out }}}}/first
    - meta: end_play
    - shell: echo {{{{ inventory_hostname }}}} >> {{{{ out }}}}/never
- hosts: all
  gather_facts: false
  serial: 1
  tasks:
    - shell: "{SLOW % "more"}; echo {{{{ inventory_hostname }}}} >> {{{{ out }}}}/more"
"""
MADE = {
    "first": "h1\nh2\n", "once": "h1\nh2\n", "h1.included": "h1\n", "h2.included": "h2\n", "h1.told": "h1",
    "h2.told": "h2",
    "handled": "h1\nh2\n", "more": "h1\n", "h1.last": "h1", "h2.last": "h1",
}  # fmt: skip
"""What an undisturbed run leaves."""


class Place:
    """A folder with the playbook, a state folder of its own, and what the playbook makes."""

    def __init__(self, folder: Path, network: int) -> None:
        self.folder = folder
        self.enter = ["nsenter", f"--net=/proc/{network}/ns/net", "--"]
        self.out = folder / "out"
        self.out.mkdir()
        for name, text in (("hosts.ini", INVENTORY), ("more.yml", MORE), ("site.yml", SITE)):
            (folder / name).write_text(text)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        env = {**os.environ, "RUNBOOK_STATE": str(self.folder / "state"), "RUNBOOK_ESCALATION": "none"}
        return subprocess.Popen(
            [*self.enter, str(RUNBOOK), *words], cwd=self.folder, env=env, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def done(self, *words: str) -> tuple[int, str]:
        child = self.begin(*words)
        said, _ = child.communicate(timeout=60)
        return child.returncode, said

    def play(self, slow: str) -> subprocess.Popen[str]:
        return self.begin("play", "site.yml", "-i", "hosts.ini", "-e", f"out={self.out}", "-e", f"slow={slow}")

    def until_slow(self, child: subprocess.Popen[str]) -> None:
        """Until the playbook is in its slow step."""
        for _ in range(600):
            if (self.out / "slow.pid").exists() or child.poll() is not None:
                break
            time.sleep(0.05)
        assert child.poll() is None, child.communicate()[0]

    def made(self) -> dict[str, str]:
        return {f.name: f.read_text() for f in self.out.iterdir() if f.name not in ("go", "slow.pid")}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a network of its own wants root, and unshare")
    holder = subprocess.Popen(["unshare", "--net", "--", "cat"], stdin=subprocess.PIPE)
    try:
        for _ in range(100):
            if os.readlink(f"/proc/{holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"):
                break
            time.sleep(0.02)
        yield Place(tmp_path, holder.pid)
    finally:
        holder.communicate()


def test_undisturbed_and_taken_back(place: Place) -> None:
    child = place.play("never")
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 0, said
    assert place.made() == MADE
    _, said = place.done("rollback", "last")
    left = {name: text for name, text in MADE.items() if "." not in name}
    left["handled"] = MADE["handled"] * 2  # a handler is told of what is taken back as well
    made = {name: "".join(sorted(text)) for name, text in place.made().items()}
    assert made == {name: "".join(sorted(text)) for name, text in left.items()}, f"what commands wrote is kept: {said}"
    assert "first" in said, "what could not be taken back is named"


@pytest.mark.parametrize("slow", ["once", "included", "handled", "more"])
def test_killed_and_resumed(place: Place, slow: str) -> None:
    child = place.play(slow)
    place.until_slow(child)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    (place.out / "go").touch()
    assert place.made() != MADE
    code, said = place.done("resume", "last")
    assert code == 0, said
    assert place.made() == MADE, said
    place.done("rollback", "last")
    assert not [name for name in place.made() if "." in name], "the files of both controllers are gone"


def test_a_play_that_was_ended_for_all_is_not_begun_after_a_resume(place: Place) -> None:
    (place.folder / "site.yml").write_text(ENDED)
    child = place.play("more")
    place.until_slow(child)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    (place.out / "go").touch()
    code, said = place.done("resume", "last")
    assert code == 0, said
    assert place.made() == {"first": "h1\n", "more": "h1\nh2\n"}, said


def test_interrupted_while_one_does_it_for_all(place: Place) -> None:
    """Ctrl-C: the step that runs is finished, the host that waits for it begins nothing, and the run can go on."""
    child = place.play("more")
    place.until_slow(child)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 99, said
    assert place.made()["more"] == "h1\n"
    assert "h2.last" not in place.made()
    code, said = place.done("resume", "last")
    assert code == 0, said
    assert place.made() == MADE


def test_interrupted_twice_while_one_does_it_for_all(place: Place) -> None:
    child = place.play("more")
    place.until_slow(child)
    for _ in range(2):
        child.send_signal(signal.SIGINT)
        time.sleep(0.3)
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 99, said
    assert "more" not in place.made(), "the command was ended"


def test_paused_while_one_does_it_for_all(place: Place) -> None:
    child = place.play("more")
    place.until_slow(child)
    code, said = place.done("pause", "last", "--reason", "the dba is called")
    assert code == 0, said
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 10, said
    assert "h2.last" not in place.made()
    code, said = place.done("resume", "last")
    assert code == 0, said
    assert place.made() == MADE
