"""Whether an answer is the one that was recorded: types count, notes and what nobody promises do not."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

NOTES = ("_err", "_msg")


def same(one: Any, other: Any) -> bool:
    """Equal, with true, 1 and 1.0 apart."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def differences(want: Any, got: Any, where: str = "") -> list[str]:
    """Every place where two answers differ."""
    if same(want, got):
        return []
    if isinstance(want, dict) and isinstance(got, dict):
        keys = sorted({*want, *got}, key=str)
        return [line for k in keys for line in differences(want.get(k), got.get(k), f"{where}/{k}")]
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        return [
            line for i, pair in enumerate(zip(want, got, strict=True)) for line in differences(*pair, f"{where}/{i}")
        ]
    return [f"{where or '/'}: want {json.dumps(want)[:200]}, got {json.dumps(got)[:200]}"]


def normal(case: Mapping[str, Any], answer: Any) -> Any:
    """An answer without what does not count: notes, the order of an inventory's hosts, labels of loop items."""
    answer = _without_notes(copy.deepcopy(answer))
    if not isinstance(answer, dict):
        return answer
    if case.get("unordered") and isinstance(answer.get("hosts"), list):
        answer["hosts"] = sorted(answer["hosts"], key=str)
    if case.get("op") == "list" and isinstance(answer.get("json"), dict):
        for name, group in answer["json"].items():
            for key in ("hosts", "children"):
                if name != "_meta" and isinstance(group, dict) and isinstance(group.get(key), list):
                    group[key] = sorted(group[key])
    if case.get("lenient_check") and "runs" in answer:
        answer["runs"] = [run for run in answer["runs"] if run.get("mode") != "check"]
    for event in answer.get("events") or []:
        for result in event.get("results", {}).values():
            if "items" in result:
                result["items"] = [item[-1] for item in result["items"]]
    return answer


def _without_notes(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_notes(v) for k, v in value.items() if k not in NOTES}
    return [_without_notes(each) for each in value] if isinstance(value, list) else value
