"""Breaking lab hosts for a drill: each fault is in the drill's journal before it is there, and cleared by it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from playbook_engine.drill.scenario import FaultSpec, LabSpec, Own
from playbook_engine.journal.codec import Record
from playbook_engine.journal.files import JournalWriter
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.faults import Fault
from playbook_engine.lab.host import LabHost
from playbook_engine.lab.lab import Lab
from playbook_engine.lab.sick import Sickness, bring_up
from playbook_engine.lab.spec import Bind, HostSpec, Init, PlacedFile
from playbook_engine.lab.standin_wheel import build
from playbook_engine.model.events import FaultCleared, FaultInjected

WHEELS = "/wheels"


class Breakage:
    """The faults of one drill on its lab."""

    def __init__(self, lab: Lab, journal: JournalWriter, say: Callable[[str], None]) -> None:
        self.lab = lab
        self._journal = journal
        self._say = say
        self._lock = threading.Lock()
        self._timers: list[threading.Timer] = []

    def inject(self, fault: FaultSpec, host: str) -> None:
        """Breaks it. Raises LabError."""
        with self._lock:
            self._journal.append(
                FaultInjected(host=host, fault=fault.fault, argument=fault.argument, at_step=fault.at_step)
            )
            try:
                done = self.lab.break_(host, fault.fault, fault.argument or None)
            except LabError:
                self._journal.append(FaultCleared(host=host, fault=fault.fault, how="it was never there"))
                raise
            self._say(f"broken on {host}: {fault.fault}: {done}")
            if fault.fault == Fault.REBOOT:
                self._journal.append(FaultCleared(host=host, fault=fault.fault, how="it is over when it has happened"))
            if fault.clear_after:
                timer = threading.Timer(fault.clear_after, self._clear, (host, "after its time", fault.fault))
                timer.daemon = True
                timer.start()
                self._timers.append(timer)

    def _clear(self, host: str, how: str, only: str | None = None) -> None:
        with self._lock:
            try:
                for fault in self.lab.heal(host, only):
                    self._journal.append(FaultCleared(host=host, fault=fault, how=how))
                    self._say(f"put right on {host}: {fault}")
            except LabError as error:
                self._say(f"not put right on {host}: {error}")

    def clear(self) -> None:
        """Puts everything right and takes the hosts down: nothing is left of them. Raises LabError."""
        for timer in self._timers:
            timer.cancel()
        for host in self.lab.hosts():
            self._clear(host.name, "at the end")
        self.lab.down()


def left_behind(records: Sequence[Record]) -> list[FaultInjected]:
    """Faults that were injected and that nothing says were cleared."""
    left: dict[tuple[str, str], FaultInjected] = {}
    for record in records:
        if isinstance(record.event, FaultInjected):
            left[record.event.host, record.event.fault] = record.event
        elif isinstance(record.event, FaultCleared):
            left.pop((record.event.host, record.event.fault), None)
    return list(left.values())


def furnish(lab: Lab, specs: Sequence[LabSpec], say: Callable[[str], None]) -> list[LabHost]:
    """Makes the hosts of a drill and prepares them. Raises LabError."""
    plain = [_spec(lab, s) for s in specs if not s.sick]
    made = lab.up(plain) if plain else []
    made += [bring_up(lab, _sickness(s), say=say) for s in specs if s.sick]
    for spec in specs:
        host = lab.host(spec.name)
        if spec.prepare:
            host.exec(["sh", "-e"], stdin=spec.prepare, timeout=120, check=True)
    return made


def _spec(lab: Lab, spec: LabSpec) -> HostSpec:
    binds = []
    if spec.wheels:
        folder = lab.root.parent / "wheels"
        build(folder)
        binds.append(Bind(source=folder, target=WHEELS))
    return HostSpec(
        name=spec.name, size_bytes=spec.size_bytes, inodes=spec.inodes, python=spec.python, init=Init(spec.init),
        binds=tuple(binds),
        files=tuple(PlacedFile(path=p.strip("/"), content=text.encode()) for p, text in spec.files.items()),
    )  # fmt: skip


def _sickness(spec: LabSpec) -> Sickness:
    if spec.filled:
        return Sickness(name=spec.name, market_open=spec.market_open, mlflow_wheels=False)
    return Sickness(
        name=spec.name, market_open=spec.market_open, filled=False, mlflow_wheels=False,
        size_bytes=max(spec.size_bytes, 256 << 20), inodes=max(spec.inodes, 20000),
    )  # fmt: skip


def host_faults(faults: Sequence[FaultSpec]) -> list[FaultSpec]:
    """Those of hosts; the others are the controller's and the runbook's."""
    return [f for f in faults if f.fault not in list(Own)]
