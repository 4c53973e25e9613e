"""The one place where objects are wired together."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from playbook_engine.app.clock import SystemClock
from playbook_engine.app.dialling import Dialled, Dialling
from playbook_engine.app.reading import found
from playbook_engine.app.settings import Settings
from playbook_engine.app.switch import KillSwitch
from playbook_engine.catalog import catalog
from playbook_engine.inventory.vars_files import hide_all, read_yaml
from playbook_engine.inventory.vault import Vault
from playbook_engine.inventory.vault_passwords import Source
from playbook_engine.journal.files import FileStore
from playbook_engine.journal.fold import fold
from playbook_engine.journal.index import RunIndex
from playbook_engine.journal.redaction import Redactor
from playbook_engine.model.errors import InventoryError, NotFound
from playbook_engine.model.host import Host
from playbook_engine.model.plan import Plan
from playbook_engine.model.runbook import Import, Runbook
from playbook_engine.templating.environment import Templar
from playbook_engine.transport.base import Claim, Transport

if TYPE_CHECKING:
    from playbook_engine.transport.known_hosts import Ask  # with paramiko, which is imported while nobody waits for it


class App:
    """What a command works with."""

    def __init__(
        self, settings: Settings, *, vault: Sequence[Source] = (), login: Mapping[str, object] | None = None
    ) -> None:
        """`vault`: where passwords of vaults come from. `login`: connection variables for what no inventory says."""
        self.settings = settings
        self.clock = SystemClock()
        self.redactor = Redactor()
        self.vault = Vault(vault, hide=self.redactor.add, match=settings.vault_id_match)
        self.login = {"ansible_connection": settings.transport, **(login or {})}
        self.templar = Templar(vault=self.vault)
        self.store = FileStore(settings.state, self.clock, self.redactor)
        self.escalations = FileStore(settings.state, self.clock, self.redactor, "escalations")
        self.drills = FileStore(settings.state, self.clock, self.redactor, "drills")
        self.incidents = FileStore(settings.state, self.clock, self.redactor, "incidents")
        self.index = RunIndex(settings.state, self.store)
        self.switch = KillSwitch(settings.state)
        self.dialling: Dialling | None = None

    def journals(self) -> dict[str, FileStore]:
        """Where the journals of each kind are; those of runs first."""
        return {
            "runs": self.store, "escalations": self.escalations, "drills": self.drills, "incidents": self.incidents,
        }  # fmt: skip

    def transports(self, ask: Ask | None = None) -> dict[str, Transport]:
        """By the value of ansible_connection; with the connections that were begun."""
        found = self._transports(ask)
        if (dialling := self.dialling) is None:
            return found
        return {name: Dialled(transport=transport, dialling=dialling) for name, transport in found.items()}

    def _transports(self, ask: Ask | None = None) -> dict[str, Transport]:
        from playbook_engine.transport.late import LateTransport
        from playbook_engine.transport.local import LocalTransport
        from playbook_engine.transport.openssh import OpenSshTransport

        ssh = LateTransport(lambda: self._ssh(ask))
        openssh = OpenSshTransport()
        return {
            "ssh": ssh,
            "openssh": openssh,
            "paramiko": ssh,
            "smart": ssh,
            "paramiko_ssh": ssh,
            "local": LocalTransport(),
        }

    def _ssh(self, ask: Ask | None) -> Transport:
        from playbook_engine.transport.known_hosts import KnownHosts
        from playbook_engine.transport.ssh import SshTransport

        return SshTransport(KnownHosts(ask), kex=self.settings.ssh_kex, ciphers=self.settings.ssh_ciphers)

    def dial(self, hosts: Sequence[Host]) -> None:
        """Begins to connect to hosts; the transports of the run to come go on with what was begun."""
        wanted = [h for h in hosts if h.connection.connection != "local"]
        if wanted and self.settings.connect == "early" and not self.halted():
            self.dialling = Dialling(self._transports(), wanted)

    def hang_up(self) -> None:
        """Ends the connections that were begun, and that nobody has taken."""
        if self.dialling is not None:
            self.dialling.hang_up()

    def claim(self, run: str, leg: int, plan: Plan) -> Claim | None:
        """What the hosts are locked with; None for a run that changes nothing."""
        if plan.options.check or plan.kind == "audit" or (plan.kind != "rollback" and not changes(plan.runbook)):
            return None
        reason = plan.options.reason or f"{plan.kind} {plan.runbook.name}"
        return Claim(
            run=run, leg=leg, actor=self.settings.actor, reason=reason, wait=plan.options.wait,
            over=plan.options.take_over, lease=self.settings.lease,
        )  # fmt: skip

    def halted(self) -> str:
        """Why no host of any run may begin another step; empty when they may. Asked often, so it has to be cheap."""
        return self.switch.thrown()

    def new_run(self, prefix: str = "") -> str:
        """An id that sorts by time, to the millisecond, and is not given twice, by other controllers either.

        A host takes two of one id for one run, and lets both in: one chance in 256 was too much for eight that begin at
        once.
        """
        at = datetime.now(UTC)
        return f"{prefix}{at:%Y%m%d-%H%M%S}-{at.microsecond // 1000:03x}{secrets.token_hex(4)}"

    def last_changing(self) -> str:
        """The newest run that may have changed a host: no check, audit, rollback or drill. Raises NotFound."""
        for row in reversed(self.index.runs()):
            if row.kind in ("run", "exec") and not row.drill:
                view = fold(row.run, self.store.read(row.run).records)
                if view is not None and not view.started.check:
                    return row.run
        raise NotFound("there is no run to take back", advice=f"looked in {self.settings.state}")

    def read_file(self, runbook: str, kind: str, name: str) -> bytes:
        """A file that a runbook places (`app/reading.py`), decrypted where it is encrypted, unless its kind says
        that it is `encrypted` (file_kind). Raises LoadError with the places that were tried, VaultError.
        """
        return found(runbook, kind, name, self.settings.template_path, self._decrypted)

    def _decrypted(self, data: bytes, place: Path, kind: str) -> bytes:
        plain = self.vault.file(data, str(place))
        if plain is not data and len(plain) <= HIDDEN_FILE:
            text = plain.decode("utf-8", "surrogateescape")
            self.redactor.add(text)
            if kind == "vars":  # its values come back one by one
                with contextlib.suppress(InventoryError):
                    hide_all(read_yaml(text, str(place), secret=True), self.vault)
        return plain


HIDDEN_FILE = 1 << 18  # bytes of an encrypted file whose lines are looked for in all output: keys are much smaller


def changes(runbook: Runbook) -> bool:
    """Whether a step of it, or of an import, may change something."""
    steps = runbook.everything()
    return any(changes(s.runbook) if isinstance(s, Import) else catalog.get(s.action).changes for s in steps)
