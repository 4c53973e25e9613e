"""Debian packages that a test needs and this machine need not have: fetched once, installed in a sandbox only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from sandbox import Sandbox

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "debs"
QUIET = "DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true"


def fetched(*packages: str) -> Path:
    """A folder with the packages and what they need here. Skips the test where they cannot be had; fails under CI."""
    folder = CACHE / "_".join(packages)
    if not (folder / "whole").exists():
        (folder / "partial").mkdir(parents=True, exist_ok=True)
        words = ["apt-get", "install", "-y", "-qq", "--download-only", "--no-install-recommends"]
        words += ["-o", f"Dir::Cache::archives={folder}", *packages]
        ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
        if ran.returncode:
            reason = f"needs the Debian packages {', '.join(packages)}: {ran.stderr.strip()[-200:]}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        shutil.rmtree(folder / "partial")
        (folder / "whole").touch()
    return folder


def install(box: Sandbox, *packages: str) -> None:
    """Installs them in a sandbox; nothing is started."""
    folder = fetched(*packages)
    target = Path(f"/proc/{box.pid}/root/srv/borrowed")
    target.mkdir(parents=True)
    for deb in folder.glob("*.deb"):
        shutil.copy(deb, target)
    box.run(
        "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d;"
        "rm -f /var/lib/dpkg/info/man-db.triggers;"
        f"if ls /srv/borrowed/*.deb >/dev/null 2>&1; then {QUIET} dpkg -i --force-depends --force-unsafe-io"
        " /srv/borrowed/*.deb >/srv/borrowed/log 2>&1 || { tail -5 /srv/borrowed/log >&2; exit 1; }; fi;"
        "rm -rf /srv/borrowed /usr/sbin/policy-rc.d"
    )
