"""What a host is: system, hardware, mounts, network. Read from /proc, /sys and /etc, no program is started (but for
those of facts.d, where `local` is asked for)."""

import os
import sys

from playbook_engine.agent import initsystem, localfacts, machinefacts, networkfacts, procfs

SUBSET = {
    "type": "list[str]",
    "default": ["all"],
    "doc": "all, min, system, hardware, mounts, network, python, and local: what the host says of itself in files "
    "/etc/ansible/facts.d/NAME.fact, which may be programs. With `!` in front: not that.",
}
SPEC = {
    "name": "facts",
    "kind": "probe",
    "summary": "Gather facts about the host, under Ansible's names",
    "doc": "Gathered by itself on the first use of `ansible_facts`. The name is not looked up in DNS.",
    "params": {
        "gather_subset": SUBSET,
        "filter": {"type": "list[str]", "doc": "Globs on the names of facts; only those that match."},
    },
    "sh": True,
    "returns": {"ansible_facts": "the facts, without the prefix ansible_"},
    "examples": "facts: {gather_subset: [system, network]}",
}

NAMES = {  # ID of os-release(5): what Ansible calls it, and its family
    "debian": ("Debian", "Debian"),
    "ubuntu": ("Ubuntu", "Debian"),
    "linuxmint": ("Linux Mint", "Debian"),
    "raspbian": ("Debian", "Debian"),
    "kali": ("Kali", "Debian"),
    "rhel": ("RedHat", "RedHat"),
    "centos": ("CentOS", "RedHat"),
    "fedora": ("Fedora", "RedHat"),
    "rocky": ("Rocky", "RedHat"),
    "almalinux": ("AlmaLinux", "RedHat"),
    "ol": ("OracleLinux", "RedHat"),
    "amzn": ("Amazon", "RedHat"),
    "sles": ("SLES", "Suse"),
    "opensuse-leap": ("openSUSE Leap", "Suse"),
    "opensuse-tumbleweed": ("openSUSE Tumbleweed", "Suse"),
    "alpine": ("Alpine", "Alpine"),
    "arch": ("Archlinux", "Archlinux"),
    "gentoo": ("Gentoo", "Gentoo"),
    "void": ("Void", "Void"),
}
PACKAGERS = (
    ("apt", "/usr/bin/apt-get"),
    ("dnf5", "/usr/bin/dnf5"),
    ("dnf", "/usr/bin/dnf"),
    ("yum", "/usr/bin/yum"),
    ("zypper", "/usr/bin/zypper"),
    ("apk", "/sbin/apk"),
    ("pacman", "/usr/bin/pacman"),
    ("xbps", "/usr/bin/xbps-install"),
)
# Of the environment only what cannot be a secret: facts are kept in journals.
PLAIN = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "TZ", "USER")
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "autofs", "ceph", "glusterfs", "fuse.sshfs", "9p", "afs")
PSEUDO = ("proc", "sysfs", "cgroup", "cgroup2", "devpts", "devtmpfs", "mqueue", "debugfs", "tracefs", "securityfs")


FORMS = (
    ("year", "%Y"), ("month", "%m"), ("day", "%d"), ("hour", "%H"), ("minute", "%M"), ("second", "%S"),
    ("weekday_number", "%w"), ("weeknumber", "%W"), ("iso8601_basic_short", "%Y%m%dT%H%M%S"),
)  # fmt: skip


def observe(args: "dict") -> "dict":
    families = {
        "system": system,
        "hardware": hardware,
        "mounts": mounts,
        "network": networkfacts.network,
        "python": python,
    }
    asked = args["gather_subset"] or ["all"]
    left_out = {name[1:] for name in asked if name.startswith("!")}
    named = {name for name in asked if not name.startswith("!")} - {"min"}
    found: "dict" = {"gather_subset": [each for each in asked if each != "local"], "module_setup": True}
    for name, gather in families.items():
        everything = "all" in named or (not named - {"local"} and "min" not in asked and "all" not in left_out)
        if name == "system" or ((everything or name in named) and name not in left_out and "all" not in left_out):
            found.update(gather())
    if "local" in named:
        found["local"] = localfacts.read(localfacts.FOLDER, localfacts.PATIENCE)
    if args["filter"]:
        import fnmatch

        shapes = [shape[8:] if shape.startswith("ansible_") else shape for shape in args["filter"]]
        found = {k: v for k, v in found.items() if any(fnmatch.fnmatchcase(k, shape) for shape in shapes)}
    return {"ansible_facts": found}


def system() -> "dict":
    """Names, versions, who manages services, who we are, when it booted."""
    uname = os.uname()
    release = os_release()
    name, family = NAMES.get(release.get("ID", ""), (release.get("NAME", uname.sysname), ""))
    if not family:
        kin = next((word for word in release.get("ID_LIKE", "").split() if word in NAMES), "")
        family = NAMES[kin][1] if kin else name
    version = release.get("VERSION_ID", "")
    if name == "Debian":
        version = procfs.read("/etc/debian_version").strip() or version
    found = {
        "hostname": uname.nodename.split(".")[0],
        "nodename": uname.nodename,
        "fqdn": uname.nodename,
        "domain": uname.nodename.partition(".")[2],
        "system": uname.sysname,
        "kernel": uname.release,
        "kernel_version": uname.version,
        "architecture": uname.machine,
        "machine": uname.machine,
        "distribution": name,
        "distribution_version": version,
        "distribution_major_version": version.split(".")[0],
        "distribution_release": release.get("VERSION_CODENAME", "NA"),
        "os_family": family,
        "service_mgr": initsystem.name(),
        "pkg_mgr": next((name for name, path in PACKAGERS if os.path.exists(path)), "unknown"),
        "machine_id": procfs.read("/etc/machine-id").strip(),
        "boot_id": procfs.read("/proc/sys/kernel/random/boot_id").strip(),
        "uptime_seconds": int(procfs.uptime()),
        "loadavg": _load(),
        "selinux": {"status": "enabled" if os.path.exists("/sys/fs/selinux/enforce") else "disabled"},
        "lsb": machinefacts.lsb(release),
        "dns": machinefacts.dns(),
        "userspace_bits": "64" if sys.maxsize > 1 << 32 else "32",
        "userspace_architecture": uname.machine,
        "env": {name: os.environ[name] for name in PLAIN if name in os.environ},
    }
    found["cmdline"] = found["proc_cmdline"] = _cmdline()
    if name == "Debian" and "." in version:
        found["distribution_minor_version"] = version.split(".")[1]
    for more in (machinefacts.guards(), machinefacts.host_keys(), who(), clock()):
        found.update(more)
    return found


def os_release() -> "dict[str, str]":
    """os-release(5), unquoted."""
    found = {}
    for line in (procfs.read("/etc/os-release") or procfs.read("/usr/lib/os-release")).splitlines():
        key, sign, value = line.partition("=")
        if sign and not key.startswith("#"):
            found[key.strip()] = value.strip().strip("\"'")
    return found


def who() -> "dict":
    import pwd

    uid = os.getuid()
    found: "dict" = {
        "user_uid": uid, "user_gid": os.getgid(), "effective_user_id": os.geteuid(), "real_user_id": uid,
        "effective_group_id": os.getegid(), "real_group_id": os.getgid(),
    }  # fmt: skip
    try:
        entry = pwd.getpwuid(uid)
        found.update(user_id=entry.pw_name, user_dir=entry.pw_dir, user_shell=entry.pw_shell, user_gecos=entry.pw_gecos)
    except KeyError:
        found["user_id"] = str(uid)
    return found


def clock() -> "dict":
    import time

    now = time.time()
    here, utc = time.localtime(now), time.gmtime(now)
    told = {
        "epoch": str(int(now)),
        "iso8601": time.strftime("%Y-%m-%dT%H:%M:%SZ", utc),
        "date": time.strftime("%Y-%m-%d", here),
        "time": time.strftime("%H:%M:%S", here),
        "weekday": time.strftime("%A", here),
        "tz": time.strftime("%Z", here),
        "tz_offset": time.strftime("%z", here),
    }
    for key, form in FORMS:
        told[key] = time.strftime(form, here)
    micro = "%06d" % (now % 1 * 1000000)
    told["epoch_int"], told["tz_dst"] = told["epoch"], time.tzname[1]
    told["iso8601_micro"] = "%s.%sZ" % (told["iso8601"][:-1], micro)
    told["iso8601_basic"] = told["iso8601_basic_short"] + micro
    return {"date_time": told}


def _load() -> "dict":
    try:
        loads = os.getloadavg()
    except OSError:
        return {}
    return {"1m": loads[0], "5m": loads[1], "15m": loads[2]}


def _cmdline() -> "dict":
    found: "dict" = {}
    for word in procfs.read("/proc/cmdline").split():
        key, sign, value = word.partition("=")
        found[key] = value if sign else True
    return found


def hardware() -> "dict":
    """Processors and memory."""
    memory = meminfo()
    total, free = memory.get("MemTotal", 0), memory.get("MemFree", 0)
    cached = memory.get("Cached", 0) + memory.get("Buffers", 0)
    swap, swap_free = memory.get("SwapTotal", 0), memory.get("SwapFree", 0)
    found = {
        "memtotal_mb": total >> 20,
        "memfree_mb": free >> 20,
        "memavailable_mb": memory.get("MemAvailable", 0) >> 20,
        "swaptotal_mb": swap >> 20,
        "swapfree_mb": swap_free >> 20,
        "memory_mb": {
            "real": {"total": total >> 20, "used": (total - free) >> 20, "free": free >> 20},
            "nocache": {"free": (free + cached) >> 20, "used": (total - free - cached) >> 20},
            "swap": {"total": swap >> 20, "free": swap_free >> 20, "used": (swap - swap_free) >> 20},
        },
    }
    for more in (machinefacts.maker(), machinefacts.devices()):
        found.update(more)
    found.update(processors())
    found.update(virtualization())
    return found


def meminfo() -> "dict[str, int]":
    """/proc/meminfo in bytes."""
    found = {}
    for line in procfs.read("/proc/meminfo").splitlines():
        key, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            found[key] = int(words[0]) * (1024 if words[-1] == "kB" else 1)
    return found


def processors() -> "dict":
    sockets, cores, models = set(), set(), []
    flags: "list[str]" = []
    physical = "0"
    for line in procfs.read("/proc/cpuinfo").splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        if key == "physical id":
            physical = value
            sockets.add(value)
        elif key == "core id":
            cores.add((physical, value))
        elif key in ("processor", "vendor_id", "model name", "Processor", "cpu model"):
            models.append(value)
        elif key == "flags":
            flags = value.split()
    threads = os.cpu_count() or 1
    count = len(sockets) or 1
    per_socket = max(len(cores) // count, 1) if cores else max(threads // count, 1)
    return {
        "processor": models,
        "flags": flags,
        "processor_count": count,
        "processor_cores": per_socket,
        "processor_threads_per_core": max(threads // (per_socket * count), 1),
        "processor_vcpus": threads,
        "processor_nproc": len(os.sched_getaffinity(0)),
    }


def virtualization() -> "dict":
    """What can be told from files: a container, or the maker of a virtual machine."""
    container = procfs.read("/run/systemd/container").strip()
    if os.path.exists("/.dockerenv"):
        container = "docker"
    elif os.path.exists("/run/.containerenv"):
        container = "podman"
    vendor = procfs.read("/sys/class/dmi/id/sys_vendor").strip()
    kinds = {
        "QEMU": "kvm",
        "VMware, Inc.": "VMware",
        "Amazon EC2": "kvm",
        "Google": "kvm",
        "innotek GmbH": "virtualbox",
    }
    kind = container or kinds.get(vendor) or ("kvm" if "hypervisor" in procfs.read("/proc/cpuinfo") else "NA")
    return {
        "virtualization_type": kind,
        "virtualization_role": "NA" if kind == "NA" else "guest",
        "virtualization_tech_guest": [] if kind == "NA" else [kind],
        "virtualization_tech_host": ["kvm"] if os.path.exists("/dev/kvm") else [],
    }


def mounts() -> "dict":
    """Mounted file systems with their sizes; those on the network without, for a dead server would hang us."""
    found: "dict[str, dict]" = {}
    uuids = machinefacts.links()["uuids"]
    for line in procfs.read("/proc/self/mounts").splitlines():
        device, point, fstype, options, dump, passno = [_unescape(field) for field in line.split()[:6]]
        real = device.startswith("/") or ":" in device or fstype in ("tmpfs", "overlay", "zfs")
        if fstype in PSEUDO or not real:
            continue
        told: "dict" = {
            "mount": point, "device": device, "fstype": fstype, "options": options, "dump": int(dump),
            "passno": int(passno), "uuid": uuids.get(os.path.basename(os.path.realpath(device)), ["N/A"])[0],
        }  # fmt: skip
        if fstype not in REMOTE:
            told.update(_sizes(point))
        found[point] = told
    return {"mounts": [found[point] for point in sorted(found)]}


def _sizes(point: str) -> "dict":
    try:
        fs = os.statvfs(point)
    except OSError:
        return {}
    return {
        "size_total": fs.f_blocks * fs.f_frsize,
        "size_available": fs.f_bavail * fs.f_frsize,
        "block_size": fs.f_bsize,
        "block_total": fs.f_blocks,
        "block_available": fs.f_bavail,
        "block_used": fs.f_blocks - fs.f_bavail,
        "inode_total": fs.f_files,
        "inode_available": fs.f_favail,
        "inode_used": fs.f_files - fs.f_favail,
    }


def _unescape(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def python() -> "dict":
    """The interpreter that the agent runs under."""
    version = sys.version_info
    fields = ("major", "minor", "micro", "releaselevel", "serial")
    return {
        "python_version": "%d.%d.%d" % version[:3],
        "python": {
            "version": {name: getattr(version, name) for name in fields},
            "version_info": list(version),
            "executable": sys.executable,
            "type": sys.implementation.name,
            "has_sslcontext": True,
        },
    }
