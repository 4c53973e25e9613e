"""What a playbook did, in one JSON document: each task with how it ended on its hosts, and each host's counts.

The counts are those of Ansible's recap: a loop counts once, what was ignored is `ok`, what was rescued is not `failed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playbook_engine.model.events import Event, StepFinished
from playbook_engine.model.outcome import Outcome
from playbook_engine.model.runbook import Import, Runbook

COUNTS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
INCLUDE = "include_steps"


@dataclass(slots=True)
class _Task:
    """One task on one host: its items as they end."""

    items: list[StepFinished] = field(default_factory=list)

    @property
    def status(self) -> str:
        ends = [_status(end) for end in self.items]
        for word in ("unreachable", "failed", "changed", "included", "ok"):
            if word in ends:
                return word
        return "skipped"

    @property
    def ignored(self) -> bool:
        return any(end.ignored for end in self.items)

    def result(self) -> dict[str, object]:
        last, status = self.items[-1], self.status
        found: dict[str, object] = {}
        if last.item >= 0:
            found["items"] = [[end.label, _status(end)] for end in self.items if _status(end) != "failed"]
        if last.item < 0 or status in ("failed", "skipped", "unreachable"):
            found["status"] = "failed" if status == "unreachable" else status
        if on := next((each.on for each in reversed(self.items) if each.on), ""):
            found["delegated_to"] = on
        if self.ignored:
            found["ignored"] = True
        if self.status in ("failed", "unreachable") and last.message:
            found["msg"] = last.message
        return found


class PlayDocument:
    """Watches a run, and says afterwards what was done."""

    def __init__(self, runbook: Runbook) -> None:
        self._plays = {e.id: e for e in runbook.steps if isinstance(e, Import)}
        self._tasks: dict[tuple[str, str, int], dict[str, _Task]] = {}
        self._first: dict[tuple[str, str, int], StepFinished] = {}

    def emit(self, event: Event) -> None:
        if isinstance(event, StepFinished):
            key = (event.scope, event.step, self._batch(event))
            self._first.setdefault(key, event)
            self._tasks.setdefault(key, {}).setdefault(event.host, _Task()).items.append(event)

    def _batch(self, event: StepFinished) -> int:
        play = self._plays.get(event.scope)
        names = play.batches if play is not None else ()
        return next((n for n, batch in enumerate(names) if event.host in batch), 0)

    def document(self) -> dict[str, object]:
        return {"events": [self._event(key, hosts) for key, hosts in self._tasks.items()], "stats": self.stats()}

    def _event(self, key: tuple[str, str, int], hosts: Mapping[str, _Task]) -> dict[str, object]:
        first, play = self._first[key], self._plays.get(key[0])
        order = sorted(hosts, key=self._order(play))
        name = hosts[order[0]].items[0].name if first.item < 0 else first.name
        looped = first.action == INCLUDE and first.item >= 0
        results = _included([(h, hosts[h]) for h in order]) if looped else {h: hosts[h].result() for h in order}
        kind = "handler" if first.handler else "task"
        return {"play": play.name if play else "", "kind": kind, "task": name, "results": results}

    def _order(self, play: Import | None) -> Callable[[str], int]:
        names = list(play.hosts or ()) if play is not None else []
        return lambda host: names.index(host) if host in names else len(names)

    def stats(self) -> dict[str, dict[str, int]]:
        """Of each host that anything was done on."""
        found: dict[str, dict[str, int]] = {}
        for hosts in self._tasks.values():
            for host, task in hosts.items():
                counts = found.setdefault(host, dict.fromkeys(COUNTS, 0))
                for word in _counted(task):
                    counts[word] += 1
        return found


def _included(tasks: list[tuple[str, _Task]]) -> dict[str, object]:
    """A file for each item, told file by file: Ansible names the hosts of one together, and the item after the last."""
    files: dict[str, list[tuple[str, StepFinished]]] = {}
    for host, task in tasks:
        for end in task.items:
            files.setdefault(f"{end.label}\n{_status(end)}", []).append((host, end))
    found: dict[str, object] = {}
    for ends in files.values():
        last = ends[-1][1]
        for host, end in ends:
            name = f"{host} => (item={end.label})" if end is last else host
            found.setdefault(name, {"status": _status(end)})
    return found


def _counted(task: _Task) -> list[str]:
    status = task.status
    if task.items[-1].action == "meta":
        return []
    if task.items[-1].action == INCLUDE and task.items[-1].item >= 0:
        words = {"included": "ok", "failed": "failed", "skipped": "skipped"}
        return [words.get(_status(end), "ok") for end in task.items]
    if task.ignored:
        changed = any(end.result.get("changed") for end in task.items)
        return ["ok", "ignored", *(["changed"] if changed else [])]
    if status == "failed":
        return ["rescued" if any(end.rescued for end in task.items) else "failed"]
    if status in ("changed", "included"):
        return ["ok", *(["changed"] if status == "changed" else [])]
    return [status]


def _status(end: StepFinished) -> str:
    outcome = Outcome(end.outcome)
    if outcome.measured_failure or outcome in (Outcome.IN_DOUBT, Outcome.UNKNOWN):
        return "failed"
    if end.action == INCLUDE and outcome is Outcome.OK:
        return "included"
    return outcome.value
