"""Grounds for what a system consists of besides files: crontabs, mounts, kernel parameters, names, units, repositories,
RPM and Alpine packages. See `round_trip.Ground`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from borrowed import install
from box_grounds import Box
from live_agents import Agent, start
from sandbox import SystemdBox
from state_cases import snapshot

from playbook_engine.agent.actions import cron as actions_cron


class Crontabs(Box):
    """Drawn: root's crontab and /etc/cron.d/job, each a text or None. Under Debian's crontab(1)."""

    def __init__(self, work: Path, python: str) -> None:
        super().__init__(work, python)
        install(self.box, "cron")
        self._spool = self.root / "var/spool/cron/crontabs/root"
        self._file = self.root / "etc/cron.d/job"

    def lay(self, drawn: object) -> Mapping[str, str]:
        own, shared = drawn  # type: ignore[misc]
        if own:
            own = own.rstrip("\n") + "\n"  # crontab(1) takes no text without an end
        if own is not None:  # crontab(1) writes three lines at the top, and leaves them out when it lists
            own = "".join(f"{head} x\n" for head in actions_cron.HEADS if head[3:4] != "/") + own
        for path, text, mode in ((self._spool, own, 0o600), (self._file, shared, 0o640)):
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
                path.chmod(mode)
        return {}

    def seen(self) -> object:
        spool = self._spool.read_text() if self._spool.exists() else None
        if spool is not None:  # crontab(1) writes when it was installed at the top
            spool = "".join(line for line in spool.splitlines(True) if not line.startswith(actions_cron.HEADS))
        return {"own": spool, **snapshot(self.root / "etc/cron.d"), **snapshot(self.root / "var/tmp")}


MACHINE = """
mount -t tmpfs -o mode=755 dev $R/dev
for n in null zero full random urandom tty; do touch $R/dev/$n; mount --bind /dev/$n $R/dev/$n; done
ip link set lo up 2>/dev/null || :
"""
KEPT = ("etc/hostname", "etc/fstab", "etc/sysctl.d/t.conf")
PARAMETERS = ("net.ipv4.ip_forward", "net.ipv4.ip_default_ttl", "net.ipv4.conf.all.rp_filter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Texts of files (None: not there), values of kernel parameters, the name, what is mounted on /srv/mnt."""

    files: tuple[str | None, ...] = (None,) * len(KEPT)
    values: tuple[str, ...] = ("0", "64", "0")
    name: str = "box"
    mounted: str = ""
    point: bool = True


class Machines(Box):
    """Drawn: a `Machine`. With a network, a name and mounts of its own."""

    def __init__(self, work: Path, python: str) -> None:
        super().__init__(work, python, MACHINE, namespaces=("--uts", "--net"))
        (self.root / "etc/sysctl.d").mkdir(exist_ok=True)

    def lay(self, drawn: object) -> Mapping[str, str]:
        assert isinstance(drawn, Machine)
        for name, text in zip(KEPT, drawn.files, strict=True):
            (self.root / name).unlink(missing_ok=True)
            if text is not None:
                (self.root / name).write_text(text)
        values = "".join(
            f"echo {v} >/proc/sys/{k.replace('.', '/')};" for k, v in zip(PARAMETERS, drawn.values, strict=True)
        )
        mount = f"mkdir -p /srv/mnt; {drawn.mounted};" if drawn.mounted else "mkdir -p /srv/mnt;" if drawn.point else ""
        self.box.run(
            f"while umount /srv/mnt 2>/dev/null; do :; done; rm -rf /srv/mnt /srv/from; mkdir -p /srv/from; {values}"
            f"hostname {drawn.name}; {mount}"
        )
        return {}

    def seen(self) -> object:
        said = self.box.run(
            "hostname; for p in "
            + " ".join(f"/proc/sys/{k.replace('.', '/')}" for k in PARAMETERS)
            + "; do cat $p; done; sed -n 's,^[0-9]* [0-9]* [0-9:]* \\(.* /srv/mnt[ /].*\\),\\1,p' /proc/self/mountinfo;"
            "ls -ld --time-style=+ /srv/mnt 2>/dev/null || echo gone"
        )
        files = {name: (self.root / name).read_text() if (self.root / name).exists() else None for name in KEPT}
        return {"said": said, **files}


class Repositories:
    """Drawn: how the copy is (`clone` and shell commands after it, or None for none). The repository has branches main
    and dev, and the tag v1."""

    def __init__(self, work: Path, python: str) -> None:
        work.mkdir()
        self.agent: Agent = start(python)
        self._origin, self._copy = work / "origin", work / "deep" / "copy"
        self._work = work
        self._git(
            f"git init -q -b main {self._origin}; cd {self._origin}; echo 1 >f; git add f; git commit -qm one;"
            "git tag v1; git checkout -qb dev; echo dev >g; git add g; git commit -qm dev; git checkout -q main;"
            "echo 2 >f; git commit -qam two"
        )

    def _git(self, script: str) -> str:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        for who in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{who}_NAME": "T", f"GIT_{who}_EMAIL": "t@example.test", f"GIT_{who}_DATE": "1700000000 +0000"}
        ran = subprocess.run(["sh", "-ec", script], env=env, capture_output=True, text=True, check=True)
        return ran.stdout

    def lay(self, drawn: object) -> Mapping[str, str]:
        if drawn is not None:
            self._git(f"git clone -q {self._origin} {self._copy}; cd {self._copy}; {drawn}")
        return {"{origin}": str(self._origin), "{copy}": str(self._copy)}

    def seen(self) -> object:
        if not self._copy.exists():
            return {"above": self._copy.parent.exists()}
        told = self._git(
            f"cd {self._copy}; git rev-parse HEAD; git symbolic-ref -q HEAD || :; git for-each-ref; git diff HEAD;"
            "git config --get-regexp '^(remote|branch)' | sort; git status --porcelain --ignored"
        )
        return {"git": told, **{k: v for k, v in snapshot(self._copy).items() if not k.startswith(".git")}}

    def clear(self) -> None:
        shutil.rmtree(self._work / "deep", ignore_errors=True)

    def close(self) -> None:
        self.agent.session.close()


UNIT = """[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/sleep 9999
ExecReload=/bin/true
[Install]
WantedBy=box.target
"""
UNITS = "".join(f"echo '{line}' >>$R/etc/systemd/system/idle.service\n" for line in UNIT.splitlines())


class Units:
    """Drawn: whether the unit `app` is enabled, masked, and runs. Under a real systemd."""

    def __init__(self, work: Path, python: str) -> None:
        work.mkdir()
        self.box = SystemdBox(work, UNITS)
        self.agent: Agent = start(python, self.box.wrap())

    def lay(self, drawn: object) -> Mapping[str, str]:
        enabled, masked, running = drawn  # type: ignore[misc]
        verbs = ["--runtime unmask app", "unmask app", f"{'enable' if enabled else 'disable'} app"]
        verbs += ["start app" if running else "stop app", *["mask app"] * masked]
        self.box.run(
            "rm -f /etc/systemd/system/app.service; cp /etc/systemd/system/idle.service"
            " /usr/lib/systemd/system/app.service; systemctl daemon-reload;"
            + "".join(f"systemctl -q {verb};" for verb in verbs)
        )
        return {}

    def seen(self) -> object:
        return self.box.run(
            "systemctl show app -p LoadState -p ActiveState -p UnitFileState; ls -l --time-style=+ /etc/systemd/system"
        )

    def clear(self) -> None:
        """The next one is laid over it."""

    def close(self) -> None:
        self.agent.session.close()
        self.box.close()


SPEC = """Name: {name}
Version: {version}
Release: 1
Summary: a package to test with
License: none
BuildArch: noarch
{requires}
%description
A package to test with.
%install
mkdir -p %{{buildroot}}/srv; echo {version} >%{{buildroot}}/srv/{name}
%files
/srv/{name}
"""


class Rpms(Box):
    """Drawn: names of `STATES`. With Debian's own dnf and rpm, and a repository made on the spot."""

    STATES: Mapping[str, str] = {
        "nothing": "",
        "beta": "beta-rb",
        "old alpha": "alpha-rb-1.0",
        "alpha": "alpha-rb-2.0",
    }

    def __init__(self, work: Path, python: str) -> None:
        super().__init__(work, python)
        install(self.box, "dnf", "createrepo-c", "rpm")
        top = self.root / "srv/rpms"
        top.mkdir()
        for name, version, requires in (
            ("alpha-rb", "1.0", "Requires: beta-rb"), ("alpha-rb", "2.0", "Requires: beta-rb"), ("beta-rb", "1.0", ""),
        ):  # fmt: skip
            (top / f"{name}-{version}.spec").write_text(SPEC.format(name=name, version=version, requires=requires))
        (self.root / "etc/dnf").mkdir(exist_ok=True)
        (self.root / "etc/dnf/dnf.conf").write_text("[main]\ngpgcheck=0\nplugins=0\nclean_requirements_on_remove=1\n")
        (self.root / "etc/yum.repos.d").mkdir(exist_ok=True)
        (self.root / "etc/yum.repos.d/t.repo").write_text("[t]\nname=t\nbaseurl=file:///srv/rpms/repo\nenabled=1\n")
        self.box.run(
            "cd /srv/rpms; mkdir repo; for s in *.spec; do rpmbuild -bb --quiet -D '_topdir /srv/rpms/b'"
            " -D '_rpmdir /srv/rpms/repo' $s; done; createrepo_c -q repo; dnf -q makecache"
        )

    def lay(self, drawn: object) -> Mapping[str, str]:
        install_it = f"dnf -q -y install {self.STATES[str(drawn)]};" if self.STATES[str(drawn)] else ""
        self.box.run(f"rpm -e $(rpm -qa --qf '%{{NAME}} ' '*-rb') 2>/dev/null || :; {install_it}")
        return {}

    def seen(self) -> object:
        return self.box.run("rpm -qa | sort; cat /srv/*-rb 2>/dev/null || :")


STANDIN_APK = Path(__file__).with_name("standin_apk.py")


class Alpine(Box):
    """Drawn: the packages installed, and what of them was asked for. apk(8) is a stand-in: Debian has none."""

    def __init__(self, work: Path, python: str) -> None:
        super().__init__(work, python)
        self.box.run("rm -f /usr/bin/apt-get; mkdir -p /lib/apk/db /etc/apk")
        program = self.root / "usr/sbin/apk"
        program.write_text(f"#!{python}\n" + STANDIN_APK.read_text())
        program.chmod(0o755)

    def lay(self, drawn: object) -> Mapping[str, str]:
        packages, world = drawn  # type: ignore[misc]
        (self.root / "usr/lib/apk/db/installed").write_text("".join(f"P:{n}\nV:{v}\n\n" for n, v in packages))
        (self.root / "etc/apk/world").write_text("".join(f"{name}\n" for name in world))
        return {}

    def seen(self) -> object:
        database = (self.root / "usr/lib/apk/db/installed").read_text()
        return {"db": sorted(database.split("\n\n")), "world": (self.root / "etc/apk/world").read_text()}
