"""Host keys: always checked, against the files that ssh would read (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from playbook_engine.model.errors import HostKeyError
from playbook_engine.model.frozen import frozen
from playbook_engine.transport.library import paramiko
from playbook_engine.transport.ssh_config import Route, ssh_glob

Ask = Callable[[str, str], bool]
"""Asks a person whether to trust a key: (host, fingerprint) -> yes or no."""


@frozen
class Entry:
    """One line of a known_hosts file."""

    file: str
    line: int
    marker: str
    names: tuple[str, ...]
    kind: str
    blob: bytes

    def matches(self, name: str) -> bool:
        hit = False
        for pattern in self.names:
            if pattern.startswith("|1|"):
                hit = hit or _hashed(pattern, name)
            elif pattern.startswith("!"):
                if ssh_glob(pattern[1:], name):
                    return False
            else:
                hit = hit or ssh_glob(pattern, name)
        return hit


class KnownHosts:
    """The keys of all known hosts; files are read once. Safe to use from many threads."""

    def __init__(self, ask: Ask | None = None) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._files: dict[str, Known] = {}

    def kinds(self, route: Route) -> list[str]:
        """The key types known for a host, so that the key exchange asks for one of them."""
        return [e.kind for e in self._entries(route) if not e.marker]

    def check(self, route: Route, key: paramiko.PKey) -> None:
        """Raises HostKeyError unless the key is the host's; an unknown one is asked about where somebody answers."""
        entries = self._entries(route)
        blob, kind, print_ = key.asbytes(), key.get_name(), fingerprint(key)
        for entry in entries:
            if entry.marker == "@revoked" and entry.blob == blob:
                raise HostKeyError(f"{route.key_name}: its key {print_} is revoked in {entry.file}:{entry.line}")
        plain = [e for e in entries if not e.marker]
        if any(e.kind == kind and e.blob == blob for e in plain):
            return
        if plain:
            first = next((e for e in plain if e.kind == kind), plain[0])
            raise HostKeyError(
                f"the key of {route.key_name} has CHANGED: it now shows {kind} {print_}, "
                f"{first.file}:{first.line} has another",
                advice="somebody may be listening in, or the host was reinstalled. When you know that it is the host: "
                f"ssh-keygen -R '{route.key_name}' -f {first.file}, then accept the new key",
            )
        self._unknown(route, key, print_)

    def _unknown(self, route: Route, key: paramiko.PKey, print_: str) -> None:
        target = route.known_hosts[0] if route.known_hosts else str(Path("~/.ssh/known_hosts").expanduser())
        with self._lock:
            if route.strict in ("no", "off", "accept-new") or (
                route.strict == "ask"
                and self._ask is not None
                and self._ask(route.key_name, f"{key.get_name()} {print_}")
            ):
                self._add(target, route.key_name, key)
                return
        port = "" if route.port == 22 else f"-p {route.port} "
        raise HostKeyError(
            f"the key of {route.key_name} is not known: it shows {key.get_name()} {print_}",
            advice=f"compare the fingerprint, then: ssh-keyscan {port}{route.address} >> {target}",
        )

    def _add(self, file: str, name: str, key: paramiko.PKey) -> None:
        line = f"{name} {key.get_name()} {key.get_base64()}\n"
        path = Path(file)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as handle:
            handle.write(line)
        self._files.pop(file, None)

    def _entries(self, route: Route) -> list[Entry]:
        return [e for file in route.known_hosts for e in self._read(file).of(route.key_name)]

    def _read(self, file: str) -> Known:
        if file not in self._files:
            try:
                lines = Path(file).read_text(errors="replace").splitlines()
            except OSError:
                lines = []
            self._files[file] = Known([e for n, text in enumerate(lines, 1) if (e := _parse(file, n, text.split()))])
        return self._files[file]


class Known:
    """The entries of a file. Most have plain names, and are found by them: a fleet's file is not gone through for each
    of its hosts."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._by_name: dict[str, list[tuple[int, Entry]]] = {}
        self._patterns: list[tuple[int, Entry]] = []
        for number, entry in enumerate(entries):
            if any(n.startswith("|") or set(n) & set("*?!") for n in entry.names):
                self._patterns.append((number, entry))
            else:
                for name in {n.lower() for n in entry.names}:
                    self._by_name.setdefault(name, []).append((number, entry))

    def of(self, name: str) -> list[Entry]:
        """Those that match the name, in the order of the file."""
        found = [*self._by_name.get(name.lower(), ()), *((n, e) for n, e in self._patterns if e.matches(name))]
        return [entry for _, entry in sorted(found, key=lambda each: each[0])]


def fingerprint(key: paramiko.PKey) -> str:
    """As ssh-keygen -l prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def _parse(file: str, number: int, words: Sequence[str]) -> Entry | None:
    if not words or words[0].startswith("#"):
        return None
    marker = ""
    if words[0].startswith("@"):
        marker, words = words[0], words[1:]
    try:
        names, kind, blob = words[0].split(","), words[1], base64.b64decode(words[2])
    except (IndexError, ValueError):
        return None  # ssh skips a line that it cannot read, too
    return Entry(file=file, line=number, marker=marker, names=tuple(names), kind=kind, blob=blob)


def _hashed(pattern: str, name: str) -> bool:
    try:
        _, _, salt, digest = pattern.split("|")
        return hmac.compare_digest(
            hmac.new(base64.b64decode(salt), name.encode(), "sha1").digest(), base64.b64decode(digest)
        )
    except ValueError:
        return False
