"""PagerDuty, Events API v2: trigger, acknowledge, resolve of one alert, by the escalation's id as `dedup_key`.

The service itself pages people by its own policy; it answers `accepted`, and no more. Source: PagerDuty developer
documentation, "Events API v2".
"""

from __future__ import annotations

import json

from playbook_engine.escalation.channels.channel import Environ, Letter, resolved
from playbook_engine.escalation.channels.posting import post
from playbook_engine.escalation.policy import Address, Sender

SEVERITY = {"P0": "critical", "P1": "error", "P2": "warning", "P3": "info", "P4": "info"}
ACTION = {"recovered": "resolve", "acknowledged": "acknowledge"}
SUMMARY = 1024  # characters, by the API


class PagerDuty:
    """`pagerduty`: the address is the routing key of an integration."""

    def send(self, letter: Letter, address: Address, sender: Sender, environ: Environ) -> str:
        action = ACTION.get(letter.purpose, "trigger")
        event: dict[str, object] = {
            "routing_key": resolved(address.address, environ), "event_action": action, "dedup_key": letter.thread,
        }  # fmt: skip
        if action == "trigger":
            event["client"] = "runbook"
            event["payload"] = {
                "summary": letter.subject[:SUMMARY], "severity": SEVERITY.get(letter.severity, "warning"),
                "source": str(letter.data.get("source") or letter.thread), "timestamp": letter.at,
                "component": letter.data.get("runbook"), "class": letter.data.get("trigger"),
                "custom_details": {"text": letter.text, "message": letter.key, **letter.data},
            }  # fmt: skip
            if letter.link:
                event["links"] = [{"href": letter.link, "text": "Acknowledge"}]
        url = sender.text("url", "https://events.pagerduty.com/v2/enqueue")
        return post(url, json.dumps(event).encode(), {"Content-Type": "application/json"})
