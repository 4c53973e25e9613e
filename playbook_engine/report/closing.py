"""The closing probe of an action item: what its runbook has that would prove the repair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from playbook_engine.model.events import Data
from playbook_engine.model.frozen import frozen
from playbook_engine.report.declared import TOP, mapping, sequence, word
from playbook_engine.report.failings import Failing
from playbook_engine.report.subject import Subject
from playbook_engine.report.text import one_line, plain_name


@frozen
class ClosingProbe:
    """Probes of the plan of `run`, by their ids in a scope. `names` and `expects` say what they are, `basis` whose."""

    run: str
    scope: str
    probes: tuple[str, ...]
    names: tuple[str, ...]
    expects: tuple[str, ...]
    basis: str


def closing_probe(subject: Subject, failing: Failing) -> ClosingProbe | None:
    """The step's checks, else its `unless`, else the runbook's criteria; a criterion proves itself. None without any.

    What a loop's item is not known for cannot be asked outside the loop.
    """
    runbook = mapping(subject.view.started.plan.get("runbook"))
    if failing.kind == "criterion":
        own = [p for s, p in _of_runbook(runbook, TOP, "checks") if word(p.get("id")) == failing.id]
        return _made(subject, failing.scope or TOP, own, "the criterion itself")
    if failing.kind == "precondition":
        own = [p for s, p in _of_runbook(runbook, TOP, "preconditions") if word(p.get("id")) == failing.id]
        found = _made(subject, failing.scope or TOP, own, "the precondition itself")
        if found is not None:
            return found
    scope, step = next(((s, p) for s, p in _steps(runbook, TOP) if word(p.get("id")) == failing.id), (TOP, {}))
    if step and step.get("loop") is None:
        for key, basis in (("checks", "the step's checks"), ("unless", "the step's unless")):
            found = _made(subject, scope, [mapping(p) for p in sequence(step.get(key))], basis)
            if found is not None:
                return found
    return _criteria(subject, runbook, scope)


def _criteria(subject: Subject, runbook: Data, scope: str) -> ClosingProbe | None:
    """Those of the scope, else those of the whole runbook."""
    all_ = list(_of_runbook(runbook, TOP, "checks"))
    for wanted in dict.fromkeys((scope, TOP, *(s for s, _ in all_))):
        found = _made(subject, wanted, [p for s, p in all_ if s == wanted], "the runbook's criteria")
        if found is not None:
            return found
    return None


def _made(subject: Subject, scope: str, probes: Sequence[Data], basis: str) -> ClosingProbe | None:
    ids = tuple(word(p.get("id")) for p in probes if word(p.get("id")))
    if not ids:
        return None
    return ClosingProbe(
        run=subject.run, scope=scope, probes=ids, names=tuple(plain_name(word(p.get("name"))) for p in probes),
        expects=tuple(one_line(word(p.get("expect"))) or f"{word(p.get('action'))} says that it is so" for p in probes),
        basis=basis,
    )  # fmt: skip


def _steps(runbook: Data, scope: str) -> Iterator[tuple[str, Data]]:
    for key in ("steps", "handlers"):
        for each in sequence(runbook.get(key)):
            step = mapping(each)
            inner = mapping(step.get("runbook"))
            if inner:
                yield from _steps(inner, word(step.get("id")))
            else:
                yield scope, step


def _of_runbook(runbook: Data, scope: str, key: str) -> Iterator[tuple[str, Data]]:
    """(scope, probe) of the runbook's own list and of those of its imports."""
    for each in sequence(runbook.get("steps")):
        step = mapping(each)
        if inner := mapping(step.get("runbook")):
            yield from _of_runbook(inner, word(step.get("id")), key)
    yield from ((scope, mapping(each)) for each in sequence(runbook.get(key)))
