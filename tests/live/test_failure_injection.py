"""A failure injected into each step of the repairing runbooks in turn leaves the host as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from host_snapshot import differences, snapshot

from playbook_engine.app.runs import view_of
from playbook_engine.app.settings import Settings
from playbook_engine.app.wiring import App
from playbook_engine.journal.fold import RunView
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.lab import Lab
from playbook_engine.lab.prerequisites import require
from playbook_engine.lab.sick.system import Sickness, bring_up
from playbook_engine.lab.spec import Bind, HostSpec
from playbook_engine.lab.standin_wheel import build

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "runbooks"
BROKEN = {"name": "injected", "command": {"argv": ["false"]}, "expect": "result.rc == 0"}


@pytest.fixture(scope="module", autouse=True)
def able() -> None:
    try:
        require()
    except LabError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


def runbook(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "RUNBOOK_STATE": str(state), "NO_COLOR": "1"}
    program = Path(sys.executable).parent / "runbook"
    return subprocess.run(
        [program, *words], capture_output=True, text=True, env=environment, cwd=ROOT, timeout=280, check=False
    )


def newest(state: Path) -> RunView:
    app = App(Settings.of({"RUNBOOK_STATE": str(state)}))
    return view_of(app, app.store.find("last"))


def broken(name: str, step: int, folder: Path) -> Path:
    """The runbook with a check that fails in one of its steps; -1: in the runbook's own checks."""
    book = yaml.safe_load((RUNBOOKS / f"{name}.yml").read_text())
    if step < 0:
        book["checks"].append(BROKEN)
    else:
        book["steps"][step].setdefault("checks", []).append(BROKEN)
    folder.mkdir(exist_ok=True)
    for extra in ("templates", "files"):
        link = folder / extra
        if (RUNBOOKS / extra).is_dir() and not link.exists():
            link.symlink_to(RUNBOOKS / extra)
    file = folder / f"{name}.yml"
    file.write_text(yaml.safe_dump(book, sort_keys=False))
    return file


def steps_of(name: str, *, service_manager: str = "runit") -> list[int]:
    """Indexes of the steps that run on a host with this service manager, and -1."""
    book = yaml.safe_load((RUNBOOKS / f"{name}.yml").read_text())
    other = "systemd" if service_manager == "runit" else "runit"
    return [n for n, s in enumerate(book["steps"]) if f'"{other}"' not in str(s.get("when", ""))] + [-1]


MLFLOW = [
    "-e",
    "need_bytes=30MiB",
    "-e",
    "need_inodes=2000",
    "-e",
    '{"find_links": ["/wheels"]}',
]


class Installing:
    """A plain lab host on which the stand-in of MLflow can be installed."""

    def __init__(self, lab: Lab, state: Path) -> None:
        self.lab, self.state = lab, state
        wheels = state / "wheels"
        build(wheels)
        spec = HostSpec(name="ml1", size_bytes=256 << 20, inodes=20_000, binds=(Bind.parse(f"{wheels}=/wheels"),))
        lab.up([spec])

    def run(self, file: Path, *extra: str) -> subprocess.CompletedProcess[str]:
        return runbook(self.state, "run", str(file), "ml1", "-i", str(self.lab.inventory), *MLFLOW, *extra)


@pytest.fixture(scope="module")
def installing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installing]:
    state = tmp_path_factory.mktemp("ml")
    with Lab(state) as lab:
        yield Installing(lab, state)


@pytest.mark.xdist_group("install-mlflow")
@pytest.mark.parametrize("step", steps_of("install-mlflow"))
def test_a_failure_in_any_step_of_the_installation_leaves_the_host_as_it_was(
    installing: Installing, step: int, tmp_path: Path
) -> None:
    before = snapshot(installing.lab, "ml1")
    ran = installing.run(broken("install-mlflow", step, tmp_path / "book"))
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert differences(before, snapshot(installing.lab, "ml1")) == []
    host = newest(installing.state).hosts["ml1"]
    assert host.status == "rolled_back", ran.stdout
    assert host.proofs
    assert host.proofs[-1].proved


@pytest.mark.xdist_group("install-mlflow")
def test_a_disk_that_fills_in_the_middle_of_pip_leaves_nothing(installing: Installing, tmp_path: Path) -> None:
    build(installing.state / "wheels", version="3.17.3", ballast=400 << 20)
    before = snapshot(installing.lab, "ml1")
    ran = installing.run(RUNBOOKS / "install-mlflow.yml", "-e", "version=3.17.3")
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert "disk" in ran.stdout.lower()
    assert differences(before, snapshot(installing.lab, "ml1")) == []
    assert newest(installing.state).hosts["ml1"].status == "rolled_back"


@pytest.mark.xdist_group("install-mlflow")
def test_the_installation_works_is_idempotent_and_can_be_taken_back(installing: Installing) -> None:
    before = snapshot(installing.lab, "ml1")
    ran = installing.run(RUNBOOKS / "install-mlflow.yml")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    again = installing.run(RUNBOOKS / "install-mlflow.yml")
    assert again.returncode == 0
    assert "nothing to do here" in again.stdout
    back = runbook(installing.state, "rollback", newest_changing(installing.state))
    assert back.returncode == 0, back.stdout + back.stderr
    assert differences(before, snapshot(installing.lab, "ml1")) == []


def newest_changing(state: Path) -> str:
    app = App(Settings.of({"RUNBOOK_STATE": str(state)}))
    return [r.run for r in app.index.runs() if "changed" in r.statuses][-1]


@pytest.fixture(scope="module")
def sick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path]]:
    state = tmp_path_factory.mktemp("sick")
    with Lab(state) as lab:
        bring_up(lab, Sickness(filled=False, mlflow_wheels=False, latency_ms=50))
        yield lab, state


@pytest.mark.xdist_group("fix-timing-bug")
@pytest.mark.parametrize("step", steps_of("fix-timing-bug"))
def test_a_failure_in_any_step_of_the_timing_fix_leaves_file_and_service_as_they_were(
    sick: tuple[Lab, Path], step: int, tmp_path: Path
) -> None:
    lab, state = sick
    before = snapshot(lab, "sick")
    ran = runbook(
        state, "run", str(broken("fix-timing-bug", step, tmp_path / "book")), "sick", "-i", str(lab.inventory)
    )
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert differences(before, snapshot(lab, "sick")) == []
    assert newest(state).hosts["sick"].status == "rolled_back"
    health = lab.exec("sick", ["/usr/bin/python3", "-c", READ_HEALTH]).stdout
    assert len(health.strip()) == 13, f"the service must run as it did, with its epoch: {health}"


READ_HEALTH = (
    "import json, time, urllib.request\n"
    "for n in range(50):\n"
    "  try: body = json.load(urllib.request.urlopen('http://127.0.0.1:8080/health')); break\n"
    "  except OSError: time.sleep(0.1)\n"
    "print(int(body['services']['database']['responseTime']))"
)


@pytest.mark.xdist_group("real-mlflow")
@pytest.mark.timeout(900)
def test_the_real_package_that_fails_its_last_check_is_taken_back_whole(tmp_path: Path) -> None:
    with Lab(tmp_path / "state") as lab:
        bring_up(lab, Sickness(filled=False, mlflow_wheels=True))
        before = snapshot(lab, "sick")
        file = broken("install-mlflow", -1, tmp_path / "book")
        ran = runbook(tmp_path / "state", "run", str(file), "sick", "-i", str(lab.inventory))
        assert ran.returncode == 2, ran.stdout + ran.stderr
        assert "it tracks: True" in ran.stdout
        assert differences(before, snapshot(lab, "sick")) == []
        assert newest(tmp_path / "state").hosts["sick"].status == "rolled_back"
