"""The product's command line as the cases call it."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a call ended: its status, and what it put out."""

    status: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace")

    @property
    def refusal(self) -> dict[str, object]:
        return {"error": True, "_err": self.err.decode("utf-8", "replace")[-600:]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """`command` is how the program is started."""

    command: str

    def call(self, words: Sequence[str], folder: Path, home: Path, timeout: float = 180) -> Said:
        """One call in a folder, with a home of its own."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_") and k.lower() not in PROXIES}
        environment = {
            **kept, "HOME": str(home), "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1",
            "RUNBOOK_STATE": str(home / "state"),
        }  # fmt: skip
        try:
            ran = subprocess.run(
                [*shlex.split(self.command), *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=timeout, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Said(status=124, out=b"", err=b"timed out")
        return Said(status=ran.returncode, out=ran.stdout, err=ran.stderr)
