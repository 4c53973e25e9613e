"""`reclaim` through a plain sh: the host lists and removes, the controller chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from playbook_engine.transport.base import Call, Reply


def answer(call: Call, run: Callable[[str], Mapping[str, object]]) -> Reply:
    """One reclaim."""
    return Reply(ok=False, kind="failed", msg="reclaim through sh")
