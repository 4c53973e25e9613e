"""The contract of actions that keep a state, under every Python: the plan is pure, apply settles, undo puts back."""

from __future__ import annotations

import copy
import importlib
import os
from pathlib import Path

import pytest
from live_agents import INTERPRETERS, Agent, complete, start
from state_cases import FILES, Case, snapshot

from playbook_engine.agent import proof, serve
from playbook_engine.catalog import catalog

cases = pytest.mark.parametrize("case", FILES, ids=lambda c: c.id)


def volatile(action: str) -> tuple[str, ...]:
    return getattr(importlib.import_module(f"playbook_engine.agent.actions.{action}"), "VOLATILE", ())


@cases
def test_observing_twice_is_equal_and_changes_nothing(agent: Agent, case: Case, tmp_path: Path) -> None:
    case.prepare(tmp_path)
    there = snapshot(tmp_path)
    args = case.filled(tmp_path)
    one, two = agent.look(case.action, **args), agent.look(case.action, **args)
    assert one.ok, one.msg
    assert one.plan, "the case should change something"
    assert proof.differences(one.state, two.state) == []
    assert one.plan == two.plan
    assert snapshot(tmp_path) == there


@cases
def test_applying_settles_and_undoing_puts_back(agent: Agent, case: Case, tmp_path: Path) -> None:
    case.prepare(tmp_path)
    there = snapshot(tmp_path)
    args = case.filled(tmp_path)
    looked = agent.look(case.action, **args)
    applied = agent.apply(case.action, looked.before, **args)
    assert applied.ok, applied.msg
    assert snapshot(tmp_path) != there or not case.settles or case.id == "file-hard-over-the-same"
    again = agent.look(case.action, **args)
    assert again.ok, again.msg
    if case.settles:
        assert not again.plan
    for _ in range(2):  # undone twice is undone once: a rollback is resumed after a crash
        undone = agent.undo(case.action, looked.before, **args)
        assert undone.ok, undone.msg
        assert proof.differences(looked.state, undone.state, volatile(case.action)) == []
        assert snapshot(tmp_path) == there


@cases
def test_undoing_what_never_began_is_harmless(newest: Agent, case: Case, tmp_path: Path) -> None:
    case.prepare(tmp_path)
    there = snapshot(tmp_path)
    args = case.filled(tmp_path)
    looked = newest.look(case.action, **args)
    undone = newest.undo(case.action, looked.before, **args)
    assert undone.ok, undone.msg
    assert snapshot(tmp_path) == there


@cases
def test_the_plan_is_pure(case: Case, tmp_path: Path) -> None:
    """In this process, where arguments and state can be compared before and after."""
    case.prepare(tmp_path)
    module = catalog.module(case.action)
    args = serve.here(complete(case.action, case.filled(tmp_path)), module.SPEC)
    state = module.observe(args)
    args_before, state_before, there = copy.deepcopy(args), copy.deepcopy(state), snapshot(tmp_path)
    first = copy.deepcopy(module.plan(args, state))
    assert module.plan(args, state) == first
    assert (args, state) == (args_before, state_before)
    assert snapshot(tmp_path) == there


@pytest.mark.parametrize("python", INTERPRETERS.values(), ids=INTERPRETERS.keys())
def test_names_beyond_ascii_under_the_locale_c(python: str, tmp_path: Path) -> None:
    """What sudo and sshd often leave: Python 3.6 would then take "ü" for no name at all."""
    agent = start(python, "env LC_ALL=C ")
    name = str(tmp_path / "grün\udcff")
    copied = agent.do("copy", content="x", dest=name)
    assert copied.ok, copied.msg
    assert os.listdir(tmp_path) == ["grün\udcff"]
    ran = agent.run("command", argv=["ls", name, str(tmp_path / "ümlaut")])
    assert "grün\udcff" in str(ran.result["stdout"])
    assert ran.result["rc"] == 2
    agent.session.close()


@pytest.mark.parametrize("given", [{"argv": []}, {"cmd": " "}])
def test_a_command_of_nothing_says_so(newest: Agent, given: dict[str, object]) -> None:
    ran = newest.run("command", **given)
    assert (ran.ok, ran.kind, ran.msg) == (False, "failed", "the command is empty")
