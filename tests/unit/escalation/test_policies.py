"""What a policy must not be is refused when it is loaded, at its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from policies import SMALL, changed, small

from playbook_engine.escalation.policies import Policies, from_text, outlasts
from playbook_engine.escalation.policy import Kind, Trigger
from playbook_engine.escalation.policy_model import policy_schema
from playbook_engine.model.errors import LoadError, LoadErrors

SHIPPED = Path(__file__).parents[3] / "escalation"


def refused(text: str) -> list[tuple[int, str]]:
    """(line, message) of each complaint."""
    with pytest.raises(LoadError) as found:
        from_text(text, "p.yml")
    errors = found.value.errors if isinstance(found.value, LoadErrors) else (found.value,)
    return [(e.where.line if e.where else 0, e.message) for e in errors]


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


ANA = "notify: [{contact: ana}]"
BO = "notify: [{contact: bo}]"

MISTAKES = [
    # what is replaced, by what, on which line it is told, what is said
    ("name: Ana Field", "name: '[TBD]'", "[TBD]", "placeholder"),
    ("name: Ana Field", "name: TODO", "TODO", "placeholder"),
    ("name: Ana Field", "name: xxx", "xxx", "placeholder"),
    ("ana@ops.test", "ana@example.com", "example.com", "placeholder"),
    ("ana@ops.test", "oncall@alerts.example.org", "example.org", "placeholder"),
    ("http://127.0.0.1:9/ana", "https://hooks.example.net/x", "example.net", "placeholder"),
    ("ana@ops.test", "ana at ops", "ana at ops", "is no address for email"),
    ("http://127.0.0.1:9/ana", "ftp://ops.test/x", "ftp:", "is no address for webhook"),
    ("[{email: ana@ops.test}, ", "[", "127.0.0.1:9/ana", "ana has one channel only"),
    (ANA, "notify: [{contact: any}]", "first", "there is no contact 'any'"),
    (ANA, "notify: [{schedule: ana}]", "first", "there is no schedule 'ana'"),
    (ANA, "notify: [{role: dba}]", "first", "there is no role of a contact 'dba'"),
    (BO, ANA, "second", "ana is on 'second' and on the level before it"),
    (ANA, "notify: [{role: sre}, {contact: bo}]", "second", "bo is on 'second' and on the level before"),
    ("ack_timeout: 5m}", "ack_timeout: 5m, via: [pagerduty]}", "first", "ana has no pagerduty: 'first' cannot reach"),
    ("ack_timeout: 5m}", "ack_timeout: 0}", "first", "nobody can answer in no time"),
    ("id: bo", "id: ana", "Bo Marsh", "two are called ana"),
    ("repeat: 1", "repeat: -1", "repeat", "repeat: -1 is below 0"),
    ("ack_timeout: 5m", "ack_timout: 5m", "first", "unknown key 'ack_timout'"),
    ("{contact: ana}", "{contact: ana, role: sre}", "first", "one of contact, schedule, role and room"),
    ("id: ana", "idd: ana", "idd", "unknown key 'idd'"),
    ("roles: [sre]", "timezone: Europe/Berlim", "Berlim", "is no time zone"),
    ("id: ana", "id: ../../x", "../../x", "is no id"),
    ("id: ana", "id: müller", "müller", "is no id"),
    ("id: ana", "id: ana field", "ana field", "is no id"),
    ("ack_timeout: 5m", "ack_timeout: 99999999d", "99999999d", "more than 400 days"),
    ("name: second", "name: first", "notify: [{contact: bo}]", "two levels are called 'first'"),
]


@pytest.mark.parametrize(("old", "new", "line", "said"), MISTAKES)
def test_is_refused_at_its_line(old: str, new: str, line: str, said: str) -> None:
    text = changed((old, new))
    places = [at for at, message in refused(text) if said in message]
    wanted = line_of(text, line) - (1 if line == "Bo Marsh" else 0)
    assert wanted in places, refused(text)


def test_a_level_that_only_a_room_reads_reaches_nobody() -> None:
    text = changed(
        ("levels:", "rooms:\n  - {id: ops, channels: [{webhook: 'http://127.0.0.1:9/ops'}]}\nlevels:"),
        ("notify: [{contact: ana}]", "notify: [{room: ops}]"),
    )
    assert (line_of(text, "{room: ops}"), "'first' reaches no person") in refused(text)


def test_a_channel_that_nothing_can_send_is_refused() -> None:
    text = SMALL[: SMALL.index("senders:")]
    assert [m for _, m in refused(text)] == ["nothing says how email is sent", "nothing says how webhook is sent"] * 2


def test_members_of_a_schedule_on_two_levels_in_a_row_are_refused() -> None:
    text = changed(
        ("levels:", 'schedules:\n  - {id: s, rotation: {members: [ana, bo], from: "2026-01-05T09:00"}}\nlevels:'),
        ("notify: [{contact: ana}]", "notify: [{schedule: s}]"),
    )
    assert (line_of(text, "second"), "bo is on 'second' and on the level before it, 'first'") in refused(text)


def test_an_ack_timeout_longer_than_the_deadline_is_named_with_its_line() -> None:
    policy = small()
    assert outlasts(policy, 3600) == []
    (late,) = outlasts(policy, 400)
    assert late.where is not None and late.where.line == line_of(SMALL, "ack_timeout: 10m")
    assert "'second'" in late.message and "0:06:40" in late.message


def test_the_shipped_policies_load() -> None:
    found = Policies([SHIPPED])
    assert found.names() == ["local", "trading"]
    for name in found.names():
        assert found.load(name).levels
    with pytest.raises(LoadError, match="there is no escalation policy 'tradin'") as error:
        found.load("tradin")
    assert error.value.advice == "did you mean trading?"


def test_which_failures_count() -> None:
    policy = Policies([SHIPPED]).load("trading")
    assert policy.wants("rollback_failed", "P4", 1)
    assert policy.wants("step_failed", "P2", 1)
    assert not policy.wants("step_failed", "P3", 1)
    assert policy.wants("step_failed", "P3", 2)
    assert not policy.wants("approval_timeout", "P3", 9)
    assert policy.wants("step_failed", "COMPLETE", 1), "a severity that is none is taken for P2"


def test_the_schema_knows_every_key_and_word() -> None:
    schema = policy_schema()
    text = str(schema)
    for word in (*Kind, *Trigger, "quiet_hours", "escalate_again_after", "ack_timeout"):
        assert word in text
    assert schema["additionalProperties"] is False
