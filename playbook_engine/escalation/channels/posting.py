"""Posting JSON: what every HTTP channel shares. One attempt; the dispatcher decides about the next."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.escalation.channels.channel import TIMEOUT, NotSent

MOST = 300.0  # seconds of a Retry-After that are believed
SHOWN = 200


def post(url: str, body: bytes, headers: Mapping[str, str]) -> str:
    """The answer's status and the beginning of its text. Raises NotSent.

    429 and 5xx may be tried again, also what does not answer; any other 4xx says that the message itself is refused.
    """
    import requests

    try:
        reply = requests.post(url, data=body, headers=dict(headers), timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise NotSent(_plain(error)) from error
    said = f"{reply.status_code} {reply.reason}: {reply.text[:SHOWN]}".strip().rstrip(":")
    if reply.ok and not reply.is_redirect:
        return said
    again = reply.status_code == 429 or reply.status_code >= 500
    raise NotSent(said, again=again, after=_after(reply.headers.get("Retry-After", "")))


def _after(header: str) -> float:
    """Seconds of a Retry-After (RFC 9110, 10.2.3); a date is left alone."""
    return min(float(header), MOST) if header.strip().isdigit() else 0.0


def _plain(error: Exception) -> str:
    """The reason without the URL: it may hold a secret."""
    cause: BaseException = error
    while (inner := getattr(cause, "reason", None) or cause.__cause__ or cause.__context__) and isinstance(
        inner, BaseException
    ):
        cause = inner
    return getattr(cause, "strerror", None) or type(cause).__name__
