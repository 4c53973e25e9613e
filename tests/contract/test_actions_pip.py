"""`pip` with real environments and wheels made on the spot; no index is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live_agents import INTERPRETERS, Agent, needs, start
from packaged import wheel
from sandbox import Sandbox

from playbook_engine.agent import proof

PYENV = {v: p for v, p in INTERPRETERS.items() if not p.startswith("/usr/bin")}  # Debian's own has no ensurepip
ENDS = [next(iter(PYENV)), list(PYENV)[-1]] if PYENV else []


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    wheel(folder, "alpha", "1.0", requires="beta>=1")
    wheel(folder, "alpha", "2.0", requires="beta>=1")
    wheel(folder, "beta", "1.5")
    wheel(folder, "huge", "1.0", size=64 << 20)
    return folder


@pytest.fixture(scope="module", params=ENDS)
def old_and_new(request: pytest.FixtureRequest) -> Iterator[Agent]:
    it = start(PYENV[request.param])
    yield it
    it.session.close()


def test_an_environment_is_made_upgraded_and_put_back(old_and_new: Agent, tmp_path: Path, wheels: Path) -> None:
    agent, venv = old_and_new, tmp_path / "opt" / "app"
    base: dict[str, object] = {"virtualenv": str(venv), "find_links": [str(wheels)], "no_index": True}
    first = {**base, "name": "alpha==1.0"}
    looked = agent.look("pip", **first)
    assert [c["aspect"] for c in looked.plan] == ["virtualenv", "version"]
    applied = agent.apply("pip", looked.before, **first)
    assert applied.ok, (applied.msg, applied.result)
    packages = applied.result["packages"]
    assert isinstance(packages, dict)
    assert (packages["alpha"], packages["beta"]) == ("1.0", "1.5")
    assert (venv / "bin" / "alpha-tool").exists()
    assert not agent.look("pip", **first).plan
    assert not agent.look("pip", **{**base, "name": "Alpha < 2, >= 0.9"}).plan

    second = {**base, "name": "alpha==2.0"}
    before = agent.look("pip", **second)
    assert [(c["before"], c["after"]) for c in before.plan] == [("1.0", "alpha==2.0")]
    assert agent.apply("pip", before.before, **second).result["installed"] == {"alpha": "2.0"}
    for _ in range(2):
        undone = agent.undo("pip", before.before, **second)
        assert undone.ok, (undone.msg, undone.result)
        assert proof.differences(before.state, undone.state) == []

    gone = {**base, "name": ["alpha", "beta"], "state": "absent"}
    before = agent.look("pip", **gone)
    assert agent.apply("pip", before.before, **gone).ok
    assert not agent.look("pip", **gone).plan
    undone = agent.undo("pip", before.before, **gone)
    assert proof.differences(before.state, undone.state) == []

    for _ in range(2):
        undone = agent.undo("pip", looked.before, **first)
        assert undone.ok, undone.msg
        assert proof.differences(looked.state, undone.state) == []
    assert not (tmp_path / "opt").exists()


def test_a_directory_that_was_there_keeps_what_was_in_it(newest: Agent, tmp_path: Path, wheels: Path) -> None:
    (tmp_path / "precious").write_text("x")
    args: dict[str, object] = {
        "virtualenv": str(tmp_path),
        "name": "beta",
        "find_links": [str(wheels)],
        "no_index": True,
    }
    looked = newest.look("pip", **args)
    assert newest.apply("pip", looked.before, **args).ok
    assert newest.undo("pip", looked.before, **args).ok
    assert [p.name for p in tmp_path.iterdir()] == ["precious"]


def test_a_requirements_file_with_markers(newest: Agent, tmp_path: Path, wheels: Path) -> None:
    listed = tmp_path / "requirements.txt"
    (tmp_path / "more.txt").write_text("beta>=1 ; python_version >= '3.6'\n")
    listed.write_text("# ours\nalpha==2.0 \\\n  --hash=sha256:00\n-r more.txt\nnever ; python_version < '3'\n")
    looked = newest.look("pip", virtualenv=str(tmp_path / "v"), requirements=str(listed))
    assert [c.get("subject") for c in looked.plan] == [None, "alpha", "beta"]


def test_what_is_not_to_be_had_is_not_found(newest: Agent, tmp_path: Path, wheels: Path) -> None:
    args: dict[str, object] = {
        "virtualenv": str(tmp_path / "v"),
        "name": "gamma",
        "find_links": [str(wheels)],
        "no_index": True,
    }
    looked = newest.look("pip", **args)
    applied = newest.apply("pip", looked.before, **args)
    assert (applied.ok, applied.kind) == (False, "not-found")
    assert newest.undo("pip", looked.before, **args).ok
    assert not (tmp_path / "v").exists()


def test_the_address_of_an_index_shows_nowhere(newest: Agent, tmp_path: Path) -> None:
    secret = "hunter2hunter2"
    args: dict[str, object] = {
        "virtualenv": str(tmp_path / "v"),
        "name": "gamma",
        "index_url": f"http://u:{secret}@127.0.0.1:9/simple",
        "extra_args": "--retries 0 --timeout 1",
    }
    looked = newest.look("pip", **args)
    applied = newest.apply("pip", looked.before, **args)
    assert not applied.ok
    assert secret not in repr((looked, applied))


SMALL = (
    "mkdir $R/srv/small && mount -t tmpfs -o size=48m small $R/srv/small && mkdir $R/srv/w && cp {wheels}/* $R/srv/w"
)


def test_a_full_disk_is_named_and_its_debris_removed(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> None:
    needs("unshare", "nsenter", root=True)
    box = Sandbox(tmp_path_factory.mktemp("box"), "sleep 3600", SMALL.format(wheels=wheels))
    try:
        agent = start(PYENV[ENDS[1]], box.wrap())
        base: dict[str, object] = {"virtualenv": "/srv/small/v", "find_links": ["/srv/w"], "no_index": True}
        for name in ("beta", "huge"):  # into an environment that is made for it, then into one that is there
            args = {**base, "name": "huge"}
            looked = agent.look("pip", **args)
            applied = agent.apply("pip", looked.before, **args)
            assert (applied.ok, applied.kind) == (False, "disk-full"), applied.msg
            undone = agent.undo("pip", looked.before, **args)
            assert undone.ok, undone.msg
            assert proof.differences(looked.state, undone.state) == []
            if name == "beta":
                assert box.run("ls -A /srv/small") == ""
                assert agent.do("pip", **base, name="beta").ok
        agent.session.close()
    finally:
        box.close()
