"""`facts`, `stat` and `disk_usage` through a plain sh: the same answers as the agent's, from what POSIX tools print."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from playbook_engine.transport.base import Call, Reply

PROBES = ("facts", "stat", "disk_usage")

FACTS = r"""
echo "hostname=$(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)"
echo "kernel=$(uname -r)"; echo "machine=$(uname -m)"; echo "system=$(uname -s)"
. /etc/os-release 2>/dev/null; echo "distribution=$ID"; echo "distribution_version=$VERSION_ID"
if [ -d /run/systemd/system ]; then m=systemd; else read -r c </proc/1/comm
case $c in systemd) m=systemd;; runsvdir|runit) m=runit;; s6-svscan) m=s6;; openrc-init) m=openrc;; *) m=$c;; esac; fi
echo "service_mgr=$m"; echo "boot_id=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
read -r up _ </proc/uptime; echo "uptime_seconds=${up%%.*}"
while read -r k v _; do case $k in MemTotal:) echo "memtotal_kb=$v";; MemAvailable:) echo "memavailable_kb=$v";;
esac; done </proc/meminfo; echo "user_id=$(id -un 2>/dev/null)"; echo "user_uid=$(id -u)"
"""

# df -P is POSIX; the inode line is not in POSIX but in coreutils and busybox alike.
DISK = r"""
p=%s; while [ ! -e "$p" ]; do n=${p%%/*}; [ "$n" = "$p" ] && n=.; p=${n:-/}; done
LC_ALL=C df -P -k "$p" | tail -n 1; LC_ALL=C df -P -i "$p" 2>/dev/null | tail -n 1
m=$(LC_ALL=C df -P "$p" | tail -n 1); m=${m##*%% }
while read -r d q t o _; do [ "$q" = "$m" ] && l="$t $o"; done </proc/mounts; echo "$l"
"""

STAT = "LC_ALL=C stat -c '%%F|%%a|%%u|%%g|%%s|%%Y|%%i|%%U|%%G|%%h' %s"


def answer(call: Call, run: Callable[[str], Mapping[str, object]]) -> Reply:
    """One probe. Its measurement stands in `result`, as with the agent."""
    if call.action == "facts":
        return Reply(ok=True, result={"ansible_facts": _facts(str(run(FACTS)["stdout"]))})
    path = str(call.args["path"])
    if call.action == "disk_usage":
        ran = run(DISK % shlex.quote(path))
        return _disk(path, str(ran["stdout"]).splitlines(), str(ran["stderr"]))
    ran = run(STAT % shlex.quote(path))
    if ran["rc"] != 0:
        if "No such file" in str(ran["stderr"]) or "Not a directory" in str(ran["stderr"]):
            return Reply(ok=True, result={"stat": {"exists": False}})
        return Reply(ok=False, kind="unmeasured", msg=str(ran["stderr"]).strip() or "stat(1) is missing")
    return Reply(ok=True, result={"stat": _stat(path, str(ran["stdout"]).strip().split("|"))})


def _facts(text: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        found[key] = value
    for key, scale in (("memtotal_kb", "memtotal_mb"), ("memavailable_kb", "memavailable_mb")):
        if str(found.get(key, "")).isdigit():
            found[scale] = int(str(found.pop(key))) // 1024
    if str(found.get("uptime_seconds", "")).isdigit():
        found["uptime_seconds"] = int(str(found["uptime_seconds"]))
    found["python"] = None
    return found


def _disk(path: str, lines: list[str], error: str) -> Reply:
    try:
        device, total, used, free, _, mount = lines[0].split(None, 5)
        found: dict[str, object] = {
            "path": path,
            "device": device,
            "mount": mount,
            "total_bytes": int(total) * 1024,
            "used_bytes": int(used) * 1024,
            "free_bytes": int(free) * 1024,
            "used_percent": _percent(int(used), int(used) + int(free)),
        }
        inodes = lines[1].split(None, 5)
        found["total_inodes"], found["used_inodes"], found["free_inodes"] = (int(n) for n in inodes[1:4])
        found["used_inodes_percent"] = _percent(int(inodes[2]), int(inodes[1]))
    except (IndexError, ValueError):
        return Reply(ok=False, kind="unmeasured", msg=f"df(1) did not say: {error.strip() or lines!r}")
    kind, _, options = lines[2].partition(" ") if len(lines) > 2 else ("", "", "")
    found["fstype"], found["read_only"] = kind, "ro" in options.split(",")
    return Reply(ok=True, result=found)


def _percent(part: int, whole: int) -> float:
    return -(-part * 1000 // whole) / 10.0 if whole else 0.0


def _stat(path: str, fields: list[str]) -> dict[str, object]:
    kind, mode, uid, gid, size, mtime, inode, user, group, links = fields
    return {
        "exists": True,
        "path": path,
        "isreg": kind.startswith("regular"),
        "isdir": kind == "directory",
        "islnk": kind == "symbolic link",
        "mode": mode.zfill(4),
        "uid": int(uid),
        "gid": int(gid),
        "size": int(size),
        "mtime": float(mtime),
        "inode": int(inode),
        "nlink": int(links),
        "pw_name": user,
        "gr_name": group,
    }
