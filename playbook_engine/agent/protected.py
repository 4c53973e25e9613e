"""Places that nothing may be cleared from, whatever a runbook says."""

SYSTEM = ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "sys", "usr")
KEPT = (".ssh", ".gnupg", ".git", "lost+found")
STATE = ("containerd", "docker", "dpkg", "etcd", "kubelet", "mongodb", "mysql", "pacman", "postgresql", "redis", "rpm")
REGENERABLE = ("/var/lib/apt/lists", "/var/lib/systemd/coredump")
SHARED = ("/tmp", "/var/tmp", "/var/log", "/var/cache")  # where everybody writes: only with a filter


def refusal(path: str, filtered: bool) -> "str | None":
    """Why nothing below an absolute, normal path may be cleared; None when it may.

    `filtered`: whether age, names or a number to keep narrow the choice.
    """
    parts = path.strip("/").split("/")
    if parts == [""]:
        return "it is the root directory"
    kept = [part for part in parts if part in KEPT]
    if kept:
        return "it lies in %s" % kept[0]
    if parts[0] in SYSTEM:
        return "/%s belongs to the system" % parts[0]
    if path in SHARED:
        return None if filtered else "everybody writes there: give older_than, patterns or keep_newest"
    if len(parts) == 1:
        return "it is a top-level directory: name what is below it"
    if parts[0] == "home" and len(parts) == 2:
        return "it is a home directory: name what is below it"
    if parts[0] == "var" and parts[1] in ("lib", "spool", "mail", "backups"):
        return _variable(path, parts)
    return None


def _variable(path: str, parts: "list[str]") -> "str | None":
    if any(path == place or path.startswith(place + "/") for place in REGENERABLE):
        return None
    if len(parts) <= 3 or parts[2] in STATE or parts[1] != "lib":
        return "programs keep their state there"
    return None
