"""What never happens: steps behind an ending, conditions that are never true, handlers that nobody notifies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from playbook_engine.catalog import catalog
from playbook_engine.loading.lint import steps_of
from playbook_engine.loading.linting.sources import Sources, family
from playbook_engine.model.errors import TemplateError
from playbook_engine.model.finding import Finding, Severity
from playbook_engine.model.runbook import Block, Entry, Import, Include, OnFailure, Runbook, Step
from playbook_engine.model.source import SourcePos
from playbook_engine.templating.environment import Templar
from playbook_engine.templating.node import holds_template

ENDINGS = frozenset({"end_host", "end_play", "end_batch"})
SURE = frozenset({"debug", "set_fact", "meta"})
"""Actions that fail only when their templates do."""


def unreachable(runbook: Runbook, templar: Templar, sources: Sources) -> Iterator[Finding]:
    """Steps that no run comes to."""
    for book in family(runbook):
        reach = _Reach(book, templar, sources)
        reach.entries(book.steps)
        yield from reach.found
        yield from _handlers(book, sources)


class _Reach:
    def __init__(self, runbook: Runbook, templar: Templar, sources: Sources) -> None:
        self._goes_on = runbook.on_failure is OnFailure.CONTINUE
        self._templar = templar
        self._sources = sources
        self.found: list[Finding] = []

    def entries(self, entries: Sequence[Entry]) -> tuple[str, bool]:
        """(what surely ends the host in this list, whether that is a failure); empty when nothing does."""
        for number, entry in enumerate(entries):
            why, failed = self._entry(entry)
            if why:
                rest = entries[number + 1 :]
                if rest:
                    more = f", nor what follows it ({len(rest) - 1})" if len(rest) > 1 else ""
                    self._add(rest[0], f"this is never reached{more}: {why} stands before it, without when", "")
                return why, failed
        return "", False

    def _entry(self, entry: Entry) -> tuple[str, bool]:
        if isinstance(entry, Block):
            return self._block(entry)
        if isinstance(entry, Include):
            if not self._never(entry.step.when, entry):
                for choice in entry.choices.values():
                    self.entries(choice.steps)
            return "", False
        if self._never(entry.when, entry) or isinstance(entry, Import):
            return "", False
        return self._ends(entry)

    def _block(self, block: Block) -> tuple[str, bool]:
        first = _first(block)
        if first is not None and self._never(first.when, block, every=block):
            return "", False
        why, failed = self.entries(block.steps)
        if block.rescue and all(_sure(step) for step in block.steps):
            self._add(
                block.rescue[0], "this rescue is never run: nothing in its block can fail",
                "leave the rescue out, or put what may fail into the block", "needless-rescue", Severity.NOTE,
            )  # fmt: skip
        rescued = self.entries(block.rescue)
        always = self.entries(block.always)
        if always[0]:
            return always
        if why and failed and block.rescue:
            return rescued
        return why, failed

    def _never(self, when: Sequence[str], entry: Entry, every: Block | None = None) -> bool:
        """Whether its condition cannot be true. Of a block: a condition that all of its steps share."""
        for text in when:
            if every is not None and not all(text in s.when for s in _steps(every)):
                continue
            if self._false(text):
                self._add(
                    entry, f"this never runs: when: {text} is never true", "leave it out, or write what it depends on"
                )
                return True
        return False

    def _false(self, text: str) -> bool:
        return self._always(text) is False

    def _true(self, text: str) -> bool:
        return self._always(text) is True

    def _always(self, text: str) -> bool | None:
        """What a condition without a name in it is; None when it depends on something."""
        try:
            return None if self._templar.names(text) else self._templar.evaluate(text, {})
        except TemplateError:
            return None

    def _ends(self, step: Step) -> tuple[str, bool]:
        sometimes = not all(map(self._true, step.when)) or step.loop is not None
        if sometimes or step.ignore_errors or step.failed_when is not None:
            return "", False
        if step.action == "meta" and str(step.args.get("do")) in ENDINGS:
            return f"meta: {step.args['do']}", False
        if self._goes_on:
            return "", False
        if step.action == "fail":
            return "fail", True
        that = step.args.get("that") if step.action == "assert" else None
        if isinstance(that, list) and any(self._false(str(t)) for t in that):
            return "an assert that never holds", True
        return "", False

    def _add(
        self, entry: Entry, message: str, advice: str, code: str = "unreachable-step",
        severity: Severity = Severity.WARNING,
    ) -> None:  # fmt: skip
        advice = advice or "give the step before it a when:, or leave this one out"
        self.found.append(Finding(code=code, severity=severity, message=message, advice=advice, where=_where(entry)))


def _handlers(runbook: Runbook, sources: Sources) -> Iterator[Finding]:
    """Handlers that nobody notifies, and notifications that never come."""
    notified: set[str] = set()
    for step in steps_of(runbook):
        notified.update(step.notify)
        reads = step.changed_when is not None and all(c.strip().lower() == "false" for c in step.changed_when)
        if step.notify and (reads or (not catalog.get(step.action).changes and step.changed_when is None)):
            source = sources.of(step.where)
            path = source.path(step.where) if source is not None else None
            yield Finding(
                code="idle-notify", severity=Severity.WARNING,
                message=f"{step.action} never counts as changed here: nobody is notified",
                advice="leave notify out, or say changed_when: with what counts as a change",
                where=source.document.at((*path, "notify"), key=True) if source and path else step.where,
            )  # fmt: skip
    if any("{{" in name for name in notified):
        return
    for handler in runbook.handlers:
        if not notified & {handler.name, *handler.listen}:
            yield Finding(
                code="unused-handler", severity=Severity.WARNING,
                message=f"nobody notifies the handler {handler.name!r}: it never runs",
                advice="notify it where something changes that it is for, or leave it out", where=handler.where,
            )  # fmt: skip


def _sure(entry: Entry) -> bool:
    """Whether it cannot fail."""
    if isinstance(entry, Block):
        return all(_sure(step) for step in (*entry.steps, *entry.always))
    if not isinstance(entry, Step) or entry.action not in SURE:
        return False
    if entry.failed_when or entry.until or entry.checks or entry.preconditions or entry.when:
        return False
    return not holds_template(entry.args) and entry.loop is None


def _steps(block: Block) -> Iterator[Step | Import]:
    for entry in (*block.steps, *block.rescue, *block.always):
        if isinstance(entry, Block):
            yield from _steps(entry)
        else:
            yield entry.step if isinstance(entry, Include) else entry


def _first(block: Block) -> Step | Import | None:
    return next(_steps(block), None)


def _where(entry: Entry) -> SourcePos | None:
    return entry.step.where if isinstance(entry, Include) else entry.where
