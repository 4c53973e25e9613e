"""The channels by kind. Each is imported when it is used: a dispatcher that writes a file needs no HTTP client."""

from __future__ import annotations

import importlib

from playbook_engine.escalation.channels.channel import Channel
from playbook_engine.escalation.policy import Kind

CLASSES = {
    Kind.EMAIL: "Email", Kind.WEBHOOK: "Webhook", Kind.PAGERDUTY: "PagerDuty", Kind.GOALERT: "GoAlert",
    Kind.APPRISE: "Apprise", Kind.FILE: "File", Kind.TERMINAL: "Terminal",
}  # fmt: skip


def channel(kind: Kind) -> Channel:
    module = importlib.import_module(f"playbook_engine.escalation.channels.{kind}")
    made: Channel = getattr(module, CLASSES[kind])()
    return made
