"""The terminal of whoever started the run, as write(1) would: the subject, and how to answer."""

from __future__ import annotations

import os
import stat

from playbook_engine.escalation.channels.channel import Environ, Letter, NotSent
from playbook_engine.escalation.policy import Address, Sender
from playbook_engine.report.text import visible

STARTER = "RUNBOOK_TERMINAL"
"""The environment variable that tells the dispatcher where the run was started."""


class Terminal:
    """`terminal`: the address is `starter`, or a terminal device."""

    def send(self, letter: Letter, address: Address, sender: Sender, environ: Environ) -> str:
        path = environ.get(STARTER, "") if address.address == "starter" else address.address
        if not path:
            raise NotSent("the run was started without a terminal", again=False)
        lines = [letter.subject, *([f"runbook ack {letter.thread}"] if letter.purpose in ("page", "update") else [])]
        text = "".join(f"\r\n\a{visible(line)}" for line in lines) + "\r\n"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                if not stat.S_ISCHR(os.fstat(handle).st_mode):
                    raise NotSent(f"{path} is no terminal", again=False)
                os.write(handle, text.encode("utf-8", "backslashreplace"))
            finally:
                os.close(handle)
        except OSError as error:
            raise NotSent(f"{path}: {error.strerror}", again=False) from error
        return f"written to {path}"
