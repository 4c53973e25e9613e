"""What a run would be about, said instead of done: hosts, steps, tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from playbook_engine.model.plan import Plan
from playbook_engine.model.runbook import Import, Runbook, Step


def lines(plan: Plan, wanted: Sequence[str]) -> Iterator[str]:
    """For `--list-hosts`, `--list-steps`, `--list-tags`, `--syntax-check`, in the order of the plays or imports."""
    runbook = plan.runbook
    if "syntax_check" in wanted:
        yield f"{runbook.file or runbook.name}: nothing is wrong with it"
    plays = [(e.name, e.runbook, e.hosts or ()) for e in runbook.steps if isinstance(e, Import) and e.hosts is not None]
    for name, each, hosts in plays or [(runbook.name, runbook, tuple(h.name for h in plan.hosts))]:
        if wanted != ["syntax_check"]:
            yield f"{name} ({len(hosts)} host{'s' if len(hosts) != 1 else ''})"
        if "list_hosts" in wanted:
            yield "  hosts:"
            yield from (f"    {host}" for host in hosts)
        if "list_steps" in wanted:
            yield "  steps:"
            yield from (f"    {text}" for text in _steps(each, 0))
        if "list_tags" in wanted:
            yield f"  tags: [{', '.join(sorted(set(_tags(each))))}]"


def _steps(runbook: Runbook, depth: int) -> Iterator[str]:
    for entry in runbook.flat():
        tags = f"  [{', '.join(entry.tags)}]" if entry.tags else ""
        if isinstance(entry, Step) and entry.action == "meta":
            continue
        yield f"{'  ' * depth}{entry.name}{tags}"
        if isinstance(entry, Import):
            yield from _steps(entry.runbook, depth + 1)


def _tags(runbook: Runbook) -> Iterator[str]:
    for entry in runbook.flat():
        if isinstance(entry, Step) and entry.action == "meta":
            continue
        yield from entry.tags
        if isinstance(entry, Import):
            yield from _tags(entry.runbook)
