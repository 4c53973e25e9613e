"""Grounds for actions whose state is more than files: accounts, packages and services in a copy of this machine that is
gone afterwards, and Python environments in a directory. See `round_trip.Ground`."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from live_agents import Agent, start
from packaged import PREPARE, deb, wheel
from sandbox import Sandbox
from state_cases import snapshot
from worlds import World

DATABASES = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
NAME = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The account `worker`, when it is `there`, and what lies about it. `own_group`: there is a group of its name."""

    there: bool = True
    uid: int = 4000
    own_group: bool = True
    primary: str = ""
    comment: str = ""
    home: str = "/home/worker"
    shell: str = "/bin/sh"
    groups: tuple[str, ...] = ()
    password: str = "!"
    ages: tuple[str, ...] = ("19000", "0", "99999", "7", "", "", "")
    world: World | None = None
    mail: bytes | None = None
    subordinate: tuple[int, int] | None = None


class Box:
    """A sandbox with an agent in it."""

    def __init__(
        self, work: Path, python: str, prepare: str = "", init: str = "sleep 3600", namespaces: Sequence[str] = ()
    ) -> None:
        work.mkdir()
        self.box = Sandbox(work, init, prepare, namespaces)
        self.root = Path(f"/proc/{self.box.pid}/root")
        self.agent: Agent = start(python, self.box.wrap())

    def clear(self) -> None:
        """The next one is laid over it."""

    def close(self) -> None:
        self.agent.session.close()
        self.box.close()


class Accounts(Box):
    """Drawn: an `Account`."""

    def __init__(self, work: Path, python: str) -> None:
        super().__init__(work, python)
        self._pristine = {name: (self.root / "etc" / name).read_text() for name in DATABASES}

    def lay(self, drawn: object) -> Mapping[str, str]:
        assert isinstance(drawn, Account)
        for folder in ("home", "srv/h", "var/mail"):
            shutil.rmtree(self.root / folder, ignore_errors=True)
            (self.root / folder).mkdir()
        lines = {name: text.splitlines() for name, text in self._pristine.items()}
        group = drawn.primary or NAME
        if drawn.own_group or (drawn.there and group == NAME):
            lines["group"].append(f"{NAME}:x:{drawn.uid}:")
            lines["gshadow"].append(f"{NAME}:!::")
        if drawn.there:
            gid = next(line.split(":")[2] for line in lines["group"] if line.startswith(f"{group}:"))
            lines["passwd"].append(f"{NAME}:x:{drawn.uid}:{gid}:{drawn.comment}:{drawn.home}:{drawn.shell}")
            lines["shadow"].append(":".join([NAME, drawn.password, *drawn.ages]))
            for name in ("group", "gshadow"):
                lines[name] = [_joined(line, drawn.groups) for line in lines[name]]
            if drawn.subordinate:
                for name in ("subuid", "subgid"):
                    lines[name].append(f"{NAME}:{drawn.subordinate[0]}:{drawn.subordinate[1]}")
        for name, each in lines.items():
            (self.root / "etc" / name).write_text("".join(f"{line}\n" for line in each))
        if drawn.world is not None:
            home = self.root / drawn.home.lstrip("/")
            home.mkdir(parents=True)
            drawn.world.lay(home)
            os.chown(home, drawn.uid, 0)
        if drawn.mail is not None:
            (self.root / "var/mail" / NAME).write_bytes(drawn.mail)
            os.chown(self.root / "var/mail" / NAME, drawn.uid, 8)
        return {}

    def seen(self) -> object:
        """The databases, without the order of lines and of a group's members; homes and mail."""
        found: dict[str, object] = {}
        for name in DATABASES:
            for line in (self.root / "etc" / name).read_text().splitlines():
                key, *rest = line.split(":")
                if name in ("group", "gshadow"):
                    rest[-1] = ",".join(sorted(rest[-1].split(",")))
                found[f"{name} {key} {rest[0] if name.startswith('sub') else ''}"] = rest
        for folder in ("home", "srv/h", "var/mail"):
            found.update({f"{folder}/{name}": value for name, value in snapshot(self.root / folder).items()})
        return found


def _joined(line: str, groups: tuple[str, ...]) -> str:
    """A line of group(5) or gshadow(5) with the account as a member, where it is one."""
    if line.split(":")[0] not in groups:
        return line
    return line + ("," if not line.endswith(":") else "") + NAME


class Packages(Box):
    """Drawn: names of `STATES`. The repository has alpha-rb 1.0 and 2.0, which need beta-rb, and gamma-rb, which
    conflicts with it."""

    STATES: Mapping[str, str] = {
        "nothing": "",
        "beta": "dpkg -i beta-rb_1.0_all.deb",
        "old alpha": "dpkg -i beta-rb_1.0_all.deb alpha-rb_1.0_all.deb; apt-mark auto beta-rb",
        "alpha": "dpkg -i beta-rb_1.0_all.deb alpha-rb_2.0_all.deb",
        "alpha by somebody": "dpkg -i beta-rb_1.0_all.deb alpha-rb_2.0_all.deb; apt-mark auto beta-rb alpha-rb",
        "beta by somebody": "dpkg -i beta-rb_1.0_all.deb alpha-rb_2.0_all.deb; apt-mark auto beta-rb",
        "gamma": "dpkg -i gamma-rb_1.0_all.deb",
        "leftovers": "dpkg -i beta-rb_1.0_all.deb alpha-rb_1.0_all.deb; dpkg -r alpha-rb",
    }

    def __init__(self, work: Path, python: str) -> None:
        repo = work.parent / f"{work.name}-repo"
        repo.mkdir()
        made = [deb(repo, "alpha-rb", "1.0", "beta-rb"), deb(repo, "alpha-rb", "2.0", "beta-rb")]
        made += [deb(repo, "beta-rb", "1.0"), deb(repo, "gamma-rb", "1.0", conflicts="beta-rb")]
        (repo / "Packages").write_text("".join(made))
        super().__init__(work, python, PREPARE.format(repo=repo))
        self.box.run("apt-get update -q 2>&1")

    def lay(self, drawn: object) -> Mapping[str, str]:
        purge = "dpkg --purge --force-all alpha-rb beta-rb gamma-rb"
        # dpkg leaves the marks of what it removes behind, so they are taken away before the state's own are set.
        install, _, marks = self.STATES[str(drawn)].partition(";")
        manual = "apt-mark manual alpha-rb beta-rb gamma-rb"
        self.box.run(f"cd /srv/repo; ({purge}; {install or ':'}; {manual}; {marks or ':'}) >/dev/null 2>&1 || :")
        return {}

    def seen(self) -> object:
        """Versions, statuses and marks; of a package that is gone only that its configuration is left."""
        listed = self.box.run(
            "dpkg-query -W -f '${Package} ${db:Status-Abbrev} ${Version}\\n' | sed 's/ rc .*/ rc/';"
            "apt-mark showauto | sed 's/$/ auto/'; cd /etc; ls *-rb.conf 2>/dev/null || :"
        )
        return dict.fromkeys(listed.splitlines(), True)


RUNIT = """
# Debian's /etc/service leads to an absolute link, which seen from out here is that of this machine itself.
rm -rf $R/etc/service
mkdir -p $R/etc/sv/app $R/etc/sv/idle $R/etc/service
printf '#!/bin/sh\\ntrap "echo hup >>/tmp/hups" HUP\\nwhile :; do sleep 0.1; done\\n' >$R/etc/sv/app/run
cp $R/etc/sv/app/run $R/etc/sv/idle/run
chmod +x $R/etc/sv/*/run
ln -s /etc/sv/app $R/etc/service/app
"""
RUNSVDIR = "runsvdir -P /etc/service"


class Services(Box):
    """Drawn: whether the service `app` is linked in, has a `down` file, and runs. Under a real runit."""

    def __init__(self, work: Path, python: str) -> None:
        super().__init__(work, python, RUNIT, RUNSVDIR)

    def lay(self, drawn: object) -> Mapping[str, str]:
        linked, down, running = drawn  # type: ignore[misc]
        link, file = self.root / "etc/service/app", self.root / "etc/sv/app/down"
        if os.path.lexists(link) != linked:
            os.symlink("/etc/sv/app", link) if linked else link.unlink()
        file.unlink(missing_ok=True)
        self._until(lambda: self._said().startswith(("run", "down")) == linked)
        if linked:
            # sv(8) says ok of a young service that has not died yet, and what runsv then does comes later: it is laid
            # when it has stayed so for a while.
            word, wanted = ("up", "run") if running else ("down", "down")
            self.box.run(f"sv -w 10 {word} /etc/sv/app >/dev/null || :")
            self._until(lambda: self._stays(wanted))
        if down:
            file.touch()
        return {}

    def _said(self) -> str:
        return self.box.run("sv status /etc/sv/app || :")

    def _stays(self, word: str) -> bool:
        """Whether it is so, is not wanted otherwise, and is still so a moment later."""
        for _ in range(3):
            said = self._said()
            if not said.startswith(f"{word}:") or ", want " in said or ", got TERM" in said:
                return False
            time.sleep(0.05)
        return True

    def _until(self, holds: object) -> None:
        end = time.monotonic() + 15
        while not holds():  # type: ignore[operator]
            assert time.monotonic() < end, f"runit is not where it should be: {self._said()}"
            time.sleep(0.05)

    def seen(self) -> object:
        link, file = self.root / "etc/service/app", self.root / "etc/sv/app/down"
        said = self._said()
        return {"linked": os.path.lexists(link), "down": file.exists(), "runs": said.startswith("run"),
                "supervised": said.startswith(("run", "down"))}  # fmt: skip


class Environments:
    """Drawn: what is installed in the environment (None: there is none), and whether something else lies there."""

    def __init__(self, work: Path, python: str) -> None:
        work.mkdir()
        self.agent = start(python)
        self._python = python
        self._made = work / "made"
        self._made.mkdir()
        self._wheels = work / "wheels"
        self._wheels.mkdir()
        self._venv = work / "opt" / "venv"
        for version in ("1.0", "2.0"):
            wheel(self._wheels, "alpha", version, requires="beta>=1")
        for version in ("1.0", "1.5"):
            wheel(self._wheels, "beta", version)

    def lay(self, drawn: object) -> Mapping[str, str]:
        installed, other = drawn  # type: ignore[misc]
        if installed is not None:
            self._venv.parent.mkdir()
            shutil.copytree(self._template(installed), self._venv, symlinks=True)
        elif other:
            self._venv.mkdir(parents=True)
        if other:
            (self._venv / "precious").write_text("x")
        return {"{venv}": str(self._venv), "{wheels}": str(self._wheels)}

    def _template(self, installed: tuple[str, ...]) -> Path:
        """An environment with these packages; made once, for it takes seconds."""
        place = self._made / ("-".join(installed) or "empty")
        if not place.exists():
            subprocess.run([self._python, "-m", "venv", place], check=True)
            if installed:
                pip = [place / "bin/python", "-m", "pip", "-q", "--disable-pip-version-check", "install"]
                subprocess.run([*pip, "--no-index", "--no-deps", "-f", self._wheels, *installed], check=True)
        return place

    def seen(self) -> object:
        """The tops of what packages consist of: their modules, their versions, their commands."""
        found = {}
        for pattern in ("*", "bin/*", "lib/*/site-packages/*"):
            for path in self._venv.glob(pattern):
                if path.name != "__pycache__":
                    found[str(path.relative_to(self._venv))] = True
        found["above"] = self._venv.parent.exists()
        return found

    def clear(self) -> None:
        shutil.rmtree(self._venv.parent, ignore_errors=True)

    def close(self) -> None:
        self.agent.session.close()
