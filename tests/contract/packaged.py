"""Packages made on the spot: Debian packages with a repository to install them from, and wheels."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import zipfile
from pathlib import Path


def deb(folder: Path, name: str, version: str, depends: str = "", conflicts: str = "") -> str:
    """Builds a package; its entry for the index of a repository."""
    root = folder / f"{name}-{version}"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc" / f"{name}.conf").write_text(f"version = {version}\n")
    (root / "DEBIAN" / "conffiles").write_text(f"/etc/{name}.conf\n")
    control = f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@example.test>\n"
    control += f"Depends: {depends}\n" if depends else ""
    control += f"Conflicts: {conflicts}\n" if conflicts else ""
    control += "Description: a package to test with\n"
    (root / "DEBIAN" / "control").write_text(control)
    path = folder / f"{name}_{version}_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, path], check=True, capture_output=True)
    data = path.read_bytes()
    return control + f"Filename: ./{path.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n\n"


PREPARE = """
mkdir $R/srv/repo && cp {repo}/*.deb {repo}/Packages $R/srv/repo
rm -rf $R/etc/apt/sources.list.d $R/var/lib/apt/lists/*
mkdir -p $R/etc/apt/sources.list.d $R/var/lib/apt/lists/partial
echo 'deb [trusted=yes] file:/srv/repo ./' >$R/etc/apt/sources.list
"""


def wheel(folder: Path, name: str, version: str, size: int = 0, requires: str = "") -> None:
    """A wheel with one module (PEP 427); `size` bytes of zeros go with it."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"version = {version!r}\n".encode(),
        f"{name}/data.bin": b"\0" * size,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        + (f"Requires-Dist: {requires}\n".encode() if requires else b""),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name}-tool = {name}:main\n".encode(),
    }
    record = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for path, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,\n"]).encode()
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
