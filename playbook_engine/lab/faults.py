"""Breaking a lab host on purpose, and undoing it.

Which faults are in force is kept in the host's folder, because most of them cannot be told from the host itself.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from playbook_engine.lab import clock, corruption, disk, processes
from playbook_engine.lab.errors import LabError
from playbook_engine.lab.host import HostState, LabHost
from playbook_engine.lab.spec import Init

#: The exchange's stand-in on the ailing host adds this many milliseconds to each answer (see lab/sick).
SLOW_API = "/run/trader/exchange-latency-ms"

_LITTER = "var/spool/lab-fault"
_HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
_READONLY = r"""
set -e
mounts='/usr /etc /var/lib/dpkg /'
freeze() { for m in $mounts; do mountpoint -q $m || continue; mount -o remount,bind,ro $m || return 1; done; }
thaw() { for m in / /var/lib/dpkg /etc /usr; do mountpoint -q $m && mount -o remount,bind,rw $m; done; true; }
case $1 in
  thaw) thaw ;;
  freeze)
    freeze 2>/dev/null && exit 0
    # A file that is open for writing keeps its mount writable (EBUSY). The services let go of theirs and come
    # back, to find what they find on a disk that has gone read-only.
    others=; for s in /etc/service/*; do [ "${s##*/}" = sshd ] || others="$others ${s##*/}"; done
    [ -z "$others" ] || sv -w 3 force-stop $others >/dev/null || true
    result=0; freeze || { result=1; thaw; }
    [ -z "$others" ] || sv start $others >/dev/null 2>&1 || true
    exit $result ;;
esac
"""


class Fault(StrEnum):
    FILL = "fill"
    FILL_INODES = "fill-inodes"
    READONLY = "readonly"
    KILL_SSHD = "kill-sshd"
    FREEZE = "freeze"
    REBOOT = "reboot"
    PARTITION = "partition"
    BLACKHOLE = "blackhole"
    REJECT = "reject"
    NEWKEY = "newkey"
    CLOCK = "clock"
    SERVICE_KILL = "service-kill"
    SLOW_API = "slow-api"
    STALE_HEARTBEAT = "stale-heartbeat"
    CORRUPT_FILE = "corrupt-file"
    EXPIRED_CERTIFICATE = "expired-certificate"


def parse(name: Fault | str) -> Fault:
    try:
        return Fault(name)
    except ValueError:
        raise LabError(f"there is no fault {name!r}", advice=f"there are: {', '.join(Fault)}") from None


def active(host: LabHost) -> dict[Fault, str]:
    """The faults in force, with their arguments."""
    folder = host.folder / "faults"
    return {Fault(p.name): p.read_text() for p in sorted(folder.iterdir())} if folder.is_dir() else {}


def inject(host: LabHost, fault: Fault, arg: str | None) -> str:
    """Break the host; returns what was done, in a sentence."""
    if host.state() is HostState.DEAD:
        raise LabError(f"lab host {host.name} is dead", advice=f"`runbook lab down {host.name}` clears it away")
    record = host.folder / "faults" / fault
    known = record.read_text() if record.exists() else None
    # On record first: a fault that was half injected must be healed too.
    arguments = sorted({*(known or "").split(), *(arg or "").split()}) if fault in _PER_SERVICE else [arg or ""]
    if fault in _PER_FILE and known:
        arguments = [known, *arguments]
    record.write_text(("\n" if fault in _PER_FILE else " ").join(arguments))
    try:
        said = _INJECT[fault](host, arg)
    except LabError:
        if known is None:
            record.unlink()
        raise
    if fault is Fault.REBOOT:
        record.unlink()  # it is over when it has happened: there is nothing to heal
    return said


def heal(host: LabHost, only: Fault | None = None) -> list[Fault]:
    """Undo every fault in force (or `only` one), the network first; returns those that were undone."""
    healed = []
    for fault, arg in sorted(active(host).items(), key=lambda item: _HEALING_ORDER.index(item[0])):
        if only not in (None, fault):
            continue
        _HEAL[fault](host, arg)
        (host.folder / "faults" / fault).unlink()
        healed.append(fault)
    return healed


# --- the disk -----------------------------------------------------------------------------------


def _fill(host: LabHost, arg: str | None) -> str:
    folder = host.root() / _LITTER
    folder.mkdir(parents=True, exist_ok=True)
    size = disk.fill(folder / "fill")
    return f"{size} bytes taken by /{_LITTER}/fill; {disk.free_bytes(folder)} are free"


def _fill_inodes(host: LabHost, arg: str | None) -> str:
    folder = host.root() / _LITTER
    made = disk.fill_inodes(folder / "inodes")
    return f"{made} empty files in /{_LITTER}/inodes; {disk.free_inodes(folder)} inodes are free"


def _remove_litter(host: LabHost, arg: str) -> None:
    shutil.rmtree(host.root() / _LITTER, ignore_errors=True)


def _readonly(host: LabHost, arg: str | None) -> str:
    host.exec(["sh", "-c", _READONLY, "sh", "freeze"], check=True)
    return "/, /usr and /etc are read-only, and stay so over a reboot"


def _writable(host: LabHost, arg: str) -> None:
    host.exec(["sh", "-c", _READONLY, "sh", "thaw"], check=True)


# --- processes ----------------------------------------------------------------------------------


def _inside(host: LabHost) -> list[tuple[int, str]]:
    """(pid, name) of the host's processes, its pid 1 first."""
    root = host.init_pid()
    if root is None:
        raise LabError(f"lab host {host.name} is {host.state()}", advice="wait until it is up, or take it down")
    return sorted(processes.in_pid_namespace_of(root), key=lambda p: p[0] != root)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def _kill_sshd(host: LabHost, arg: str | None) -> str:
    pids = [pid for pid, name in _inside(host) if name == "sshd"]
    processes.kill(pids)
    comes_back = "runit starts it again" if host.init is Init.RUNIT else "it stays dead"
    return f"{len(pids)} sshd killed, sessions too; {comes_back}"


def _start_sshd(host: LabHost, arg: str) -> None:
    if host.init is Init.SH and not any(name == "sshd" for _, name in _inside(host)):
        host.exec(["sh", "-c", "setsid /etc/sv/sshd/run </dev/null >/dev/null 2>&1 &"], check=True)


def _freeze(host: LabHost, arg: str | None) -> str:
    pids = [pid for pid, _ in _inside(host)]
    _signal(pids, signal.SIGSTOP)
    return f"{len(pids)} processes stopped: the host takes connections and says nothing"


def _thaw(host: LabHost, arg: str) -> None:
    _signal([pid for pid, _ in _inside(host)], signal.SIGCONT)


def _reboot(host: LabHost, arg: str | None) -> str:
    seconds = arg or "0.3"
    if not re.fullmatch(r"\d+(\.\d+)?", seconds):
        raise LabError(f"reboot {seconds}: expected how many seconds the host stays away")
    (host.folder / "reboot-seconds").write_text(seconds)
    # The kernel kills a pid namespace with its pid 1; hold.sh boots the host again, its disk kept.
    processes.kill([_inside(host)[0][0]])
    return f"power cut; it comes back after {seconds} s with its disk, /run and /tmp emptied"


# --- the network --------------------------------------------------------------------------------


# The cable is pulled at the host's end. Without the controller's end its route would go too, and packets for the host
# would leave by the default route, for a network where somebody else may live.
def _partition(host: LabHost, arg: str | None) -> str:
    host.in_network(["ip", "-batch", "-"], stdin="link set eth0 down\n")
    return "its cable is pulled: an open session hangs, a new one finds no route to the host"


def _plug_in(host: LabHost, arg: str) -> None:
    up = f"link set eth0 up\nroute replace default via {host.wire.gateway}\n"
    host.in_network(["ip", "-batch", "-"], stdin=up)


_DROP = """
table inet lab {
  chain in { type filter hook input priority 0; policy drop; }
  chain out { type filter hook output priority 0; policy drop; }
}
"""
_RESET = """
table inet lab {
  chain in { type filter hook input priority 0; tcp dport 22 reject with tcp reset; }
}
"""


def _rules(host: LabHost, rules: str) -> None:
    host.in_network(["nft", "-f", "-"], stdin=f"flush ruleset\n{rules}")


def _blackhole(host: LabHost, arg: str | None) -> str:
    _rules(host, _DROP)
    return "every packet is dropped, both ways: an open session hangs half-open"


def _reject(host: LabHost, arg: str | None) -> str:
    _rules(host, _RESET)
    return "port 22 answers with a reset: connection refused"


def _no_rules(host: LabHost, arg: str) -> None:
    _rules(host, "")


# --- the host's identity ------------------------------------------------------------------------


def _newkey(host: LabHost, arg: str | None) -> str:
    keep = f"for k in {_HOST_KEY} {_HOST_KEY}.pub; do [ -e $k.lab ] || cp -p $k $k.lab; rm -f $k; done"
    host.exec(["sh", "-ec", f"{keep}\nssh-keygen -q -t ed25519 -N '' -C '' -f {_HOST_KEY}"], check=True)
    _restart_sshd(host)
    return "it has a new host key; known_hosts still has the old one"


def _oldkey(host: LabHost, arg: str) -> None:
    restore = f"for k in {_HOST_KEY} {_HOST_KEY}.pub; do [ ! -e $k.lab ] || mv -f $k.lab $k; done"
    host.exec(["sh", "-ec", restore], check=True)
    _restart_sshd(host)


def _restart_sshd(host: LabHost) -> None:
    _kill_sshd(host, None)
    _start_sshd(host, "")


# --- the clock ----------------------------------------------------------------------------------


def _clock(host: LabHost, arg: str | None) -> str:
    seconds = arg or "-3600"
    if not re.fullmatch(r"[+-]?\d+", seconds):
        raise LabError(f"clock {seconds}: expected by how many seconds the clock is off, e.g. -3600")
    clock.put_off(host, int(seconds))
    return f"sessions that begin now see a clock that is {int(seconds):+d} s off"


def _true_clock(host: LabHost, arg: str) -> None:
    clock.put_right(host)


# --- services -----------------------------------------------------------------------------------


def _service(host: LabHost, arg: str | None) -> str:
    known = host.exec(["ls", "/etc/service"]).stdout.split()
    if not arg or arg not in known:
        raise LabError(f"{host.name} has no service {arg or '(none was named)'}", advice=f"it has: {', '.join(known)}")
    return arg


def _service_kill(host: LabHost, arg: str | None) -> str:
    name = _service(host, arg)
    # "once" first: runit must not start it again after the kill.
    host.exec(["sh", "-c", f"sv once {name} && sv kill {name}"], check=True)
    return f"{name} got SIGKILL and stays down until it is started"


def _service_start(host: LabHost, arg: str) -> None:
    host.exec(["sv", "start", *arg.split()])


def _stale_heartbeat(host: LabHost, arg: str | None) -> str:
    name = _service(host, arg)
    host.exec(["sv", "pause", name], check=True)
    return f"{name} hangs (SIGSTOP): it is there, its port takes connections, its heartbeat grows old"


def _service_continue(host: LabHost, arg: str) -> None:
    host.exec(["sv", "cont", *arg.split()])


def _slow_api(host: LabHost, arg: str | None) -> str:
    if not arg or not arg.isdigit():
        raise LabError("slow-api needs the milliseconds that the exchange takes to answer, e.g. `slow-api 5000`")
    if host.exec(["test", "-d", str(Path(SLOW_API).parent)]).returncode:
        raise LabError(f"{host.name} runs no exchange", advice="the host of `runbook lab up sick` does")
    host.exec(["sh", "-c", f"echo {arg} > {SLOW_API}"], check=True)
    return f"the exchange takes {arg} ms to answer"


def _default_api(host: LabHost, arg: str) -> None:
    host.exec(["rm", "-f", SLOW_API])


_PER_SERVICE = (Fault.SERVICE_KILL, Fault.STALE_HEARTBEAT)
_PER_FILE = (Fault.CORRUPT_FILE,)
_INJECT: dict[Fault, Callable[[LabHost, str | None], str]] = {
    Fault.FILL: _fill,
    Fault.FILL_INODES: _fill_inodes,
    Fault.READONLY: _readonly,
    Fault.KILL_SSHD: _kill_sshd,
    Fault.FREEZE: _freeze,
    Fault.REBOOT: _reboot,
    Fault.PARTITION: _partition,
    Fault.BLACKHOLE: _blackhole,
    Fault.REJECT: _reject,
    Fault.NEWKEY: _newkey,
    Fault.CLOCK: _clock,
    Fault.SERVICE_KILL: _service_kill,
    Fault.SLOW_API: _slow_api,
    Fault.STALE_HEARTBEAT: _stale_heartbeat,
    Fault.CORRUPT_FILE: corruption.corrupt,
    Fault.EXPIRED_CERTIFICATE: corruption.expire,
}
_HEAL: dict[Fault, Callable[[LabHost, str], None]] = {
    # what is frozen cannot be healed, what is read-only cannot be tidied: in this order
    Fault.FREEZE: _thaw,
    Fault.PARTITION: _plug_in,
    Fault.BLACKHOLE: _no_rules,
    Fault.REJECT: _no_rules,
    Fault.READONLY: _writable,
    Fault.FILL: _remove_litter,
    Fault.FILL_INODES: _remove_litter,
    Fault.NEWKEY: _oldkey,
    Fault.CLOCK: _true_clock,
    Fault.KILL_SSHD: _start_sshd,
    Fault.SERVICE_KILL: _service_start,
    Fault.STALE_HEARTBEAT: _service_continue,
    Fault.SLOW_API: _default_api,
    Fault.CORRUPT_FILE: corruption.restore,
    Fault.EXPIRED_CERTIFICATE: corruption.restore,
    Fault.REBOOT: lambda host, arg: None,
}
_HEALING_ORDER = list(_HEAL)
