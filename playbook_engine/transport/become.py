"""Being another user on a host, through sudo(8)."""

from __future__ import annotations

import re
import shlex
import time

from playbook_engine.model.errors import BecomeFailed
from playbook_engine.transport.agent_session import Pipe
from playbook_engine.transport.base import Become

PROMPT = "RUNBOOK-PASSWORD:"
UP = "RUNBOOK-UP"  # on standard error: sudo has let the command start

# What shells and sudo say, and what to do about it; the first that matches.
REASONS = (
    (r"sudo: (command )?not found|command not found: sudo|sudo: No such file",
     "there is no sudo on the host: connect as the user itself (ansible_user)"),
    (r"unknown user", "there is no user {user} on the host: check become_user"),
    (r"password is required|no tty present|terminal is required",
     "sudo wants a password: give ansible_become_password, or a NOPASSWD rule in sudoers"),
    (r"must have a tty", "`requiretty` is set in sudoers: take it out for the login user"),
    (r"incorrect password|Sorry, try again|no password was provided",
     "sudo refused the password: check ansible_become_password"),
    (r"not in the sudoers|not allowed",
     "the login user has no right to run commands as {user}: ask for a rule in sudoers"),
    (r"account has expired|password expired|new password", "the login user's account or password has expired"),
)  # fmt: skip


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
    words = " ".join(said.replace(PROMPT, " ").split())
    advice = next((advice for pattern, advice in REASONS if re.search(pattern, words)), None)
    return BecomeFailed(
        f"cannot become {become.user}: {words or 'sudo said nothing'}",
        advice=(advice or "log in by hand and try `sudo -n true`").format(user=become.user),
    )


def unlock(pipe: Pipe, become: Become, timeout: float) -> None:
    """Waits until sudo has either asked for the password, which is sent, or started the command.

    Only needed with a password: without one sudo never asks (-n). Raises BecomeFailed, LinkLost.
    """
    if become.password is None:
        return
    end = time.monotonic() + timeout
    if UP in _heard(pipe, become, 1, end):
        return
    pipe.send(become.password.reveal().encode() + b"\n")
    said = _heard(pipe, become, 2, end)
    if UP not in said:
        raise sudo_failure(become, said if "again" in said else f"{said} Sorry, try again.")


def _heard(pipe: Pipe, become: Become, prompts: int, end: float) -> str:
    """What sudo said, once it has started the command or prompted so often. A warning of its own stops nothing."""
    while time.monotonic() < end:
        said = pipe.complaints()
        if UP in said or said.count(PROMPT) >= prompts:
            return said
        try:
            # What login scripts print is of no use to anybody; nothing else comes before the command runs.
            if not pipe.receive(0.02):
                break
        except TimeoutError:
            continue
    said = pipe.complaints()
    if UP in said:
        return said
    raise sudo_failure(become, said)
