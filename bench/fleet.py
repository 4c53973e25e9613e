"""Hosts for measuring: one sshd(8) on the loopback; each address 127.1.x.y is a host, and they share all else."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

SSHD = """\
Port {port}
ListenAddress 0.0.0.0
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/id.pub
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 2000
PrintMotd no
LogLevel ERROR
SetEnv HOME={folder}
Subsystem sftp internal-sftp
"""
SSH = """\
Host *
  Port {port}
  User {user}
  IdentityFile {folder}/id
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  LogLevel ERROR
"""


class Fleet:
    """So many hosts while it is entered. `rtt`: milliseconds of latency that are put in front of them.

    The account's home there is an empty folder: what its owner's login scripts do is not to be measured.
    """

    def __init__(self, count: int, rtt: float = 0.0) -> None:
        self.hosts = [f"127.1.{n // 250}.{n % 250 + 1}" for n in range(count)]
        self.user = getpass.getuser()
        self.rtt = rtt

    def __enter__(self) -> Fleet:
        self.folder = Path(tempfile.mkdtemp(prefix="bench-fleet."))
        self.port, self._proxy = _free_port(), None
        port = self.port
        if self.rtt:
            self._proxy = Delay(port, self.rtt / 2000)
            self.port = self._proxy.port
        for name in ("host_key", "id"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name))
        kind, key, *_ = (self.folder / "host_key.pub").read_text().split()
        known = "".join(f"[{host}]:{self.port} {kind} {key}\n" for host in self.hosts)
        (self.folder / "known_hosts").write_text(known)
        (self.folder / "sshd_config").write_text(SSHD.format(port=port, folder=self.folder))
        (self.folder / "ssh_config").write_text(SSH.format(port=self.port, folder=self.folder, user=self.user))
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        self._sshd = subprocess.Popen(
            [sshd, "-D", "-e", "-f", str(self.folder / "sshd_config")], stderr=subprocess.PIPE
        )
        for _ in range(100):
            with socket.socket() as one:
                if one.connect_ex((self.hosts[0], port)) == 0:
                    return self
            time.sleep(0.05)
        raise SystemExit(f"no sshd came up: {self._sshd.stderr.read1().decode() if self._sshd.stderr else ''}")

    def __exit__(self, *_: object) -> None:
        self._sshd.terminate()
        self._sshd.wait()
        shutil.rmtree(self.folder)


class Delay:
    """A port in front of another, each byte so many seconds late; each way keeps its order."""

    def __init__(self, to: int, seconds: float) -> None:
        self._to, self._seconds = to, seconds
        self._listener = socket.create_server(("0.0.0.0", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._to))
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        waiting: list[tuple[float, bytes]] = []
        more = threading.Condition()

        def deliver() -> None:
            while True:
                with more:
                    while not waiting:
                        more.wait()
                    due, data = waiting.pop(0)
                time.sleep(max(0.0, due - time.monotonic()))
                try:
                    if not data:
                        target.shutdown(socket.SHUT_WR)
                        return
                    target.sendall(data)
                except OSError:
                    return

        threading.Thread(target=deliver, daemon=True).start()
        while True:
            try:
                data = source.recv(1 << 16)
            except OSError:
                data = b""
            with more:
                waiting.append((time.monotonic() + self._seconds, data))
                more.notify()
            if not data:
                return


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
