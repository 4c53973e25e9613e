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

BLOCKS = Story(
    names=("h1", "h2", "h3"),
    prepare=_prepared,
    files={"more.yml": "- {name: 'more {{ item }}', copy: {content: '{{ item }}', dest: '/more/{{ item }}'}}\n"},
    text="""\
name: blocks
strategy: linear
serial: [2, 1]
steps:
  - {name: once for all, command: migrate, run_once: true, register: migrated, irreversible: a migration}
  - {name: what it gave, copy: {content: "{{ migrated.rc }}", dest: /rc}, notify: restart}
  - name: tried
    block:
      - {name: before, copy: {content: a, dest: /before}}
      - {name: fails, command: breaks, irreversible: x, when: inventory_hostname != "h2"}
      - {name: never on two, copy: {content: b, dest: /never}}
    rescue:
      - {name: mends, copy: {content: "{{ ansible_failed_task.name }}", dest: /mended}}
      - {include_steps: more.yml, loop: [x, y]}
    always:
      - {name: in any case, command: tidy, irreversible: x}
  - {meta: flush_handlers}
  - {name: told, set_fact: {mine: "{{ inventory_hostname }}"}}
  - {name: others, copy: {content: "{{ hostvars.h1.mine }} {{ ansible_play_hosts | length }}", dest: /others}}
handlers:
  - {name: restart, command: restart, irreversible: a restart}
""",
)

STORIES = {"blocks": BLOCKS, "happy": HAPPY, "fails": FAILS, "retries": RETRIES, "taken back": BACK}
