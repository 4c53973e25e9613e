"""Looking at the world: preconditions, `unless`, checks. One probe, its expectation, and its window of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import ArgumentError, Kind
from playbook_engine.engine.commands import Program, Sleep, ask, now
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.measure import Measured, measured
from playbook_engine.engine.scope import Scope
from playbook_engine.model.errors import HostError, TemplateError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.outcome import Verdict
from playbook_engine.model.runbook import Probe
from playbook_engine.transport.base import Call, Reply

CANNOT = ("unmeasured", "permission", "crash", "timeout", "no-python", "no-such-command")
"""Failure kinds that mean a probe could not run; anything else a probe says is a measurement."""

NOTHING: Mapping[str, object] = {}
SHOWN = 2000  # characters of a text that evidence keeps


@frozen
class Finding:
    """What a probe said about its expectation, with the evidence."""

    verdict: Verdict
    detail: str = ""
    expect: str = ""
    on: str = ""
    result: Mapping[str, object] = field(default_factory=dict)
    measured: tuple[Measured, ...] = ()
    seconds: float = 0.0
    held: float = 0.0
    samples: int = 1

    @property
    def chief(self) -> Measured | None:
        """The comparison to show: the first that does not hold, else the first that has a threshold."""
        failing = [m for m in self.measured if m.holds is False]
        compared = [m for m in self.measured if m.op]
        return next(iter([*failing, *compared, *self.measured]), None)

    def evidence(self) -> dict[str, object]:
        """The record of the measurement, long texts cut."""
        return {"result": cut(self.result), "measured": [m.data() for m in self.measured]}


def watch(
    context: HostContext, scope: Scope, probe: Probe, given: Mapping[str, object], item: Mapping[str, object] = NOTHING
) -> Program[Finding]:
    """The probe under its window: polled until it holds (`within`), then until it has held long enough (`hold`)."""
    began = yield from now()
    held_since: float | None = None
    samples = 0
    while True:
        finding = yield from look(context, scope, probe, given, item)
        samples += 1
        at = yield from now()
        if finding.verdict is Verdict.MET:
            held_since = at if held_since is None else held_since
            if at - held_since >= probe.hold:
                return _timed(finding, at - began, at - held_since, samples)
        else:
            if held_since is not None and probe.hold:
                lost = f"it held for {at - held_since:.1f}s of {probe.hold:g}s, then: {finding.detail}"
                finding = _detailed(finding, lost)
            held_since = None
            if at - began >= probe.within:
                return _timed(finding, at - began, 0.0, samples)
        yield Sleep(probe.every)


def look(
    context: HostContext, scope: Scope, probe: Probe, given: Mapping[str, object], item: Mapping[str, object] = NOTHING
) -> Program[Finding]:
    """The probe once. A HostError of a delegate is a finding; one of the host itself is raised."""
    spec = catalog.get(probe.action)
    if spec.touches and (context.options.check or context.options.read_only):
        return _unknown(f"left out: {spec.touches}")
    yield from context.facts(scope, probe.args, probe.delegate_to, conditions=(*probe.when, probe.expect or "true"))
    variables = scope.variables(given, item)
    try:
        args = context.arguments(scope, spec, probe.args, variables)
        on = context.target(scope, probe.delegate_to, variables)
    except (TemplateError, ArgumentError) as error:
        return _unknown(str(error))
    if spec.kind is Kind.CONTROL:
        reply = context.control(probe.action, args, scope, variables)
    else:
        op = {Kind.PROBE: "probe", Kind.STATE: "peek", Kind.OPAQUE: "run"}[spec.kind]
        call = Call(op=op, action=probe.action, args=args, timeout=probe.timeout)
        try:
            if on == context.host.name:
                yield from context.reach()
            become = context.become(scope, probe.become, probe.become_user, on, variables)
            (reply,) = yield from ask(on, become, call)
        except HostError as error:
            if error.kind in ("no-python", "become-failed"):
                return _unknown(f"{error.message}")
            if on != context.host.name:
                return _unknown(f"{on}: {error.message}")
            raise
    return judge(context, probe, spec.kind, reply, variables, on)


def judge(
    context: HostContext, probe: Probe, kind: Kind, reply: Reply, variables: Mapping[str, object], on: str
) -> Finding:
    """The verdict on a reply."""
    result = context.registered(probe.action, reply)
    if kind is Kind.STATE:
        result["already"] = reply.ok and not reply.plan
        result["changed"] = False
    if not reply.ok and reply.kind in CANNOT:
        return Finding(verdict=Verdict.UNKNOWN, detail=reply.msg, expect=probe.expect or "", on=on, result=result)
    expect = probe.expect or {Kind.STATE: "result.already", Kind.OPAQUE: "result.rc == 0"}.get(
        kind, "not result.failed"
    )
    names = {**variables, "result": result}
    if probe.register:
        names[probe.register] = result
    said = tuple(measured(context.templar, expect, names))
    impossible = _impossible(result)
    try:
        holds = context.templar.evaluate(expect, names, probe.where)
    except TemplateError as error:
        # A service that refuses has no body to look into: what was expected of it does not hold.
        silent = result.get("reachable") is False
        detail = str(result.get("error") or result.get("msg") or error.message)
        verdict = Verdict.NOT_MET if silent else Verdict.UNKNOWN
        return Finding(verdict=verdict, detail=detail, expect=expect, on=on, result=result, measured=said)
    verdict = Verdict.MET if holds else Verdict.NOT_MET
    detail = "" if holds else _why(result, said, reply)
    if impossible and "valid" not in expect:
        verdict, detail = Verdict.INVALID, impossible
    return Finding(verdict=verdict, detail=detail, expect=expect, on=on, result=result, measured=said)


def _impossible(result: Mapping[str, object]) -> str:
    """Why a measurement cannot be true: an epoch as a duration, longer than the process has lived. Such a number is
    neither good nor bad, unless the expectation asks about just that."""
    if result.get("valid") is not False:
        return ""
    claim = result.get("claim")
    return str(claim.get("why") if isinstance(claim, Mapping) else result.get("why") or "the value cannot be true")


def _why(result: Mapping[str, object], said: tuple[Measured, ...], reply: Reply) -> str:
    # A whole condition that is merely false says nothing that the check's name does not say.
    failing = [m for m in said if m.holds is False and (m.op or " " not in m.name)]
    if failing:
        words = "; ".join(
            f"{m.name} is {m.value}{' ' + m.unit if m.unit else ''}"
            + (f", wanted {m.op} {m.threshold}" if m.op else "")
            for m in failing
        )
        error = result.get("error") or result.get("reason") or (reply.msg if not reply.ok else "")
        return f"{words} ({error})" if error else words
    return str(result.get("error") or reply.msg or "it does not hold")


def _unknown(detail: str) -> Finding:
    return Finding(verdict=Verdict.UNKNOWN, detail=detail)


def _timed(finding: Finding, seconds: float, held: float, samples: int) -> Finding:
    import dataclasses

    return dataclasses.replace(finding, seconds=seconds, held=held, samples=samples)


def _detailed(finding: Finding, detail: str) -> Finding:
    import dataclasses

    return dataclasses.replace(finding, detail=detail)


def cut(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= SHOWN else value[:SHOWN] + f"… ({len(value)} characters)"
    if isinstance(value, Mapping):
        return {k: cut(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [cut(v) for v in value[:50]]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return value
