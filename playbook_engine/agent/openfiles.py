"""Which files processes hold open: what must not be removed, and what holds space though its name has gone."""

import os
import stat

from playbook_engine.agent import procfs

ACCESS, WRITE_ONLY, APPEND = 0o3, 0o1, 0o2000  # of open(2), as /proc/PID/fdinfo shows them (Linux, all but alpha)


class Held(object):
    """One open file. `appended`: every writer opened it write-only to append, as logs are, so it may be truncated."""

    def __init__(self, size: int) -> None:
        self.size = size  # bytes on disk
        self.holders: "list[tuple[int, int]]" = []  # (pid, descriptor)
        self.written = self.appended = False
        self.write_only = True
        self.mapped = False
        self.deleted = ""  # its last name, when it has none any more

    def add(self, pid: int, number: int, flags: int) -> None:
        self.holders.append((pid, number))
        if flags & ACCESS == 0:
            return
        append = flags & ACCESS == WRITE_ONLY and bool(flags & APPEND)
        self.appended = append and (self.appended or not self.written)
        self.write_only = self.write_only and flags & ACCESS == WRITE_ONLY
        self.written = True


class OpenFiles(object):
    """What is open on some devices. `complete` is false where other users' processes are hidden from us."""

    def __init__(self, devices: "set[int]") -> None:
        self.devices = devices
        self.files: "dict[tuple[int, int], Held]" = {}
        self.names: "set[str]" = set()
        self.complete = True

    def command(self, pid: int) -> "str | None":
        """The name of a process."""
        return (procfs.stat(pid) or {}).get("comm")

    def who(self, held: "Held | None") -> "dict":
        """Who holds a file: the first of them."""
        pid = held.holders[0][0] if held is not None and held.holders else 0
        return {"pid": pid or None, "command": self.command(pid) if pid else None}

    def mapping(self, pid: int, line: str) -> None:
        """Takes in a line of /proc/PID/maps."""
        fields = line.split(None, 5)
        if len(fields) < 6 or fields[4] == "0" or fields[5] in self.names:
            return
        self.names.add(fields[5])  # a device as maps shows it is not always that of stat (btrfs, overlayfs)
        major, _, minor = fields[3].partition(":")
        key = (os.makedev(int(major, 16), int(minor, 16)), int(fields[4]))
        if key[0] in self.devices:
            held = self.files.setdefault(key, Held(0))
            held.mapped = True
            if not held.holders:
                held.holders.append((pid, -1))

    def of(self, path: str, st: "os.stat_result") -> "Held | None":
        """What is known of an open file, or None when nobody has it open."""
        held = self.files.get((st.st_dev, st.st_ino))
        if held is None and path in self.names:
            held = Held(st.st_blocks * 512)
            held.mapped = True
        return held


def look(devices: "set[int]") -> "OpenFiles":
    """What is open here now, but by ourselves."""
    found = OpenFiles(devices)
    found.names.update(_backing())
    for pid in procfs.pids():
        if pid != os.getpid():
            _descriptors(found, pid)
            for line in procfs.read("/proc/%d/maps" % pid).splitlines():
                found.mapping(pid, line)
    return found


def _descriptors(found: "OpenFiles", pid: int) -> None:
    base = "/proc/%d/fd" % pid
    try:
        numbers = os.listdir(base)
    except PermissionError:
        found.complete = False
        return
    except OSError:
        return
    for number in numbers:
        try:
            st = os.stat("%s/%s" % (base, number))
            if not stat.S_ISREG(st.st_mode):
                continue
            target = os.readlink("%s/%s" % (base, number))
            # overlayfs gives a file the device of its layer, so that of its directory counts as well
            if st.st_dev not in found.devices and os.lstat(os.path.dirname(target)).st_dev not in found.devices:
                continue
        except OSError:
            continue
        held = found.files.setdefault((st.st_dev, st.st_ino), Held(st.st_blocks * 512))
        held.add(pid, int(number), _flags(pid, number))
        if st.st_nlink == 0:
            held.deleted = target[:-10] if target.endswith(" (deleted)") else target


def _flags(pid: int, number: str) -> int:
    for line in procfs.read("/proc/%d/fdinfo/%s" % (pid, number)).splitlines():
        if line.startswith("flags:"):
            return int(line.split()[1], 8)
    return 0o2  # unknown: taken for read and write, which is left alone


def _backing() -> "set[str]":
    """Files that the kernel itself holds: swap, and what loop devices stand on."""
    found = {line.split()[0] for line in procfs.read("/proc/swaps").splitlines()[1:]}
    try:
        blocks = [name for name in os.listdir("/sys/block") if name.startswith("loop")]
    except OSError:
        blocks = []
    for name in blocks:
        found.add(procfs.read("/sys/block/%s/loop/backing_file" % name).rstrip("\n"))
    return found - {""}
