"""Controllers killed at random instants of real runs over real SSH, and the run resumed (P3).

Each lab host counts: the steps that must not be done twice write a line. At the end the hosts are compared with one on
which the same runbook ran undisturbed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from host_snapshot import snapshot
from live_hosts import CommandLine

from playbook_engine.lab.lab import Lab
from playbook_engine.lab.prerequisites import require
from playbook_engine.lab.spec import HostSpec
from reliability.figure import Figure

KILLS, KILLS_SHORT = 200, 24
AT_ONCE = 4  # controllers at the same time
HOSTS = 2  # each works at so many
SEED = 20261125
COUNTER = "/root/counter"

RUNBOOK = """\
name: killed
title: Steps of every kind, some of which must not happen twice
steps:
  - {name: read, command: cat /etc/hostname, changed_when: false, register: name}
  - {name: the folder, file: {path: /etc/killed, state: directory}}
  - {name: a file, copy: {content: "a {{ name.stdout | length > 0 }}\\n", dest: /etc/killed/a.conf}, notify: restarted}
  - {name: first, shell: "echo first >> /root/counter; sleep 0.1", irreversible: it counts}
  - name: many
    copy: {content: "{{ item }}\\n", dest: "/etc/killed/{{ item }}"}
    loop: [one, two, three]
  - {name: a line, lineinfile: {path: /etc/killed/a.conf, line: port = 80}, notify: restarted}
  - {name: second, shell: "sleep 0.1; echo second >> /root/counter; echo said", register: said, irreversible: it counts}
  - {name: kept, copy: {content: "{{ said.stdout }}\\n", dest: /etc/killed/said}}
  - {name: a folder, file: {path: /etc/killed/d/e, state: directory, mode: "0750"}}
  - {name: third, command: "sh -c 'echo third >> /root/counter'", rollback: [{command: "true"}]}
  - {name: a link, file: {src: a.conf, dest: /etc/killed/l, state: link}}
handlers:
  - {name: restarted, shell: "echo handler >> /root/counter", irreversible: it counts}
checks:
  - {name: it is there, stat: {path: /etc/killed/l}, expect: result.stat.exists}
"""
ONCE = ["first", "handler", "second", "third"]


@dataclass(slots=True)
class Tally:
    """What was seen. `asked` are resumptions that had to ask a person."""

    kills: int = 0
    late: int = 0
    asked: int = 0
    resumes: int = 0
    doubles: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def measure(short: bool) -> list[Figure]:
    require()
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab:
        spec = HostSpec(size_bytes=16 << 20, inodes=2000)
        lab.up([spec for _ in range(HOSTS * AT_ONCE + 1)])
        book = Path(folder) / "killed.yml"
        book.write_text(RUNBOOK)
        names = [host.name for host in lab.hosts()]
        whole = CommandLine(Path(folder) / "whole", lab.inventory)
        began = time.monotonic()
        said = whole.on(None, "run", str(book), names[-1])
        took = time.monotonic() - began
        assert said.code == 0, said.out
        wanted = seen(lab, names[-1])
        assert sorted(wanted[1]) == ONCE, wanted[1]
        chance = random.Random(SEED)
        rounds = (KILLS_SHORT if short else KILLS) // AT_ONCE
        teams = [names[n * HOSTS : (n + 1) * HOSTS] for n in range(AT_ONCE)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for number in range(rounds):
                instants = [chance.uniform(0.15, took * 2.2) for _ in teams]
                jobs = [
                    pool.submit(one, lab, book, Path(folder) / f"s{number}-{n}", team, instant, wanted)
                    for n, (team, instant) in enumerate(zip(teams, instants, strict=True))
                ]
                for job in jobs:
                    add(tally, job.result())
    return [
        Figure(
            promise="P3", what=f"{tally.kills} SIGKILLs at random instants of real runs on {HOSTS} hosts each "
            f"({tally.late} came after the end), resumed",
            seen=f"{len(tally.differences)} end states differ, {tally.asked} had to ask"
            + "".join(f"\n{said}" for said in tally.differences[:5]),
            bar="0 differ", holds=not tally.differences and tally.kills - tally.late > 0,
        ),
        Figure(
            promise="P3", what="a counter on the host: steps that must not be done twice",
            seen=f"{len(tally.doubles)} done twice or not at all" + "".join(f"\n{said}" for said in tally.doubles[:5]),
            bar="each exactly once", holds=not tally.doubles,
        ),
    ]  # fmt: skip


def one(lab: Lab, book: Path, state: Path, team: list[str], instant: float, wanted: object) -> Tally:
    """One run, killed, and resumed until it ends; then the hosts are compared and tidied."""
    tally = Tally(kills=1)
    runbook = CommandLine(state, lab.inventory)
    child = runbook.start("run", str(book), ",".join(team), "--yes", "-i", str(lab.inventory))
    try:
        child.wait(instant)
        tally.late = 1
    except subprocess.TimeoutExpired:
        os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    if tally.late:
        code = child.returncode
    else:
        tally.resumes += 1
        said = runbook("resume", "last", "--json")
        code = said.code
        if code == 1 and "there is no run to go on with" in said.err:
            # It died before its first record was written, or after its last one: nothing was begun, or all is done.
            begun = any(seen(lab, name)[1] for name in team)
            code = 0 if begun else runbook.on(None, "run", str(book), ",".join(team), "--yes").code
        for event in said.of("StepFinished") if code else ():
            if event.get("kind") == "in-doubt":
                tally.asked += 1
        if code == 5 and "has ended" in said.err:
            code = 0
        if code:
            tally.differences.append(f"{team} killed at {instant:.2f}s: exit {code}: {said.err or ends(said.out)}")
    for name in team:
        found = seen(lab, name)
        if found != wanted:
            tally.differences.append(f"{name} killed at {instant:.2f}s: {unlike(found, wanted)}")
        if sorted(found[1]) != ONCE:
            tally.doubles.append(f"{name} killed at {instant:.2f}s: {dict(Counter(found[1]))}")
        clean(lab, name)
    return tally


def seen(lab: Lab, name: str) -> tuple[dict[str, object], list[str]]:
    """What the runbook is about, and what was counted."""
    whole = {p: what for p, what in snapshot(lab, name).items() if p.startswith("/etc/killed")}
    return whole, sorted(lab.exec(name, ["cat", COUNTER]).stdout.split())


def clean(lab: Lab, name: str) -> None:
    lab.exec(name, ["sh", "-c", f"rm -rf /etc/killed {COUNTER} /run/runbook-*"]).check_returncode()


def unlike(found: object, wanted: object) -> str:
    return json.dumps([found, wanted], default=str)[:500]


def ends(out: str) -> str:
    return "; ".join(str(json.loads(line).get("message")) for line in out.splitlines() if '"HostFinished"' in line)


def add(tally: Tally, more: Tally) -> None:
    tally.kills += more.kills
    tally.late += more.late
    tally.asked += more.asked
    tally.resumes += more.resumes
    tally.doubles += more.doubles
    tally.differences += more.differences
