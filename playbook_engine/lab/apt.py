"""apt-get install without starting any service: `python -m playbook_engine.lab.apt PACKAGE...`, as root.

Debian starts a service when its package is installed, unless /usr/sbin/policy-rc.d forbids it (invoke-rc.d(8)).
The lab wants the programs, not an SSH server and a Redis on the controller. A policy that is there already is
somebody's decision: it is put back as it was.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_POLICY = Path("/usr/sbin/policy-rc.d")
_FORBID = "#!/bin/sh\n# placed by playbook-engine while it installs packages; removed afterwards\nexit 101\n"


@contextmanager
def no_service_starts(policy: Path = _POLICY) -> Iterator[None]:
    """Forbid service starts by packages while the block runs."""
    aside = policy.with_name(policy.name + ".playbook-engine")
    if policy.exists() and policy.read_text(errors="replace") != _FORBID:
        policy.rename(aside)
    policy.write_text(_FORBID)
    policy.chmod(0o755)
    try:
        yield
    finally:
        if aside.exists():
            aside.rename(policy)
        else:
            policy.unlink()


def install(packages: Sequence[str]) -> int:
    """The exit code of apt-get. The package lists are fetched first if there are none."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-q", "-y"]
    with no_service_starts():
        if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
            subprocess.run([*apt, "update"], env=environment, check=False)
        command = [*apt, "install", "--no-install-recommends", *packages]
        code = subprocess.run(command, env=environment, check=False).returncode
        if code:  # lists that are older than the archive name versions that are gone
            subprocess.run([*apt, "update"], env=environment, check=False)
            code = subprocess.run(command, env=environment, check=False).returncode
    return code


if __name__ == "__main__":
    sys.exit(install(sys.argv[1:]))
