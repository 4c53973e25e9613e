"""E-mail over SMTP. All messages of an escalation are one thread; an attempt that is made twice has the same
Message-ID, so that a mail program shows it once."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime

from playbook_engine.escalation.channels.channel import TIMEOUT, Environ, Letter, NotSent, secret
from playbook_engine.escalation.policy import Address, Sender
from playbook_engine.report.text import instant


class Email:
    """`email`: the address is one of RFC 5322."""

    def send(self, letter: Letter, address: Address, sender: Sender, environ: Environ) -> str:
        message = written(letter, address.address, sender.text("from"))
        host, port = sender.text("host"), int(sender.text("port", "25"))
        try:
            with _connected(host, port, sender.text("tls", "no")) as server:
                if user := sender.text("username"):
                    server.login(user, secret(environ, sender.text("password_env")))
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise NotSent(_said(code, said), again=code < 500) from error
        except smtplib.SMTPAuthenticationError as error:
            raise NotSent(_said(error.smtp_code, error.smtp_error), again=False) from error
        except smtplib.SMTPResponseException as error:
            raise NotSent(_said(error.smtp_code, error.smtp_error), again=error.smtp_code < 500) from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotSent(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error
        return f"taken by {host}:{port}"


def written(letter: Letter, to: str, sender: str) -> EmailMessage:
    """The mail: text, and the report as HTML beside it."""
    message = EmailMessage()
    message["Subject"] = letter.subject
    message["From"] = sender
    message["To"] = to
    domain = sender.rpartition("@")[2].strip("<> ") or "runbook.invalid"
    thread = f"<{letter.thread}@{domain}>"
    message["Message-ID"] = f"<{letter.key}@{domain}>"
    message["References"] = thread
    message["In-Reply-To"] = thread
    message["X-Runbook-Escalation"] = letter.thread
    if letter.severity in ("P0", "P1"):
        message["X-Priority"] = "1"
    if letter.drill:
        message["X-Runbook-Drill"] = letter.drill
    if (at := instant(letter.at)) is not None:
        message["Date"] = format_datetime(at)
    message.set_content(letter.text)
    if letter.html:
        name = f"{letter.thread}.html"
        message.add_attachment(letter.html.encode(), maintype="text", subtype="html", filename=name)
    return message


def _connected(host: str, port: int, tls: str) -> smtplib.SMTP:
    if tls == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port, timeout=TIMEOUT)
    if tls == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


def _said(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
