"""The lab without root: a user namespace in which an ordinary user is root, for as long as one command runs.

The lab's hosts live and die with that namespace, so it gets a state folder of its own, which is removed at the end,
unless RUNBOOK_STATE names one.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playbook_engine.lab.errors import LabError
from playbook_engine.lab.lab import Lab
from playbook_engine.lab.prerequisites import SEARCH_PATH


def enter(argv: Sequence[str]) -> int:
    """Run a command where `lab up` works; returns its exit code. Root needs no namespace: it just runs."""
    if os.geteuid() == 0:
        return subprocess.run(argv, check=False).returncode
    _require_subordinate_ids()
    state = os.environ.get("RUNBOOK_STATE")
    temporary = None if state else tempfile.mkdtemp(prefix="runbook-lab-")
    environment = {**os.environ, "RUNBOOK_STATE": state or str(temporary)}
    # One uid would not do: sshd changes user (setgroups(2) is denied without a range), and `app` is another one.
    namespace = ["unshare", "--user", "--map-root-user", "--map-auto", "--mount", "--net", "--pid", "--fork"]
    inside = [sys.executable, "-m", "playbook_engine.lab.enter", *argv]
    try:
        command = [*namespace, "--kill-child", "--mount-proc", "--", *inside]
        return subprocess.run(command, env=environment, check=False).returncode
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def _require_subordinate_ids() -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    for tool, table in (("newuidmap", "/etc/subuid"), ("newgidmap", "/etc/subgid")):
        if shutil.which(tool, path=SEARCH_PATH) is None:
            raise LabError(f"{tool} is not installed", advice="the package uidmap has it")
        try:
            owners = {line.partition(":")[0] for line in Path(table).read_text().splitlines()}
        except OSError:
            owners = set()
        if not owners & {user, str(os.getuid())}:
            raise LabError(
                f"{user} has no subordinate ids in {table}, so no second user can exist in a namespace of theirs",
                advice=f"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}",
            )


def main(argv: Sequence[str]) -> int:
    """Inside: run the command, then take down what it left up."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    try:
        return subprocess.run(argv, check=False).returncode
    finally:
        Lab(Path(os.environ["RUNBOOK_STATE"])).down()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
