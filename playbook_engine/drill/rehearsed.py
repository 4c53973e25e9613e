"""An escalation policy as a drill uses it: the same people and levels, faster, and no message leaves the machine."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from playbook_engine.escalation.policy import Policy
from playbook_engine.loading.yaml_source import parse_yaml

TIMES = ("ack_timeout", "delay")
LEAST = 0.2  # seconds: a level that has no time at all is no level


def rehearsed(policy: Policy, outbox: Path, speed: float, *, real: bool) -> str:
    """The policy's text with its spans divided by `speed`. Unless it is `real`, every channel is a folder in `outbox`.

    Quiet hours are left out: a drill is held when people have time for it. So is what follows when nobody answers.
    """
    data: Any = copy.deepcopy(parse_yaml(policy.text, policy.file).value)
    for level in data["levels"]:
        for name in TIMES:
            if name in level or name == "ack_timeout":
                level[name] = _faster(getattr(_level(policy, level["name"]), name), speed)
    data["escalate_again_after"] = _faster(policy.again_after, speed) if policy.again_after else 0
    data.pop("quiet_hours", None)
    data["exhausted"] = {"notify_everyone": policy.tell_everyone}
    if real:
        for entry in (*data["contacts"], *data.get("rooms", [])):
            # The run of a drill has no terminal of its own.
            entry["channels"] = [
                {"file": str(outbox / entry["id"] / "terminal")} if "terminal" in c else c for c in entry["channels"]
            ]
    else:
        data.pop("senders", None)
        for level in data["levels"]:
            level.pop("via", None)
        for entry in (*data["contacts"], *data.get("rooms", [])):
            contact = policy.contact(entry["id"])
            assert contact is not None
            entry["channels"] = [
                {"file": str(outbox / contact.id / f"{n}-{address.kind}")}
                for n, address in enumerate(contact.addresses)
            ]
    return json.dumps(data, indent=1, ensure_ascii=False)  # JSON is YAML, and has only one way to read `on`


def _level(policy: Policy, name: str) -> object:
    return next(level for level in policy.levels if level.name == name)


def _faster(span: object, speed: float) -> float:
    assert isinstance(span, float)
    return max(round(span / speed, 3), LEAST) if span else 0.0
