"""A file for each message, in a folder: what there is when nothing else is, and what a drill uses in its place."""

from __future__ import annotations

import os
from pathlib import Path

from playbook_engine.escalation.channels.channel import Environ, Letter, NotSent
from playbook_engine.escalation.policy import Address, Sender

OUTBOX = "RUNBOOK_OUTBOX"
"""The environment variable that tells a channel where the controller keeps messages."""


class File:
    """`file`: the address is the folder; `state` is one of the controller's own."""

    def send(self, letter: Letter, address: Address, sender: Sender, environ: Environ) -> str:
        own = environ.get(OUTBOX, "")
        if address.address == "state" and not own:
            raise NotSent("nothing says where messages are kept", again=False)
        folder = Path(own if address.address == "state" else address.address).expanduser()
        path = folder / f"{letter.key}.txt"
        beside = folder / f".{letter.key}.{os.getpid()}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
                out.write(f"Subject: {letter.subject}\nDate: {letter.at}\n\n{letter.text}\n")
                out.flush()
                os.fsync(out.fileno())
            beside.replace(path)
        except OSError as error:
            raise NotSent(f"{error.strerror}: {error.filename}") from error
        return str(path)
