"""Where two looks at the same hosts differ: the preview that a plan was made from, and a fresh one."""

from __future__ import annotations

from collections.abc import Sequence

from playbook_engine.engine.forecast import HostForecast, Prediction
from playbook_engine.engine.rollback import differences
from playbook_engine.model.outcome import HostStatus

SHOWN = 3  # differences of one state that are named


def moved(was: Sequence[HostForecast], now: Sequence[HostForecast]) -> list[str]:
    """One line for each host and step that is not as it was: what was, and what is. Empty: nothing has moved.

    What is unknown in both is no difference: nobody said that it would be otherwise.
    """
    found: list[str] = []
    for before, after in zip(was, now, strict=True):
        if before.ended != after.ended and not (_good(before) and _good(after)):
            found.append(f"{after.host}: the preview ended {_ended(before)}, and now ends {_ended(after)}")
        old = {(p.step, p.item): p for p in before.steps}
        new = {(p.step, p.item): p for p in after.steps}
        for place in [*old, *(p for p in new if p not in old)]:
            said = _differ(old.get(place), new.get(place))
            if said:
                found.append(f"{after.host}: {_name(new.get(place) or old[place])}: {said}")
    return found


def _differ(old: Prediction | None, new: Prediction | None) -> str:
    """What a person has to know about a step that differs; empty when it does not."""
    if old is None or new is None:
        return "it was not planned, and would be done now" if old is None else "it was planned, and is not come to now"
    if old.will is not new.will:
        return f"was {_said(old)}, is {_said(new)}"
    if old.digest == new.digest:
        return ""
    left = differences(old.action, old.state, new.state)
    if not left:
        return "what is to become of it is not what was planned: a file or a value that it uses has changed"
    return "; ".join(f"{d['subject']} {d['aspect']}: was {d['before']}, is {d['now']}" for d in left[:SHOWN])


def _said(step: Prediction) -> str:
    return f"{step.will} ({step.why})" if step.why else str(step.will)


def _name(step: Prediction) -> str:
    return f"{step.name} [{step.label}]" if step.label else step.name


def _good(host: HostForecast) -> bool:
    return bool(host.ended) and HostStatus(host.ended).good


def _ended(host: HostForecast) -> str:
    ended = host.ended or "nowhere"
    return f"{ended} ({host.message})" if host.message and not _good(host) else ended
