"""GoAlert, generic API: an alert by `dedup`, and its end by `action=close`. Source: GoAlert's docs/generic-api.

It knows no acknowledgement from outside: one is an update of the alert's details.
"""

from __future__ import annotations

import json

from playbook_engine.escalation.channels.channel import Environ, Letter, resolved
from playbook_engine.escalation.channels.posting import post
from playbook_engine.escalation.policy import Address, Sender

SUMMARY, DETAILS = 1024, 6144  # characters, by the API


class GoAlert:
    """`goalert`: the address is the token of an integration key."""

    def send(self, letter: Letter, address: Address, sender: Sender, environ: Environ) -> str:
        alert = {"summary": letter.subject[:SUMMARY], "details": letter.text[:DETAILS], "dedup": letter.thread}
        if letter.purpose == "recovered":
            alert["action"] = "close"
        url = f"{sender.text('url').rstrip('/')}/api/v2/generic/incoming"
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {resolved(address.address, environ)}",
        }
        return post(url, json.dumps(alert).encode(), headers)
