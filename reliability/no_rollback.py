"""Rollbacks that must not happen: what cannot be observed at the end of an otherwise good run stays as it is (P7)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from memory_bench import Bench

from playbook_engine.engine import commands, sending
from playbook_engine.model.errors import LinkLost, Unreachable
from playbook_engine.transport.base import Call, Reply
from playbook_engine.transport.scripted import MemoryHost, Rule
from reliability.figure import Figure

BOOK = """\
name: good
owner: ops
steps:
  - {name: first, copy: {content: new, dest: /etc/first}}
  - {name: second, copy: {content: new, dest: /etc/second}}
  - name: last
    command: last
    rollback: [{command: undo}]
    checks: [{name: memory, memory: {}, expect: result.ok}]
checks:
  - {name: beats, heartbeat: {}, expect: result.fresh}
"""
WELL = {"memory": {"ok": True}, "heartbeat": {"fresh": True}}


def gone(host: MemoryHost, op: str, action: str) -> Rule:
    """The link is lost at this call, and the host stays away."""

    def rule(call: Call) -> Reply | LinkLost | None:
        if (call.op, call.action) == (op, action):
            host.up = False
            return LinkLost("no answer")
        return None

    return rule


def unmeasured(action: str) -> Callable[[Call], Reply | None]:
    return lambda call: Reply(ok=False, kind="unmeasured", msg="may not look") if call.action == action else None


def rebooted(host: MemoryHost) -> Rule:
    def rule(call: Call) -> Reply | LinkLost | None:
        if call.op == "run" and host.boot_id == "boot-1":
            host.reboot()
            return LinkLost("it went away")
        return None

    return rule


# What happens at the end, and how the host has to end.
CASES: dict[str, tuple[Callable[[MemoryHost], Rule], str]] = {
    "unreachable before the last step": (lambda h: lambda c: Unreachable("no route") if c.op == "run" else None,
                                         "unreachable"),
    "link lost in the last step": (lambda h: gone(h, "run", "command"), "in_doubt"),
    "rebooted in the last step": (rebooted, "in_doubt"),
    "link lost in the step's check": (lambda h: gone(h, "probe", "memory"), "unreachable"),
    "the step's check cannot be measured": (lambda h: unmeasured("memory"), "unknown"),
    "link lost in the runbook's check": (lambda h: gone(h, "probe", "heartbeat"), "unreachable"),
    "the runbook's check cannot be measured": (lambda h: unmeasured("heartbeat"), "unknown"),
}  # fmt: skip


def measure(short: bool) -> list[Figure]:
    patience = sending.PATIENCE, commands.PATIENCE
    sending.PATIENCE = commands.PATIENCE = 0.0  # a host that stays away is waited for elsewhere
    try:
        wrong = [f"{name}: {said}" for name, (fault, status) in CASES.items() if (said := _tried(fault, status))]
    finally:
        sending.PATIENCE, commands.PATIENCE = patience
    return [
        Figure(
            promise="P7", what=f"{len(CASES)} ways in which an otherwise good run cannot be observed at its end",
            seen=f"{len(wrong)} taken back, or told otherwise" + "".join(f"\n{said}" for said in wrong),
            bar="0: changes kept, host stopped, escalated", holds=not wrong,
        )
    ]  # fmt: skip


def _tried(fault: Callable[[MemoryHost], Rule], status: str) -> str:
    """What is wrong with how a run ends that meets this fault; empty when nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        host = bench.host()
        host.rules.append(fault(host))
        host.rules.append(lambda call: Reply(ok=True, result=WELL[call.action]) if call.action in WELL else None)
        done = bench.run(BOOK)
        if done.statuses != {"h1": status}:
            return f"ended {done.statuses['h1']}, not {status}"
        if done.events("RollbackStarted", "UndoIntended", "StepUndone") or any(c.op == "undo" for c in host.calls):
            return "it was taken back"
        if host.files != {"/etc/first": b"new", "/etc/second": b"new"}:
            return f"files are {host.files}"
        return "" if done.events("EscalationRaised") else "nobody was told"
