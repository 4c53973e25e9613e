"""The fault matrix (`matrix_cells`): every fault, with every job, on a host of its own, by the real command.

In each cell the run has to end in the right way, in time, leave nothing on the host, and stay small on the controller.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from live_hosts import RUNBOOK, CommandLine, find_old_python

from playbook_engine.lab.lab import Lab
from reliability import litter
from reliability.figure import Figure
from reliability.matrix_cells import AWHILE, DURING, SHORT, TABLE, Fault, Job, Right
from reliability.matrix_site import NAME, NeverReached, Site

HERE = Path(__file__).parent
MEMORY = 200  # MiB of the controller's process
AT_ONCE = 10  # cells; most of the time they wait
HANGS = 45.0  # seconds beyond the deadline after which a run is killed, and the cell is wrong

# What the runbooks were asked to leave on the host; the drill says where it was, the service runs.
ASKED = {
    Job.FACTS: ("/etc/os-release",),
    Job.FREE_DISK: ("/root/.cache*", "/etc/os-release", "/root/.bashrc", "/var/lib/drill/told"),
    Job.TEN_STEPS: (
        "/srv/drill*", "/etc/drill.conf", "/etc/sv/drill*", "/etc/service/drill", "/var/lib/drill/told",
        "sleep 86400",
    ),
    Job.ROLLBACK: ("/var/lib/drill/told",),
}  # fmt: skip
# How a change ended whose end nobody has heard: kept in memory, so that `runbook resume` can ask for it.
RECORD = "/run/runbook-*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What happened in one cell. `beyond`: seconds past its deadline, negative when there were some left."""

    fault: Fault
    job: Job
    wrong: tuple[str, ...]
    took: float
    beyond: float
    litter: tuple[str, ...]
    rss: float

    @property
    def name(self) -> str:
        return f"{self.fault} x {self.job}"


def measure(short: bool) -> list[Figure]:
    cells = list(SHORT) if short else [(fault, job) for fault in TABLE for job in Job]
    left_out = [c for c in cells if c[0] is Fault.PYTHON_36 and find_old_python() is None]
    # What waits longest begins first.
    cells = sorted((c for c in cells if c not in left_out), key=lambda c: -TABLE[c[0]][c[1]].within)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        seen = list(pool.map(lambda c: try_cell(*c), cells))
    return figures(seen, [f"{fault} x {job}" for fault, job in left_out])


def figures(seen: Sequence[Seen], left_out: Sequence[str] = ()) -> list[Figure]:
    wrong = [s for s in seen if s.wrong]
    littered = [s for s in seen if s.litter]
    slowest = max(seen, key=lambda s: s.beyond)
    largest = max(seen, key=lambda s: s.rss)
    without = f"; left out, for want of that Python: {', '.join(left_out)}" if left_out else ""
    lines = "".join(f"\n{s.name}: {'; '.join(s.wrong)}" for s in wrong)
    litters = "".join(f"\n{s.name}: {'; '.join(s.litter[:3])}" for s in littered)
    return [
        Figure(
            promise="P1, P7: works on a broken host, or says what is wrong",
            what=f"{len(seen)} cells of faults x jobs, each on a lab host of its own{without}",
            seen=f"{len(seen) - len(wrong)} right of {len(seen)}{lines}",
            bar="all: status, exit code, kind, advice",
            holds=not wrong,
        ),
        Figure(
            promise="P7: nothing hangs",
            what="the same",
            seen=f"longest beyond its deadline: {max(slowest.beyond, 0.0):.1f} s"
            + (f" ({slowest.name})" if slowest.beyond > 0 else ""),
            bar="0 s",
            holds=slowest.beyond <= 0,
        ),
        Figure(
            promise="P1: nothing is left on the host",
            what="files on disk and in memory, and processes, before and after",
            seen=f"{sum(len(s.litter) for s in seen)} in {len(littered)} cells{litters}",
            bar="0",
            holds=not littered,
        ),
        Figure(
            promise="P8: the controller stays small",
            what="largest resident memory of a `runbook` process",
            seen=f"{largest.rss:.0f} MiB ({largest.name})",
            bar=f"< {MEMORY} MiB",
            holds=largest.rss < MEMORY,
        ),
    ]


def try_cell(fault: Fault, job: Job) -> Seen:
    """One cell, on a host that is made for it and taken down after it."""
    right = TABLE[fault][job]
    with tempfile.TemporaryDirectory(prefix="matrix-") as folder, Lab(Path(folder)) as lab:
        site = Site(lab=lab, fault=fault, job=job)
        runbook = CommandLine(Path(folder), lab.inventory)
        try:
            site.build()
            before = litter.listing(site.host)
            if job is Job.ROLLBACK:
                said = runbook("run", str(HERE / "ten_steps.yml"), NAME, "-i", str(lab.inventory), "--json")
                if said.code:
                    raise NeverReached(f"the run that was to be rolled back ended with {said.code}: {said.out[-500:]}")
            site.break_before()
            if job is not Job.ROLLBACK:
                before = litter.listing(site.host)
            ran = _perform(site, runbook)
        except Exception as error:
            return Seen(
                fault=fault, job=job, wrong=(f"{type(error).__name__}: {error}",), took=0, beyond=0, litter=(), rss=0
            )
        wrong = [*_judge(right, ran), *_told(site, ran), *_terminal(runbook, fault)]
        if fault in (Fault.CUT_OFF, Fault.BLACKHOLED, Fault.REFUSED):
            lab.heal(NAME)
        if fault is Fault.CUT_OFF:
            # A host that has lost its controller for good ends the session by itself (ClientAliveInterval).
            lab.break_(NAME, "kill-sshd")
        restored = job is Job.ROLLBACK and right.status == "rolled_back"
        asked = ASKED[Job.TEN_STEPS] if job is Job.ROLLBACK and not restored else ASKED[job]
        # The host's TCP notices that a session has ended when it sends once more, half a minute later (tcp(7)).
        patience = 60.0 if fault is Fault.CUT_AWHILE else 10.0
        if fault is Fault.CUT_OFF:
            asked += (RECORD,)
        left = litter.settled(site.host, before, asked, restored=restored, patience=patience)
        return Seen(
            fault=fault, job=job, wrong=tuple(wrong), took=ran.took, beyond=ran.took - right.within,
            litter=tuple(left), rss=ran.rss,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How the command ended."""

    code: int
    events: list[dict[str, object]]
    err: str
    took: float
    rss: float


def _needed(pid: int) -> float:
    """The most that a process has had in memory so far, in MiB (proc(5), VmHWM).

    Not ru_maxrss: that is kept over exec(2), and begins with the memory of whoever forked.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)


def _words(job: Job, fault: Fault) -> list[str]:
    match job:
        case Job.FACTS:
            return ["exec", NAME, "-m", "facts", *(["--timeout", "3s"] if fault is Fault.HANGS else [])]
        case Job.FREE_DISK if fault is Fault.HANGS:
            return ["run", str(HERE / "free_disk_and_drill.yml"), NAME]
        case Job.FREE_DISK:
            return ["run", "free-disk", NAME, "-e", "max_used_percent=" + ("80" if fault in FULL else "20")]
        case Job.TEN_STEPS:
            return ["run", str(HERE / "ten_steps.yml"), NAME]
        case Job.ROLLBACK:
            return ["rollback", "last"]


FULL = (Fault.FULL, Fault.NO_INODES)


def _perform(site: Site, runbook: CommandLine) -> Ran:
    """The job under its fault. Raises NeverReached."""
    right = TABLE[site.fault][site.job]
    words = [*_words(site.job, site.fault), "--json"]
    if site.job is not Job.ROLLBACK:
        words += ["-i", str(site.lab.inventory)]
    out, err = site.lab.root.parent / "out", site.lab.root.parent / "err"
    with out.open("wb") as told, err.open("wb") as complained:
        began = time.monotonic()
        child = subprocess.Popen(
            [str(RUNBOOK), *words], stdin=subprocess.DEVNULL, stdout=told, stderr=complained, env=runbook.env, cwd="/"
        )
    rss = 0.0

    def over() -> bool:
        nonlocal rss
        rss = max(rss, _needed(child.pid))
        return child.poll() is not None

    try:
        if site.fault in DURING:
            site.break_during(lambda: b'"ChangeIntended"' in out.read_bytes(), over)
            began = time.monotonic()
        healed = site.fault is not Fault.CUT_AWHILE
        while not over() and (passed := time.monotonic() - began) < right.within + HANGS:
            if not healed and passed > AWHILE:
                site.lab.heal(NAME)
                healed = True
            time.sleep(0.02)
    finally:
        if not over():
            child.send_signal(signal.SIGKILL)
            while not over():
                time.sleep(0.02)
    took = time.monotonic() - began
    events = [json.loads(line) for line in out.read_text().splitlines() if line.endswith("}")]
    return Ran(code=child.returncode, events=events, err=err.read_text(errors="replace"), took=took, rss=rss)


def _judge(right: Right, ran: Ran) -> list[str]:
    """What is not right about how it ended."""
    ends = [e for e in ran.events if e["event"] == "HostFinished"]
    status = str(ends[-1]["status"]) if ends else "none"
    wrong = []
    if status != right.status:
        wrong.append(f"{status}, not {right.status}")
    if ran.code != right.code:
        wrong.append(f"exit {ran.code}, not {right.code}")
    kinds = {str(e.get("kind")) for e in ran.events}
    if right.kind and right.kind not in kinds:
        wrong.append(f"kinds {', '.join(sorted(kinds - {'', 'None', 'run', 'exec', 'rollback'}))}; not {right.kind}")
    said = " ".join(f"{e.get('message', '')} {e.get('advice', '')}" for e in ran.events)
    if not re.search(re.escape(right.words), said):
        wrong.append(f"nothing about {right.words!r}")
    if ran.err.strip():
        wrong.append(f"on standard error: {ran.err.strip()[-300:]}")
    if wrong and ends:
        wrong.append(f"it said: {ends[-1].get('message', '')} {ends[-1].get('advice', '')}"[:300])
    return wrong


def _told(site: Site, ran: Ran) -> list[str]:
    """No change is made twice: the drill, which nothing keeps from being done again, was called at most once."""
    if site.job not in (Job.TEN_STEPS, Job.ROLLBACK):
        return []
    told = site.told()
    twice = [word for word in ("do", "undo") if told.count(word) > 1]
    return [f"the drill was called for {' '.join(told)}"] if twice else []


def _terminal(runbook: CommandLine, fault: Fault) -> list[str]:
    """What a host says never reaches the terminal as it came."""
    if fault is not Fault.NO_TEXT:
        return []
    shown = subprocess.run([str(RUNBOOK), "show", "last", "-v"], env=runbook.env, capture_output=True, check=False)
    if shown.returncode:
        shown = subprocess.run([str(RUNBOOK), "show"], env=runbook.env, capture_output=True, check=False)
    bad = [repr(c) for c in (b"\x1b", b"\0", b"\x07") if c in shown.stdout + shown.stderr]
    return [f"`runbook show` printed {' '.join(bad)}"] if bad else []


def main(argv: Sequence[str]) -> int:
    """python -m reliability.fault_matrix TEXT...: only the cells whose names hold one of the texts, one line each."""
    chosen = [(f, j) for f in TABLE for j in Job if any(text in f"{f} x {j}" for text in argv)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for seen in pool.map(lambda c: try_cell(*c), chosen):
            mark = "; ".join(("WRONG", *seen.wrong, *seen.litter)) if seen.wrong or seen.litter else "right"
            print(f"{seen.name:40} {seen.took:5.1f} s {seen.beyond:+6.1f} {seen.rss:4.0f} MiB  {mark}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
