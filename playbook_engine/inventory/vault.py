"""`Vault`: opens what ansible-vault has encrypted, when it is needed, and tells the redactor what came out.

Nothing is asked of anybody and no key is derived before the first value is used. Which password fits is not written
anywhere that can be trusted, so all are tried: those of the label in the header first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from playbook_engine.inventory.vault_passwords import Source, fetched, ordered
from playbook_engine.model import vault_format
from playbook_engine.model.errors import VaultError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.secret import Secret
from playbook_engine.model.source import SourcePos
from playbook_engine.model.vault_format import WrongPassword, is_vault
from playbook_engine.model.vaulted import Vaulted

ADVICE = (
    "give --vault-password-file FILE, --vault-id LABEL@FILE or --ask-vault-pass, or set RUNBOOK_VAULT_PASSWORD_FILE"
)


@frozen
class Opened:
    """A clear text, the password that opened it and the id that this password goes by. `label`: as the header says."""

    plain: bytes
    label: str
    vault_id: str
    password: bytes


class Vault:
    """The passwords of one command. Safe to use from many threads.

    `hide` hears of every text that was encrypted, before anybody else has it. `match`: only passwords of the same
    label are tried (ANSIBLE_VAULT_ID_MATCH).
    """

    def __init__(
        self, sources: Sequence[Source] = (), *, hide: Callable[[str], None] = lambda _: None, match: bool = False
    ) -> None:
        self.sources = tuple(sources)
        self.hide = hide
        self._match = match
        self._fetched: dict[Source, bytes | VaultError] = {}
        self._values: dict[str, str] = {}
        self._lock = threading.RLock()  # a password file may be encrypted itself

    def password(self, source: Source) -> bytes:
        """Raises VaultError, the same one at each time."""
        with self._lock:
            if source not in self._fetched:
                try:
                    self._fetched[source] = fetched(source, self._earlier(source))
                except VaultError as error:
                    self._fetched[source] = error
            found = self._fetched[source]
        if isinstance(found, VaultError):
            raise found
        return found

    def _earlier(self, source: Source) -> Callable[[bytes, str], bytes]:
        before = Vault(self.sources[: self.sources.index(source)], match=self._match)
        before._fetched = self._fetched
        return lambda data, name: before.open(data, SourcePos(file=name, line=1)).plain

    def open(self, data: bytes, where: SourcePos | None = None) -> Opened:
        """Raises VaultError: no password, none that fits, damage."""
        try:
            envelope = vault_format.parse(data)
            if not self.sources:
                raise VaultError("this is encrypted, and there is no vault password", advice=ADVICE)
            return self._tried(envelope)
        except VaultError as error:
            raise VaultError(error.message, advice=error.advice, where=error.where or where) from None

    def _tried(self, envelope: vault_format.Envelope) -> Opened:
        tried: list[str] = []
        failures: list[VaultError] = []
        candidates = [
            s for s in ordered(self.sources, envelope.label) if not self._match or s.vault_id == envelope.label
        ]
        for source in candidates:
            try:
                password = self.password(source)
            except VaultError as error:
                failures.append(error)
                continue
            try:
                plain = vault_format.opened(envelope, password)
            except WrongPassword:
                tried.append(str(source))
                continue
            return Opened(plain=plain, label=envelope.label, vault_id=source.vault_id, password=password)
        if failures and not tried:
            raise failures[0]
        about = f" (it was encrypted as {envelope.label!r})" if envelope.label != vault_format.DEFAULT_ID else ""
        also = f"; not to be had: {'; '.join(error.message for error in failures)}" if failures else ""
        raise VaultError(
            f"no vault password opens this{about}; tried: {', '.join(tried) or 'none'}{also}",
            advice=f"give the one that it was encrypted with: --vault-id {envelope.label}@FILE"
            if envelope.label != vault_format.DEFAULT_ID
            else ADVICE,
        )

    def secret(self, value: Vaulted) -> Secret:
        """The clear text of a `!vault` value. Raises VaultError with the place where it stands."""
        with self._lock:
            text = self._values.get(value.ciphertext)
        if text is None:
            plain = self.open(value.ciphertext.encode("utf-8", "surrogateescape"), value.where).plain
            text = plain.decode("utf-8", "surrogateescape")
            self.hide(text)
            with self._lock:
                self._values[value.ciphertext] = text
        return Secret(text)

    def file(self, data: bytes, name: str) -> bytes:
        """The contents of a file, decrypted where it is encrypted; who reads it says what of it is secret."""
        if not is_vault(data):
            return data
        return self.open(data, SourcePos(file=name, line=1)).plain
