"""A copy of this machine to break: an overlay of `/` in namespaces of its own, gone without a trace when it is closed.

For actions that change accounts, packages and services. Needs root and overlayfs.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

SETUP = """
set -e
mount -t tmpfs -o size=512m sandbox {work}
mkdir {work}/upper {work}/scratch {work}/root
mount -t overlay overlay -o lowerdir=/,upperdir={work}/upper,workdir={work}/scratch {work}/root
R={work}/root
mount -t proc proc $R/proc
mount -t tmpfs run $R/run
mount -t tmpfs tmp $R/tmp
{prepare}
touch $R/run/ready
exec chroot $R {init}
"""
DEVICES = "mount --rbind /dev $R/dev\n"


class Sandbox:
    """`init` is its process 1; `prepare` is shell text that runs before, with the new root as $R."""

    def __init__(
        self, work: Path, init: str, prepare: str = "", namespaces: Sequence[str] = (), first: str = ""
    ) -> None:
        script = SETUP.format(work=work, init=init, prepare=prepare if namespaces else DEVICES + prepare)
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *namespaces, "sh", "-c", script]
        command = ["sh", "-c", f'{first}\nexec "$@"', "sh", *unshare]
        self._outer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.pid = self._inner(work)

    def _inner(self, work: Path) -> int:
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        end = time.monotonic() + 10
        while time.monotonic() < end and self._outer.poll() is None:
            for pid in children.read_text().split():
                inside = Path(f"/proc/{pid}/root")
                if (inside / "run/ready").exists() and not (inside / str(work).lstrip("/") / "root/run").exists():
                    return int(pid)  # it has changed its root, and what was prepared is there
            time.sleep(0.01)
        said = self._outer.stderr.read() if self._outer.poll() is not None and self._outer.stderr else "too slow"
        self.close()
        raise RuntimeError(f"the sandbox did not start: {said}")

    def wrap(self) -> str:
        """What to put before a command to run it inside."""
        return f"exec nsenter -t {self.pid} -m -p -u -n -r -w "

    def run(self, script: str) -> str:
        """Runs a shell script inside; its output. Raises CalledProcessError."""
        command = ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-n", "-r", "-w", "sh", "-c", script]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def close(self) -> None:
        self._outer.kill()  # --kill-child: everything inside goes with it, and the mounts with the namespace
        self._outer.wait()
        if self._outer.stderr:
            self._outer.stderr.close()


SYSTEMD = """
mount -t sysfs -o ro sysfs $R/sys
mount -t cgroup2 cgroup2 $R/sys/fs/cgroup
mount -t tmpfs -o mode=755 dev $R/dev
for n in null zero full random urandom tty; do touch $R/dev/$n; mount --bind /dev/$n $R/dev/$n; done
mkdir $R/dev/shm $R/dev/pts
printf '[Unit]\\nDefaultDependencies=no\\n' >$R/etc/systemd/system/box.target
"""
BOOT = "env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=lab /lib/systemd/systemd --unit=box.target --show-status=no"


class SystemdBox(Sandbox):
    """A sandbox whose process 1 is a real systemd that starts box.target, and so nothing but what is asked for."""

    def __init__(self, work: Path, prepare: str = "") -> None:
        self._group = Path(cgroup2()) / f"runbook-contract-{os.getpid()}"
        namespaces = ("--cgroup", "--net", "--uts", "--ipc")
        first = f"mkdir -p {self._group} && echo $$ >{self._group}/cgroup.procs"
        super().__init__(work, BOOT, SYSTEMD + prepare, namespaces, first)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if subprocess.run(["nsenter", "-t", str(self.pid), "-m", "-p", "-r", "systemctl", "show", "-p", "Version"],
                              capture_output=True, check=False).returncode == 0:  # fmt: skip
                return
            time.sleep(0.05)
        raise RuntimeError("systemd does not answer")

    def close(self) -> None:
        super().close()
        for _ in range(100):
            for folder, _, _ in os.walk(self._group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass  # its processes are still going
            if not self._group.exists():
                return
            time.sleep(0.05)


def cgroup2() -> str:
    """Where control groups, version 2, are mounted; an empty text when they are not."""
    lines = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return next((words[1] for words in lines if words[2] == "cgroup2" and "rw" in words[3].split(",")), "")
