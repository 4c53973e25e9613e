"""Keys of a real ssh-agent."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from live_agents import needs

from playbook_engine.transport.ssh_agent import AgentKeys, public_half


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """An agent that holds the key `one`, whose file wants a passphrase, and `two`."""
    needs("ssh-agent", "ssh-add", "ssh-keygen")
    socket = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as process:
        while not socket.exists():
            assert process.poll() is None
        for name in ("one", "two"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
            env = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
            subprocess.run(["ssh-add", "-q", tmp_path / name], env=env, check=True)
        subprocess.run(["ssh-keygen", "-q", "-p", "-N", "a passphrase", "-f", tmp_path / "one"], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        yield socket
        process.terminate()


def test_its_keys(agent: Path) -> None:
    with closing(AgentKeys(str(agent))) as keys:
        assert [k.asbytes() for k in keys.get_keys()] == [public_half(str(agent.parent / n)) for n in ("one", "two")]


def test_nobody_there(tmp_path: Path) -> None:
    with closing(AgentKeys(str(tmp_path / "none"))) as keys:
        assert list(keys.get_keys()) == []
    assert public_half(str(tmp_path / "none")) is None
