"""What a verification of an evidence bundle found, for a terminal and as JSON. Whatever the bundle says is data."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.journal.evidence.manifest import Manifest
from playbook_engine.journal.evidence.verify import Seen, Verdict
from playbook_engine.report.terminal import BOLD, DIM, GREEN, RED, YELLOW, Paper
from playbook_engine.report.text import count, listed, moment

SCHEMA = "playbook-engine/evidence-verdict/1"


def show(paper: Paper, file: str, found: Verdict) -> None:
    """The verdict, each fault, and what was looked at."""
    word = "does not hold" if not found.holds else "holds, and is open" if found.open else "holds"
    paper.line(f"{file}: {word}", RED if not found.holds else YELLOW if found.open else GREEN)
    paper.faults(found.faults)
    manifest = found.manifest
    if manifest is None:
        return
    paper.line(f"head {manifest.head}")
    paper.line(
        f"made {moment(manifest.at)} by {manifest.by}, runbook {manifest.engine}; {_signed(manifest, found)}", DIM
    )
    if found.journals:
        paper.line()
        paper.table(
            ["journal", "state", "records", "from", "to", "reports", "blobs", "sealed"],
            [[j.journal, j.state, str(j.records), moment(j.first), moment(j.last), str(j.reports), str(j.blobs),
              sealed(j.sealed, carried=manifest.carried)] for j in found.journals],
        )  # fmt: skip
    if found.open:
        paper.line("open: it was still being written when it was exported, and what came later is not in it", YELLOW)
    if found.holds:
        paper.line(f"{_counts(found)}, verified with {listed(found.keys)}", BOLD)


def _signed(manifest: Manifest, found: Verdict) -> str:
    """Who signed it, and whether a key that was given says so or only the bundle itself."""
    by = manifest.signer.id
    return f"signed by {by}" + ("" if by in found.keys else ", as it says itself: its public key was not given")


def _counts(found: Verdict) -> str:
    parts = (
        count(len(found.journals), "journal"), count(sum(j.records for j in found.journals), "record"),
        count(sum(j.blobs for j in found.journals), "blob"), count(sum(j.reports for j in found.journals), "report"),
    )  # fmt: skip
    return listed(list(parts))


def sealed(counted: Mapping[str, object], *, carried: bool) -> str:
    """`12 left out: args 4, before 4, plan 1`."""
    fields = counted.get("fields")
    if not counted.get("values") or not isinstance(fields, Mapping):
        return "none"
    names = ", ".join(f"{name} {number}" for name, number in fields.items())
    return f"{counted['values']} {'encrypted' if carried else 'left out'}: {names}"


def data(found: Verdict) -> dict[str, object]:
    """The same for programs."""
    manifest = found.manifest
    told: dict[str, object] = {"schema": SCHEMA, "holds": found.holds, "open": found.open, "faults": found.faults}
    told["keys"] = found.keys
    if manifest is not None:
        told |= {
            "head": manifest.head, "at": manifest.at, "by": manifest.by, "engine": manifest.engine,
            "signer": manifest.signer.id, "sealed_carried": manifest.carried,
        }  # fmt: skip
    return {**told, "journals": [_journal(each) for each in found.journals]}


def _journal(seen: Seen) -> dict[str, object]:
    return {name: getattr(seen, name) for name in Seen.__dataclass_fields__}
