"""A signed webhook, as the Standard Webhooks specification has it: `webhook-id`, `-timestamp`, `-signature`.

The signature is HMAC-SHA256 over `id.timestamp.body`. The id is the same at every attempt: a receiver that has seen it
has the message already.
"""

from __future__ import annotations

import base64
import hmac
import json
import time

from playbook_engine.escalation.channels.channel import Environ, Letter, secret
from playbook_engine.escalation.channels.posting import post
from playbook_engine.escalation.policy import Address, Sender


class Webhook:
    """`webhook`: the address is the URL."""

    def send(self, letter: Letter, address: Address, sender: Sender, environ: Environ) -> str:
        key = secret(environ, sender.text("secret_env"))
        body = json.dumps(
            {
                "type": f"escalation.{letter.purpose}", "id": letter.key, "escalation": letter.thread,
                "severity": letter.severity, "subject": letter.subject, "text": letter.text, "at": letter.at,
                "drill": letter.drill, "ack": letter.link, **letter.data,
            }
        ).encode()  # fmt: skip
        at = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": letter.key,
            "webhook-timestamp": at,
            "webhook-signature": sign(key.encode(), letter.key, at, body),
        }
        return post(address.address, body, headers)


def sign(key: bytes, message: str, at: str, body: bytes) -> str:
    """The signature header of the specification's version 1."""
    digest = hmac.digest(key, f"{message}.{at}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
