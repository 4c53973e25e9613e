"""The Python packages of a virtual environment, read from its directories: pip takes half a second to say the same."""

import os

from playbook_engine.agent import versions


def folders(venv: str) -> "list[str]":
    """The site-packages directories of a virtual environment."""
    found: "list[str]" = []
    for lib in ("lib", "lib64"):
        base = os.path.join(venv, lib)
        try:
            names = sorted(name for name in os.listdir(base) if name.startswith("python"))
        except OSError:
            continue
        for name in names:
            path = os.path.realpath(os.path.join(base, name, "site-packages"))
            if os.path.isdir(path) and path not in found:
                found.append(path)
    return found


def installed(places: "list[str]") -> "dict[str, str]":
    """{normal name: version} of what is installed whole.

    pip writes RECORD last: a *.dist-info directory without it is what an installation left that broke off half-way.
    """
    found: "dict[str, str]" = {}
    for place in places:
        try:
            entries = os.listdir(place)
        except OSError:
            continue
        for entry in sorted(entries):
            stem, suffix = os.path.splitext(entry)
            name, _, version = stem.partition("-")
            path = os.path.join(place, entry)
            if suffix == ".dist-info":
                if not os.path.exists(os.path.join(path, "RECORD")):
                    continue
            elif suffix == ".egg-info":
                version = version.partition("-py")[0]  # NAME-VERSION-pyX.Y.egg-info
            else:
                continue
            if not version:
                version = _told(path)
            found.setdefault(versions.normal(name), version)
    return found


def _told(path: str) -> str:
    """The version in an old PKG-INFO, whose directory's name does not hold it."""
    for name in (os.path.join(path, "PKG-INFO"), path):
        try:
            with open(name, "rb") as handle:
                for line in handle:
                    if line.startswith(b"Version:"):
                        return line[8:].strip().decode("ascii", "replace")
        except OSError:
            continue
    return ""


def entries(venv: str, places: "list[str]") -> "list[str]":
    """What lies at the top of site-packages and in bin, as paths; caches of byte code are no news."""
    found = []
    for place in places + [os.path.join(venv, "bin")]:
        try:
            names = os.listdir(place)
        except OSError:
            continue
        found += [os.path.join(place, name) for name in names if name != "__pycache__"]
    return sorted(found)
