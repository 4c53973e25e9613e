"""Being another user on a host, through sudo(8), su(1) or doas(1)."""

from __future__ import annotations

import dataclasses
import re
import shlex
import time

from playbook_engine.model.errors import BecomeFailed
from playbook_engine.transport.agent_session import Pipe
from playbook_engine.transport.base import Become

PROMPT = "RUNBOOK-PASSWORD:"
UP = "RUNBOOK-UP"  # on standard error: the command has been let start
ASKED = {"sudo": re.compile(re.escape(PROMPT)), "su": re.compile(r"[:：] ?\Z")}
"""What each says when it wants the password. That of su(1) is in the language of the host, and without a newline; it is
asked for on standard error and read from standard input where there is no terminal (pam(8), misc_conv(3))."""

# What shells, sudo, su and doas say, and what to do about it; the first that matches.
REASONS = (
    (r"sudo: (command )?not found|command not found: sudo|sudo: No such file",
     "there is no sudo on the host: connect as the user itself (ansible_user), or, as root, set become_method: su"),
    (r"doas: (command )?not found|command not found: doas|doas: No such file", "there is no doas on the host"),
    (r"doas.conf|doas: (Authentication required|a password|Operation not permitted)",
     "doas asks for a password on a terminal only: write a `permit nopass` rule for the login user into doas.conf"),
    (r"su wants a password", "give ansible_become_password: only root becomes somebody else by su without"),
    (r"su: .*(Authentication failure|incorrect password|Permission denied)",
     "su refused the password of {user}: check ansible_become_password"),
    (r"[Uu]nknown user|user \S+ does not exist|unknown id", "there is no user {user} on the host: check become_user"),
    (r"password is required|no tty present|terminal is required",
     "sudo wants a password: give ansible_become_password, or a NOPASSWD rule in sudoers"),
    (r"must have a tty", "`requiretty` is set in sudoers: take it out for the login user"),
    (r"incorrect password|Sorry, try again|no password was provided",
     "sudo refused the password: check ansible_become_password"),
    (r"not in the sudoers|not allowed",
     "the login user has no right to run commands as {user}: ask for a rule in sudoers"),
    (r"account has expired|password expired|new password", "the login user's account or password has expired"),
)  # fmt: skip


def without_password(become: Become | None) -> Become | None:
    """Whose session it is."""
    return dataclasses.replace(become, password=None) if become else None


def become_command(become: Become, command: str) -> str:
    """The command line that runs `command` as that user. The password, if any, is sent when it is asked for, so that it
    stands in no argument and no environment. Raises BecomeFailed."""
    user, known = shlex.quote(become.user), become.password is not None
    if become.method == "doas":
        if known:
            raise BecomeFailed(
                "doas asks for a password on a terminal only, and there is none",
                advice="leave ansible_become_password out and write a `permit nopass` rule, or use sudo",
            )
        return f"doas -n -u {user} -- {command}"
    # The shell in between says on standard error that nothing more will be asked.
    inner = command.replace("/bin/sh -c '", f"/bin/sh -c 'echo {UP} >&2\n", 1) if known else command
    if become.method == "su":
        full = f"exec su -s /bin/sh {user} -c {shlex.quote(inner)}"
        # It would take what follows for the password.
        asks = "" if known else '[ "$(id -u)" = 0 ] || { echo "su wants a password" >&2; exit 1; }; '
        return f"/bin/sh -c {shlex.quote(asks + full)}"
    if known:
        return f"sudo -S -p {shlex.quote(PROMPT)} -H -u {user} -- {inner}"
    return f"sudo -n -H -u {user} -- {command}"


def become_failure(become: Become, said: str) -> BecomeFailed:
    """The program's own words as an error with advice."""
    words = " ".join(said.replace(PROMPT, " ").split())
    advice = next((advice for pattern, advice in REASONS if re.search(pattern, words)), None)
    return BecomeFailed(
        f"cannot become {become.user}: {words or f'{become.method} said nothing'}",
        advice=(advice or f"log in by hand and try `{become.method}`").format(user=become.user),
    )


def unlock(pipe: Pipe, become: Become, timeout: float) -> None:
    """Waits until the password has either been asked for, and is sent, or the command was started.

    Only needed with a password: without one nothing is asked. Raises BecomeFailed, LinkLost.
    """
    if become.password is None:
        return
    end = time.monotonic() + timeout
    if UP in _heard(pipe, become, 1, end):
        return
    pipe.send(become.password.reveal().encode() + b"\n")
    said = _heard(pipe, become, 2, end)
    if UP not in said:
        raise become_failure(become, said if become.method == "su" or "again" in said else f"{said} Sorry, try again.")


def _heard(pipe: Pipe, become: Become, prompts: int, end: float) -> str:
    """What was said, once the command is started or the password was asked for so often. A warning stops nothing; su
    asks once."""
    asked = ASKED[become.method]
    while time.monotonic() < end:
        said = pipe.complaints()
        if UP in said or len(asked.findall(said)) >= prompts:
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
    raise become_failure(become, said)
