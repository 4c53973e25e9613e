"""Keys that an ssh-agent holds (draft-miller-ssh-agent), at the socket that ssh_config names for a host, and the
certificates that go with keys (PROTOCOL.certkeys of OpenSSH)."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

from playbook_engine.transport.library import paramiko


class AgentKeys(paramiko.agent.AgentSSH):
    """The agent at a socket; without keys where nobody answers. paramiko's own `Agent` knows only SSH_AUTH_SOCK."""

    def __init__(self, path: str) -> None:
        super().__init__()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(10)
            sock.connect(path)
            self._connect(sock)  # type: ignore[attr-defined]
        except (OSError, paramiko.SSHException):
            sock.close()

    def close(self) -> None:
        self._close()  # type: ignore[attr-defined]


def certified(path: str, certificate: str) -> paramiko.PKey | None:
    """The key of an identity file with a certificate; None when the file is not there or is another key's."""
    try:
        blob = base64.b64decode(Path(certificate).read_text().split()[1])
        key = paramiko.PKey.from_path(path)
        kind = key.get_name().encode()
        if key.asbytes()[4 + len(kind) :] not in blob:  # without its name a public key stands inside its certificate
            return None
        key.load_certificate(certificate)
    except (OSError, ValueError, IndexError, TypeError, paramiko.SSHException):
        return None
    return key


def public_half(path: str) -> bytes | None:
    """The public key that belongs to an identity file, from the .pub beside it."""
    try:
        return base64.b64decode(Path(f"{path}.pub").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
