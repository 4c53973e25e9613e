"""Escalation policies for tests: a small one that loads, and what tests change in it."""

from __future__ import annotations

from playbook_engine.escalation.policies import from_text
from playbook_engine.escalation.policy import Policy

SMALL = """\
name: small
contacts:
  - id: ana
    name: Ana Field
    roles: [sre]
    channels: [{email: ana@ops.test}, {webhook: "http://127.0.0.1:9/ana"}]
  - id: bo
    name: Bo Marsh
    channels: [{email: bo@ops.test}, {webhook: "http://127.0.0.1:9/bo"}]
levels:
  - {name: first, notify: [{contact: ana}], ack_timeout: 5m}
  - {name: second, notify: [{contact: bo}], ack_timeout: 10m}
repeat: 1
senders:
  email: {host: 127.0.0.1, port: 25, from: runbook@ops.test}
  webhook: {secret_env: WEBHOOK_KEY}
"""


def small(*changes: tuple[str, str]) -> Policy:
    """The small policy with texts replaced in it. Raises LoadError."""
    return from_text(changed(*changes), "small.yml")


def changed(*changes: tuple[str, str]) -> str:
    text = SMALL
    for old, new in changes:
        assert old in text, f"{old!r} is not in the policy"
        text = text.replace(old, new, 1)
    return text
