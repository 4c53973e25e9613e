"""What became of a change that was sent, or was about to be, and of which nobody heard the end.

Asked in this order: the host's own record, the boot it happened in, the state it is in now (the action's `observe` and
`plan`, `creates`, `unless`). What none of them can tell is not guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import Kind
from playbook_engine.engine.commands import Program, Sleep, ask, now
from playbook_engine.engine.context import HostContext
from playbook_engine.model.events import ChangeIntended
from playbook_engine.model.frozen import frozen
from playbook_engine.transport.base import Become, Call, Reply

ASKING = 20.0  # seconds for the host to look into its records
EVERY = 1.0  # seconds between two looks at what is still running


@frozen
class Settlement:
    """Either the `reply` that was not heard and `how` it was learned; or `send`: it was not done, and may be; or `why`
    that cannot be learned. `running` says that it goes on."""

    reply: Reply | None = None
    how: str = ""
    send: bool = False
    why: str = ""
    running: bool = False


def change_id(event: ChangeIntended) -> str:
    """Names a change to its host: 16 hexadecimal digits. The same on whichever controller."""
    place = (event.host, event.scope, event.step, event.item, event.attempt, event.handler)
    return hashlib.blake2b(repr(place).encode(), digest_size=8).hexdigest()


def recall(
    event: ChangeIntended, become: Become | None, patience: float, every: float = EVERY, run: str = ""
) -> Program[Mapping[str, object]]:
    """What the host says of a change: `status` is running, recorded (with `outcome`), unseen or unknown. While it is
    running the host is asked again, for `patience` seconds. `run` made the change, if it was another. Raises HostError.
    """
    began = yield from now()
    call = Call(op="recall", action=event.action, args={"run": run}, change=change_id(event), timeout=ASKING)
    while True:
        (reply,) = yield from ask(event.on or event.host, become, call)
        at = yield from now()
        if not reply.ok:
            return {"status": "unknown", "why": reply.msg}
        if reply.result.get("status") != "running" or at - began >= patience:
            return reply.result
        yield Sleep(every)


def settle(
    context: HostContext,
    event: ChangeIntended,
    become: Become | None,
    *,
    boot_id: str,
    patience: float,
    look: Callable[[], Program[Reply]],
    unless: Callable[[], Program[bool]],
) -> Program[Settlement]:
    """`look` observes and plans the change anew, `unless` says whether its step's probes hold. Raises HostError."""
    told = yield from recall(event, become, patience)
    status = told.get("status")
    outcome = told.get("outcome")
    if status == "recorded" and isinstance(outcome, Mapping):
        return Settlement(reply=Reply.of(outcome), how="record")
    if status == "running":
        return Settlement(why=f"it still runs on the host, as process {told.get('pid')}", running=True)
    looked = yield from look()
    if not looked.ok:
        return Settlement(why=f"the host cannot be observed: {looked.msg}")
    state = catalog.get(event.action).kind is Kind.STATE
    happened = _happened(event, looked.state or {}) if state else None
    if not looked.plan or happened is not None:
        reply = Reply(ok=True, result={**looked.result, **(happened or {})}, state=looked.state)
        return Settlement(reply=reply, how="observed" if state else "creates")
    if state or status == "unseen":
        return Settlement(send=True)
    if (yield from unless()):
        return Settlement(reply=Reply(ok=True, result={"rc": 0, "msg": "every probe under unless holds"}), how="unless")
    return Settlement(why=_why(told, boot_id))


def _happened(event: ChangeIntended, state: Mapping[str, object]) -> Mapping[str, object] | None:
    """What there is to add to the result of a change whose plan is never empty (a restart), where it can be seen to
    have been made; else None."""
    spec, module = catalog.get(event.action), catalog.module(event.action)
    args = {**dict.fromkeys(spec.params), **event.args}
    found = module.happened(args, dict(event.before), dict(state)) if hasattr(module, "happened") else None
    return found if isinstance(found, Mapping) else {} if found else None


def _why(told: Mapping[str, object], boot_id: str) -> str:
    now_ = told.get("boot_id")
    if boot_id and now_ and now_ != boot_id:
        return "the host was rebooted meanwhile, and its record went with that"
    return str(told.get("why") or "the host has no record of it: its agent was killed, or could write nowhere")
