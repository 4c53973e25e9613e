"""A step that waits: for some time, or for a person at the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from playbook_engine.agent.actions import pause
from playbook_engine.agent.failure import Failed
from playbook_engine.engine.commands import Pause, Paused, Program
from playbook_engine.transport.base import Reply

ENTER = "Press Enter to go on"


def wait(name: str, args: Mapping[str, object], hide: Callable[[str], None]) -> Program[Reply]:
    """What the action says when it is over. What was typed hidden is a secret."""
    given = dict(args)
    try:
        seconds = pause.seconds(given)
    except Failed as error:
        return Reply(ok=False, kind=error.kind, msg=error.msg)
    hidden = not given["echo"]
    text = f"[{name}] {given.get('prompt') or ENTER}"
    paused: Paused = yield Pause(seconds=seconds, text=text, hidden=hidden)
    if paused.said is None:
        return Reply(ok=False, kind="no-terminal", msg="a person is to be asked, and nobody is at a terminal")
    if hidden and paused.said:
        hide(paused.said)
    given["paused"] = {"said": paused.said, "start": paused.start, "stop": paused.stop, "seconds": paused.seconds}
    return Reply(ok=True, result=pause.observe(given))
