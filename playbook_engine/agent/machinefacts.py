"""Facts of the machine itself: what its maker says of it, its disks, its name servers, its public host keys.

Read from /sys, /proc and /etc under Ansible's names; what is not there is left out, or "NA" where Ansible says so.
"""

import os

from playbook_engine.agent import procfs

DMI = {  # below /sys/class/dmi/id: what Ansible calls it
    "bios_date": "bios_date", "bios_vendor": "bios_vendor", "bios_version": "bios_version",
    "board_asset_tag": "board_asset_tag", "board_name": "board_name", "board_serial": "board_serial",
    "board_vendor": "board_vendor", "board_version": "board_version", "chassis_asset_tag": "chassis_asset_tag",
    "chassis_serial": "chassis_serial", "chassis_vendor": "chassis_vendor", "chassis_version": "chassis_version",
    "product_name": "product_name", "product_serial": "product_serial", "product_uuid": "product_uuid",
    "product_version": "product_version", "sys_vendor": "system_vendor",
}  # fmt: skip
KEYS = ("dsa", "rsa", "ecdsa", "ed25519")
SECTOR = 512  # bytes: what /sys/block/*/size counts in, whatever the disk does


def maker() -> "dict":
    return {fact: procfs.read("/sys/class/dmi/id/" + name).strip() or "NA" for name, fact in DMI.items()}


def lsb(release: "dict[str, str]") -> "dict":
    """/etc/lsb-release, or the same out of os-release(5)."""
    told = dict(line.strip().split("=", 1) for line in procfs.read("/etc/lsb-release").splitlines() if "=" in line)
    plain = {key: value.strip("\"'") for key, value in told.items()}
    version = plain.get("DISTRIB_RELEASE") or release.get("VERSION_ID", "")
    found = {
        "id": plain.get("DISTRIB_ID") or release.get("NAME", "").split(" ")[0],
        "description": plain.get("DISTRIB_DESCRIPTION") or release.get("PRETTY_NAME", ""),
        "release": version,
        "major_release": version.split(".")[0],
        "codename": plain.get("DISTRIB_CODENAME") or release.get("VERSION_CODENAME", ""),
    }
    return {key: value for key, value in found.items() if value}


def dns() -> "dict":
    """resolv.conf(5)."""
    found: "dict" = {}
    for line in procfs.read("/etc/resolv.conf").splitlines():
        words = line.split()
        if len(words) < 2 or words[0][0] in "#;":
            continue
        if words[0] == "nameserver":
            found.setdefault("nameservers", []).append(words[1])
        elif words[0] == "domain":
            found["domain"] = words[1]
        elif words[0] in ("search", "sortlist"):
            found[words[0]] = words[1:]
        elif words[0] == "options":
            pairs = (word.partition(":") for word in words[1:])
            found["options"] = {name: value or True for name, _, value in pairs}
    return found


def guards() -> "dict":
    """What restricts programs here."""
    return {
        "apparmor": {"status": "enabled" if os.path.exists("/sys/kernel/security/apparmor") else "disabled"},
        "fips": procfs.read("/proc/sys/crypto/fips_enabled").strip() == "1",
        "is_chroot": _chroot(),
    }


def _chroot() -> bool:
    """As Ansible decides it: another / than that of process 1."""
    if "debian_chroot" in os.environ:
        return True
    try:
        here, first = os.stat("/"), os.stat("/proc/1/root/.")
    except OSError:  # not root: / of a whole system has the inode 2 (ext), 128 (xfs) or 256 (btrfs)
        return os.stat("/").st_ino not in (2, 128, 256)
    return (here.st_ino, here.st_dev) != (first.st_ino, first.st_dev)


def host_keys() -> "dict":
    """The public keys of sshd(8)."""
    found = {}
    for folder in ("/etc/ssh", "/etc/openssh", "/etc"):
        for kind in KEYS:
            words = procfs.read("%s/ssh_host_%s_key.pub" % (folder, kind)).split()
            if len(words) > 1:
                name = "ssh_host_key_%s_public" % kind
                found[name], found[name + "_keytype"] = words[1], words[0]
        if found:
            break
    return found


def devices() -> "dict":
    """Disks and their partitions, from /sys/block."""
    disks = links()
    found = {}
    for name in sorted(os.listdir("/sys/block")) if os.path.isdir("/sys/block") else []:
        where = "/sys/block/" + name
        if name.startswith("ram"):
            continue
        size, block = _sized(where)
        scheduler = procfs.read(where + "/queue/scheduler")
        found[name] = {
            "virtual": int("/devices/virtual/" in os.path.realpath(where)),
            "vendor": procfs.read(where + "/device/vendor").strip() or None,
            "model": procfs.read(where + "/device/model").strip() or None,
            "removable": procfs.read(where + "/removable").strip(),
            "rotational": procfs.read(where + "/queue/rotational").strip(),
            "support_discard": procfs.read(where + "/queue/discard_granularity").strip(),
            "scheduler_mode": scheduler.partition("[")[2].partition("]")[0] or scheduler.strip(),
            "sectors": size,
            "sectorsize": block,
            "size": human(size * SECTOR),
            "holders": _names(where + "/holders"),
            "links": _linked(name, disks),
            "partitions": {
                part: _partition(where, part, block, disks) for part in _names(where) if part.startswith(name)
            },
            "host": "",
        }
    return {"devices": found, "device_links": disks}


def _partition(where: str, part: str, block: str, disks: "dict") -> "dict":
    size, _ = _sized("%s/%s" % (where, part))
    return {
        "start": procfs.read("%s/%s/start" % (where, part)).strip(),
        "sectors": size,
        "sectorsize": int(block),
        "size": human(size * SECTOR),
        "uuid": next(iter(_linked(part, disks)["uuids"]), None),
        "holders": _names("%s/%s/holders" % (where, part)),
        "links": _linked(part, disks),
    }


def _sized(where: str) -> "tuple[int, str]":
    """(sectors of 512 bytes, bytes of a sector of its own)."""
    block = procfs.read(where + "/queue/logical_block_size").strip() or str(SECTOR)
    return int(procfs.read(where + "/size").strip() or 0), block


def _names(folder: str) -> "list[str]":
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def links() -> "dict":
    """{ids, uuids, labels, masters}: the names in /dev/disk/by-* of each device."""
    found: "dict" = {"masters": {}}
    for kind, folder in (("ids", "by-id"), ("uuids", "by-uuid"), ("labels", "by-label")):
        found[kind] = {}
        for name in _names("/dev/disk/" + folder):
            device = os.path.basename(os.path.realpath("/dev/disk/%s/%s" % (folder, name)))
            found[kind].setdefault(device, []).append(name)
    return found


def _linked(device: str, disks: "dict") -> "dict":
    return {kind: disks[kind].get(device, []) for kind in ("ids", "uuids", "labels", "masters")}


def human(size: float) -> str:
    """Bytes as Ansible writes them: `10.00 GB`, a GB having 1024 ** 3."""
    for unit, factor in (("TB", 1 << 40), ("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if size >= factor:
            return "%.2f %s" % (size / factor, unit)
    return "%.2f Bytes" % size
