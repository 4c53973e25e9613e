"""Runbook, the floor and, where they are installed, pyinfra and Ansible: the same work on the same hosts, in turns.

`python bench/peers.py [--hosts 1,20] [--rounds 3] [--rtt MS]`. Wall seconds and CPU seconds of a tool with all its
processes are medians over the rounds; what counts is how they compare within one run. After each run the work is
looked at on the disk. The defaults of `runbook` are what is measured: durable journal, host keys checked.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fleet import Fleet
from work import missing, steps, wipe

HERE = Path(__file__).parent
PEERS = HERE.parent / ".cache" / "bench"
"""The virtual environment of the peers: they are nothing that the project depends on."""
PYTHON = "/usr/bin/python3"  # of the hosts, as Ansible's tuned form and ours are told


@dataclass(frozen=True)
class Job:
    """One run of a tool: its command, what it adds to the environment."""

    argv: list[str]
    env: Mapping[str, str]


@dataclass(frozen=True)
class Case:
    fleet: Fleet
    hosts: list[str]
    workload: str
    root: Path
    folder: Path

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def inventory(self, more: str = "") -> str:
        fleet = self.fleet
        return self.write(
            "inventory.ini",
            "[all]\n" + "".join(f"{host}\n" for host in self.hosts) + f"[all:vars]\nansible_port={fleet.port}\n"
            f"ansible_user={fleet.user}\nansible_ssh_private_key_file={fleet.folder}/id\n{more}",
        )

    def templated(self) -> list[list[str]]:
        plain = steps(self.workload, self.root, "@@")
        return [[part.replace("@@", "{{ inventory_hostname }}") for part in step] for step in plain]


def floor(case: Case) -> Job:
    config = str(case.fleet.folder / "ssh_config")
    return Job([sys.executable, str(HERE / "floor.py"), case.workload, str(case.root), config, *case.hosts], {})


def runbook(case: Case) -> Job:
    actions: Mapping[str, Callable[[list[str]], dict[str, object]]] = {
        "cmd": lambda s: {"command": s[1], "changed_when": False},
        "dir": lambda s: {"file": {"path": s[1], "state": "directory"}},
        "file": lambda s: {"copy": {"dest": s[1], "content": s[2]}},
        "line": lambda s: {"lineinfile": {"path": s[1], "line": s[2], "create": True}},
    }
    told = [{"name": f"step {n}", **actions[s[0]](s)} for n, s in enumerate(case.templated())]
    book = {"name": case.workload, "title": case.workload, "hosts": "all", "steps": told}
    inventory = case.inventory(
        f"ansible_ssh_common_args=-F {case.fleet.folder}/ssh_config\nansible_python_interpreter={PYTHON}\n"
    )
    argv = [str(Path(sys.executable).with_name("runbook")), "run", case.write("runbook.yml", json.dumps(book)), "-i"]
    return Job([*argv, inventory, "-f", str(len(case.hosts)), "--yes"], {"RUNBOOK_STATE": str(case.folder / "state")})


def pyinfra(case: Case) -> Job:
    data = {
        "ssh_port": case.fleet.port, "ssh_user": case.fleet.user, "ssh_key": f"{case.fleet.folder}/id",
        "ssh_config_file": "/dev/null", "ssh_known_hosts_file": f"{case.fleet.folder}/known_hosts",
        "ssh_look_for_keys": False, "ssh_allow_agent": False,
    }  # fmt: skip
    hosts = case.write("inventory.py", f"hosts = {[(host, data) for host in case.hosts]!r}\n")
    deploy = case.write(
        "deploy.py",
        "import io, sys\nfrom pathlib import Path\n"
        "from pyinfra import host\nfrom pyinfra.operations import files, server\n"
        f"sys.path.insert(0, {str(HERE)!r})\nfrom work import steps\n"
        f"for kind, *rest in steps({case.workload!r}, Path({str(case.root)!r}), host.name):\n"
        "    if kind == 'cmd':\n        server.shell(commands=[rest[0]])\n"
        "    elif kind == 'dir':\n        files.directory(path=rest[0])\n"
        "    elif kind == 'file':\n        files.put(src=io.StringIO(rest[1]), dest=rest[0])\n"
        "    else:\n        files.line(path=rest[0], line=rest[1])\n",
    )
    return Job([str(PEERS / "bin/pyinfra"), "-y", hosts, deploy], {})


def ansible(case: Case) -> Job:
    """Tuned as its users tune it: pipelining, connections kept, no facts, strategy free, interpreter given."""
    modules: Mapping[str, Callable[[list[str]], dict[str, object]]] = {
        "cmd": lambda s: {"ansible.builtin.command": {"cmd": s[1]}},
        "dir": lambda s: {"ansible.builtin.file": {"path": s[1], "state": "directory"}},
        "file": lambda s: {"ansible.builtin.copy": {"dest": s[1], "content": s[2]}},
        "line": lambda s: {"ansible.builtin.lineinfile": {"path": s[1], "line": s[2], "create": True}},
    }
    tasks = [modules[s[0]](s) for s in case.templated()]
    play = [{"hosts": "all", "gather_facts": False, "strategy": "free", "tasks": tasks}]
    config = f"-F {case.fleet.folder}/ssh_config"
    lines = (
        "[ssh_connection]",
        "pipelining = True",
        f"ssh_extra_args = {config}",
        f"control_path_dir = {case.folder}/cp",
    )
    env = {"ANSIBLE_CONFIG": case.write("ansible.cfg", "\n".join(lines)), "ANSIBLE_HOME": str(case.folder / "home")}
    inventory = case.inventory(f"ansible_python_interpreter={PYTHON}\n")
    argv = [str(PEERS / "bin/ansible-playbook"), "-i", inventory, "-f", str(min(len(case.hosts), 50))]
    return Job([*argv, case.write("play.yml", json.dumps(play))], env)


TOOLS: Mapping[str, Callable[[Case], Job]] = {
    "floor": floor, "runbook": runbook, "pyinfra": pyinfra, "ansible": ansible,
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    wall: float
    cpu: float
    memory: float  # MiB, of its largest process


def measured(job: Job, case: Case) -> Seen:
    env = {**os.environ, **job.env, "HOME": str(case.folder), "LC_ALL": "C.UTF-8"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    log = (case.folder / "log").open("wb")
    process = subprocess.Popen(job.argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = status
    if status or (left := missing(case.workload, case.root, case.hosts)):
        text = (case.folder / "log").read_text(errors="replace")[-2000:]
        raise SystemExit(f"{job.argv[0]}: {f'ended with {status}' if status else f'did not do {left[:3]}'}\n{text}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Seen(wall, cpu, usage.ru_maxrss / 1024)


def compared(fleet: Fleet, count: int, workload: str, tools: list[str], rounds: int) -> dict[tuple[str, str], Seen]:
    """By tool and phase: `first` has everything to do, `again` nothing."""
    found: dict[tuple[str, str], list[Seen]] = {}
    work = Path(tempfile.mkdtemp(prefix="bench."))
    hosts = fleet.hosts[:count]
    try:
        for tool in [tool for _ in range(rounds) for tool in tools]:
            wipe(work, hosts)
            for host in hosts:
                (work / host).mkdir()
            folder = Path(tempfile.mkdtemp(dir=work, prefix="tool."))
            case = Case(fleet, hosts, workload, work, folder)
            job = TOOLS[tool](case)
            for phase in ("first", "again") if workload == "repair" else ("first",):
                found.setdefault((tool, phase), []).append(measured(job, case))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {
        key: Seen(*(statistics.median(getattr(one, name) for one in seen) for name in ("wall", "cpu", "memory")))
        for key, seen in found.items()
    }


def table(results: Mapping[int, Mapping[tuple[str, str], Seen]]) -> str:
    lines = [
        "| hosts | tool | first s | × floor | CPU s | × floor | again s | memory MiB | first: runbook is faster |",
        "|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for count, seen in results.items():
        base, own = seen["floor", "first"], seen["runbook", "first"]
        for tool in dict.fromkeys(tool for tool, _ in seen):
            first, again = seen[tool, "first"], seen.get((tool, "again"))
            times = (
                ""
                if tool in ("floor", "runbook")
                else f"{first.wall / own.wall:.1f} ×, {first.cpu / own.cpu:.0f} × CPU"
            )
            cells = (
                count, tool, f"{first.wall:.2f}", f"{first.wall / base.wall:.2f}", f"{first.cpu:.2f}",
                f"{first.cpu / base.cpu:.2f}", f"{again.wall:.2f}" if again else "", f"{first.memory:.0f}", times,
            )  # fmt: skip
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def round_trips(tools: list[str], rounds: int, rtt: float) -> str:
    """How often a tool waits for one host: the time that latency adds, by the latency."""
    lines = [
        "| tool | connecting and one command | ten commands more | 20 steps of `repair`, first | again |",
        "|---|--:|--:|--:|--:|",
    ]
    with Fleet(1) as near, Fleet(1, rtt) as far:
        for tool in tools:
            trips = {}
            for workload in ("one", "checks", "repair"):
                close, distant = (compared(fleet, 1, workload, [tool], rounds) for fleet in (near, far))
                for (_, phase), seen in distant.items():
                    trips[workload, phase] = (seen.wall - close[tool, phase].wall) / rtt * 1000
            one, checks = trips["one", "first"], trips["checks", "first"]
            first, again = trips["repair", "first"] - one, trips["repair", "again"] - one
            lines.append(f"| {tool} | {one:.1f} | {checks - one:.1f} | {first:.1f} | {again:.1f} |")
    return "\n".join(lines)


def versions(tools: list[str]) -> str:
    def said(*argv: str) -> str:
        ran = subprocess.run(argv, capture_output=True, text=True, check=False)
        return (ran.stdout + ran.stderr).strip().splitlines()[0]

    found = [f"Python {platform.python_version()}", said("ssh", "-V").split(",")[0]]
    if "pyinfra" in tools:
        found.append(said(str(PEERS / "bin/pyinfra"), "--version"))
    if "ansible" in tools:
        found.append(said(str(PEERS / "bin/ansible-playbook"), "--version"))
    cores = len(os.sched_getaffinity(0))
    return f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores shared by tool and hosts, {', '.join(found)}"


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--hosts", default="1,20")
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--tools", help="of floor,runbook,pyinfra,ansible; by default those that are installed")
    ask.add_argument("--rtt", type=float, default=0.0, metavar="MS", help="count round trips with so much latency")
    ask.add_argument("--workload", default="repair", choices=["repair", "checks"])
    given = ask.parse_args()
    tools = given.tools.split(",") if given.tools else ["floor", "runbook"]
    if not given.tools:
        tools += [
            name
            for name, file in (("pyinfra", "pyinfra"), ("ansible", "ansible-playbook"))
            if (PEERS / "bin" / file).exists()
        ]
    print(f"{given.workload}: {versions(tools)}\n", flush=True)
    if given.rtt:
        print(round_trips(tools, given.rounds, given.rtt))
        return
    counts = [int(word) for word in given.hosts.split(",")]
    with Fleet(max(counts)) as fleet:
        print(table({n: compared(fleet, n, given.workload, tools, given.rounds) for n in counts}))


if __name__ == "__main__":
    main()
