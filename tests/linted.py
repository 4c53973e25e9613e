"""What lint advises of a runbook, for tests: `LINE:COLUMN: severity code: message`."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.loading.linting.examine import advised
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.finding import Finding


class Desk:
    """A folder of runbooks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app = App(Settings.of({"RUNBOOK_STATE": str(folder / "state")}))

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(dedent(text))

    def findings(self, text: str) -> list[Finding]:
        self.write("r.yml", text)
        runbook = Loader([self.folder], self.app.templar).load(str(self.folder / "r.yml"))
        return advised(runbook, self.app.templar, self.app.read_file, self.app.vault.file)

    def said(self, text: str, *codes: str) -> list[str]:
        """With `codes`, only findings of these."""
        return [
            f"{Path(f.where.file).name if f.where else ''}:{f.where and f.where.line}:{f.where and f.where.column}: "
            f"{f.severity} {f.code}: {f.message}"
            for f in self.findings(text) if not codes or f.code in codes
        ]  # fmt: skip
