"""The command that starts an agent, in front of whatever Python is or is not there."""

from __future__ import annotations

import ast
import marshal
import py_compile
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from playbook_engine.catalog import catalog
from playbook_engine.transport import payload
from playbook_engine.transport.agent_session import open_agent
from playbook_engine.transport.base import Call
from playbook_engine.transport.local import ProcessPipe
from playbook_engine.transport.posix import ShellSession


def script(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def is_sh(command: str) -> bool:
    """Whether a command became a plain sh that works; else it became an agent."""
    pipe = ProcessPipe(command)
    try:
        if open_agent(pipe, 10) is not None:
            return False
        (reply,) = ShellSession(pipe).ask([Call(op="run", action="raw", args={"cmd": "echo works"})])
        assert reply.result["stdout"] == "works\n"
        return True
    finally:
        pipe.close()


def test_a_python_that_is_new_enough() -> None:
    assert not is_sh(payload.stage0(sys.executable))


def test_a_python_that_is_not_there() -> None:
    assert is_sh(payload.stage0("/no/such/python3"))


def test_python_2_knows_no_isolated_mode(tmp_path: Path) -> None:
    old = script(tmp_path / "python", "#!/bin/sh\necho 'Unknown option: -I' >&2; exit 2\n")
    assert is_sh(payload.stage0(old))


def test_a_python_3_that_is_too_old_becomes_sh_by_itself(tmp_path: Path) -> None:
    """The check runs in that Python; here its version is made to look old."""
    fake = f'#!/bin/sh\nshift 3; exec {sys.executable} -c "import sys; sys.version_info=(3,5); $1"\n'
    fake = fake.replace("$1", "exec(sys.argv[1])").replace('exec(sys.argv[1])"', 'exec(sys.argv[1])" "$1"')
    assert is_sh(payload.stage0(script(tmp_path / "python3", fake)))


def test_a_python_of_another_version_gets_the_sources(tmp_path: Path) -> None:
    """Its code is other code; here its tag is made to look other."""
    fake = f"#!/bin/sh\nshift 3; exec {sys.executable} -I -S -c 'import sys\n"
    fake += 'sys.implementation.cache_tag = "other-1"\nexec(sys.argv[1])\' "$1"\n'
    pipe = ProcessPipe(payload.stage0(script(tmp_path / "python3", fake)))
    try:
        session = open_agent(pipe, 10)
        assert session is not None and not session.compiled
        (reply,) = session.ask([Call(op="run", action="command", args={"cmd": "echo works"})])
        assert reply.result["stdout"] == "works\n"
    finally:
        pipe.close()


def test_code_that_python_keeps_is_taken_only_while_it_is_of_the_source(tmp_path: Path) -> None:
    source = script(tmp_path / "module.py", "x = 1\n")
    py_compile.compile(source)
    kept = payload.kept(Path(source))
    assert kept is not None and marshal.loads(kept) == compile("x = 1\n", source, "exec", dont_inherit=True)
    script(Path(source), "x = 22\n")
    assert payload.kept(Path(source)) is None
    py_compile.compile(source, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    assert payload.kept(Path(source)) is None
    assert payload.kept(tmp_path / "none.py") is None


def test_the_first_that_is_found_is_taken(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "python3.9", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for name in ("sh", "head"):
        (tmp_path / "bin" / name).symlink_to(f"/bin/{name}")
    assert not is_sh(f"PATH={tmp_path}/bin; export PATH; exec {payload.stage0(None)}")


@pytest.mark.parametrize("name", [payload.CORE, *(f"{payload.PACKAGE}.actions.{name}" for name in catalog.names())])
def test_what_a_module_needs_is_what_python_would_import(name: str) -> None:
    """Read here with `ast`, which the engine's threads cannot use."""
    for module in payload.needs(name):
        for node in ast.walk(ast.parse(payload.source(module))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith(payload.PACKAGE):
                packages = (payload.PACKAGE, f"{payload.PACKAGE}.actions")
                wanted = [f"{node.module}.{a.name}" if node.module in packages else node.module for a in node.names]
                assert set(wanted) - {f"{payload.PACKAGE}.boot"} <= set(payload.needs(name)), module
            assert not isinstance(node, ast.Import) or not any("playbook_engine" in a.name for a in node.names)


@pytest.mark.parametrize("python", [None, "/usr/bin/python3"])
def test_no_quote_can_break_out(python: str | None) -> None:
    command = payload.stage0(python)
    assert command.count("'") == 2
    assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0


def test_threads_that_ask_at_the_same_time_get_one_and_the_same() -> None:
    began, made = threading.Barrier(8), []

    @payload.once
    def make(_name: str) -> object:
        made.append(object())
        time.sleep(0.01)
        return made[-1]

    def ask(_number: int) -> object:
        began.wait()
        return make("a")

    with ThreadPoolExecutor(8) as pool:
        assert {id(each) for each in pool.map(ask, range(8))} == {id(made[0])}
    assert make("b") is made[1]
    assert len(made) == 2
