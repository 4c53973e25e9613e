"""Giving ssh a password through SSH_ASKPASS, so that it stands in no argument, no environment and no file (ssh(1)).

ssh runs a program and reads its output. Ours is a shell script of four lines that reads the password from a FIFO, whose
bytes are in the kernel's memory only. It answers to the prompt of one account and to no other: those of jump hosts and
of keys come by the same way.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from playbook_engine.model.secret import Secret

SCRIPT = """#!/bin/sh
case "$1" in *"$askpass_for"*[Pp]assword*) ;; *) exit 1 ;; esac
IFS= read -r answer < "$askpass_from" && printf '%s\\n' "$answer"
"""
ANSWERS = 4  # ssh may ask by keyboard-interactive and then by password


class Askpass:
    """For the time of one login. `account` is `user@host` as ssh's prompt has it."""

    def __init__(self, password: Secret, account: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="runbook-askpass-"))  # 0700
        script, fifo = self._folder / "askpass", self._folder / "answer"
        script.write_text(SCRIPT)
        script.chmod(0o700)
        os.mkfifo(fifo, 0o600)
        # Opened for reading too, a FIFO does not wait for the other side (fifo(7)).
        self._fifo = os.open(fifo, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        line = password.reveal().encode("utf-8", "surrogateescape") + b"\n"
        os.write(self._fifo, line * ANSWERS)
        self.environment = {
            "SSH_ASKPASS": str(script), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": os.environ.get("DISPLAY", ":0"),
            "askpass_for": account, "askpass_from": str(fifo),
        }  # fmt: skip

    def close(self) -> None:
        os.close(self._fifo)
        shutil.rmtree(self._folder, ignore_errors=True)
