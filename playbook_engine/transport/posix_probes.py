"""`facts`, `stat` and `disk_usage` through a plain sh: the same answers as the agent's, from what POSIX tools print."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from playbook_engine.agent import initsystem
from playbook_engine.agent.actions import facts as names
from playbook_engine.agent.failure import Unmeasured
from playbook_engine.transport.posix_shell import Shell, word

FACTS = r"""
echo "nodename=$(uname -n)"; echo "kernel=$(uname -r)"; echo "machine=$(uname -m)"; echo "system=$(uname -s)"
for f in /usr/lib/os-release /etc/os-release; do [ -r $f ] && . $f; done
echo "id=$ID"; echo "like=$ID_LIKE"; echo "name=$NAME"; echo "version=$VERSION_ID"; echo "codename=$VERSION_CODENAME"
[ "$ID" = debian ] && read -r v </etc/debian_version && echo "version=$v"
[ -d /run/systemd/system ] && echo "systemd=1"; read -r c </proc/1/comm; echo "init=$c"
echo "boot_id=$(cat /proc/sys/kernel/random/boot_id)"; echo "machine_id=$(cat /etc/machine-id)"
read -r up _ </proc/uptime; echo "uptime_seconds=${up%%.*}"
while read -r k v _; do case $k in MemTotal:) echo "memtotal_kb=$v";; MemFree:) echo "memfree_kb=$v";;
esac; done </proc/meminfo; echo "user_id=$(id -un)"; echo "user_uid=$(id -u)"; echo "user_gid=$(id -g)"
for p in %s; do [ -e "$p" ] && echo "packager=$p" && break; done
"""

# df -P is POSIX; the inode line is not in POSIX but in coreutils and busybox alike. Paths must not look like options.
DISK = r"""
export LC_ALL=C; p=%s; echo "path $p"; case $p in -*) p=./$p;; esac
while [ ! -e "$p" ]; do n=${p%%/*}; [ "$n" = "$p" ] && n=.; p=${n:-/}; done
echo "space $(df -P -k "$p" | tail -n 1)"; echo "inodes $(df -P -i "$p" 2>/dev/null | tail -n 1)"
m=$(df -P "$p" | tail -n 1); m=${m##*%% }
while read -r d q t o _; do [ "$q" = "$m" ] && l="$t $o"; done </proc/mounts; echo "mount $l"
"""

STAT = 'p=%s; LC_ALL=C stat %s-c \'%%F|%%a|%%u|%%g|%%s|%%Y|%%X|%%Z|%%i|%%d|%%h|%%U|%%G|\' -- "$p" && printf %%s "$p"'


def facts(shell: Shell, args: Mapping[str, Any]) -> dict[str, object]:
    """The family `system`, memory, and who we are; the rest takes Python."""
    script = FACTS % " ".join(path for _, path in names.PACKAGERS)
    lines = shell.run(script).stdout.splitlines()
    said: dict[str, str] = defaultdict(str, (line.partition("=")[::2] for line in lines))
    family = next((names.NAMES[i] for i in [said["id"], *said["like"].split()] if i in names.NAMES), ("", ""))
    name = names.NAMES[said["id"]][0] if said["id"] in names.NAMES else said["name"] or said["system"]
    node, version = said["nodename"], said["version"]
    found: dict[str, object] = {
        "hostname": node.split(".")[0], "nodename": node, "fqdn": node, "domain": node.partition(".")[2],
        "system": said["system"], "kernel": said["kernel"], "architecture": said["machine"],
        "machine": said["machine"], "distribution": name, "distribution_version": version,
        "distribution_major_version": version.split(".")[0], "distribution_release": said["codename"] or "NA",
        "os_family": family[1] or name, "machine_id": said["machine_id"], "boot_id": said["boot_id"],
        "service_mgr": "systemd" if said["systemd"] else initsystem.KNOWN.get(said["init"], said["init"]),
        "pkg_mgr": next((kind for kind, path in names.PACKAGERS if path == said["packager"]), "unknown"),
        "uptime_seconds": int(said["uptime_seconds"] or 0), "user_id": said["user_id"],
        "user_uid": int(said["user_uid"]), "user_gid": int(said["user_gid"]),
        "memtotal_mb": int(said["memtotal_kb"] or 0) // 1024, "memfree_mb": int(said["memfree_kb"] or 0) // 1024,
        "python": None,
    }  # fmt: skip
    kept = [glob.removeprefix("ansible_") for glob in args["filter"] or ["*"]]
    return {"ansible_facts": {k: v for k, v in found.items() if any(fnmatch.fnmatchcase(k, glob) for glob in kept)}}


def disk_usage(shell: Shell, args: Mapping[str, Any]) -> dict[str, object]:
    """Raises Unmeasured."""
    ran = shell.run(DISK % word(args["path"]))
    lines = dict(line.partition(" ")[::2] for line in ran.stdout.splitlines())
    found: dict[str, object] = {"path": lines.get("path", args["path"])}
    try:
        device, total, used, free, _, mount = lines["space"].split(None, 5)
        found.update(
            device=device, mount=mount, total_bytes=int(total) * 1024, used_bytes=int(used) * 1024,
            free_bytes=int(free) * 1024, used_percent=_percent(int(used), int(used) + int(free)),
        )  # fmt: skip
        total, used, free = lines["inodes"].split(None, 5)[1:4]
        found.update(
            total_inodes=int(total), used_inodes=int(used), free_inodes=int(free),
            used_inodes_percent=_percent(int(used), int(total)),
        )  # fmt: skip
    except (KeyError, ValueError):
        raise Unmeasured(f"df(1) did not say: {ran.stderr.strip() or ran.stdout!r}") from None
    kind, _, options = lines.get("mount", "").partition(" ")
    return {**found, "fstype": kind, "read_only": "ro" in options.split(",")}


def _percent(part: int, whole: int) -> float:
    return -(-part * 1000 // whole) / 10.0 if whole else 0.0


def stat(shell: Shell, args: Mapping[str, Any]) -> dict[str, object]:
    """Without the checksum, and what needs one. Raises Unmeasured."""
    ran = shell.run(STAT % (word(args["path"]), "-L " if args["follow"] else ""))
    if ran.rc != 0:
        if "No such file" in ran.stderr or "Not a directory" in ran.stderr:
            return {"stat": {"exists": False}}
        raise Unmeasured(ran.stderr.strip() or "stat(1) is missing")
    said, _, path = ran.stdout.partition("|\n")
    kind, mode, uid, gid, size, mtime, atime, ctime, inode, device, links, user, group = said.split("|")
    return {
        "stat": {
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
            "atime": float(atime),
            "ctime": float(ctime),
            "inode": int(inode),
            "dev": int(device),
            "nlink": int(links),
            "pw_name": user,
            "gr_name": group,
        }
    }
