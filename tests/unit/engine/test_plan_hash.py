"""The names of plans and of what steps find: equal for what is equal, and telling nobody a secret."""

from __future__ import annotations

import dataclasses

import pytest

from playbook_engine.engine.digest import digest
from playbook_engine.engine.plan_hash import plan_hash
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.plan import Options, Plan, file_key
from playbook_engine.model.runbook import Import, Param, Runbook, Step
from playbook_engine.model.secret import Secret

INNER = Runbook(name="inner", file="/x/inner.yml", text="name: inner\n")
RUNBOOK = Runbook(
    name="r", file="/x/r.yml", text="name: r\n", params=(Param(name="token", secret=True), Param(name="port")),
    steps=(Import(id="s1", name="i", runbook=INNER),),
)  # fmt: skip
PLAN = Plan(
    kind="plan", runbook=RUNBOOK, batches=(("a.test",),), variables={"token": "hunter2!", "port": 80},
    hosts=(Host(name="a.test", variables={"x": 1}, connection=ConnectionSpec(password=Secret("hunter2!"))),),
    files={file_key("/x/r.yml", "file", "app.conf"): b"one"},
)  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "run", "command": "another", "plan_run": "20261123-080333-6859", "expected": {"a.test/s1/-1": "x"}},
        {"options": Options(check=True, diff=True, forks=1, reason="why")},
        {"variables": {"token": "another one", "port": 80}},
        {"runbook": dataclasses.replace(RUNBOOK, file="/y/r.yml")},
        {"files": {file_key("/y/r.yml", "file", "app.conf"): b"one"}},
    ],
)
def test_who_how_and_where_are_no_part_of_it(other: dict[str, object]) -> None:
    assert plan_hash(dataclasses.replace(PLAN, **other)) == plan_hash(PLAN)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        {"variables": {"token": "hunter2!", "port": 81}},
        {"hosts": (Host(name="b.test"),)},
        {"hosts": (dataclasses.replace(PLAN.hosts[0], variables={"x": 2}),)},
        {"runbook": dataclasses.replace(RUNBOOK, text="name: r # changed\n")},
        {"runbook": dataclasses.replace(RUNBOOK, text="", steps=(Step(id="s1", name="a", action="copy", args={}),))},
        {"options": Options(tags=("one",))},
        {"files": {file_key("/x/r.yml", "file", "app.conf"): b"two"}},
        {
            "runbook": dataclasses.replace(
                RUNBOOK,
                steps=(Import(id="s1", name="i", runbook=dataclasses.replace(INNER, text="name: inner # x\n")),),
            )
        },
    ],
)
def test_what_is_done_and_to_whom_is(other: dict[str, object]) -> None:
    assert plan_hash(dataclasses.replace(PLAN, **other)) != plan_hash(PLAN)  # type: ignore[arg-type]


def test_a_digest_leaves_out_what_a_rollback_does_not_promise() -> None:
    one = {"path": "/a", "sha256": "aa", "mtime": 1.0, "size": 3, "xattr": {"user.x": b"1"}, "_raw": "x"}
    assert digest("copy", {"dest": "/a"}, one) == digest("copy", {"dest": "/a"}, {**one, "mtime": 2.0, "_raw": "y"})
    for key, value in (("sha256", "bb"), ("xattr", {}), ("mode", "0600")):
        assert digest("copy", {"dest": "/a"}, one) != digest("copy", {"dest": "/a"}, {**one, key: value})


def test_a_digest_covers_all_arguments_and_mixes_nothing_up() -> None:
    state = {"path": "/a"}
    assert digest("copy", {"content": b"one"}, state) != digest("copy", {"content": b"two"}, state)
    assert digest("copy", {"content": b"one"}, state) != digest("copy", {"content": "one"}, state)
    assert digest("copy", {"a": ["x", "y"]}, state) != digest("copy", {"a": ["xy"]}, state)
    assert digest("copy", {"a": [["x"], "y"]}, state) != digest("copy", {"a": [["x", "y"]]}, state)
    assert digest("copy", {"a": Secret("x")}, state) == digest("copy", {"a": "x"}, state)
