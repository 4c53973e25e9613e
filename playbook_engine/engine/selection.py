"""Which steps the operator wants, by their tags and from which on; which files an include has named."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence

from playbook_engine.model.plan import Options
from playbook_engine.model.runbook import Block, Entry, Import, Runbook, Step


def selected(tags: tuple[str, ...], options: Options) -> bool:
    """Ansible's rules: `always` runs unless skipped, `never` only when asked for by name."""
    skipped, wanted = set(options.skip_tags), set(options.tags)
    own = set(tags)
    if own & skipped or ("tagged" in skipped and own - {"always"}) or ("untagged" in skipped and not own):
        return False
    if "all" in skipped and "always" not in own:
        return False
    if "always" in own:
        return True
    if "never" in own and not own & wanted:
        return False
    if not wanted or "all" in wanted or own & wanted:
        return True
    return ("tagged" in wanted and bool(own)) or ("untagged" in wanted and not own)


def named(step: Step, wanted: str) -> bool:
    """Whether a step is the one that the operator names: by its name, its name without the role, a glob, its id."""
    names = (step.name, step.name.rpartition(" : ")[2], step.id)
    return wanted in names or any(fnmatch.fnmatchcase(n, wanted) for n in names)


def included(step: Step, result: Mapping[str, object]) -> list[tuple[str, dict[str, object]]]:
    """Each file that an include has named, with the variables of the loop's item."""
    found = []
    results = result.get("results")
    for each in results if step.loop is not None and isinstance(results, list) else [result]:
        if isinstance(each, Mapping) and each.get("include"):
            names = [step.loop_var, *([step.loop_index_var] if step.loop_index_var else [])]
            found.append((str(each["include"]), {n: each[n] for n in names if n in each}))
    return found


def begins(runbook: Runbook, wanted: str) -> bool:
    """Whether a run can begin with a step of this name: one that is known before the run."""
    return bool(wanted) and any(named(s, wanted) for s in _static(runbook.steps) if s.action != "meta")


def _static(entries: Sequence[Entry]) -> Iterator[Step]:
    for entry in entries:
        if isinstance(entry, Block):
            yield from _static((*entry.steps, *entry.rescue, *entry.always))
        elif isinstance(entry, Step):
            yield entry
        elif isinstance(entry, Import):
            yield from _static(entry.runbook.steps)
