"""What this machine needs for the lab, and how to get it.

`python -m playbook_engine.lab.prerequisites` says what is missing (exit code 1 if anything is), `--install` installs
the Debian packages that are, `wheels` fills the caches of `lab up sick` once, and `node` fills only what it needs with
`--without-mlflow-wheels`.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from playbook_engine.lab.errors import LabError
from playbook_engine.model.errors import EngineError
from playbook_engine.model.frozen import frozen

#: Where the lab's programs are, also for a user whose PATH lacks the sbin directories.
SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"))

#: libfaketime(1), below the folder of Debian's architecture, on this machine and on the hosts. The variant for programs
#: with threads: what a host runs is not known here.
FAKETIME = "usr/lib/*/faketime/libfaketimeMT.so.1"


@frozen
class Requirement:
    """A Debian package, the file that shows that it is there, and what the lab wants it for."""

    package: str
    shows: str
    purpose: str

    def is_met(self) -> bool:
        if "/" in self.shows:
            return any(Path("/").glob(self.shows))
        return shutil.which(self.shows, path=SEARCH_PATH) is not None


HOSTS = (
    Requirement(package="util-linux", shows="unshare", purpose="namespaces"),
    Requirement(package="iproute2", shows="ip", purpose="links and addresses"),
    Requirement(package="openssh-server", shows="sshd", purpose="the hosts' SSH server"),
    Requirement(package="runit", shows="runsvdir", purpose="the hosts' pid 1 and services"),
    Requirement(package="nftables", shows="nft", purpose="the faults blackhole and reject"),
    Requirement(package="libfaketime", shows=FAKETIME, purpose="the fault clock"),
    Requirement(package="sudo", shows="sudo", purpose="become on the hosts"),
    Requirement(package="opendoas", shows="doas", purpose="become on the hosts, the other way"),
    Requirement(package="uidmap", shows="newuidmap", purpose="the lab as an ordinary user"),
)
SICK = (
    Requirement(package="redis-server", shows="redis-server", purpose="the ailing system's cache"),
    Requirement(
        package="python3-venv",
        shows="usr/lib/python3*/ensurepip/_bundled/pip-*.whl",
        purpose="ensurepip, so that a host can make a venv",
    ),
)
SHELLS = (
    Requirement(package="zsh", shows="zsh", purpose="the tests of completion"),
    Requirement(package="fish", shows="fish", purpose="the tests of completion"),
)
# Debian splits ensurepip: python3-venv brings the module, python3-pip-whl the wheel that it unpacks.
_ENSUREPIP_WHEELS = "usr/share/python-wheels/pip-*.whl"


def missing(requirements: tuple[Requirement, ...] = HOSTS + SICK + SHELLS) -> list[Requirement]:
    return [r for r in requirements if not (r.is_met() or (r.package == "python3-venv" and _has_ensurepip()))]


def _has_ensurepip() -> bool:
    return any(Path("/").glob("usr/lib/python3*/ensurepip")) and any(Path("/").glob(_ENSUREPIP_WHEELS))


def require(requirements: tuple[Requirement, ...] = HOSTS) -> None:
    """Raise `LabError`, saying what to do, unless hosts can be made by this process."""
    if not sys.platform.startswith("linux"):
        raise LabError("the lab needs Linux: its hosts are namespaces", advice="run it in a Linux virtual machine")
    if os.geteuid() != 0:
        raise LabError(
            "the lab makes namespaces, mounts and network links, for which it needs root",
            advice="`sudo runbook lab ...`, or `runbook lab enter -- COMMAND`, which makes a user namespace first",
        )
    if lacking := missing(requirements):
        packages = " ".join(r.package for r in lacking)
        wanted = "; ".join(f"{r.package} ({r.purpose})" for r in lacking)
        raise LabError(
            f"the lab needs packages that are not installed: {wanted}",
            advice=f"`python -m playbook_engine.lab.prerequisites --install`, or apt-get install {packages}",
        )


def install(*, say: bool = True) -> list[str]:
    """Install what is missing with apt-get, as root or through sudo, starting no service. Returns the packages."""
    packages = [r.package for r in missing()]
    if not packages:
        return []
    if shutil.which("apt-get") is None:
        raise LabError(
            f"these are missing, and there is no apt-get here: {' '.join(packages)}",
            advice="install what your distribution calls them",
        )
    command = [sys.executable, "-m", "playbook_engine.lab.apt", *packages]
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            raise LabError("installing packages needs root, and there is no sudo", advice="run it as root")
        command = ["sudo", "--", *command]
    if say:
        print(f"installing with {'root' if os.geteuid() == 0 else 'sudo'}: {shlex.join(packages)}", flush=True)
    if subprocess.run(command, check=False).returncode:
        raise LabError(f"apt-get could not install {' '.join(packages)}", advice="its own words are above")
    return packages


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="playbook_engine.lab.prerequisites", description="What the lab needs, and how to get it."
    )
    parser.add_argument("--install", action="store_true", help="install the Debian packages that are missing")
    parser.add_argument("what", nargs="?", choices=["wheels", "node"], help="which caches to fill")
    parser.add_argument("--python", default="/usr/bin/python3", help="the Python of the hosts")
    options = parser.parse_args(argv)
    try:
        if options.install:
            install()
        if options.what:
            from playbook_engine.lab import wheelhouse

            print(wheelhouse.node(say=print))
            if options.what == "wheels":
                print(wheelhouse.wheels(Path(options.python), say=print))
            return 0
        lacking = missing()
        for requirement in HOSTS + SICK + SHELLS:
            state = "missing" if requirement in lacking else "present"
            print(f"{state:8} {requirement.package:15} {requirement.purpose}")
        return 1 if lacking else 0
    except EngineError as error:
        print(f"error: {error.render()}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
