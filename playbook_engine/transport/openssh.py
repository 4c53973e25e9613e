"""Hosts over the OpenSSH client: a child process that carries the agent, for what only ssh can do (hardware keys,
GSSAPI, exotic ProxyCommands, every option of ssh_config).

One long-lived `ssh` a host; sessions of other users on it are further channels of the same connection (ControlMaster),
so that nothing is authenticated twice. Nobody is asked anything: keys of hosts have to be known, and a password comes
by SSH_ASKPASS.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile

from playbook_engine.model.errors import AuthFailed, HostError, HostKeyError, LinkLost, Unreachable
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.transport import payload
from playbook_engine.transport.agent_session import open_agent
from playbook_engine.transport.askpass import Askpass
from playbook_engine.transport.base import Become, Session
from playbook_engine.transport.become import become_command, become_failure, unlock, without_password
from playbook_engine.transport.cancel import cancelling
from playbook_engine.transport.local import ProcessPipe
from playbook_engine.transport.posix import ShellSession
from playbook_engine.transport.ssh_config import expand, own_config, resolved, split

START = 30.0  # seconds for the agent to greet, past the time for connecting
KEEPALIVE = 8  # seconds; three without an answer end the connection

METHODS = "publickey,password,keyboard-interactive"
ALWAYS = (
    "LogLevel=ERROR", "ClearAllForwardings=yes", "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no",
    f"ServerAliveInterval={KEEPALIVE}", "ServerAliveCountMax=3", "EscapeChar=none",
)  # fmt: skip

# What ssh says at its end, which error that is, and what to do about it; the first that matches.
REASONS: tuple[tuple[str, type[HostError], str], ...] = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED|Offending .* key in", HostKeyError,
     "somebody may be listening in, or the host was reinstalled. When you know that it is the host: "
     "ssh-keygen -R HOST, then accept the new key"),
    (r"Host key verification failed|host key is known|revoked", HostKeyError,
     "compare the fingerprint, then accept the key: ssh-keyscan HOST >> ~/.ssh/known_hosts, or log in once by hand"),
    (r"Permission denied|Too many authentication failures|no mutual signature|Authentication failed", AuthFailed,
     "check ansible_user and ansible_ssh_private_key_file; by hand: ssh -v USER@HOST"),
    (r"Could not resolve hostname", Unreachable,
     "check the spelling, ansible_host, or the resolver of this machine"),
    (r"Connection refused", Unreachable,
     "the host is up and its sshd is not listening there: check sshd and ansible_port"),
    (r"timed out|Operation timed out|not responding", Unreachable,
     "host down, firewall, or a partition: try ping and the console of the host"),
    (r"No route to host|Network is unreachable|Connection (reset|closed)|banner|UNKNOWN port|stdio forwarding failed",
     Unreachable, "the host's network or a jump host may be down, or something else listens on that port"),
    (r"Bad configuration option|bad configuration|command-line line|keyword|illegal option|usage: ssh", Unreachable,
     "check ansible_ssh_common_args and ~/.ssh/config: ssh does not understand them"),
)  # fmt: skip


class OpenSshConnection:
    """One host. Sessions differ by the user they run as; the login user's carries the others."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._folder = tempfile.mkdtemp(prefix="runbook-ssh-")  # 0700: whoever reaches the socket is logged in
        self._sessions: dict[Become | None, Session] = {}
        self._pipes: list[ProcessPipe] = []

    def session(self, become: Become | None = None) -> Session:
        who = without_password(become)
        if who not in self._sessions:
            self._sessions[who] = self._open(become)
        return self._sessions[who]

    def _open(self, become: Become | None) -> Session:
        spec = self._host.connection
        command = payload.stage0(spec.python_interpreter)
        pipe, askpass = self._start(become_command(become, command) if become else command)
        try:
            if become:
                unlock(pipe, become, START)
            found = open_agent(pipe, spec.connect_timeout + START)
            return found or ShellSession(pipe, spec.python_interpreter)
        except HostError as error:
            said = pipe.complaints()
            pipe.kill()
            if become and said and isinstance(error, LinkLost) and _reason(said) is None:
                raise become_failure(become, said) from error
            raise (failure(self._host, said) if isinstance(error, LinkLost) else error) from error
        finally:
            if askpass is not None:
                askpass.close()

    def _start(self, command: str) -> tuple[ProcessPipe, Askpass | None]:
        """The process, and what gives it the password: to be closed when it has logged in."""
        spec, askpass = self._host.connection, None
        if spec.password is not None:
            askpass = Askpass(spec.password, account(self._host))
        environment = {**os.environ, **(askpass.environment if askpass else {})}
        try:
            pipe = ProcessPipe([*self._argv(), command], "the ssh client", environment)
        except OSError as error:
            if askpass is not None:
                askpass.close()
            raise Unreachable(
                f"{self._host.name}: the ssh client cannot be started: {error.strerror}",
                advice="install openssh-client, or set ansible_connection to ssh",
            ) from error
        self._pipes.append(pipe)
        return pipe, askpass

    def _argv(self) -> list[str]:
        return arguments(self._host, f"{self._folder}/c")

    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    def cancel(self) -> None:
        for who, session in list(self._sessions.items()):
            command = cancelling(session.hello)
            if command:
                full = become_command(who, command) if who else command
                with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                    subprocess.run(
                        [*self._argv(), full], check=False, timeout=START, stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    )  # fmt: skip

    def close(self) -> None:
        for who in sorted(self._sessions, key=lambda who: who is None):  # the login user's last: it carries the others
            self._sessions[who].close()
        self._gone()

    def abandon(self) -> None:
        for pipe in reversed(self._pipes):
            pipe.kill()
        self._gone()

    def _gone(self) -> None:
        self._sessions.clear()
        self._pipes.clear()
        shutil.rmtree(self._folder, ignore_errors=True)


class OpenSshTransport:
    """Connects by running ssh."""

    def connect(self, host: Host) -> OpenSshConnection:
        if host.connection.locked and host.connection.password is None:
            raise AuthFailed(f"{host.name}: {host.connection.locked}", advice="give the vault's password")
        connection = OpenSshConnection(host)
        try:
            connection.session()
        except BaseException:
            connection.abandon()
            raise
        return connection


def arguments(host: Host, control: str) -> list[str]:
    """The command line of ssh, without the command. The first that says something of an option wins (ssh_config(5))."""
    spec = host.connection
    given = split(spec.common_args, host.name)
    argv = ["ssh", "-T", *own_config()]
    argv += _options(spec, control)
    argv += ["-p", str(spec.port)] if spec.port else []
    argv += ["-l", spec.user] if spec.user else []
    if spec.private_key_file:
        argv += ["-i", expand(spec.private_key_file), "-o", "IdentitiesOnly=yes"]
    if not any("stricthostkeychecking" in word.lower() for word in given):
        argv += ["-o", f"StrictHostKeyChecking={_strict(host)}"]
    if not any("connecttimeout" in word.lower() for word in given):
        argv += ["-o", f"ConnectTimeout={max(1, round(spec.connect_timeout))}"]
    return [*argv, *given, "--", spec.address or host.name]


def _options(spec: ConnectionSpec, control: str) -> list[str]:
    asking = (
        (
            "BatchMode=no",
            "NumberOfPasswordPrompts=1",
            "PreferredAuthentications=publickey,password,keyboard-interactive",
        )
        if spec.password is not None
        else ("BatchMode=yes",)
    )
    options = (*ALWAYS, *asking, "ControlMaster=auto", f"ControlPath={control}", "ControlPersist=no")
    return [word for option in options for word in ("-o", option)]


def _strict(host: Host) -> str:
    """What ssh's configuration says, where that asks nobody: `ask` is a no here."""
    if not host.connection.host_key_checking:
        return "accept-new"
    word = _said(host, "stricthostkeychecking")
    return {"false": "no", "off": "no", "no": "no", "accept-new": "accept-new"}.get(word, "yes")


def account(host: Host) -> str:
    """`user@host` as ssh's prompt for a password has it: the name that the key of the host goes by, if it has one."""
    name = _said(host, "hostkeyalias") or _said(host, "hostname") or host.connection.address or host.name
    return f"{_said(host, 'user')[:30]}@{name[:128]}"


def _said(host: Host, key: str) -> str:
    values = resolved(host.connection.address or host.name, host.connection).get(key)
    return values[0] if values and values[0] != "none" else ""


def failure(host: Host, said: str) -> HostError:
    """ssh's own words as an error of ours."""
    words = " ".join(line.strip() for line in said.splitlines() if line.strip("@ \r\n"))
    found = _reason(said)
    if found is None:
        return Unreachable(f"{host.name}: ssh gave no session: {words or 'it said nothing'}", advice="try it by hand")
    kind, advice = found
    return kind(f"{host.name}: {words}", advice=advice.replace("HOST", host.connection.address or host.name))


def _reason(said: str) -> tuple[type[HostError], str] | None:
    return next(((kind, advice) for pattern, kind, advice in REASONS if re.search(pattern, said, re.IGNORECASE)), None)
