"""Actions driven through the real agent, on this machine, under every Python that it has."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from playbook_engine.agent import boot
from playbook_engine.catalog import catalog
from playbook_engine.transport import payload
from playbook_engine.transport.agent_session import AgentSession, open_agent
from playbook_engine.transport.base import Call, Reply
from playbook_engine.transport.local import ProcessPipe


def interpreters() -> dict[str, str]:
    """Every Python 3.6 or newer on the PATH and under pyenv, by its minor version."""
    found: dict[str, str] = {}
    folders = os.environ.get("PATH", "").split(":")
    folders += sorted(str(p) for p in (Path.home() / ".pyenv" / "versions").glob("*/bin"))
    for folder in folders:
        if "shims" in folder or not os.path.isdir(folder):
            continue  # pyenv's shims exist for versions that are not switched on
        for name in os.listdir(folder):
            match = re.fullmatch(r"python(3\.\d+)", name)
            if match and tuple(int(n) for n in match[1].split(".")) >= boot.OLDEST:
                found.setdefault(match[1], os.path.join(folder, name))
    return dict(sorted(found.items(), key=lambda item: int(item[0].split(".")[1])))


INTERPRETERS = interpreters()


def complete(action: str, args: Mapping[str, object]) -> dict[str, object]:
    """Arguments checked and completed as the engine does it; `content` beside `src` is what it would have read."""
    spec, given = catalog.get(action), dict(args)
    resolved: dict[str, object] = {}
    if "content" in given and "src" in given:
        content = given.pop("content")
        resolved["content"] = content if isinstance(content, bytes) else str(content).encode()
    return {**spec.complete(given), **resolved}


class Agent:
    """A live agent, asked for one thing at a time; arguments are checked and completed as the engine does it."""

    def __init__(self, session: AgentSession) -> None:
        self.session = session
        self._keys = 0

    def _ask(self, op: str, action: str, args: Mapping[str, object], /, **more: object) -> Reply:
        call = Call(op=op, action=action, args=complete(action, args), timeout=60, **more)  # type: ignore[arg-type]
        return self.session.ask([call])[0]

    def probe(self, action: str, /, **args: object) -> Reply:
        return self._ask("probe", action, args)

    def look(self, action: str, /, **args: object) -> Reply:
        return self.look_with(action, args)

    def look_with(self, action: str, args: Mapping[str, object], undo_limit: int | None = None) -> Reply:
        """With a diff, and a limit to what may be kept for the undo."""
        self._keys += 1
        return self._ask("look", action, args, key=f"k{self._keys}", undo_limit=undo_limit, diff=True)

    def apply(self, action: str, before: object, /, **args: object) -> Reply:
        return self._ask("apply", action, args, before=before)

    def undo(self, action: str, before: object, /, **args: object) -> Reply:
        return self._ask("undo", action, args, before=before)

    def run(self, action: str, /, **args: object) -> Reply:
        """Look and apply at once, as for opaque actions."""
        return self._ask("run", action, args)

    def do(self, action: str, /, **args: object) -> Reply:
        """Look, then apply from the state before as it travelled, if something would change."""
        looked = self.look(action, **args)
        return self.apply(action, looked.before, **args) if looked.ok and looked.plan else looked


def start(python: str, wrap: str = "") -> Agent:
    """An agent under `python`; `wrap` is put before its command, to start it in a namespace."""
    session = open_agent(ProcessPipe(wrap + payload.stage0(python)), 30)
    assert session is not None, f"{python} did not become an agent"
    return Agent(session)


def needs(*programs: str, root: bool = False) -> None:
    """Skips the test when a program or root is missing; where everything must be there (CI), it fails."""
    missing = [p for p in programs if shutil.which(p) is None]
    reason = f"needs {', '.join(missing)}" if missing else "needs root" if root and os.geteuid() else ""
    if reason:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
