"""What sudo says, in its versions, and what is made of it."""

from __future__ import annotations

import subprocess

import pytest
from live_agents import needs

from playbook_engine.model.errors import BecomeFailed
from playbook_engine.model.secret import Secret
from playbook_engine.transport import payload
from playbook_engine.transport.agent_session import open_agent
from playbook_engine.transport.base import Become
from playbook_engine.transport.become import PROMPT, UP, become_command, become_failure, unlock
from playbook_engine.transport.local import ProcessPipe

WITH = Become(user="app", password=Secret("hunter2"))


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("sh: 1: sudo: not found\n", "no sudo on the host"),
        ("bash: line 1: sudo: command not found\n", "no sudo on the host"),
        ("zsh:1: command not found: sudo\n", "no sudo on the host"),
        ("sudo: a password is required\n", "ansible_become_password"),
        ("sudo: no tty present and no askpass program specified\n", "ansible_become_password"),
        ("sudo: a terminal is required to read the password; either use the -S option", "ansible_become_password"),
        ("sudo: sorry, you must have a tty to run sudo\n", "requiretty"),
        (f"{PROMPT}Sorry, try again.\n{PROMPT}\nsudo: 1 incorrect password attempt\n", "refused the password"),
        ("guest is not in the sudoers file.  This incident will be reported.\n", "no right to run commands as app"),
        ("Sorry, user guest is not allowed to execute '/bin/sh' as app on db1.\n", "no right to run commands as app"),
        ("sudo: unknown user: app\n", "there is no user app"),
        ("sudo: unknown user app\nsudo: error initializing audit plugin sudoers_audit\n", "there is no user app"),
        ("", "log in by hand"),
    ],
)
def test_reasons(said: str, advice: str) -> None:
    error = become_failure(WITH, said)
    assert error.message.startswith("cannot become app: ")
    assert PROMPT not in error.message
    assert advice in str(error.advice)


def test_doas_has_no_way_to_ask() -> None:
    with pytest.raises(BecomeFailed, match="on a terminal only"):
        become_command(Become(method="doas", password=Secret("x")), "true")


@pytest.mark.parametrize("prompt", ["Password: ", "Passwort: ", "パスワード："])
def test_su_asks_once_in_the_language_of_the_host(prompt: str) -> None:
    refuses = "read -r p; echo 'su: Authentication failure' >&2; exit 1"
    pipe = fake(f"echo noise; printf '{prompt}' >&2; {refuses}")
    try:
        with pytest.raises(BecomeFailed, match="Authentication failure"):
            unlock(pipe, Become(user="app", method="su", password=Secret("hunter2")), 4)
    finally:
        pipe.close()


def fake(script: str) -> ProcessPipe:
    """A pipe to something that talks as sudo does."""
    return ProcessPipe(script)


ASK = f"printf '{PROMPT}' >&2; read -r p; [ \"$p\" = hunter2 ]"


def test_the_password_goes_in_when_it_is_asked_for() -> None:
    pipe = fake(f"echo noise of a login script; {ASK} && echo {UP} >&2 && {payload.stage0(None)}")
    try:
        unlock(pipe, WITH, 10)
        assert open_agent(pipe, 10) is not None
    finally:
        pipe.close()


def test_no_password_is_sent_to_who_does_not_ask() -> None:
    pipe = fake(f"echo {UP} >&2; cat")
    try:
        unlock(pipe, WITH, 10)
        with pytest.raises(TimeoutError):
            pipe.receive(0.2)
    finally:
        pipe.close()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (f"{ASK}; printf 'Sorry, try again.\\n{PROMPT}' >&2; sleep 0.5", "Sorry, try again."),
        (f"{ASK}; printf '{PROMPT}' >&2; sleep 0.5", "Sorry, try again."),
        (f"{ASK}; echo 'guest is not in the sudoers file.' >&2", "not in the sudoers"),
        ("echo 'sh: 1: sudo: not found' >&2; exit 127", "not found"),
        ("exit 1", "sudo said nothing"),
    ],
)
def test_refusals_are_noticed_at_once(script: str, message: str) -> None:
    pipe = fake(script)
    try:
        with pytest.raises(BecomeFailed, match=message):
            unlock(pipe, WITH, 4)
    finally:
        pipe.close()


def test_a_warning_of_sudo_is_no_refusal() -> None:
    warn = "echo 'sudo: unable to resolve host db1: Name or service not known' >&2; sleep 0.1"
    pipe = fake(f"{warn}; {ASK} && echo {UP} >&2; cat")
    try:
        unlock(pipe, WITH, 10)
    finally:
        pipe.close()


def test_the_real_sudo_asks_as_expected() -> None:
    """The prompt is ours, on standard error, without a newline."""
    needs("sudo", "setpriv", root=True)
    command = become_command(Become(password=Secret("x")), "/bin/sh -c 'id -u'")
    asked = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-c", command]
    said = subprocess.run(asked, input="x\n", capture_output=True, text=True, timeout=30, check=False)
    assert said.returncode != 0
    assert PROMPT in said.stderr
