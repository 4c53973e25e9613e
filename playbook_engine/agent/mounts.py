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
