"""Being another user on a host, through sudo(8)."""

from __future__ import annotations

import shlex

from playbook_engine.model.errors import BecomeFailed
from playbook_engine.transport.base import Become

PROMPT = "RUNBOOK-PASSWORD:"


def sudo_command(become: Become, command: str) -> str:
    """The command line that runs `command` as that user. The password, if any, is sent when PROMPT is seen, so that it
    stands in no argument and no environment."""
    if become.method != "sudo":
        raise BecomeFailed(
            f"become_method {become.method!r} is not supported", advice="use sudo, or connect as the user itself"
        )
    ask = f"-S -p {shlex.quote(PROMPT)}" if become.password else "-n"
    # sudo -H with a shell in between: the same command works for any login shell.
    return f"sudo {ask} -H -u {shlex.quote(become.user)} -- {command}"


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
