"""The command line as a process of its own, without paying for its start each time.

A server imports the program once and forks for every command: each has its own arguments, folder, environment, output
and exit code, as if a shell had started it. A command that tries to open a connection ends with 97.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTED = 97
STARTED = 98
FRESH = {
    "PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "COLUMNS": "120",
    "RUNBOOK_ESCALATION": "none", "RUNBOOK_CONNECT": "late",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a shell would have seen."""

    code: int
    out: str
    err: str


class ForkedCli:
    """A running server. Use as a context manager. `free`: commands may connect, and start programs."""

    def __init__(self, *, free: bool = False) -> None:
        given = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, __file__, *(["free"] if free else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**FRESH, **given},
        )

    def run(self, *words: str, cwd: Path, env: Mapping[str, str] | None = None) -> Ended:
        assert self._process.stdin is not None and self._process.stdout is not None
        json.dump({"words": words, "cwd": str(cwd), "env": dict(env or {})}, self._process.stdin)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def __enter__(self) -> ForkedCli:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(*, free: bool) -> None:
    from playbook_engine.app import prepare, runs  # noqa: F401 - what a command would import by itself
    from playbook_engine.cli import lint, main, run  # noqa: F401
    from playbook_engine.loading import lint as _lint  # noqa: F401

    for line in sys.stdin:
        given = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            pid = os.fork()
            if pid == 0:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                os.chdir(given["cwd"])
                os.environ.update(given["env"])
                _command(given["words"], main.main, free=free)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            texts = []
            for stream in (out, err):
                stream.seek(0)
                texts.append(stream.read().decode("utf-8", "backslashreplace"))
        print(json.dumps({"code": code, "out": texts[0], "err": texts[1]}), flush=True)


def _command(words: Sequence[str], main: object, *, free: bool) -> None:
    sys.argv = ["runbook", *words]
    sys.stdin = open(os.devnull)  # noqa: SIM115 - for the life of the process

    def watch(event: str, _: object) -> None:
        if event in ("socket.connect", "socket.getaddrinfo"):
            os._exit(CONNECTED)
        if event in ("subprocess.Popen", "os.exec", "os.posix_spawn"):
            os._exit(STARTED)

    if not free:
        sys.addaudithook(watch)
    code = 1
    try:
        assert callable(main)
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    if "free" in sys.argv:
        from playbook_engine.app import answering, playing  # noqa: F401
        from playbook_engine.cli import module, play  # noqa: F401
        from playbook_engine.transport import local  # noqa: F401
    serve(free="free" in sys.argv)
