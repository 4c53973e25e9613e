"""A copy of this machine to break: an overlay of `/` in namespaces of its own, gone without a trace when it is closed.

For actions that change accounts, packages and services. Needs root and overlayfs.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

SETUP = """
set -e
mount -t tmpfs -o size=512m sandbox {work}
mkdir {work}/upper {work}/scratch {work}/root
mount -t overlay overlay -o lowerdir=/,upperdir={work}/upper,workdir={work}/scratch {work}/root
mount -t proc proc {work}/root/proc
mount --rbind /dev {work}/root/dev
mount -t tmpfs run {work}/root/run
mount -t tmpfs tmp {work}/root/tmp
{prepare}
touch {work}/root/run/ready
exec chroot {work}/root {init}
"""


class Sandbox:
    """`init` is its process 1; `prepare` is shell text that runs before, with the new root as $R."""

    def __init__(self, work: Path, init: str, prepare: str = "") -> None:
        script = SETUP.format(work=work, init=init, prepare=f"R={work}/root\n{prepare}")
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script]
        self._outer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.pid = self._inner(work)

    def _inner(self, work: Path) -> int:
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        end = time.monotonic() + 10
        while time.monotonic() < end and self._outer.poll() is None:
            pids = children.read_text().split()
            if pids and Path(f"/proc/{pids[0]}/root{work}/root/run/ready").exists():
                break  # still in `sh`
            if pids and Path(f"/proc/{pids[0]}/root/run/ready").exists():
                break  # already in `init`
            time.sleep(0.01)
        else:
            said = self._outer.stderr.read() if self._outer.poll() is not None and self._outer.stderr else "too slow"
            self.close()
            raise RuntimeError(f"the sandbox did not start: {said}")
        time.sleep(0.05)
        return int(pids[0])

    def wrap(self) -> str:
        """What to put before a command to run it inside."""
        return f"exec nsenter -t {self.pid} -m -p -r -w "

    def run(self, script: str) -> str:
        """Runs a shell script inside; its output. Raises CalledProcessError."""
        command = ["nsenter", "-t", str(self.pid), "-m", "-p", "-r", "-w", "sh", "-c", script]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def close(self) -> None:
        self._outer.kill()  # --kill-child: everything inside goes with it, and the mounts with the namespace
        self._outer.wait()
        if self._outer.stderr:
            self._outer.stderr.close()
