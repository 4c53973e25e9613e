"""Lab hosts for real: made, broken, healed, and gone without a trace. Needs root and the Debian packages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from playbook_engine.lab import network, processes
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.faults import Fault
from playbook_engine.lab.host import HostState, LabHost
from playbook_engine.lab.lab import Lab
from playbook_engine.lab.prerequisites import require
from playbook_engine.lab.spec import HostSpec, Init

pytestmark = pytest.mark.live


@pytest.fixture(scope="module", autouse=True)
def able() -> None:
    try:
        require()
    except LabError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path) as made:
        yield made


@pytest.fixture
def host(lab: Lab) -> LabHost:
    (made,) = lab.up([HostSpec(size_bytes=16 << 20, inodes=2000)])
    return made


def ssh(host: LabHost, command: str, *, user: str = "root", timeout: int = 5) -> subprocess.CompletedProcess[str]:
    options = [f"UserKnownHostsFile={host.known_hosts}", "IdentitiesOnly=yes", "BatchMode=yes"]
    options += [f"ConnectTimeout={timeout}", "ServerAliveInterval=1", "ServerAliveCountMax=5", "LogLevel=ERROR"]
    argv = ["ssh", "-F", "/dev/null", "-i", str(host.key), *(f"-o{o}" for o in options), f"{user}@{host.address}"]
    return subprocess.run([*argv, command], capture_output=True, text=True, timeout=30, check=False)


def leftovers(host: LabHost) -> list[str]:
    found = [host.wire.link] if network.exists(host.wire) else []
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if str(host.folder) in line]
    found += [f"pid {pid}" for folder, pid in processes.holders().items() if folder == str(host.folder)]
    return found + ([str(host.folder)] if host.folder.exists() else [])


def until(condition: object, *, seconds: float = 10.0) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_host_is_a_host_of_its_own(host: LabHost) -> None:
    said = ssh(host, "hostname; cat /proc/1/comm; id -u; echo $(ls /sys/class/net); df -B1 --output=size /")
    assert said.stdout.split("\n")[:4] == [host.name, "runsvdir", "0", "eth0 lo"]
    assert said.stdout.split()[-1] == str(16 << 20)
    assert said.stderr == ""


def test_app_may_become_root_and_guest_may_not(host: LabHost) -> None:
    assert ssh(host, "sudo -n id -u", user="app").stdout == "0\n"
    refused = ssh(host, "sudo -n id -u", user="guest")
    assert refused.returncode == 1
    assert "password is required" in refused.stderr


def test_variants(lab: Lab) -> None:
    specs = [
        HostSpec(name="bare", python="none", sudo=False, init=Init.SH),
        HostSpec(name="frozen-disk", readonly=True),
        HostSpec(name="strict", tmp_noexec=True),
        HostSpec(name="tmpless", tmp=False),
    ]
    bare, frozen, strict, tmpless = lab.up(specs)
    assert ssh(bare, "command -v python3 perl sudo").stdout == ""
    assert "Read-only file system" in ssh(frozen, "touch /root/x").stderr
    assert ssh(frozen, "touch /run/x").returncode == 0
    assert "Permission denied" in ssh(strict, "cp /usr/bin/true /tmp/x && /tmp/x").stderr
    assert ssh(tmpless, "test -e /tmp").returncode == 1
    lab.break_(tmpless.name, Fault.REBOOT)
    assert tmpless.answers(timeout=10)
    assert ssh(tmpless, "test -e /tmp").returncode == 1


def test_another_python_takes_the_place_of_the_system_s(lab: Lab) -> None:
    found = sorted((Path.home() / ".pyenv" / "versions").glob("3.6.*"))
    if not found:
        pytest.skip("no Python 3.6 here (looked in ~/.pyenv/versions)")
    prefix = found[0]
    (host,) = lab.up([HostSpec(python=str(prefix))])
    for user in ("root", "app"):
        assert ssh(host, "python3 -V", user=user).stdout == f"Python {prefix.name}\n"
    assert ssh(host, "python3 -m venv /root/v && /root/v/bin/python -c 'import ssl, sqlite3'").returncode == 0


def test_a_full_disk_is_really_full(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, Fault.FILL)
    assert ssh(host, "df --output=avail / | tail -1").stdout.strip() == "0"
    assert "No space left on device" in ssh(host, "echo x > /root/x").stderr
    assert lab.heal(host.name) == [Fault.FILL]
    assert ssh(host, "echo x > /root/x").returncode == 0


def test_inodes_run_out(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, Fault.FILL_INODES)
    assert ssh(host, "df --output=iavail / | tail -1").stdout.strip() == "0"
    lab.heal(host.name)
    assert ssh(host, "touch /root/x").returncode == 0


def test_read_only_survives_a_reboot_and_is_healed(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, Fault.READONLY)
    assert "Read-only file system" in ssh(host, "touch /etc/x").stderr
    lab.break_(host.name, Fault.REBOOT)
    assert until(lambda: ssh(host, "touch /x").stderr.endswith("Read-only file system\n"))
    lab.heal(host.name)
    assert ssh(host, "touch /x /etc/x /usr/x").returncode == 0


def test_a_reboot_keeps_the_disk_and_shows_a_new_boot_id(lab: Lab, host: LabHost) -> None:
    before = ssh(host, "touch /root/kept /tmp/gone /run/gone; cat /proc/sys/kernel/random/boot_id").stdout
    lab.break_(host.name, Fault.REBOOT, "1")
    assert host.state() is HostState.BOOTING
    assert host.answers(timeout=10)
    after = ssh(host, "ls /root/kept /tmp /run/gone; cat /proc/sys/kernel/random/boot_id")
    assert after.stdout.splitlines()[0] == "/root/kept"
    assert "gone" not in after.stdout
    assert before != after.stdout.splitlines()[-1] + "\n"


def test_sshd_dies_and_is_supervised(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, Fault.KILL_SSHD)
    assert host.answers(timeout=10)


def test_under_sh_a_killed_sshd_stays_dead(lab: Lab) -> None:
    (host,) = lab.up([HostSpec(init=Init.SH)])
    lab.break_(host.name, Fault.KILL_SSHD)
    time.sleep(1.5)
    assert "Connection refused" in ssh(host, "true").stderr
    lab.heal(host.name)
    assert host.answers(timeout=5)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.PARTITION, "No route to host"),
        (Fault.BLACKHOLE, "timed out"),
        (Fault.REJECT, "Connection refused"),
        (Fault.FREEZE, "timed out during banner exchange"),
    ],
)
def test_networks_break_in_their_own_ways(lab: Lab, host: LabHost, fault: Fault, said: str) -> None:
    lab.break_(host.name, fault)
    assert said in ssh(host, "true", timeout=2 if said.startswith("timed out") else 10).stderr
    assert lab.heal(host.name) == [fault]
    assert ssh(host, "true").returncode == 0


def test_a_new_host_key_is_noticed_and_the_old_one_comes_back(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, Fault.NEWKEY)
    assert host.answers(timeout=5)
    assert "Host key verification failed" in ssh(host, "true").stderr
    lab.heal(host.name)
    assert host.answers(timeout=5)
    assert ssh(host, "true").returncode == 0


def test_a_clock_is_off_for_new_sessions_and_true_again(lab: Lab, host: LabHost) -> None:
    look = "date +%s; python3 -c 'import time; print(int(time.time()), time.monotonic() > 0)'"
    lab.break_(host.name, Fault.CLOCK)
    said = ssh(host, look)
    assert said.returncode == 0, said.stderr
    seconds, python, monotonic = said.stdout.split()
    assert (abs(int(seconds) + 3600 - time.time()) < 5, abs(int(python) - int(seconds)) < 5) == (True, True)
    assert monotonic == "True"
    with pytest.raises(LabError, match="by how many seconds"):
        lab.break_(host.name, Fault.CLOCK, "an hour")
    assert lab.heal(host.name) == [Fault.CLOCK]
    assert abs(int(ssh(host, look).stdout.split()[0]) - time.time()) < 5


def test_a_fault_that_cannot_be_is_refused_and_not_recorded(lab: Lab, host: LabHost) -> None:
    with pytest.raises(LabError, match="no service redis"):
        lab.break_(host.name, Fault.SERVICE_KILL, "redis")
    with pytest.raises(LabError, match="runs no exchange"):
        lab.break_(host.name, Fault.SLOW_API, "500")
    with pytest.raises(LabError, match="no fault 'flood'"):
        lab.break_(host.name, "flood")
    assert lab.heal(host.name) == []


def test_exec_goes_past_ssh(lab: Lab, host: LabHost) -> None:
    lab.break_(host.name, Fault.PARTITION)
    done = lab.exec(host.name, ["sh", "-c", "cat; hostname; exit 3"], stdin="given\n")
    assert (done.returncode, done.stdout) == (3, f"given\n{host.name}\n")


def test_nothing_is_left(lab: Lab) -> None:
    hosts = lab.up([HostSpec(), HostSpec()])
    assert lab.inventory.exists()
    assert lab.down([hosts[0].name]) == ["lab1"]
    assert leftovers(hosts[0]) == []
    assert f"={hosts[0].address} " not in lab.inventory.read_text()
    assert ssh(hosts[1], "true").returncode == 0
    assert lab.down() == ["lab2"]
    assert leftovers(hosts[1]) == []
    assert not lab.root.exists()
    assert lab.down() == []


def test_two_labs_do_not_collide(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from playbook_engine.lab.lab import Lab; from playbook_engine.lab.spec import HostSpec\n"
        "hosts = Lab(pathlib.Path(sys.argv[1])).up([HostSpec() for _ in range(3)])\n"
        "print(*(h.address for h in hosts))"
    )
    states = [tmp_path / "a", tmp_path / "b"]
    try:
        running = [
            subprocess.Popen([sys.executable, "-c", script, str(s)], stdout=subprocess.PIPE, text=True) for s in states
        ]
        addresses = [a for p in running for a in p.communicate(timeout=60)[0].split()]
        assert len(addresses) == len(set(addresses)) == 6
    finally:
        for state in states:
            Lab(state).down()


@pytest.mark.parametrize("after", [0.02, 0.08, 0.15, 0.3])
def test_down_clears_away_what_a_killed_creator_left(tmp_path: Path, after: float) -> None:
    script = (
        "import sys, pathlib; from playbook_engine.lab.lab import Lab; from playbook_engine.lab.spec import HostSpec\n"
        "print('go', flush=True); Lab(pathlib.Path(sys.argv[1])).up([HostSpec() for _ in range(4)])"
    )
    lab = Lab(tmp_path)
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as creator:
        assert creator.stdout
        creator.stdout.readline()
        time.sleep(after)
        creator.send_signal(signal.SIGKILL)
    hosts = lab.hosts()
    lab.down()
    assert [left for h in hosts for left in leftovers(h)] == []
    assert not lab.root.exists()


def test_up_says_what_exists_and_what_is_half_there(lab: Lab) -> None:
    (host,) = lab.up([HostSpec(name="db")])
    with pytest.raises(LabError, match="lab host db exists \\("):
        lab.up([HostSpec(name="db")])
    host.unfinished.touch()
    with pytest.raises(LabError, match="has not finished"):
        lab.up([HostSpec(name="db")])
    os.kill(processes.holders()[str(host.folder)], signal.SIGKILL)
    assert until(lambda: host.state() is HostState.DEAD)
    with pytest.raises(LabError, match="lab host db exists half"):
        lab.up([HostSpec(name="db")])
    lab.down(["db"])
    assert lab.up([HostSpec(name="db")])


def test_a_host_that_cannot_boot_is_taken_back_with_its_reason(lab: Lab) -> None:
    with pytest.raises(LabError, match="No space left on device"):
        lab.up([HostSpec(size_bytes=4096, inodes=20)], wait=2)
    assert lab.hosts() == []
    assert not lab.root.exists()
