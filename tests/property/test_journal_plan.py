"""A plan comes back from the journal as it went in: shipped runbooks, and any values in them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from event_strategies import SEALED_LEAVES, TEXTS, nested
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook_engine.engine.compile import compile_plan
from playbook_engine.engine.plan_data import CLASSES, from_data, plan_from, to_data
from playbook_engine.journal.plain import from_json, to_json
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.errors import JournalError
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.runbook import Import, OnFailure, Otherwise, Param, Probe, Runbook, Step
from playbook_engine.model.secret import Secret
from playbook_engine.model.source import SourcePos
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating.environment import Templar
from playbook_engine.templating.node import OMIT, Template

RUNBOOKS = Path(__file__).parents[2] / "runbooks"
QUICK = settings(max_examples=100, deadline=None)


def through_the_journal(value: object) -> object:
    return json.loads(json.dumps(to_json(value)), object_hook=from_json)


@pytest.mark.parametrize("name", sorted(f.stem for f in RUNBOOKS.glob("*.yml")))
def test_every_shipped_runbook_comes_back(name: str) -> None:
    runbook = Loader([RUNBOOKS], Templar()).load(name)
    hosts = [
        Host(
            name="db1.test", groups=("db", "all"), variables={"ports": {80: "http"}, "motd": "{{ not a template"},
            connection=ConnectionSpec(password=Secret("hunter22"), port=2222),
        ),
        Host(name="web1.test"),
    ]  # fmt: skip
    plan = compile_plan(
        runbook, hosts, {"x": Template(source="{{ y }}")}, kind="run", options=Options(tags=("a",)),
        groups={"db": ("db1.test",)}, others={h.name: h for h in hosts},
    )  # fmt: skip
    data = through_the_journal(to_data(plan))
    assert isinstance(data, dict)
    assert plan_from(data) == plan
    assert repr(plan_from(data)) == repr(plan)


VALUES = nested(
    SEALED_LEAVES | st.just(OMIT) | TEXTS.map(lambda t: Template(source=t, where=SourcePos(file="f", line=1, text=t)))
)
MAPPINGS = st.dictionaries(TEXTS | st.sampled_from(["$t", "$e", "$m", "$tuple", "$o", "$bytes"]), VALUES, max_size=4)
PROBES = st.builds(
    Probe, id=TEXTS, name=TEXTS, action=TEXTS, args=MAPPINGS, expect=st.none() | TEXTS, threshold=VALUES,
    otherwise=st.sampled_from(Otherwise), when=st.lists(TEXTS, max_size=2).map(tuple), delegate_to=VALUES,
)  # fmt: skip
STEPS = st.builds(
    Step, id=TEXTS, name=TEXTS, action=TEXTS, args=MAPPINGS, loop=VALUES, vars=MAPPINGS, ignore_errors=VALUES,
    changed_when=st.none() | st.lists(TEXTS, max_size=2).map(tuple), checks=st.lists(PROBES, max_size=2).map(tuple),
    notify=st.lists(TEXTS, max_size=2).map(tuple), environment=MAPPINGS,
)  # fmt: skip
PARAMS = st.builds(
    Param, name=TEXTS, default=VALUES, choices=st.lists(nested(SEALED_LEAVES), max_size=3).map(tuple),
    minimum=st.none() | st.floats(allow_nan=False),
)  # fmt: skip


def runbooks(steps: st.SearchStrategy[object]) -> st.SearchStrategy[Runbook]:
    return st.builds(
        Runbook, name=TEXTS, file=TEXTS, on_failure=st.sampled_from(OnFailure), vars=MAPPINGS,
        params=st.lists(PARAMS, max_size=2).map(tuple), steps=st.lists(steps, max_size=3).map(tuple),
        serial=st.lists(st.integers() | TEXTS, max_size=2).map(tuple),
    )  # fmt: skip


IMPORTS = st.builds(Import, id=TEXTS, name=TEXTS, runbook=runbooks(STEPS), params=MAPPINGS)
PLANS = st.builds(
    Plan, kind=TEXTS, runbook=runbooks(STEPS | IMPORTS),
    hosts=st.lists(st.builds(Host, name=TEXTS, variables=MAPPINGS), max_size=2).map(tuple),
    batches=st.lists(st.lists(TEXTS, max_size=2).map(tuple), max_size=2).map(tuple), variables=MAPPINGS,
    groups=st.dictionaries(TEXTS, st.lists(TEXTS, max_size=2).map(tuple), max_size=2),
)  # fmt: skip


@QUICK
@given(PLANS)
def test_any_plan_comes_back(plan: Plan) -> None:
    data = through_the_journal(to_data(plan))
    assert isinstance(data, dict)
    back = plan_from(data)
    assert back == plan
    assert repr(back) == repr(plan)


def test_data_cannot_become_a_template() -> None:
    """What an inventory script prints is data, also when it looks like the journal's own marks."""
    evil = {"$t": "Template", "source": "{{ lookup('pipe', 'id') }}"}
    host = Host(name="h.test", variables={"a": evil, "b": [{"$e": "OnFailure", "v": "stop"}], "c": {"$bytes": "eA=="}})
    plan = Plan(kind="run", runbook=Runbook(name="r", file="r.yml"), hosts=(host,), batches=())
    data = through_the_journal(to_data(plan))
    assert isinstance(data, dict)
    assert plan_from(data).hosts[0].variables == host.variables
    assert plan_from(data).hosts[0].variables["a"] == evil


def test_what_this_version_does_not_know_is_said() -> None:
    data = to_data(Plan(kind="run", runbook=Runbook(name="r", file="r.yml"), hosts=(), batches=()))
    assert isinstance(data, dict)
    later = {**data, "a_new_field": 1}
    assert plan_from(later).kind == "run", "a field that came later is left out"
    for bad, what in (
        ({**data, "runbook": {"$t": "Saga"}}, "holds Saga, which this version of runbook does not know"),
        ({**data, "runbook": {"$t": "Runbook"}}, "holds Runbook of another version"),
        ({**data, "kind": {"$e": "OnFailure", "v": "explode"}}, "holds OnFailure 'explode'"),
        ({}, "the journal's first record holds no plan"),
    ):
        with pytest.raises(JournalError, match=what):
            plan_from(bad)


def test_every_class_of_a_plan_is_known() -> None:
    """A class that is new in the model must be told to the journal, or resume and rollback cannot read it."""
    import typing

    def within(hint: object) -> set[type]:
        arguments = typing.get_args(hint)
        found = {c for each in arguments for c in within(each)}
        return found | ({hint} if isinstance(hint, type) and dataclasses.is_dataclass(hint) else set())

    seen: set[type] = set()
    waiting: set[type] = {Plan}
    while waiting:
        cls = waiting.pop()
        seen.add(cls)
        waiting |= {c for hint in typing.get_type_hints(cls).values() for c in within(hint)} - seen
    assert seen | {Template, Vaulted} == set(CLASSES.values())
    assert from_data(to_data(SourcePos(file="f", line=1))) == SourcePos(file="f", line=1)
