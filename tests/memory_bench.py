"""Runs of real runbook text on hosts in memory, with a real journal in a temporary folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

from playbook_engine.app.runs import RunEnd, execute, view_of
from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.engine.compile import compile_plan
from playbook_engine.engine.driver import Operator
from playbook_engine.journal.fold import RunView
from playbook_engine.loading.playbook.known import NOTHING_KNOWN
from playbook_engine.loading.playbook.playbook import PlaybookLoader
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.plan import Options
from playbook_engine.model.runbook import Runbook
from playbook_engine.transport.base import Transport
from playbook_engine.transport.scripted import MemoryHost, ScriptedTransport


class MemoryApp(App):
    """The application with hosts in memory instead of the network."""

    def __init__(self, state: Path, hosts: list[MemoryHost]) -> None:
        super().__init__(Settings.of({"RUNBOOK_STATE": str(state), "RUNBOOK_ACTOR": "tester"}))
        self.memory = ScriptedTransport(hosts)

    def transports(self, ask: object = None) -> dict[str, Transport]:
        return {"memory": self.memory}


class Bench:
    """A runbook, hosts, and what came of running it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts: dict[str, MemoryHost] = {}
        self.variables: dict[str, dict[str, object]] = {}

    def host(self, name: str = "h1", **given: object) -> MemoryHost:
        self.hosts[name] = MemoryHost(name, **given)  # type: ignore[arg-type]
        return self.hosts[name]

    def run(
        self, text: str, /, *, kind: str = "run", options: Options | None = None, operator: Operator | None = None,
        confirm: Callable[[str], str] | None = None, **given: object,
    ) -> Result:  # fmt: skip
        file = self.folder / "runbook.yml"
        file.write_text(dedent(text))
        app = MemoryApp(self.folder / "state", list(self.hosts.values()))
        runbook = self._loaded(app, file)
        hosts = [
            Host(name=n, variables=self.variables.get(n, {}), connection=ConnectionSpec(connection="memory"))
            for n in self.hosts
        ]
        plan = compile_plan(runbook, hosts, given, kind=kind, options=options or Options())
        end = execute(app, plan, [], confirm=confirm, operator=operator)
        return Result(app, end)

    def _loaded(self, app: MemoryApp, file: Path) -> Runbook:
        """A runbook; or a playbook, whose plays are all for all hosts."""
        if not file.read_text().startswith("- hosts:"):
            return Loader([self.folder], app.templar).load(str(file))
        playbook, plays = PlaybookLoader(app.templar, [], NOTHING_KNOWN).load(file)
        entries = (dataclasses.replace(p.entry, hosts=tuple(self.hosts), batches=(tuple(self.hosts),)) for p in plays)
        return dataclasses.replace(playbook, steps=tuple(entries))


class Result:
    """What the journal says about a run."""

    def __init__(self, app: MemoryApp, end: RunEnd) -> None:
        self.app = app
        self.end = end
        self.view: RunView = view_of(app, end.run)

    @property
    def statuses(self) -> dict[str, str]:
        return {name: str(status) for name, status in self.end.statuses.items()}

    def outcomes(self, host: str = "h1") -> dict[str, str]:
        return {s.started.name: s.outcome for s in self.view.hosts[host].steps}

    def events(self, *kinds: str) -> list[object]:
        return [r.event for r in self.view.records if type(r.event).__name__ in kinds]
