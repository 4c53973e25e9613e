"""Being another user on a host, through sudo(8)."""

from __future__ import annotations

import shlex
import time

from playbook_engine.model.errors import BecomeFailed
from playbook_engine.transport.agent_session import Pipe
from playbook_engine.transport.base import Become

PROMPT = "RUNBOOK-PASSWORD:"
UP = "RUNBOOK-UP"  # on standard error: sudo has let the command start


def sudo_command(become: Become, command: str) -> str:
    """The command line that runs `command` as that user. The password, if any, is sent when PROMPT is seen, so that it
    stands in no argument and no environment."""
    if become.method != "sudo":
        raise BecomeFailed(
            f"become_method {become.method!r} is not supported", advice="use sudo, or connect as the user itself"
        )
    user = shlex.quote(become.user)
    if become.password is None:
        return f"sudo -n -H -u {user} -- {command}"
    # The shell in between says on standard error that sudo is done with asking.
    inner = command.replace("/bin/sh -c '", f"/bin/sh -c 'echo {UP} >&2\n", 1)
    return f"sudo -S -p {shlex.quote(PROMPT)} -H -u {user} -- {inner}"


def sudo_failure(become: Become, said: str) -> BecomeFailed:
    """sudo's own words as an error with advice."""
    words = " ".join(line for line in said.splitlines() if PROMPT not in line).strip() or "it said nothing"
    if "not found" in words and "sudo:" not in words.split("not found")[0][-8:]:
        advice = "there is no sudo on the host: connect as the user itself (ansible_user)"
    elif "a password is required" in words or "no tty present" in words or "terminal is required" in words:
        advice = "sudo wants a password: give ansible_become_password, or a NOPASSWD rule in sudoers"
    elif "incorrect password" in words or "try again" in words:
        advice = "sudo refused the password: check ansible_become_password"
    elif "not in the sudoers" in words or "not allowed" in words:
        advice = f"the login user has no right to run commands as {become.user}: ask for a rule in sudoers"
    elif "unknown user" in words:
        advice = f"there is no user {become.user} on the host"
    else:
        advice = "log in by hand and try `sudo -n true`"
    return BecomeFailed(f"cannot become {become.user}: {words}", advice=advice)


def unlock(pipe: Pipe, become: Become, timeout: float) -> None:
    """Waits until sudo has either asked for the password, which is sent, or started the command.

    Only needed with a password: without one sudo never asks (-n). Raises BecomeFailed.
    """
    if become.password is None:
        return
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        said = pipe.complaints()
        if UP in said:
            return
        if said.count(PROMPT) > 1:
            raise sudo_failure(become, said + " try again")
        if PROMPT in said:
            break
        if "sudo:" in said:
            raise sudo_failure(become, said)
        time.sleep(0.01)
    pipe.send(become.password.reveal().encode() + b"\n")
    while time.monotonic() < end:
        said = pipe.complaints()
        if UP in said:
            return
        if said.count(PROMPT) > 1 or "sudo:" in said:
            raise sudo_failure(become, said + " try again")
        time.sleep(0.01)
    raise sudo_failure(become, pipe.complaints())
