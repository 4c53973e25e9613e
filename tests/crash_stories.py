"""The runs that controllers die in: what a run can hold, on a few hosts in memory."""

from __future__ import annotations

from crashing_bench import Story

from playbook_engine.transport.scripted import MemoryHost


def _prepared(host: MemoryHost) -> None:
    host.files = {"/etc/app.conf": b"old\n", "/etc/kept": b"same\n"}
    host.commands = {"version": (0, "7"), "breaks": (3, "no")}


HAPPY = Story(
    names=("h1", "h2", "h3"),
    prepare=_prepared,
    text="""\
name: happy
serial: [1, 2]
preconditions:
  - {name: room, disk_usage: {path: /}, expect: result.free_bytes > 1}
steps:
  - {name: which version, command: version, changed_when: false, register: version}
  - {name: the configuration, copy: {content: "v={{ version.stdout }}\\n", dest: /etc/app.conf}, notify: restart}
  - {name: already so, copy: {content: "same\\n", dest: /etc/kept}}
  - name: many
    copy: {content: "{{ item }}", dest: "/many/{{ item }}"}
    loop: [a, b]
  - {name: once, command: migrate, register: migrated, irreversible: a migration}
  - {name: with a check, command: reload, rollback: [{command: unload}],
     checks: [{name: room, disk_usage: {path: /}, expect: result.free_bytes > 1}]}
  - {name: left out, when: version.stdout == "8", command: never, irreversible: x}
  - {name: uses it, copy: {content: "rc={{ migrated.rc }}", dest: /etc/rc}}
handlers:
  - {name: restart, command: restart, irreversible: a restart}
checks:
  - {name: still room, disk_usage: {path: /}, expect: result.free_bytes > 1}
""",
)

FAILS = Story(
    names=("h1", "h2"),
    prepare=_prepared,
    text="""\
name: fails
steps:
  - {name: the configuration, copy: {content: "new\\n", dest: /etc/app.conf}, notify: restart}
  - {name: by steps, command: load, rollback: [{command: unload}, {command: tidy}]}
  - {name: kept, command: migrate, irreversible: a migration}
  - {name: another, copy: {content: x, dest: /etc/new}}
  - {name: breaks, command: breaks, rollback: [{command: mend}]}
handlers:
  - {name: restart, command: restart, irreversible: a restart}
""",
)

RETRIES = Story(
    names=("h1",),
    prepare=_prepared,
    text="""\
name: retries
steps:
  - {name: tries, command: breaks, irreversible: x, until: result.rc == 0, retries: 2, delay: 0, ignore_errors: true}
  - {name: after, copy: {content: x, dest: /a}}
""",
)

BACK = Story(names=("h1", "h2"), prepare=_prepared, text=HAPPY.text, back=True)

STORIES = {"happy": HAPPY, "fails": FAILS, "retries": RETRIES, "taken back": BACK}
