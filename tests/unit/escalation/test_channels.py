"""Channels against real servers on loopback: what arrives, and what is made of refusals."""

from __future__ import annotations

import base64
import hmac
import os
import pty
import stat
from pathlib import Path
from queue import Queue
from threading import Semaphore

import pytest
from policies import small
from sinks import free_port, http_sink, smtp

from playbook_engine.escalation.channels import channel as channel_module
from playbook_engine.escalation.channels.channel import Letter, NotSent
from playbook_engine.escalation.channels.registry import channel
from playbook_engine.escalation.flight import Flight, Landed
from playbook_engine.escalation.ladder import Message
from playbook_engine.escalation.policy import Address, Kind, Sender
from playbook_engine.model.events import NotificationFailed

LETTER = Letter(
    key="esc-1-0.1.1.ana.0", thread="esc-1", purpose="page", severity="P1", subject="[P1] it broke – ü",
    text="Take it.\nü", html="<p>ü</p>", at="2026-03-02T03:00:00Z", link="https://ops.test/ack/esc-1",
    data={"runbook": "mend", "run": "r1"},
)  # fmt: skip
ENVIRON = {"KEY": "s3cret", "ROUTING": "r" * 32, "PASSWORD": "p"}


def send(kind: Kind, address: str, purpose: str = "page", **settings: object) -> str:
    letter = Letter(**{f: getattr(LETTER, f) for f in LETTER.__dataclass_fields__} | {"purpose": purpose})
    return channel(kind).send(letter, Address(kind=kind, address=address), Sender(settings=settings), ENVIRON)


def mail(to: str, port: int, purpose: str = "page") -> str:
    return send(Kind.EMAIL, to, purpose, host="127.0.0.1", port=port, **{"from": "runbook@ops.test"})


def test_a_mail_carries_text_report_thread_and_a_number_of_its_own() -> None:
    with smtp() as (box, port):
        for purpose in ("page", "recovered"):
            answer = send(
                Kind.EMAIL, "ana@ops.test", purpose, host="127.0.0.1", port=port, **{"from": "runbook@ops.test"}
            )
            assert answer == f"taken by 127.0.0.1:{port}"
    first, second = box.mails
    assert first["Subject"] == "[P1] it broke – ü"
    assert first["Message-ID"] == "<esc-1-0.1.1.ana.0@ops.test>"
    assert first["References"] == second["References"] == "<esc-1@ops.test>"
    body = first.get_body(("plain",))
    assert body is not None and body.get_content().splitlines() == ["Take it.", "ü"]
    (report,) = first.iter_attachments()
    assert (report.get_filename(), report.get_content_type()) == ("esc-1.html", "text/html")


@pytest.mark.parametrize(("code", "again"), [("450 later", True), ("550 no such user", False)])
def test_a_refused_recipient_is_tried_again_only_where_that_may_help(code: str, again: bool) -> None:
    with smtp() as (box, port):
        box.refuse["ana@ops.test"] = code
        with pytest.raises(NotSent) as error:
            mail("ana@ops.test", port)
    assert (error.value.again, error.value.why) == (again, code)


def test_no_mail_server_is_tried_again() -> None:
    with pytest.raises(NotSent) as error:
        mail("ana@ops.test", free_port())
    assert error.value.again and "refused" in error.value.why


def test_a_webhook_is_signed_so_that_a_receiver_can_tell() -> None:
    with http_sink() as sink:
        answer = send(Kind.WEBHOOK, f"{sink.url}/ana", secret_env="KEY")
    assert answer == "202 Accepted: said"
    (post,) = sink.posts
    said = post.headers
    assert said["webhook-id"] == LETTER.key
    signed = f"{said['webhook-id']}.{said['webhook-timestamp']}.".encode() + post.body
    wanted = base64.b64encode(hmac.digest(b"s3cret", signed, "sha256")).decode()
    assert said["webhook-signature"] == f"v1,{wanted}"
    body = post.json()
    assert (body["type"], body["escalation"], body["runbook"], body["ack"]) == (
        "escalation.page", "esc-1", "mend", "https://ops.test/ack/esc-1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "again", "after"),
    [
        (500, True, 0.0), (503, True, 0.0), (429, True, 0.0), ((429, {"Retry-After": "30"}), True, 30.0),
        ((503, {"Retry-After": "99999"}), True, 300.0), (400, False, 0.0), (404, False, 0.0),
        ((302, {"Location": "http://127.0.0.1:1/"}), False, 0.0),
    ],
)  # fmt: skip
def test_what_a_refusal_means(answer: int | tuple[int, dict[str, str]], again: bool, after: float) -> None:
    with http_sink(answer) as sink, pytest.raises(NotSent) as error:
        send(Kind.WEBHOOK, sink.url, secret_env="KEY")
    assert (error.value.again, error.value.after) == (again, after)
    assert len(sink.posts) == 1, "the dispatcher decides about another attempt"


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playbook_engine.escalation.channels.posting.TIMEOUT", 0.2)
    assert channel_module.TIMEOUT <= 10
    with http_sink(slow=1.0) as sink, pytest.raises(NotSent) as error:
        send(Kind.WEBHOOK, f"{sink.url}/token-in-url", secret_env="KEY")
    assert error.value.again and "token-in-url" not in error.value.why


def test_a_secret_that_is_not_there_is_said_by_its_name() -> None:
    with pytest.raises(NotSent, match="RUNBOOK_KEY is not set") as error:
        send(Kind.WEBHOOK, "http://127.0.0.1:1/", secret_env="RUNBOOK_KEY")
    assert error.value.again, "the process that sends next may have it"


@pytest.mark.parametrize(
    ("why", "failures", "again"), [("waits", 30, True), ("refused", 7, True), ("refused", 8, False)]
)
def test_what_was_never_tried_uses_up_no_attempt(why: str, failures: int, again: bool) -> None:
    class Refusing:
        def send(self, *_: object) -> str:
            raise NotSent(why, waits=why == "waits")

    contact = small().contacts[0]
    message = Message(id="m", purpose="page", contact=contact, address=contact.addresses[0])
    landed: Queue[Landed] = Queue()
    Flight(
        channel=Refusing(), letter=LETTER, message=message, sender=Sender(), environ={}, attempt=failures + 1,
        failures=failures, escalation="e", slots=Semaphore(), landed=landed,
    ).go()  # fmt: skip
    event = landed.get().event
    assert isinstance(event, NotificationFailed) and (event.retry >= 0) is again


def test_pagerduty_gets_trigger_acknowledge_and_resolve_under_one_key() -> None:
    with http_sink() as sink:
        for purpose in ("page", "acknowledged", "recovered"):
            send(Kind.PAGERDUTY, "env:ROUTING", purpose, url=f"{sink.url}/v2/enqueue")
    bodies = [p.json() for p in sink.posts]
    assert [b["event_action"] for b in bodies] == ["trigger", "acknowledge", "resolve"]
    assert {b["dedup_key"] for b in bodies} == {"esc-1"} and {b["routing_key"] for b in bodies} == {"r" * 32}
    payload = bodies[0]["payload"]
    assert isinstance(payload, dict)
    assert (payload["severity"], payload["summary"], payload["component"]) == ("error", LETTER.subject, "mend")
    assert "payload" not in bodies[1]


def test_goalert_gets_an_alert_and_its_end() -> None:
    with http_sink() as sink:
        for purpose in ("page", "recovered"):
            send(Kind.GOALERT, "env:ROUTING", purpose, url=sink.url)
    assert [p.path for p in sink.posts] == ["/api/v2/generic/incoming"] * 2
    assert sink.posts[0].headers["authorization"] == f"Bearer {'r' * 32}"
    assert [p.json().get("action") for p in sink.posts] == [None, "close"]
    assert {p.json()["dedup"] for p in sink.posts} == {"esc-1"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # apprise's own
def test_everything_else_goes_through_apprise() -> None:
    with http_sink() as sink:
        answer = send(Kind.APPRISE, sink.url.replace("http://", "json://"))
        assert answer == "taken by json"
    assert sink.posts[0].json()["title"] == LETTER.subject
    with pytest.raises(NotSent, match="does not understand") as error:
        send(Kind.APPRISE, "nosuch://there")
    assert not error.value.again
    with http_sink(500) as sink, pytest.raises(NotSent, match="json has not taken it"):
        send(Kind.APPRISE, sink.url.replace("http://", "json://"))


def test_a_file_for_each_message_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = Path(send(Kind.FILE, str(tmp_path / "out")))
    assert path.read_text() == f"Subject: {LETTER.subject}\nDate: {LETTER.at}\n\n{LETTER.text}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert send(Kind.FILE, str(tmp_path / "out")) == str(path), "the same message twice is one file"
    (tmp_path / "no").write_text("")
    with pytest.raises(NotSent, match=r"Not a directory|File exists"):
        send(Kind.FILE, str(tmp_path / "no"))


def test_a_terminal_is_told_in_two_lines(tmp_path: Path) -> None:
    parent, child = pty.openpty()
    try:
        send(Kind.TERMINAL, os.ttyname(child))
        shown = os.read(parent, 4096).decode()
    finally:
        os.close(parent)
        os.close(child)
    assert LETTER.subject in shown and "runbook ack esc-1" in shown
    (tmp_path / "file").write_text("")
    with pytest.raises(NotSent, match="no terminal"):
        send(Kind.TERMINAL, str(tmp_path / "file"))
    with pytest.raises(NotSent, match="without a terminal"):
        send(Kind.TERMINAL, "starter")
