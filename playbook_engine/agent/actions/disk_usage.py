"""How full a file system is: bytes and inodes, as an ordinary user meets them."""

import os

from playbook_engine.agent import failure

SPEC = {
    "name": "disk_usage",
    "kind": "probe",
    "summary": "Bytes and inodes, total, used and free, of the file system that holds a path",
    "doc": "`free_bytes` is what an ordinary process can still write (f_bavail), without the blocks reserved for root. "
    "A path that is not there yet is looked up at its nearest existing parent.",
    "params": {"path": {"type": "path", "default": "/", "doc": "Any path on the file system."}},
    "free_form": "path",
    "sh": True,
    "returns": {
        "free_bytes": "bytes",
        "total_bytes": "bytes",
        "used_bytes": "bytes",
        "used_percent": "0..100, as df(1) rounds up",
        "free_inodes": "count",
        "total_inodes": "count",
        "used_inodes": "count",
        "used_inodes_percent": "0..100",
        "mount": "the mount point",
        "device": "",
        "fstype": "",
        "read_only": "bool",
    },
    "examples": "disk_usage: {path: /var}",
}


def observe(args: "dict") -> "dict":
    path = args["path"]
    while not os.path.exists(path):
        parent = os.path.dirname(path)
        if parent == path:
            raise failure.Unmeasured("%s: no such path" % args["path"])
        path = parent
    fs = os.statvfs(path)
    total, free = fs.f_blocks * fs.f_frsize, fs.f_bavail * fs.f_frsize
    used = (fs.f_blocks - fs.f_bfree) * fs.f_frsize
    used_inodes = fs.f_files - fs.f_ffree
    found = {
        "path": args["path"],
        "total_bytes": total,
        "used_bytes": used,
        "free_bytes": free,
        "used_percent": _percent(used, used + free),
        "total_inodes": fs.f_files,
        "used_inodes": used_inodes,
        "free_inodes": fs.f_favail,
        "used_inodes_percent": _percent(used_inodes, fs.f_files),
        "read_only": bool(fs.f_flag & os.ST_RDONLY),
    }
    found.update(mount_of(path))
    return found


def _percent(part: int, whole: int) -> float:
    """Rounded up, as df(1) does, so that 99.2 % never reads as 99."""
    return -(-part * 1000 // whole) / 10.0 if whole else 0.0


def mount_of(path: str) -> "dict":
    """The mount that holds a path, from /proc/self/mountinfo (proc(5)); the last line for a mount point wins."""
    real = os.path.realpath(path)
    best: "dict" = {"mount": "/", "device": "", "fstype": ""}
    try:
        with open("/proc/self/mountinfo", errors="surrogateescape") as handle:
            for line in handle:
                left, _, right = line.partition(" - ")
                point = _unescape(left.split()[4])
                inside = real == point or real.startswith(point.rstrip("/") + "/")
                if inside and len(point) >= len(str(best["mount"])):
                    kind, device = right.split()[:2]
                    best = {"mount": point, "device": _unescape(device), "fstype": kind}
    except OSError:
        pass
    return best


def _unescape(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
