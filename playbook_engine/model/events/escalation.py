"""The events of an escalation: one journal for each, from the first failure to its end."""

from __future__ import annotations

from dataclasses import field

from playbook_engine.model.events.event import Data, Event
from playbook_engine.model.frozen import frozen


@frozen
class EscalationOpened(Event):
    """A failure that a policy wants people to hear of. `key` is what later failures join it by.

    `snapshot` is the policy as it was: an escalation keeps the one that it began with. `trigger` is one of the
    policy's words for what happened, `drill` the drill that it belongs to, empty for a real one. `seq` is the number
    of the failure's record in the journal of `run`, `raised` its time; 0 and empty where there is none, as for a run
    that died. `terminal`: where the run was started.
    """

    escalation: str
    policy: str
    policy_sha256: str = ""
    key: str
    run: str
    seq: int = 0
    runbook: str = ""
    step: str = ""
    trigger: str
    severity: str
    why: str
    raised: str = ""
    terminal: str = ""
    drill: str = ""
    snapshot: Data = field(default_factory=dict)


@frozen
class EscalationJoined(Event):
    """Another failure with the same key while the escalation was open: nobody is woken twice for it.

    `seq` is the number of its record in the journal of `run`: what was taken in is not taken in again.
    """

    run: str
    seq: int
    step: str = ""
    trigger: str
    severity: str
    why: str
    raised: str = ""


@frozen
class LevelReached(Event):
    """The people of a level are told now. `round` counts from 1. `contacts` are those on call at this time."""

    level: str
    number: int
    round: int
    contacts: tuple[str, ...] = ()
    why: str = ""


@frozen
class NotificationIntended(Event):
    """Durable before a message leaves. `purpose`: page | update | recovered | exhausted.

    `key` is the same for every attempt at this message, also after a crash: whoever gets it twice can tell.
    """

    notification: str
    purpose: str
    contact: str
    channel: str
    number: int = 0
    round: int = 0
    attempt: int = 1
    key: str = ""


@frozen
class NotificationSent(Event):
    """The other side has taken it; that somebody has read it, only an acknowledgement says."""

    notification: str
    attempt: int = 1
    answer: str = ""
    seconds: float = 0.0


@frozen
class NotificationFailed(Event):
    """`retry`: seconds until the next attempt; below 0 there is none."""

    notification: str
    attempt: int = 1
    reason: str
    retry: float = -1.0
    seconds: float = 0.0


@frozen
class EscalationAcknowledged(Event):
    """Somebody has taken it: the ladder stops. `via`: command, link, or the channel that said so."""

    by: str
    via: str = "command"
    note: str = ""


@frozen
class EscalationProgressed(Event):
    """Something was done about it: a run on its hosts, or a note."""

    run: str = ""
    actor: str = ""
    what: str


@frozen
class EscalationReopened(Event):
    """It was acknowledged, and nothing was done since: the ladder begins anew."""

    why: str


@frozen
class HostRecovered(Event):
    """A later run of the same runbook ended well on this host."""

    run: str


@frozen
class EscalationExhausted(Event):
    """Every level was told, as often as the policy says, and nobody has answered. `then` is what follows."""

    rounds: int
    then: str = ""


@frozen
class EscalationResolved(Event):
    """It is over: every host has recovered, or somebody says so."""

    by: str = ""
    why: str
