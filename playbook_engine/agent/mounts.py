"""What is mounted where, from /proc/self/mountinfo (proc(5)), and how it is mounted again."""

from playbook_engine.agent import procfs


def at(path: str) -> "dict | None":
    """{path, source, fstype, options, root} of what lies uppermost on a mount point; None where nothing is mounted."""
    found = None
    for line in procfs.read("/proc/self/mountinfo").splitlines():
        fields = line.split(" ")
        if len(fields) < 10 or unescape(fields[4]) != path or "-" not in fields:
            continue
        dash = fields.index("-")
        options = fields[5] + ("," + fields[dash + 3] if fields[dash + 3 :] else "")
        found = {
            "path": path,
            "root": unescape(fields[3]),
            "fstype": fields[dash + 1],
            "source": unescape(fields[dash + 2]),
            "options": ",".join(dict.fromkeys(options.split(","))),
        }
    return found


def again(mount: "dict") -> "list[str]":
    """The command that mounts it as it was. A part of a file system, mounted by `bind`, is found through its source."""
    if mount["root"] != "/":
        return ["mount", "--bind", "-o", mount["options"].partition(",")[0], _below(mount), mount["path"]]
    return ["mount", "-t", mount["fstype"], "-o", mount["options"], mount["source"], mount["path"]]


MEMORY = ("tmpfs", "ramfs")
"""File systems whose content goes when they are unmounted."""


def alike(one: "dict", other: "dict") -> bool:
    """Whether two are mounts of the same: they differ in their options at most."""
    return all(one[key] == other[key] for key in ("source", "fstype", "root"))


def remount(was: "dict", now: "dict") -> "list[str]":
    """The command that gives a mount the options back that it had. With its source, or mount(8) would add those that
    fstab has for it; and tmpfs keeps an option that is left out, which is then told its default (tmpfs(5))."""
    options = was["options"].split(",")
    names = [option.partition("=")[0] for option in options]
    if was["fstype"] == "tmpfs":
        gone = [option.partition("=")[0] for option in now["options"].split(",")]
        options += ["%s=%s" % pair for pair in _tmpfs_defaults() if pair[0] in gone and pair[0] not in names]
    return ["mount", "-o", ",".join(["remount"] + options), was["source"], was["path"]]


def _tmpfs_defaults() -> "list[tuple[str, object]]":
    """Half of the memory, and an inode for each of its pages: to the byte, or mountinfo lists them."""
    import os

    for line in procfs.read("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            size = os.sysconf("SC_PAGE_SIZE")
            pages = int(line.split()[1]) * 1024 // size // 2
            return [("size", pages * size), ("nr_inodes", pages), ("huge", "never")]
    return [("huge", "never")]


def _below(mount: "dict") -> str:
    """Where the root of a bind mount is seen: below another mount of the same file system."""
    for line in procfs.read("/proc/self/mountinfo").splitlines():
        fields = line.split(" ")
        dash = fields.index("-")
        if fields[dash + 1] == mount["fstype"] and unescape(fields[dash + 2]) == mount["source"]:
            root, place = unescape(fields[3]), unescape(fields[4])
            if place != mount["path"] and mount["root"].startswith(root.rstrip("/") + "/"):
                return place.rstrip("/") + mount["root"][len(root.rstrip("/")) :]
    return str(mount["root"])


def same_source(source: str, mount: "dict") -> bool:
    """Whether `source`, as in fstab(5), is what is mounted: by its name, by what a link leads to, or by bind."""
    import os

    if source in (mount["source"], mount["root"]):
        return True
    for kind in ("UUID", "LABEL", "PARTUUID", "PARTLABEL"):
        if source.startswith(kind + "="):
            source = "/dev/disk/by-%s/%s" % (kind.lower(), source.partition("=")[2].strip('"'))
    return os.path.realpath(source) in (os.path.realpath(mount["source"]), mount["root"], _below(mount))


def escape(text: str) -> str:
    r"""fstab(5): a blank in a field is \040."""
    return text.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")


def unescape(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
