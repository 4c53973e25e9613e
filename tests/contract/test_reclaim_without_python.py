"""`reclaim` through a plain sh: what the agent's passes on real files, this passes too, and more that is its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import test_actions_reclaim as same
from live_agents import INTERPRETERS, Agent, needs, start
from sandbox import Sandbox
from test_actions_reclaim import fill, full, held  # noqa: F401

from playbook_engine.agent.choice import Choice
from playbook_engine.agent.failure import Failed
from playbook_engine.transport import posix_reclaim
from playbook_engine.transport.local import ProcessPipe
from playbook_engine.transport.posix import ShellSession
from playbook_engine.transport.posix_shell import Shell

# All tests of the agent's reclaim, with the fixtures of this file.
globals().update({name: each for name, each in vars(same).items() if name.startswith("test_")})

ODD = [
    "two words",
    "-rf",
    "new\nline",
    "quo'te",
    'dou"ble',
    "$HOME",
    "back\\slash",
    "*",
    "tab\there",
    "café",
    ".hidden",
]


def shell(command: str = "exec sh") -> Agent:
    return Agent(ShellSession(ProcessPipe(command)))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def newest() -> Iterator[Agent]:
    it = shell()
    yield it
    it.session.close()


@pytest.fixture(scope="module", params=["sh", *(["busybox"] if shutil.which("busybox") else [])])
def agent(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """The machine's own sh and tools, and those of busybox where it is installed."""
    command = "exec sh"
    if request.param == "busybox":
        busybox = shutil.which("busybox")
        assert busybox
        tools = tmp_path_factory.mktemp("busybox")
        for name in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
            (tools / name).symlink_to(busybox)
        command = f"PATH={tools} exec {tools}/sh"
    it = shell(command)
    yield it
    it.session.close()


def test_it_works_with_no_bytes_and_no_inodes_left(full: Sandbox) -> None:  # noqa: F811
    agent = shell(f"{full.wrap()} sh")
    try:
        disk = agent.probe("disk_usage", path="/srv/full").result
        inodes = agent.probe("disk_usage", path="/srv/inodes").result
        assert (disk["free_bytes"], inodes["free_inodes"]) == (0, 0)
        ran = agent.run("reclaim", paths=["/srv/full/cache", "/srv/inodes/cache"])
        assert ran.ok, ran.msg
        assert ran.result["freed_bytes"] == ran.result["expected_bytes"] == 1 << 20
        assert ran.result["freed_inodes"] == ran.result["expected_inodes"]
        assert agent.run("shell", cmd="echo x > /srv/full/new").ok
    finally:
        agent.session.close()


def test_it_answers_what_the_agent_answers(agent: Agent, tmp_path: Path) -> None:
    full_agent = start(next(iter(INTERPRETERS.values())))
    try:
        for op in ("look", "run"):
            said = []
            for each in (full_agent, agent):
                fill(tmp_path / "cache", 60)
                reply = getattr(each, op)("reclaim", paths=[str(tmp_path / "cache")], keep_newest=1)
                # The machine's other processes come and go.
                moving = {"held", "held_bytes", "freed_bytes", "freed_inodes", "msg"}
                result = {k: v for k, v in reply.result.items() if k not in moving}
                said.append((set(reply.result), set(reply.state), result, reply.plan, reply.ok))
            assert said[0] == said[1]
    finally:
        full_agent.session.close()


def test_names_are_only_names(agent: Agent, tmp_path: Path) -> None:
    for folder in ODD:
        for name in [*(os.fsencode(n) for n in ODD), b"not utf-8 \xff"]:
            path = os.fsencode(tmp_path / "cache" / folder) + b"/" + name
            os.makedirs(os.path.dirname(path), exist_ok=True)
            Path(os.fsdecode(path)).write_bytes(b"x")
    ran = agent.run("reclaim", paths=[str(tmp_path / "cache")])
    assert ran.ok, ran.msg
    assert ran.result["skipped"] == {}
    assert (ran.result["removed"], ran.result["removed_directories"]) == (len(ODD) * (len(ODD) + 1), len(ODD))
    assert list((tmp_path / "cache").iterdir()) == []


def test_paths_with_odd_names_and_variables(agent: Agent, tmp_path: Path) -> None:
    for name in ("a [b]", "two words", "x$y"):
        fill(tmp_path / name, 1)
    assert agent.run("reclaim", paths=[str(tmp_path / "a [b]")]).result["removed"] == 1
    assert agent.run("reclaim", paths=[f"{tmp_path}/two w*"]).result["removed"] == 1
    assert agent.run("reclaim", paths=[f"{tmp_path}/[w-y]$y"]).result["removed"] == 1
    assert agent.look("reclaim", paths=["$RUNBOOK_NO_SUCH/tmp/x"]).kind == "refused"


def test_it_stays_on_its_file_system_and_out_of_kept_folders(full: Sandbox) -> None:  # noqa: F811
    full.run("mkdir -p /srv/here/inner /srv/here/.git; echo x >/srv/here/.git/config; mount -t tmpfs t /srv/here/inner")
    full.run("echo x >/srv/here/inner/kept; echo x >/srv/here/gone")
    agent = shell(f"{full.wrap()} sh")
    try:
        ran = agent.run("reclaim", paths=["/srv/here"])
        assert (ran.result["removed"], ran.result["skipped"]) == (1, {"another file system": 1, "protected": 1})
    finally:
        agent.session.close()
    assert full.run("cat /srv/here/inner/kept /srv/here/.git/config; ls /srv/here") == "x\nx\ninner\n"


def test_a_mapped_file_is_left(agent: Agent, tmp_path: Path) -> None:
    (path,) = fill(tmp_path, 1)
    code = "import mmap,sys,time; f=open(sys.argv[1]); m=mmap.mmap(f.fileno(),0,prot=1); f.close(); print(1,flush=True)"
    with subprocess.Popen([sys.executable, "-c", f"{code}; time.sleep(60)", path], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        ran = agent.run("reclaim", paths=[str(tmp_path)])
        child.send_signal(signal.SIGKILL)
    assert [(h["path"], h["pid"]) for h in ran.result["held"] if h["path"] == str(path)] == [(str(path), child.pid)]  # type: ignore[attr-defined]
    assert path.exists()


def chosen(paths: list[Path]) -> tuple[Shell, dict[str, object], dict[str, object]]:
    """A choice that was made and is not carried out yet."""
    from live_agents import complete

    from playbook_engine.agent.actions import reclaim

    far = Shell(ProcessPipe("exec sh"))
    far.begin(30)
    args = {**dict.fromkeys(reclaim.SPEC["params"]), **complete("reclaim", {"paths": [str(p) for p in paths]})}  # type: ignore[call-overload]
    return far, args, posix_reclaim.observe(far, reclaim, args)


def test_what_has_changed_since_it_was_chosen_is_left(tmp_path: Path) -> None:
    files = fill(tmp_path / "cache" / "deep", 3)
    far, args, state = chosen([tmp_path / "cache"])
    files[1].write_bytes(b"new")
    files[2].unlink()
    done = posix_reclaim.apply(far, None, args, state)
    far.close()
    assert [f.exists() for f in files] == [False, True, False]
    assert (done["removed"], done["skipped"]) == (1, {"changed meanwhile": 1, "went away": 1})


def test_a_link_put_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (inside,) = fill(tmp_path / "cache" / "deep", 1)
    far, args, state = chosen([tmp_path / "cache"])
    (tmp_path / "cache" / "deep").rename(tmp_path / "moved")
    (tmp_path / "cache" / "deep").symlink_to(tmp_path / "moved")
    done = posix_reclaim.apply(far, None, args, state)
    far.close()
    assert (tmp_path / "moved" / inside.name).exists()
    assert (done["removed"], done["skipped"]) == (0, {"went away": 1})


def test_a_log_that_became_a_link_is_not_emptied(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"keep")
    log = tmp_path / "logs" / "app.log"
    log.parent.mkdir()
    with held(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT):
        far, args, state = chosen([log.parent])
        assert isinstance(choice := state["_choice"], Choice)
        assert [one.truncate for one in choice.chosen] == [True]
        log.unlink()
        log.symlink_to(precious)
        done = posix_reclaim.apply(far, None, args, state)
    far.close()
    assert precious.read_bytes() == b"keep"
    assert (done["truncated"], done["skipped"]) == ([], {"changed meanwhile": 1})


def test_what_is_not_ours_is_said() -> None:
    needs("setpriv", root=True)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        cache = Path(name) / "cache"
        fill(cache, 2)
        (cache / "shut").mkdir(mode=0o700)
        Path(name).chmod(0o755)
        agent = shell("exec setpriv --reuid 65534 --regid 65534 --clear-groups sh")
        try:
            ran = agent.run("reclaim", paths=[str(cache)])
        finally:
            agent.session.close()
    assert ran.ok
    assert (ran.result["removed"], ran.result["open_check"]) == (0, "own processes")
    assert ran.result["skipped"] == {"not ours to remove": 2, "not ours to read": 1}


def test_twenty_thousand_files_within_the_deadline(agent: Agent, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for folder in range(20):
        (cache / str(folder)).mkdir(parents=True)
        for number in range(1000):
            (cache / str(folder) / f"{number:04d}").touch()
    began = time.monotonic()
    ran = agent.run("reclaim", paths=[str(cache)])
    assert (ran.ok, ran.result["removed"], ran.result["removed_directories"]) == (True, 20_000, 20)
    assert time.monotonic() - began < 20


def test_time_that_is_up_stops_it_and_says_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posix_reclaim, "ROUND", 1)
    for folder in range(200):
        fill(tmp_path / str(folder), 1)
    far, args, state = chosen([tmp_path])
    far.begin(0.1)
    with pytest.raises(Failed, match=r"timed out after \d+ files were removed") as caught:
        posix_reclaim.apply(far, None, args, state)
    far.close()
    assert caught.value.kind == "timeout"
    assert isinstance(caught.value.result, dict)
    left = sum(1 for _ in tmp_path.glob("*/*"))
    assert 0 < caught.value.result["removed"] == 200 - left < 200
