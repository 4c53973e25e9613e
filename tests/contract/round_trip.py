"""There and back: an action is applied to some ground through a real agent, and undone; the ground is then as before.

Equal is what `docs/reliability.md` says: content, mode, owner, link target, extended attributes and ACLs of paths;
aspects of accounts, versions of packages, units by enabled and running. What is compared is seen from outside the
action, and the action's own proof has to agree.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from live_agents import Agent
from state_cases import snapshot
from worlds import World, clear

from playbook_engine.agent import proof


class Ground(Protocol):
    """Where an action is tried: laid as it was drawn, looked at from outside, and cleared."""

    @property
    def agent(self) -> Agent: ...

    def lay(self, drawn: object) -> Mapping[str, str]:
        """Makes the state before; the words that stand in arguments and what they mean here."""
        ...

    def seen(self) -> object: ...

    def clear(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """What came of one: whether something was changed, and every way in which the state after is not the one before."""

    changed: bool
    differences: tuple[str, ...]


def travel(ground: Ground, action: str, args: Mapping[str, object], drawn: object) -> Trip:
    """Lays the ground, looks, applies what would change, undoes it, and compares."""
    words = ground.lay(drawn)
    try:
        return _travel(ground, action, filled(args, words))
    finally:
        ground.clear()


def _travel(ground: Ground, action: str, args: dict[str, object]) -> Trip:
    agent, before = ground.agent, ground.seen()
    wrong: list[str] = []
    looked = agent.look_with(action, args)
    if looked.kind == "crash":
        wrong.append(f"look crashed: {looked.msg}")
    wrong += [f"looking changed {name}" for name in unlike(before, ground.seen())]
    if wrong or not looked.ok or not looked.plan:
        return Trip(changed=False, differences=tuple(wrong))
    applied = agent.apply(action, looked.before, **args)
    if applied.kind == "crash":
        wrong.append(f"apply crashed: {applied.msg}")
    changed = bool(unlike(before, ground.seen()))
    for turn in ("", " the second time"):  # a rollback that was interrupted is done again
        undone = agent.undo(action, looked.before, **args)
        if not undone.ok:
            wrong.append(f"the undo failed{turn}: {undone.kind}: {undone.msg}")
            break
        wrong += [f"after the undo{turn}: {name}" for name in unlike(before, ground.seen())]
        volatile = getattr(importlib.import_module(f"playbook_engine.agent.actions.{action}"), "VOLATILE", ())
        wrong += [f"its own proof{turn}: {at}" for at in proof.differences(looked.state, undone.state, volatile)]
    return Trip(changed=changed, differences=tuple(wrong))


def unlike(before: object, after: object) -> list[str]:
    """Where two views from outside differ, in words."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [f"{key!r}: {before.get(key)!r:.200} became {after.get(key)!r:.200}"
                for key in sorted({*before, *after}, key=str) if before.get(key) != after.get(key)]  # fmt: skip
    return [] if before == after else [f"{before!r:.400} became {after!r:.400}"]


def filled(args: Mapping[str, object], words: Mapping[str, str]) -> dict[str, object]:
    """Arguments with the words of the ground put in."""

    def fill(value: object) -> object:
        if isinstance(value, list):
            return [fill(each) for each in value]
        if isinstance(value, str):
            for word, meaning in words.items():
                value = value.replace(word, meaning)
        return value

    return {key: fill(value) for key, value in args.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Many trips of one action: how many, how many of them changed something, and the first that did not come back."""

    action: str
    trips: int
    changed: int
    failed: str = ""


def explore(
    ground: Ground,
    action: str,
    drawn: st.SearchStrategy[object],
    args: st.SearchStrategy[dict[str, object]],
    examples: int,
    *,
    shrink: bool = True,
) -> Tried:
    """Draws states and arguments and travels with each, until one does not come back, which is then made small."""
    trips = changed = 0

    @settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
    )  # fmt: skip
    @given(state=drawn, given_args=args)
    def one(state: object, given_args: dict[str, object]) -> None:
        nonlocal trips, changed
        trip = travel(ground, action, given_args, state)
        trips, changed = trips + 1, changed + trip.changed
        assert not trip.differences, "; ".join(trip.differences)

    try:
        one()
    except (AssertionError, Flaky) as error:  # what differs only sometimes differs
        notes = "\n".join(getattr(error, "__notes__", ()))
        return Tried(action=action, trips=trips, changed=changed, failed=f"{action}: {error}\n{notes}")
    return Tried(action=action, trips=trips, changed=changed)


class Folder:
    """A directory of this machine that a world is laid in. `url`: a web server, for the actions that ask one."""

    def __init__(self, agent: Agent, above: Path, url: str = "") -> None:
        self.agent = agent
        self._above = above
        self._url = url
        self._d = above

    def lay(self, drawn: object) -> Mapping[str, str]:
        assert isinstance(drawn, World)
        self._d = Path(tempfile.mkdtemp(dir=self._above))
        drawn.lay(self._d)
        there = [self._d / name for name, _ in drawn.nodes]
        files = [path for path in there if path.is_file() and not path.is_symlink()] or [self._d / "f"]
        links = [path for path in there if path.is_symlink()] or [self._d / "l"]
        words = {"{file}": files[0], "{last file}": files[-1], "{link}": links[0], "{d}": self._d}
        return {"{url}": self._url, **{word: str(path) for word, path in words.items()}}

    def seen(self) -> object:
        found = snapshot(self._d)
        found["links"] = {name: os.readlink(self._d / name) for name in found if (self._d / name).is_symlink()}
        return found

    def clear(self) -> None:
        clear(self._d)
