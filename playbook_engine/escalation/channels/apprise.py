"""Everything else (chat, SMS, push: some 130 services), through apprise, if it is installed: `pip install
playbook-engine[notify]`. It loads slowly, so it is imported only here, and only when something is sent."""

from __future__ import annotations

from playbook_engine.escalation.channels.channel import TIMEOUT, Environ, Letter, NotSent, resolved
from playbook_engine.escalation.policy import Address, Sender

KIND = {"page": "failure", "update": "warning", "exhausted": "failure", "recovered": "success"}


class Apprise:
    """`apprise`: the address is an apprise URL."""

    def send(self, letter: Letter, address: Address, sender: Sender, environ: Environ) -> str:
        try:
            import apprise
        except ImportError as error:
            raise NotSent("apprise is not installed: pip install 'playbook-engine[notify]'", again=False) from error
        url = resolved(address.address, environ)
        pair = "&" if "?" in url else "?"
        notifier = apprise.Apprise()
        if not notifier.add(f"{url}{pair}cto={TIMEOUT}&rto={TIMEOUT}"):
            raise NotSent("apprise does not understand the URL", again=False)
        kind = KIND.get(letter.purpose, "info")
        if not notifier.notify(title=letter.subject, body=letter.text, notify_type=kind):
            raise NotSent(f"{url.partition(':')[0]} has not taken it")
        return f"taken by {url.partition(':')[0]}"
