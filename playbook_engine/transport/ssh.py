"""Hosts over SSH: one paramiko transport a host, one long-lived channel a user on it.

TCP_NODELAY is set before the handshake: without it every answer waits for the peer's delayed ACK, 40 ms each.
A dead link is noticed within 30 s: keepalives make traffic, TCP_USER_TIMEOUT (tcp(7)) gives up on unanswered traffic.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import shlex
import socket
import threading
import time
from collections.abc import Iterable, Sequence

from playbook_engine.agent import process
from playbook_engine.model.errors import AuthFailed, HostError, LinkLost, Unreachable
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.model.secret import Secret
from playbook_engine.transport import payload
from playbook_engine.transport.agent_session import open_agent
from playbook_engine.transport.base import Become, Session
from playbook_engine.transport.become import become_command, become_failure, unlock, without_password
from playbook_engine.transport.cancel import cancelling
from playbook_engine.transport.known_hosts import KnownHosts
from playbook_engine.transport.library import paramiko
from playbook_engine.transport.posix import ShellSession
from playbook_engine.transport.quick_socket import QuickSocket
from playbook_engine.transport.ssh_agent import AgentKeys, certified, public_half
from playbook_engine.transport.ssh_config import Route, expand, jump_host, route

KEEPALIVE = 8  # seconds
GLANCE = 1.0  # seconds between looks at whether a keepalive is due; each costs an idle host a turn of the interpreter
DEAD_LINK = 20  # seconds without an answer from the peer's TCP
START = 30.0  # seconds for the agent to greet

# Fastest first among what paramiko offers; its own default puts counter mode before GCM, which costs a MAC a packet.
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr", "aes192-ctr")


class ChannelPipe:
    """The bytes of one ssh channel."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self.errors = process.Stream(process.CAP)

    def send(self, data: bytes) -> None:
        try:
            self._channel.settimeout(60)
            self._channel.sendall(data)
        except (OSError, EOFError) as error:
            raise LinkLost(f"the connection broke: {error or 'closed'}", advice=self.complaints() or None) from error

    def receive(self, timeout: float) -> bytes:
        end = time.monotonic() + timeout
        while True:
            # Short waits, so that standard error is drained too: a full window there would stop the far side.
            wait = 0.001 if self._drain() else 0.25
            self._channel.settimeout(max(min(wait, end - time.monotonic()), 0.001))
            try:
                data = self._channel.recv(1 << 20)
                transport = self._channel.get_transport()
                if not data and (why := transport.get_exception()) is not None:
                    said = getattr(why, "strerror", None) or str(why) or "closed, or no answer any more"
                    raise LinkLost(f"the connection broke: {said}")
                return data
            except TimeoutError:
                if time.monotonic() >= end:
                    raise
            except (OSError, EOFError) as error:
                raise LinkLost(f"the connection broke: {error}") from error

    def complaints(self) -> str:
        self._drain()
        return self.errors.text()

    def _drain(self) -> bool:
        """Takes in what stands on standard error; whether there was something."""
        before = self.errors.total
        while self._channel.recv_stderr_ready():
            self.errors.feed(self._channel.recv_stderr(1 << 16))
        return self.errors.total > before

    def close(self) -> None:
        self._channel.close()

    def abandon(self) -> None:
        self._channel.close()


class SshConnection:
    """One host over one paramiko transport. Sessions differ by the user they run as."""

    def __init__(self, host: Host, transport: paramiko.Transport, behind: list[paramiko.Transport]) -> None:
        self._host = host
        self._transport = transport
        self._behind = behind
        self._sessions: dict[Become | None, Session] = {}

    def session(self, become: Become | None = None) -> Session:
        who = without_password(become)
        if who not in self._sessions:
            self._sessions[who] = self._open(become)
        return self._sessions[who]

    def _open(self, become: Become | None) -> Session:
        command = payload.stage0(self._host.connection.python_interpreter)
        try:
            channel = self._transport.open_session(timeout=START)
            channel.exec_command(become_command(become, command) if become else command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise LinkLost(f"{self._host.name} opened no session: {error or 'connection closed'}") from error
        pipe = ChannelPipe(channel)
        try:
            if become:
                unlock(pipe, become, START)
            return open_agent(pipe, START) or ShellSession(pipe, self._host.connection.python_interpreter)
        except HostError as error:
            said = pipe.complaints()
            pipe.close()
            if become and said and isinstance(error, LinkLost) and self._transport.is_active():
                raise become_failure(become, said) from error
            raise

    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    def cancel(self) -> None:
        for who, session in list(self._sessions.items()):
            command = cancelling(session.hello)
            with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
                if command:
                    channel = self._transport.open_session(timeout=START)
                    channel.exec_command(become_command(who, command) if who else command)

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()
        self.abandon()

    def abandon(self) -> None:
        self._sessions.clear()
        for transport in (self._transport, *self._behind):
            with contextlib.suppress(OSError):
                transport.sock.shutdown(socket.SHUT_RDWR)  # or its thread would hear of it at its next look
            transport.close()


class SshTransport:
    """Connects to hosts. Keys and known hosts are read once and shared by all connections.

    `kex`, `ciphers`: the algorithms to offer, the preferred first; by default all that paramiko knows.
    """

    def __init__(self, known_hosts: KnownHosts, *, kex: Sequence[str] = (), ciphers: Sequence[str] = ()) -> None:
        self._kex, self._ciphers = tuple(kex), tuple(ciphers)
        logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else its tracebacks go to the terminal
        self._known_hosts = known_hosts
        self._keys: dict[str, paramiko.PKey | str] = {}
        self._lock = threading.Lock()

    def connect(self, host: Host) -> SshConnection:
        if host.connection.locked and host.connection.password is None:
            raise AuthFailed(f"{host.name}: {host.connection.locked}", advice="give the vault's password")
        way = route(host.name, host.connection)
        behind: list[paramiko.Transport] = []
        try:
            transport = self._transport(way, host.connection.password, behind, host.name)
        except BaseException:
            for each in behind:
                each.close()
            raise
        return SshConnection(host, transport, behind)

    def _transport(
        self, way: Route, password: Secret | None, behind: list[paramiko.Transport], name: str
    ) -> paramiko.Transport:
        sock = self._socket(way, behind, name)
        transport = paramiko.Transport(sock)
        try:
            self._handshake(transport, way, name)
            self._authenticate(transport, way, password, name)
        except BaseException:
            transport.close()
            sock.close()  # which close() does not, where the transport had not begun
            raise
        transport.set_keepalive(KEEPALIVE)
        transport.sock.settimeout(GLANCE)
        return transport

    def _socket(self, way: Route, behind: list[paramiko.Transport], name: str) -> socket.socket:
        if way.jump:
            return self._through(way, behind, name)
        if way.proxy_command:
            command = way.proxy_command
            try:
                return paramiko.ProxyCommand(command)  # type: ignore[return-value]
            except OSError as error:
                raise Unreachable(f"{name}: the ProxyCommand cannot be started: {error}: {command}") from error
        try:
            sock = socket.create_connection((way.address, way.port), way.timeout)
        except socket.gaierror as error:
            raise Unreachable(
                f"{name}: the name {way.address} does not resolve: {error.strerror}",
                advice="check the spelling, ansible_host, or the resolver of this machine",
            ) from error
        except ConnectionRefusedError as error:
            raise Unreachable(
                f"{name}: {way.address} port {way.port} refused the connection",
                advice="the host is up and its sshd is not listening there: check sshd and ansible_port",
            ) from error
        except TimeoutError as error:
            raise Unreachable(
                f"{name}: no answer from {way.address} port {way.port} within {way.timeout:g}s",
                advice="host down, firewall, or a partition: try ping and the console of the host",
            ) from error
        except OSError as error:
            raise Unreachable(
                f"{name}: {way.address} port {way.port}: {error.strerror or error}",
                advice="no way there from this machine: the host's network may be down, or a route, VPN or ProxyJump "
                "is missing",
            ) from error
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_LINK * 1000)
        return QuickSocket.of(sock)

    def _through(self, way: Route, behind: list[paramiko.Transport], name: str) -> socket.socket:
        """A channel through the jump hosts, the first named being the first reached (ssh_config(5), ProxyJump)."""
        assert way.jump
        *nearer, last = way.jump.split(",")
        user, address, port = jump_host(last)
        args = f"-F {shlex.quote(way.config)}" if way.config else ""
        hop = route(address, ConnectionSpec(user=user, port=port, common_args=args))
        if nearer:
            hop = dataclasses.replace(hop, jump=",".join(nearer))
        jump = self._transport(hop, None, behind, f"{name} (jump host {address})")
        behind.append(jump)
        try:
            return jump.open_channel("direct-tcpip", (way.address, way.port), ("", 0), timeout=way.timeout)  # type: ignore[return-value]
        except (paramiko.SSHException, OSError) as error:
            raise Unreachable(
                f"{name}: the jump host {address} cannot reach {way.address} port {way.port}: {error}"
            ) from error

    def _handshake(self, transport: paramiko.Transport, way: Route, name: str) -> None:
        options = transport.get_security_options()
        try:
            options.ciphers = self._ciphers or [c for c in CIPHERS if c in options.ciphers]
            options.kex = self._kex or options.kex
        except ValueError as error:
            raise Unreachable(
                f"{name}: an algorithm that was asked for is not known here: {error}",
                advice="see RUNBOOK_SSH_KEX and RUNBOOK_SSH_CIPHERS; unset, all that are known are offered",
            ) from error
        known = self._known_hosts.kinds(way)
        preferred = [k for k in options.key_types if _family(k) in known]
        options.key_types = [*preferred, *(k for k in options.key_types if k not in preferred)]
        try:
            transport.start_client(timeout=max(way.timeout, 15.0))
            shown = transport.get_remote_server_key()  # raises too: start_client is silent when its time is up
        except paramiko.ssh_exception.IncompatiblePeer as error:
            raise Unreachable(
                f"{name}: {way.address} port {way.port} has no algorithm in common with us: {error}",
                advice="its sshd is very old or very strict: see KexAlgorithms, Ciphers and MACs in its sshd_config",
            ) from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Unreachable(
                f"{name}: {way.address} port {way.port} accepted the connection and spoke no SSH: {error or 'closed'}",
                advice="sshd may be overloaded (MaxStartups), frozen, or something else listens on that port",
            ) from error
        self._known_hosts.check(way, shown)

    def _authenticate(self, transport: paramiko.Transport, way: Route, password: Secret | None, name: str) -> None:
        tried: list[str] = []
        try:
            for label, key in self._candidates(way):
                if isinstance(key, str):
                    tried.append(f"{label} ({key})")
                    continue
                tried.append(label)
                with contextlib.suppress(paramiko.BadAuthenticationType, paramiko.AuthenticationException):
                    transport.auth_publickey(way.user, key)
                if transport.is_authenticated():
                    return
            if password is not None:
                tried.append("password")
                with contextlib.suppress(paramiko.AuthenticationException):
                    transport.auth_password(way.user, password.reveal())
                if transport.is_authenticated():
                    return
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise AuthFailed(
                f"{name}: the login as {way.user} broke off: {error or 'connection closed'}",
                advice="too many keys offered? Name the right one with ansible_ssh_private_key_file",
            ) from error
        raise AuthFailed(
            f"{name}: {way.user}@{way.address} refused every key and password: {', '.join(tried) or 'none to offer'}",
            advice=f"check ansible_user and ansible_ssh_private_key_file; by hand: "
            f"ssh -p {way.port} {way.user}@{way.address}",
        )

    def _candidates(self, way: Route) -> Iterable[tuple[str, paramiko.PKey | str]]:
        """Keys to offer, named ones first; a string instead of a key says why it cannot be used."""
        for path in way.identities:
            key = self._load(path)
            if isinstance(key, paramiko.PKey):
                yield from (
                    (f"{path} with {file}", made) for file in way.certificates if (made := certified(path, file))
                )
            if key is not None:
                yield path, key
            elif not path.startswith(expand("~/.ssh/id_")):  # ssh's own list, of which few have all
                yield path, "no such file"
        if way.agent_socket:
            # IdentitiesOnly is about which keys, not about who holds them (ssh_config(5)).
            named = {public_half(path) for path in way.identities}
            with contextlib.closing(AgentKeys(way.agent_socket)) as agent:
                for each in agent.get_keys():
                    if not way.identities_only or each.asbytes() in named:
                        yield f"agent key {each.comment or each.get_name()}", each

    def _load(self, path: str) -> paramiko.PKey | str | None:
        with self._lock:
            if path not in self._keys:
                try:
                    self._keys[path] = paramiko.PKey.from_path(path)
                except FileNotFoundError:
                    return None
                except paramiko.PasswordRequiredException:
                    self._keys[path] = "has a passphrase: add it to ssh-agent"
                except TypeError:
                    self._keys[path] = "has a passphrase: add it to ssh-agent"
                except (OSError, ValueError, paramiko.SSHException) as error:
                    self._keys[path] = f"cannot be read: {error}"
            return self._keys[path]


def _family(algorithm: str) -> str:
    """rsa-sha2-512 and -256 are signatures of an ssh-rsa key (RFC 8332)."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2") else algorithm
