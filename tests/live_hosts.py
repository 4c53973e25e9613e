"""Lab hosts that the tests of one worker share, and the `runbook` command as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from playbook_engine.lab.errors import LabError
from playbook_engine.lab.host import LabHost
from playbook_engine.lab.lab import Lab
from playbook_engine.lab.prerequisites import require
from playbook_engine.lab.spec import HostSpec
from playbook_engine.model.host import ConnectionSpec, Host

RUNBOOK = Path(sys.executable).with_name("runbook")


class Shop:
    """Lab hosts by name, made when they are first asked for."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def host(self, name: str, spec: HostSpec | None = None) -> LabHost:
        known = {h.name: h for h in self.lab.hosts()}
        if name not in known:
            (known[name],) = self.lab.up([replace(spec or HostSpec(size_bytes=32 << 20, inodes=4000), name=name)])
        return known[name]

    def spec(self, host: LabHost, **more: object) -> Host:
        """The host as the engine knows it."""
        options = f"-o UserKnownHostsFile={host.known_hosts} -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes"
        given: dict[str, object] = {
            "address": host.address, "user": "root", "private_key_file": str(host.key), "common_args": options,
        }  # fmt: skip
        return Host(name=host.name, connection=ConnectionSpec(**{**given, **more}))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The lab of this worker; skipped where there can be none, which CI does not accept."""
    try:
        require()
    except LabError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        yield Shop(lab)


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    def events(self) -> list[dict[str, object]]:
        """The events of --json."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, kind: str, host: str = "") -> list[dict[str, object]]:
        """The events of one type, of one host."""
        return [e for e in self.events() if e["event"] == kind and (not host or e.get("host") == host)]


class CommandLine:
    """`runbook` in a state folder of its own."""

    def __init__(self, state: Path, inventory: Path) -> None:
        self.state = state
        self.inventory = inventory
        self.env = {**os.environ, "RUNBOOK_STATE": str(state), "NO_COLOR": "1"}
        for name in ("SSH_AUTH_SOCK", "RUNBOOK_INVENTORY", "RUNBOOK_PATH"):
            self.env.pop(name, None)

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(RUNBOOK), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**self.env, **(env or {})}, cwd=Path(__file__).parent.parent,
        )  # fmt: skip

    def __call__(self, *words: str, env: Mapping[str, str] | None = None, timeout: float = 90) -> Said:
        with self.start(*words, env=env) as child:
            out, err = child.communicate(timeout=timeout)
        return Said(code=child.returncode, out=out, err=err)

    def on(self, inventory: Path | None, *words: str, env: Mapping[str, str] | None = None) -> Said:
        """With an inventory: the lab's, unless another is given."""
        return self(*words, "-i", str(inventory or self.inventory), env=env)


@pytest.fixture
def runbook(shop: Shop, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "state", shop.lab.inventory)


def write_inventory(path: Path, hosts: Mapping[str, Mapping[str, object]]) -> Path:
    """An inventory in YAML."""
    path.write_text(json.dumps({"all": {"hosts": hosts}}))
    return path


def variables(host: LabHost, **more: object) -> dict[str, object]:
    """What an inventory says of a lab host."""
    options = f"-o UserKnownHostsFile={host.known_hosts} -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes"
    given: dict[str, object] = {
        "ansible_host": host.address, "ansible_user": "root", "ansible_ssh_private_key_file": str(host.key),
        "ansible_ssh_common_args": options, "ansible_python_interpreter": "/usr/bin/python3",
    }  # fmt: skip
    return {key: value for key, value in {**given, **more}.items() if value is not None}


def old_python() -> Path:
    """The prefix of a Python 3.6, the oldest that the agent promises.

    Looked for below RUNBOOK_TEST_PYTHONS, else below pyenv's versions. Nobody packages it any more, so a machine
    without one skips the test, in CI too; whoever sets RUNBOOK_TEST_PYTHONS promises that it is there.
    """
    if found := find_old_python():
        return found
    if promised := os.environ.get("RUNBOOK_TEST_PYTHONS"):
        pytest.fail(f"RUNBOOK_TEST_PYTHONS={promised} holds no Python 3.6")
    pytest.skip(f"no Python 3.6 in {_pythons()}; RUNBOOK_TEST_PYTHONS names another folder")


def find_old_python() -> Path | None:
    """The same, None where there is none."""
    return next(iter(sorted(_pythons().glob("*3.6*"))), None)


def _pythons() -> Path:
    promised = os.environ.get("RUNBOOK_TEST_PYTHONS")
    return Path(promised) if promised else Path.home() / ".pyenv" / "versions"
