"""What a message says: templates over the escalation and the report of its run. Words of hosts are data in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import jinja2

from playbook_engine.escalation.channels.channel import Letter
from playbook_engine.escalation.ladder import Climb, Exhaust, Message, due
from playbook_engine.escalation.policy import Policy
from playbook_engine.escalation.view import EscalationView, Sending, State
from playbook_engine.model.frozen import frozen
from playbook_engine.report import severity, text
from playbook_engine.report.escalation import UPDATE, EscalationReport, Told
from playbook_engine.report.render import render

SUBJECT = 160  # characters
TEMPLATES = {"recovered": "recovered.txt.j2", "acknowledged": "recovered.txt.j2"}


@frozen
class Summary:
    """An escalation in the words that a message needs."""

    id: str
    policy: str
    severity: str
    trigger: str
    why: str
    drill: str
    hosts: list[str]
    opened: str
    next: str
    news: str
    rounds: int
    recovered: list[str]
    acknowledged: str
    over: str
    told: tuple[Told, ...]


class Letters:
    """Writes letters. `folders` are where templates are looked for, the user's own first."""

    def __init__(self, folders: Sequence[Path], redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader([str(f / "escalation") for f in folders]), undefined=jinja2.StrictUndefined,
            autoescape=False, trim_blocks=True, lstrip_blocks=True, finalize=lambda v: text.one_line(str(v)),
        )  # fmt: skip
        self._templates.filters.update(
            moment=text.moment, listed=lambda names, most=6: text.listed(list(names), most), short=text.shortened
        )

    def letter(
        self, policy: Policy, view: EscalationView, message: Message, report: EscalationReport | None, link: str,
        now: datetime,
    ) -> Letter:  # fmt: skip
        """`report` is None where the journal of the run cannot be read. A template that is broken keeps nobody from
        hearing of it: then it is said without it."""
        about = summary(policy, view, but=message.id.rpartition(".")[0])
        level = policy.levels[message.number - 1].name if message.number else ""
        name = TEMPLATES.get(message.purpose, "page.txt.j2")
        try:
            template = self._templates.get_template(name)
            body = template.render(e=about, r=report, purpose=message.purpose, link=link, level=level)
        except Exception as error:  # a user's own template may do anything
            body = _plain(about, message.purpose, f"{name}: {error}")
        page = message.purpose in ("page", "update", "exhausted")
        subject = self._redact(text.one_line(_subject(about, message.purpose, report)))
        return Letter(
            key=f"{view.id}-{message.id}", thread=view.id, purpose=message.purpose, severity=about.severity,
            subject=text.shortened(subject, SUBJECT), text=self._redact(_squeezed(body)), at=text.stamp(now),
            html=self._html(report) if report is not None and page else "",
            link=link, drill=about.drill, data=self._data(view, about, level),
        )  # fmt: skip

    def _html(self, report: EscalationReport) -> str:
        """The report; nothing where it cannot be rendered: the text goes without it."""
        try:
            return render(report, "html", self._redact)
        except Exception:  # a new version on the disk, under a dispatcher of the old one
            return ""

    def status(self, policy: Policy, view: EscalationView, services: Sequence[str], impact: str, now: datetime) -> str:
        """What may be told outside: no host, no run, no command, no name; `impact` as measured, or that it is not."""
        about = summary(policy, view)
        grade = severity.parse(about.severity) or severity.Severity.P2
        words = {State.RESOLVED: "Resolved", State.ACKNOWLEDGED: "Being repaired"}
        body = self._templates.get_template("status.txt.j2").render(
            e=about, state=words.get(view.state, "Being looked into"), impact=impact, now=text.stamp(now),
            services=text.listed(list(services)) or "our service",
            update=text.moment(text.stamp(now + UPDATE[grade])),
        )  # fmt: skip
        return self._redact(_squeezed(body))

    def _data(self, view: EscalationView, about: Summary, level: str) -> dict[str, object]:
        """What programs read: the webhook's body, PagerDuty's details."""
        return {
            "policy": about.policy, "trigger": about.trigger, "state": str(view.state), "level": level,
            "run": view.runs[-1], "runbook": view.opened.runbook, "hosts": about.hosts,
            "source": text.listed(about.hosts, 3) or view.opened.runbook, "why": self._redact(about.why),
        }  # fmt: skip


def _subject(about: Summary, purpose: str, report: EscalationReport | None) -> str:
    said = report.situation if report is not None else about.why
    begin = f"[DRILL] [{about.severity}]" if about.drill else f"[{about.severity}]"
    match purpose:
        case "recovered":
            return f"{begin} over: {about.over}"
        case "acknowledged":
            return f"{begin} taken: {about.acknowledged}"
        case "exhausted":
            return f"{begin} NOBODY HAS ANSWERED: {said}"
        case "update":
            return f"{begin} more of it: {about.news}"
        case _:
            return f"{begin} {said}"


def _plain(about: Summary, purpose: str, fault: str) -> str:
    """What has to be known, without a template."""
    lines = [
        *(["*** DRILL ***"] if about.drill else []), f"{about.severity}  {purpose}: {text.one_line(about.why)}",
        f"HOSTS     {text.listed(about.hosts, 8)}", f"TAKE IT   runbook ack {about.id}",
        f"LOOK      runbook escalation show {about.id}",
        f"(the template cannot be used: {text.one_line(fault)})",
    ]  # fmt: skip
    return "\n".join(lines)


def _squeezed(body: str) -> str:
    """Without runs of empty lines."""
    lines: list[str] = []
    for line in body.splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip() + "\n"


def summary(policy: Policy, view: EscalationView, but: str = "") -> Summary:
    """What messages and lists say of an escalation. `but`: what the message is part of is not told in it."""
    first, last = view.failures[0][1], view.failures[-1][1]
    return Summary(
        id=view.id, policy=policy.name, severity=view.severity, trigger=first.trigger.replace("_", " "), why=last.why,
        drill=view.opened.drill, hosts=view.hosts, opened=text.stamp(view.opened_at), next=following(policy, view),
        news=f"{last.host}: {last.why}" if last.host else last.why, rounds=policy.repeat + 1,
        recovered=[f"{host}, by {run}" for host, run in view.recovered.items()], acknowledged=_acknowledged(view),
        over=_over(view), told=told(policy, view, but),
    )  # fmt: skip


def _acknowledged(view: EscalationView) -> str:
    if not view.acks:
        return ""
    at, ack = view.acks[-1]
    note = f": {ack.note}" if ack.note else ""
    return f"acknowledged by {ack.by} at {text.moment(text.stamp(at))}{note}"


def _over(view: EscalationView) -> str:
    if view.resolved is None:
        return ""
    by = f" ({view.resolved.by})" if view.resolved.by else ""
    return f"{view.resolved.why}{by}"


def following(policy: Policy, view: EscalationView) -> str:
    """What happens next if nobody does anything, and when."""
    coming = due(policy, view)
    if coming is None:
        return ""
    at = text.moment(text.stamp(coming.at))
    match coming.move:
        case Climb(number=number, round=round_):
            again = f" again (round {round_} of {policy.repeat + 1})" if round_ > 1 else ""
            return f"{policy.levels[number - 1].name!r} hears of it{again} at {at}"
        case Exhaust():
            everybody = "everybody on the policy hears of it" if policy.tell_everyone else "the ladder has ended"
            return f"at {at} {everybody}"
        case _:
            return f"without progress until {at} it begins anew"


def told(policy: Policy, view: EscalationView, but: str = "") -> tuple[Told, ...]:
    """Who was told, level by level, in one line a person: the channels that worked, or that none did."""
    groups: dict[tuple[str, str], list[str]] = {}
    for sending in view.sendings.values():
        if sending.id.rpartition(".")[0] != but:
            groups.setdefault((sending.id.rpartition(".")[0], sending.contact), []).append(sending.id)
    rows = []
    for (_, name), ids in groups.items():
        sendings = [view.sendings[i] for i in ids]
        sent = [s for s in sendings if s.sent_at]
        contact = policy.contact(name)
        rows.append(
            Told(
                at=text.stamp(min(s.first_at for s in sendings)), name=contact.name if contact else name,
                channels=tuple(dict.fromkeys(s.channel for s in sent or sendings)),
                of=view.id, outcome=_outcome(sendings),
            )
        )  # fmt: skip
    return tuple(rows)


def _outcome(sendings: Sequence[Sending]) -> str:
    """Whether any of the messages to somebody has arrived."""
    purpose = sendings[0].purpose
    if any(s.sent_at for s in sendings):
        return {"page": "sent", "recovered": "sent: it is over"}.get(purpose, f"sent: {purpose}")
    why = next((s.reason for s in sendings if s.reason), "")
    if all(s.given_up for s in sendings):
        return f"failed: {why}"
    return f"being tried{': ' + why if why else ''}"
