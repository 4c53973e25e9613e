"""The lab: real hosts on this machine, made, broken, healed and taken down without a trace.

    with Lab(state) as lab:
        (host,) = lab.up([HostSpec(size_bytes=64 << 20)])
        lab.break_(host.name, Fault.FILL)

Everything it knows is in `<state>/lab/`; `down` works from there and from /proc, so it also clears away what a
killed creator left behind.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from playbook_engine.lab import faults, inventory, keys, network, processes, skeleton
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.faults import Fault
from playbook_engine.lab.host import LabHost
from playbook_engine.lab.locks import address_lock, state_lock
from playbook_engine.lab.prerequisites import require
from playbook_engine.lab.spec import NO_PYTHON, SYSTEM_PYTHON, Bind, HostSpec

_BOOT = Path(__file__).parent / "boot"


class Lab:
    """The lab of one state folder. Several may run at once, in one process or in many."""

    def __init__(self, state: Path) -> None:
        self.root = state.expanduser().absolute() / "lab"
        self.inventory = self.root / "inventory.ini"
        self.known_hosts = self.root / "known_hosts"
        self.key = self.root / "id"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    # --- what there is --------------------------------------------------------------------------

    def hosts(self) -> list[LabHost]:
        """All hosts, in the order of their making, dead ones too."""
        found = (LabHost.load(f, key=self.key, known_hosts=self.known_hosts) for f in self._folders())
        return sorted((h for h in found if h), key=lambda h: h.number)

    def host(self, name: str) -> LabHost:
        known = self.hosts()
        for host in known:
            if host.name == name:
                return host
        names = ", ".join(h.name for h in known) or "none"
        raise LabError(f"no lab host is called {name!r}", advice=f"there are: {names} (in {self.root})")

    def exec(
        self, name: str, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a host as root, past SSH: also on one that is partitioned or has no sshd."""
        return self.host(name).exec(argv, stdin=stdin, timeout=timeout)

    def _folders(self) -> list[Path]:
        below = self.root / "hosts"
        return [p for p in below.iterdir() if p.is_dir()] if below.is_dir() else []

    # --- up -------------------------------------------------------------------------------------

    def up(self, specs: Iterable[HostSpec], *, wait: float = 30.0) -> list[LabHost]:
        """Make hosts and wait, at most `wait` seconds, until each one's sshd greets. All or none."""
        require()
        with state_lock(self.root):
            named = self._named(list(specs))
            public_key = keys.operator_key(self.key)
            try:
                made = self._register(named)
                for host, spec in zip(made, named, strict=True):
                    self._prepare(host, spec, public_key)
                inventory.write(self.inventory, self.known_hosts, self.hosts())
                for host in made:
                    self._start(host)
                for host in made:
                    if not host.answers(timeout=wait):
                        raise LabError(
                            f"lab host {host.name} does not answer on {host.address} after {wait:.0f} s: "
                            f"{host.boot_log() or 'nothing in its boot log'}"
                        )
                    # It is on the host's disk now, and holds keys.
                    shutil.rmtree(host.folder / "skeleton")
                    host.unfinished.unlink()
            except BaseException:
                self._remove([str(s.name) for s in named])
                raise
        return made

    def _named(self, specs: list[HostSpec]) -> list[HostSpec]:
        """Give names to those without; refuse those that exist, whole or half."""
        folders = {f.name: f for f in self._folders()}
        holders = processes.holders()
        for spec in specs:
            folder = folders.get(spec.name or "")
            if folder is not None:
                half = ""
                if str(folder) not in holders:
                    half = " half: its folder is there, but nothing runs it"
                elif (folder / "unfinished").exists():
                    half = " half: whoever was making it has not finished"
                raise LabError(
                    f"lab host {spec.name} exists{half} ({folder})",
                    advice=f"`runbook lab down {spec.name}` clears it away",
                )
        names = [s.name for s in specs if s.name]
        if len(set(names)) != len(names):
            raise LabError(f"a lab host cannot be made twice: {', '.join(names)}")
        used = {*names, *folders}
        numbers = [int(m[1]) for n in used if (m := re.fullmatch(r"lab(\d+)", n))]
        following = max(numbers, default=0) + 1
        named: list[HostSpec] = []
        for spec in specs:
            if spec.name is None:
                spec = replace(spec, name=f"lab{following}")
                following += 1
            named.append(spec)
        return named

    def _register(self, specs: Sequence[HostSpec]) -> list[LabHost]:
        """Pick numbers and make the links, each on record before it exists: `down` can always find it."""
        with address_lock():
            made = []
            for spec, wire in zip(specs, network.free_wires(len(specs)), strict=True):
                folder = self.root / "hosts" / str(spec.name)
                folder.mkdir(parents=True)
                host = LabHost(
                    name=str(spec.name),
                    folder=folder,
                    number=wire.number,
                    init=spec.init,
                    python=spec.python,
                    sudo=spec.sudo,
                    key=self.key,
                    known_hosts=self.known_hosts,
                    groups=spec.groups,
                    variables=spec.variables,
                )
                host.unfinished.touch()
                host.save()
                made.append(host)
            network.create(h.wire for h in made)
        return made

    def _prepare(self, host: LabHost, spec: HostSpec, public_key: str) -> None:
        folder = host.folder
        for name in ("disk", "root", "skeleton", "faults"):
            (folder / name).mkdir()
        host_key = keys.new_pair()
        (folder / "hostkey.pub").write_text(f"{host_key[1]}\n")
        files = [*skeleton.base_files(host.name, host.address, public_key, host_key, spec.aliases), *spec.files]
        skeleton.write(folder / "skeleton", files)
        binds = list(spec.binds)
        if spec.python not in (SYSTEM_PYTHON, NO_PYTHON):
            binds.append(Bind(source=Path(spec.python), target="/opt/python"))
        (folder / "binds").write_text("".join(f"{b.source} {b.target}\n" for b in binds))
        settings = {
            "LAB_NAME": host.name,
            "LAB_ADDRESS": host.address,
            "LAB_GATEWAY": host.wire.gateway,
            "LAB_SIZE": spec.size_bytes,
            "LAB_INODES": spec.inodes,
            "LAB_PYTHON": spec.python,
            "LAB_INIT": spec.init,
            "LAB_SUDO": int(spec.sudo),
            "LAB_READONLY": int(spec.readonly),
            "LAB_TMP": int(spec.tmp),
            "LAB_TMP_NOEXEC": int(spec.tmp_noexec),
            "LAB_USERNS": int(_in_user_namespace()),
            "LAB_BOOT": _BOOT,
        }
        (folder / "conf").write_text("".join(f"{k}={shlex.quote(str(v))}\n" for k, v in settings.items()))

    def _start(self, host: LabHost) -> None:
        """Start the holder, plug the link in, let it boot.

        `setsid --fork` because a lab outlives its creator: nobody is left to wait(2) for a child. The pipe is the
        leash until the host is whole: if this process is killed first, hold.sh reads an end of file and ends.
        """
        hold = ["setsid", "--fork", "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"]
        with (
            (host.folder / "boot.log").open("ab") as log,
            subprocess.Popen(
                [*hold, "sh", str(_BOOT / "hold.sh"), str(host.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd="/",
            ) as process,
        ):
            assert process.stdin and process.stdout
            if process.stdout.readline() == b"held\n" and (pid := host.hardware_pid()):
                network.plug_in(host.wire, pid)
                process.stdin.write(b"go\n")
                process.stdin.flush()
                # A first packet sent before the host has its address would cost a second (ARP asks again then).
                if process.stdout.readline() == b"wired\n":
                    return
            raise LabError(f"lab host {host.name} did not start: {host.boot_log() or 'no reason was given'}")

    # --- faults ---------------------------------------------------------------------------------

    def break_(self, name: str, fault: Fault | str, arg: str | None = None) -> str:
        """Inject a fault; returns what was done, in a sentence."""
        with state_lock(self.root):
            return faults.inject(self.host(name), faults.parse(fault), arg)

    def heal(self, name: str, only: Fault | str | None = None) -> list[Fault]:
        """Undo every fault of a host (or `only` one); returns those that were undone."""
        with state_lock(self.root):
            return faults.heal(self.host(name), None if only is None else faults.parse(only))

    # --- down -----------------------------------------------------------------------------------

    def down(self, names: Sequence[str] | None = None) -> list[str]:
        """Take hosts down, all by default, and leave nothing: no process, mount, link or file.

        Also what is half there. Returns the names of those that were there.
        """
        if not self.root.exists():
            return []
        with state_lock(self.root):
            present = {f.name for f in self._folders()}
            if unknown := [n for n in names or () if n not in present]:
                raise LabError(
                    f"no lab host is called {', '.join(unknown)}", advice=f"there are: {', '.join(sorted(present))}"
                )
            wanted = sorted(present if names is None else names)
            self._remove(wanted)
        return wanted

    def _remove(self, names: Sequence[str]) -> None:
        """Call under the state lock; the whole folder goes with the last host."""
        folders = [self.root / "hosts" / n for n in names]
        wires = [h.wire for h in self.hosts() if h.name in names]
        with address_lock():  # a number that is free again may at once be another lab's
            _kill([pid for folder, pid in processes.holders().items() if Path(folder) in folders])
            network.remove(wires)
            left = [w.link for w in wires if network.exists(w)]
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        left += [str(f) for f in folders if f.exists()]
        if left:
            raise LabError(f"could not be removed: {', '.join(left)}", advice="run `runbook lab down` again")
        if self._folders():
            inventory.write(self.inventory, self.known_hosts, self.hosts())
        else:
            shutil.rmtree(self.root, ignore_errors=True)


def _kill(holders: Sequence[int]) -> None:
    """End hosts and wait until they are gone.

    Killing hold.sh, which is pid 1 of its namespace, makes the kernel kill everything inside; its `unshare`
    is killed too in case it is between fork and exec.
    """
    doomed = [pid for holder in holders for pid in (*processes.children(holder), holder)]
    if alive := processes.kill(doomed):
        raise LabError(f"processes {alive} of the lab do not die", advice="look for I/O that hangs (state D)")


def _in_user_namespace() -> bool:
    return Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]
