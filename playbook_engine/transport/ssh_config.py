"""What ssh would do for a host: the user's ssh_config as `ssh -G` resolves it, and the -o options of an inventory.

paramiko's own reader ignores Include and knows no ProxyJump, which silently means the wrong user or host. So the
OpenSSH client is asked when there is a configuration to resolve; without a client, a directive we cannot honour is an
error.
"""

from __future__ import annotations

import getpass
import glob
import os
import pwd
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from playbook_engine.model.errors import InventoryError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.host import ConnectionSpec
from playbook_engine.transport.ssh_tokens import filled, filled_path, tokens

IDENTITIES = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")

# Directives of the system's file that change nothing for us; anything else makes `ssh -G` worth its 5 ms.
HARMLESS = frozenset({"host", "sendenv", "hashknownhosts", "gssapiauthentication", "include"})
# Options of an inventory's ansible_ssh_common_args that are understood without asking ssh.
OPTIONS = frozenset(
    {"userknownhostsfile", "identitiesonly", "stricthostkeychecking", "identityfile", "port", "user", "hostname",
     "hostkeyalias", "connecttimeout", "globalknownhostsfile", "proxyjump", "proxycommand", "identityagent",
     "certificatefile"}
)  # fmt: skip
# Options that steer the OpenSSH client itself (multiplexing, logging) and mean nothing here.
IGNORED = frozenset(
    {"controlmaster", "controlpath", "controlpersist", "serveraliveinterval", "serveralivecountmax", "loglevel",
     "batchmode", "preferredauthentications", "passwordauthentication", "compression", "tcpkeepalive", "sendenv",
     "gssapiauthentication", "kbdinteractiveauthentication", "pubkeyauthentication", "addressfamily", "forwardagent",
     "requesttty", "visualhostkey", "checkhostip", "numberofpasswordprompts", "hashknownhosts", "updatehostkeys",
     "addkeystoagent", "permitlocalcommand", "forwardx11", "escapechar", "ipqos", "connectionattempts",
     "exitonforwardfailure", "clearallforwardings", "challengeresponseauthentication", "verifyhostkeydns"}
)  # fmt: skip
ALGORITHMS = frozenset(
    {"hostkeyalgorithms", "pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms", "kexalgorithms", "ciphers", "macs",
     "casignaturealgorithms"}
)  # fmt: skip
"""Options that may say more is allowed (`+ssh-rsa`): what paramiko knows it offers anyway."""


@frozen
class Route:
    """Everything needed to reach one host."""

    address: str
    port: int = 22
    user: str
    identities: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    identities_only: bool = False
    agent_socket: str | None = None
    known_hosts: tuple[str, ...] = ()
    strict: str = "ask"
    alias: str | None = None
    jump: str | None = None
    proxy_command: str | None = None
    timeout: float = 10.0
    config: str | None = None  # the -F of its arguments, which counts for its jump hosts too

    @property
    def key_name(self) -> str:
        """The name under which the host's key stands in known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""
        name = self.alias or self.address
        return name if self.port == 22 or self.alias else f"[{name}]:{self.port}"


def route(name: str, spec: ConnectionSpec) -> Route:
    """How to reach a host with our own SSH: inventory variables first, then ssh_config, then defaults.

    Raises InventoryError, also for ssh arguments that only the OpenSSH client could honour.
    """
    given, config = _options(name, spec.common_args)
    target = spec.address or name
    return _route(target, spec, resolved(target, spec) if _configured() or config else given, config)


def resolved(target: str, spec: ConnectionSpec) -> Mapping[str, list[str]]:
    """What ssh says of a host, by option in small letters. Raises InventoryError."""
    return _asked(target, spec.common_args, spec.port, spec.user)


def _route(target: str, spec: ConnectionSpec, asked: Mapping[str, list[str]], config: str | None) -> Route:
    def last(key: str) -> str | None:
        values = asked.get(key)
        return values[0] if values and values[0] != "none" else None

    address, port = last("hostname") or target, int(spec.port or last("port") or 22)
    user, alias, jump = spec.user or last("user") or getpass.getuser(), last("hostkeyalias"), last("proxyjump")
    values = tokens(name=target, address=address, port=port, user=user, jump=jump or "", alias=alias)

    def files_of(key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        return tuple(expand(filled_path(f, values)) for f in asked.get(key, default) if f != "none")

    identities = files_of("identityfile", IDENTITIES)
    agent, command = last("identityagent"), last("proxycommand")
    if spec.private_key_file:
        identities = (expand(spec.private_key_file), *(i for i in identities if exists(i)))
    files = [f for key in ("userknownhostsfile", "globalknownhostsfile") for v in asked.get(key, []) for f in v.split()]
    return Route(
        address=address,
        port=port,
        user=user,
        identities=identities,
        certificates=files_of("certificatefile"),
        identities_only=last("identitiesonly") == "yes" or bool(spec.private_key_file),
        agent_socket=_agent(agent if not agent or agent[:1] == "$" else filled_path(agent, values)),
        known_hosts=tuple(expand(filled_path(f, values)) for f in files or KNOWN_HOSTS if f != "none"),
        strict=(last("stricthostkeychecking") or "ask").lower() if spec.host_key_checking else "accept-new",
        alias=alias,
        jump=jump,
        proxy_command=filled(command, values) if command else None,
        config=config,
        timeout=float(last("connecttimeout") or spec.connect_timeout),
    )


@lru_cache(maxsize=4096)
def _options(name: str, common_args: str) -> tuple[dict[str, list[str]], str | None]:
    """ansible_ssh_common_args as they can be read without ssh, and the file of their -F.

    Raises InventoryError for those that our own SSH would not honour: to go on without is to do another thing.
    """
    found: dict[str, list[str]] = {}
    config: str | None = None
    words = iter(split(common_args, name))
    for word in words:
        if word.startswith("-o"):
            text = word[2:] or next(words, "")
            key, _, value = text.replace("=", " ", 1).partition(" ")
        elif word[:2] in ("-J", "-p", "-l", "-i"):
            key = {"-J": "proxyjump", "-p": "port", "-l": "user", "-i": "identityfile"}[word[:2]]
            value = word[2:] or next(words, "")
        elif word[:2] == "-F":
            config = word[2:] or next(words, "")
            continue
        elif word in ("-C", "-q", "-4", "-6", "-A", "-T", "-x", "-a", "-v", "-vv", "-vvv"):
            continue
        else:
            raise _unhonoured(name, word)
        key, value = key.strip().lower(), value.strip().strip('"')
        if key in IGNORED or (key in ALGORITHMS and value[:1] == "+"):
            continue
        if key not in OPTIONS:
            raise _unhonoured(name, f"-o {key}")
        found.setdefault(key, []).append(value)
    return found, config


def _unhonoured(name: str, what: str) -> InventoryError:
    return InventoryError(
        f"{name}: the ssh argument {what} would not be honoured by this transport",
        advice="set ansible_connection to openssh (or -c openssh), which is the OpenSSH client; understood here are "
        "-o with the options that say where and as whom to connect, -J, -p, -l, -i and -F",
    )


def split(common_args: str, name: str) -> list[str]:
    try:
        return shlex.split(common_args)
    except ValueError as error:
        raise InventoryError(f"ansible_ssh_common_args of {name}: {error}: {common_args!r}") from error


@lru_cache(maxsize=1)
def _configured() -> bool:
    """Whether there is an ssh_config with something in it that matters."""
    if exists("~/.ssh/config"):
        return True
    try:
        lines = Path("/etc/ssh/ssh_config").read_text(errors="replace").splitlines()
    except OSError:
        return False
    extra = Path("/etc/ssh/ssh_config.d")
    included = extra.is_dir() and any(f.suffix == ".conf" for f in extra.iterdir())
    words = {line.split()[0].lower() for line in lines if line.strip() and not line.lstrip().startswith("#")}
    return included or bool(words - HARMLESS)


def _asked(target: str, common_args: str, port: int | None, user: str | None) -> Mapping[str, list[str]]:
    """What ssh says of a host, or of another one for which its files say the same: asking costs 5 ms of CPU a host."""
    alike = _alike(target, common_args)
    if alike is None:
        return _ask_ssh(target, common_args, port, user)
    key = (alike, common_args, port, user)
    with _asking:  # all hosts come together: one of them asks, the others wait for it
        if key not in _answers:
            _answers[key] = (target.lower(), _ask_ssh(target, common_args, port, user))
    first, answer = _answers[key]
    return {**answer, "hostname": [target.lower()]} if answer.get("hostname") == [first] else answer


_answers: dict[tuple[object, ...], tuple[str, dict[str, list[str]]]] = {}
_asking = threading.Lock()
UNLIKE = frozenset({"match", "hostname", "include", "canonicalizehostname", "canonicaldomains"})
"""Directives with which two hosts that match the same `Host` lines may still differ, or that only ssh follows."""


def _alike(target: str, common_args: str) -> tuple[bool, ...] | None:
    """Which `Host` lines a host matches: all that match the same ones are told the same. None where more is in it."""
    args = split(common_args, target)
    if any("%" in word or word[:2] == "-F" != word or "hostname" in word.lower() for word in args):
        return None
    named = [*own_config(), *args]
    files = [named[n + 1] for n, word in enumerate(named[:-1]) if word == "-F"][-1:]  # the last one counts
    lines = _host_lines(tuple(files or (expand("~/.ssh/config"), "/etc/ssh/ssh_config")))
    if lines is None:
        return None
    # As it is written and in small letters: ssh's versions differ in which of them they hold against a pattern.
    return tuple(_matches(patterns, name) for patterns in lines for name in (target, target.lower()))


@lru_cache(maxsize=16)
def _host_lines(files: tuple[str, ...]) -> list[tuple[str, ...]] | None:
    found: list[tuple[str, ...]] = []
    for file in files:
        try:
            lines = Path(file).read_text(errors="replace").splitlines()
        except OSError:
            continue  # one that is not there says nothing; ssh itself complains of one that was named
        for line in lines:
            words = line.replace("=", " ").split()
            if not words or words[0].startswith("#"):
                continue
            word = words[0].lower()
            if word == "include" and not any(p[:1] != "/" or glob.glob(p) for p in words[1:]):
                continue  # Debian's own file includes a folder that is empty
            if word in UNLIKE or "%" in line or '"' in line:
                return None
            if word == "host":
                found.append(tuple(words[1:]))
    return found


def _matches(patterns: Sequence[str], name: str) -> bool:
    """ssh_config(5), PATTERNS."""
    hit = False
    for pattern in patterns:
        if ssh_glob(pattern.removeprefix("!"), name, case=True):
            if pattern.startswith("!"):
                return False
            hit = True
    return hit


@lru_cache(maxsize=4096)
def _ask_ssh(target: str, common_args: str, port: int | None, user: str | None) -> dict[str, list[str]]:
    if not shutil.which("ssh"):
        raise InventoryError(
            f"{target}: an ssh_config or ssh arguments are to be honoured, and there is no ssh client to resolve them",
            advice="install openssh-client, or write ansible_host, ansible_user and ansible_port into the inventory",
        )
    args = split(common_args, target)
    args += ["-p", str(port)] if port else []
    args += ["-l", user] if user else []
    found: dict[str, list[str]] = {}
    for key, value in said(target, args):
        found.setdefault(key, []).append(value)
    return found


def said(target: str, args: Sequence[str]) -> list[tuple[str, str]]:
    """The lines of `ssh -G` for a host, with these arguments before it. Raises InventoryError."""
    argv = ["ssh", "-G", *own_config(), *args, "--", target]
    ran = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=20, check=False)
    if ran.returncode != 0:
        raise InventoryError(f"ssh cannot resolve {target}: {ran.stderr.strip()}", advice=f"try: ssh -G {target}")
    return [(key, value) for key, _, value in (line.partition(" ") for line in ran.stdout.splitlines())]


def own_config() -> list[str]:
    """ssh looks for ~/.ssh/config where the account's home is; who has set HOME to another place means that one."""
    home = os.environ.get("HOME")
    if home is None or home == pwd.getpwuid(os.getuid()).pw_dir or not exists("~/.ssh/config"):
        return []
    return ["-F", expand("~/.ssh/config")]


def _agent(identity_agent: str | None) -> str | None:
    """The agent's socket: IdentityAgent, or SSH_AUTH_SOCK (ssh_config(5))."""
    if identity_agent and identity_agent != "SSH_AUTH_SOCK":
        name = identity_agent.removeprefix("$")
        return os.environ.get(name) if identity_agent.startswith("$") else expand(identity_agent)
    return os.environ.get("SSH_AUTH_SOCK")


def jump_host(text: str) -> tuple[str | None, str, int | None]:
    """(user, host, port) of one host of a ProxyJump: `user@host:port`, `[::1]:22`, or an ssh:// URI. Raises
    InventoryError."""
    match = re.fullmatch(r"(?:ssh://)?(?:(.+)@)?(?:\[([^]]+)\]|([^:@]+)|([^@]*:[^@]*:[^@]*))(?::(\d+))?/?", text)
    if match is None:
        raise InventoryError(f"{text!r} is no jump host", advice="write user@host:port")
    return match[1], match[2] or match[3] or match[4], int(match[5]) if match[5] else None


def ssh_glob(pattern: str, name: str, *, case: bool = False) -> bool:
    """ssh's patterns know only * and ?; [host]:port has brackets that fnmatch would read as a set."""
    if not case:
        pattern, name = pattern.lower(), name.lower()
    if "*" not in pattern and "?" not in pattern:
        return pattern == name
    wild = {"*": ".*", "?": "."}
    return re.fullmatch("".join(wild.get(c) or re.escape(c) for c in pattern), name) is not None


def expand(path: str) -> str:
    return str(Path(path).expanduser())


def exists(path: str) -> bool:
    return Path(path).expanduser().exists()
