"""One lab host: where it is, whether it lives, and how to run something on it without SSH."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from playbook_engine.lab import processes
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.network import Wire
from playbook_engine.lab.spec import Init
from playbook_engine.model.frozen import frozen

SSH_PORT = 22
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class HostState(StrEnum):
    UP = "up"
    BOOTING = "booting"
    #: its folder exists, but nothing holds it: `up` was killed, or the holder was
    DEAD = "dead"


@frozen
class LabHost:
    """The record of one host, kept as host.json in its folder."""

    name: str
    folder: Path
    number: int
    init: Init
    python: str
    sudo: bool
    key: Path
    known_hosts: Path
    groups: tuple[str, ...]
    variables: Mapping[str, str]

    @property
    def wire(self) -> Wire:
        return Wire(number=self.number, owner=str(self.folder))

    @property
    def address(self) -> str:
        return self.wire.address

    # --- the record -----------------------------------------------------------------------------

    def save(self) -> None:
        record = {
            "name": self.name,
            "number": self.number,
            "init": self.init,
            "python": self.python,
            "sudo": self.sudo,
            "groups": self.groups,
            "variables": dict(self.variables),
        }
        beside = self.folder / "host.json.new"
        beside.write_text(json.dumps(record, indent=1) + "\n")
        beside.rename(self.folder / "host.json")

    @classmethod
    def load(cls, folder: Path, *, key: Path, known_hosts: Path) -> LabHost | None:
        """None when `up` was killed before it had written the record: then there is no link either."""
        try:
            record = json.loads((folder / "host.json").read_text())
        except FileNotFoundError:
            return None
        return cls(
            name=record["name"],
            folder=folder,
            number=record["number"],
            init=Init(record["init"]),
            python=record["python"],
            sudo=record["sudo"],
            key=key,
            known_hosts=known_hosts,
            groups=tuple(record["groups"]),
            variables=record["variables"],
        )

    @property
    def unfinished(self) -> Path:
        """A file that is there while the host is being made: one that was left says that it is half made."""
        return self.folder / "unfinished"

    # --- its processes --------------------------------------------------------------------------

    def hardware_pid(self) -> int | None:
        """The process (hold.sh) in whose namespaces the disk and the network card are."""
        holder = processes.holders().get(str(self.folder))
        return next(iter(processes.children(holder)), None) if holder else None

    def init_pid(self) -> int | None:
        """The host's pid 1, as this machine numbers it; None while it reboots."""
        hardware = self.hardware_pid()
        if hardware is None:
            return None
        for boot in processes.children(hardware):
            for pid in processes.children(boot):
                # Until pivot_root is done the root is still the controller's: nothing may run in there.
                if _root_device(pid) not in (None, _root_device(hardware)):
                    return pid
        return None

    def state(self) -> HostState:
        if self.hardware_pid() is None:
            return HostState.DEAD
        return HostState.UP if self.init_pid() else HostState.BOOTING

    def root(self) -> Path:
        """The host's / as seen from here (proc(5), root). Absolute links inside lead to the controller's /."""
        return Path(f"/proc/{self._require_init()}/root")

    def _require_init(self) -> int:
        pid = self.init_pid()
        if pid is None:
            raise LabError(
                f"lab host {self.name} is {self.state()}", advice=f"`runbook lab down {self.name}` clears it away"
            )
        return pid

    # --- running something on it ----------------------------------------------------------------

    def argv(self, argv: Sequence[str], *, terminal: str = "dumb") -> list[str]:
        """The command line, for this machine, that runs `argv` on the host as root in /."""
        enter = ["nsenter", "-t", str(self._require_init()), "-m", "-p", "-u", "-i", "-n", "-r", "--"]
        return [*enter, "env", "-i", "-C", "/", f"PATH={_PATH}", "HOME=/root", f"TERM={terminal}", *argv]

    def exec(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run on the host past SSH, with output captured. `check`: a failure is a `LabError`."""
        done = subprocess.run(
            self.argv(argv),
            input="" if stdin is None else stdin,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise LabError(f"{self.name}: `{' '.join(argv)}` ended with {done.returncode}: {said}")
        return done

    def in_network(self, argv: Sequence[str], *, stdin: str) -> None:
        """Run a program of this machine in the host's network namespace (which outlives its reboots)."""
        pid = self.hardware_pid()
        if pid is None:
            raise LabError(f"lab host {self.name} is dead", advice=f"`runbook lab down {self.name}`")
        done = subprocess.run(
            ["nsenter", "-t", str(pid), "-n", "--", *argv], input=stdin, text=True, capture_output=True, check=False
        )
        if done.returncode:
            raise LabError(f"{self.name}: {argv[0]}: {done.stderr.strip()}")

    def answers(self, *, timeout: float) -> bool:
        """Wait until its sshd greets."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                with socket.create_connection((self.address, SSH_PORT), timeout=1) as connection:
                    connection.settimeout(2)
                    if connection.recv(4) == b"SSH-":
                        return True
            except OSError:
                pass
            if time.monotonic() > deadline:
                return False
            time.sleep(0.03)

    def boot_log(self) -> str:
        try:
            return (self.folder / "boot.log").read_text(errors="replace").strip()
        except FileNotFoundError:
            return ""


def _root_device(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}/root/").st_dev
    except OSError:
        return None
