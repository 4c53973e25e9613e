"""The host of one cell of the fault matrix: made, furnished, broken before or in the middle of its job."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from live_hosts import find_old_python

from playbook_engine.lab.host import LabHost
from playbook_engine.lab.lab import Lab
from playbook_engine.lab.spec import HostSpec, PlacedFile
from reliability import litter
from reliability.matrix_cells import DURING, Fault, Job

NAME = "host"
# Does what the cell wants to happen inside a step, then says that it was here: `told` has a line for every time.
DRILL = b"""#!/bin/sh
[ ! -e /run/drill/$1 ] || . /run/drill/$1
echo $1 >> /var/lib/drill/told
"""
NO_TEXT = rb"""caf\351 \000 \033[2J\033]0;owned\007 \377\376 \342\200\256\n"""
NOISE = b"yes 'a login script that never ends' | head -c 1073741824\n"
HANG = "setsid sleep 4321 &\nsleep 4322\n"


class NeverReached(Exception):
    """The job was over before the fault could happen in the middle of it, or never came there."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """One host in a lab of its own."""

    lab: Lab
    fault: Fault
    job: Job
    held: list[int] = field(default_factory=list)

    @property
    def host(self) -> LabHost:
        return self.lab.host(NAME)

    def path(self, path: str) -> Path:
        """A path of the host, as this machine sees it."""
        return self.host.root() / path.lstrip("/")

    # --- before the job -------------------------------------------------------------------------

    def build(self) -> None:
        """Make the host, with what its job works on."""
        bulk = self.job is Job.FREE_DISK and self.fault in DURING
        python = "system"
        if self.fault is Fault.NO_PYTHON and self.job is not Job.ROLLBACK:
            python = "none"
        if self.fault is Fault.PYTHON_36:
            python = str(find_old_python())
        spec = HostSpec(
            name=NAME, size_bytes=(128 if bulk else 32) << 20, inodes=30000 if bulk else 4000, python=python,
            tmp=self.fault is not Fault.NO_TMP, tmp_noexec=self.fault is Fault.NOEXEC_TMP,
            files=(
                PlacedFile(path="usr/local/bin/drill", content=DRILL, mode=0o755),
                PlacedFile(path="var/lib/drill", directory=True, mode=0o755),
                PlacedFile(path="var/lib/drill/told", content=b"begin\n"),
                PlacedFile(path="etc/drill.conf", content=b"name = old\n" + b"limit = 4\n" * 600, mode=0o640),
            ),
        )  # fmt: skip
        self.lab.up([spec])
        self.path("/run/drill").mkdir()
        if self.job is Job.FREE_DISK:
            self._caches(20000 if bulk else 1200, 2048 if bulk else 12288)

    def _caches(self, count: int, size: int) -> None:
        """What pip would fetch again: more than half of the inodes, and almost half of the bytes."""
        folder = os.fsencode(self.path("/root/.cache/pip/http"))
        os.makedirs(folder)
        odd = (b"caf\xe9", b"\x1b[2J", b"a\nb", b"\xff\xfe") if self.fault is Fault.NO_TEXT else ()
        content = b"x" * size
        for name in (*odd, *(b"%05d" % n for n in range(count))):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)

    def told(self) -> list[str]:
        """What the drill was called for, in order."""
        return self.path("/var/lib/drill/told").read_text().split()[1:]

    def break_before(self) -> None:
        """Whatever is wrong before the job begins, or waits inside of it."""
        match self.fault:
            case Fault.FULL:
                self.lab.break_(NAME, "fill")
            case Fault.NO_INODES:
                self.lab.break_(NAME, "fill-inodes")
            case Fault.READ_ONLY:
                self.lab.break_(NAME, "readonly")
            case Fault.NO_PYTHON if self.job is Job.ROLLBACK:
                self.host.exec(["sh", "-c", "rm -f /usr/bin/python* /usr/bin/perl* /usr/local/bin/python*"], check=True)
            case Fault.REFUSED:
                self.lab.break_(NAME, "reject")
            case Fault.BLACKHOLED:
                self.lab.break_(NAME, "blackhole")
            case Fault.NEW_KEY:
                self.lab.break_(NAME, "newkey")
                self.host.answers(timeout=10)
            case Fault.CLOCK:
                self.lab.break_(NAME, "clock")
            case Fault.HANGS if self.job is Job.FACTS:
                self._fifo("/etc/os-release")
            case Fault.HANGS:
                self._behave(HANG)
            case Fault.FLOOD if self.job in (Job.FACTS, Job.FREE_DISK):
                self.path("/root/.bashrc").write_bytes(NOISE)
            case Fault.FLOOD:
                self._behave("yes | head -c 1073741824\n")
            case Fault.NO_TEXT if self.job is Job.FACTS:
                self.path("/etc/os-release").unlink()
                self.path("/etc/os-release").write_bytes(b"ID=debian\nNAME='caf\xe9 \0 \x1b[2J \xff'\n")
            case Fault.NO_TEXT:
                self._behave(f"printf '{NO_TEXT.decode()}'\n")
            case _ if self.fault in DURING and self.job is Job.FACTS:
                self._fifo("/etc/os-release")
            case _ if self.fault in DURING:
                self._fifo("/run/drill/gate")
                self._behave("read -r _ < /run/drill/gate\n")

    def _behave(self, script: str) -> None:
        name = "undo" if self.job is Job.ROLLBACK else "do"
        self.path(f"/run/drill/{name}").write_text(script)

    def _fifo(self, path: str) -> None:
        self.path(path).unlink(missing_ok=True)
        os.mkfifo(self.path(path), 0o644)

    # --- in the middle of it --------------------------------------------------------------------

    def break_during(self, intended: Callable[[], bool], over: Callable[[], bool]) -> None:
        """Wait until the job is in the middle of a step, let the fault happen, and let the step go on.

        `intended` says whether a change has been announced, `over` whether the job has ended. Raises NeverReached.
        """
        with self._held(intended, over):
            match self.fault:
                case Fault.CUT_OFF | Fault.CUT_AWHILE:
                    self.lab.break_(NAME, "blackhole")
                case Fault.SSHD_KILLED:
                    self.lab.break_(NAME, "kill-sshd")
                case _:
                    self.lab.break_(NAME, "reboot")
            time.sleep(1)

    @contextmanager
    def _held(self, intended: Callable[[], bool], over: Callable[[], bool]) -> Iterator[None]:
        """The step is held for the block: by a pipe that it reads from, or by stopping the agent."""
        if self.job is Job.FREE_DISK:
            _until(intended, over)
            stopped = litter.agents(self.host)
            _signal(stopped, signal.SIGSTOP)
            time.sleep(0.3)  # what was sent arrives
            yield
            still = set(litter.agents(self.host))
            _signal([pid for pid in stopped if pid in still], signal.SIGCONT)
            return
        facts = self.job is Job.FACTS
        gate = self.path("/etc/os-release" if facts else "/run/drill/gate")
        pipes: list[int] = []

        def reached() -> bool:
            try:
                pipes.append(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))  # ENXIO while nobody reads (fifo(7))
            except OSError:
                return False
            return True

        _until(reached, over)
        yield
        try:
            # For whoever reads next there is nothing to wait for.
            if facts:
                self.path("/etc/os-release").unlink()
                self.path("/etc/os-release").write_text("ID=debian\nNAME=Debian\n")
            else:
                self.path("/run/drill").joinpath("do").unlink(missing_ok=True)
                self.path("/run/drill").joinpath("undo").unlink(missing_ok=True)
            os.write(pipes[0], b"ID=debian\n")
        except (OSError, BrokenPipeError):
            pass  # the host was rebooted: neither the reader nor the pipe is there any more
        os.close(pipes[0])


def _until(condition: Callable[[], bool], over: Callable[[], bool], patience: float = 60.0) -> None:
    end = time.monotonic() + patience
    while not condition():
        if over() or time.monotonic() > end:
            raise NeverReached("the job never was in the middle of the step")
        time.sleep(0.005)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
