"""Accounts as the files say: passwd(5), group(5), shadow(5). No getent: a directory service is not ours to change."""

from playbook_engine.agent import procfs


def user(name: str) -> "dict | None":
    """{name, uid, gid, comment, home, shell} of a local user; None when there is none."""
    for fields in _lines("/etc/passwd", 7):
        if fields[0] == name:
            keys = ("name", "uid", "gid", "comment", "home", "shell")
            values = (fields[0], int(fields[2]), int(fields[3]), fields[4], fields[5], fields[6])
            return dict(zip(keys, values))
    return None


def default_home(name: str) -> str:
    """Where useradd(8) puts the home of a new account for which none is given."""
    base = "/home"
    for line in procfs.read("/etc/default/useradd").splitlines():
        key, sign, value = line.partition("=")
        if sign and key.strip() == "HOME":
            base = value.strip()
    return base.rstrip("/") + "/" + name


def group_name(gid: int) -> "str | None":
    return next((fields[0] for fields in _lines("/etc/group", 4) if int(fields[2]) == gid), None)


def group_id(name: str) -> "int | None":
    return next((int(fields[2]) for fields in _lines("/etc/group", 4) if fields[0] == name), None)


def group(name: str) -> "dict | None":
    """{name, gid, members} of a local group, the members sorted; None when there is none."""
    for fields in _lines("/etc/group", 4):
        if fields[0] == name:
            return {
                "name": name,
                "gid": int(fields[2]),
                "members": sorted(each for each in fields[3].split(",") if each),
            }
    return None


def primary_of(gid: int) -> "list[str]":
    """The users whose primary group has this number."""
    return sorted(fields[0] for fields in _lines("/etc/passwd", 7) if fields[3] == str(gid))


def group_shadow(name: str) -> "list[str] | None":
    """A group's line of /etc/gshadow after the name: password, administrators, members; or None."""
    for fields in _lines("/etc/gshadow", 4):
        if fields[0] == name:
            return fields[1:]
    return None


def groups_of(name: str) -> "list[str]":
    """The groups that list a user as a member, sorted: the supplementary ones."""
    return sorted(fields[0] for fields in _lines("/etc/group", 4) if name in fields[3].split(","))


def shadow(name: str) -> "list[str] | None":
    """A user's line of /etc/shadow after the name: the hash and the numbers; or None. Raises PermissionError."""
    for fields in _lines("/etc/shadow", 9):
        if fields[0] == name:
            return fields[1:]
    return None


def subordinate(name: str) -> "dict[str, list[list[int]]]":
    """The ranges of subordinate numbers (subuid(5)) of a user: {uid: [[first, count], …], gid: …}."""
    found = {}
    for kind in ("uid", "gid"):
        rows = _lines("/etc/sub" + kind, 3)
        found[kind] = sorted([int(first), int(count)] for owner, first, count in rows if owner == name)
    return found


def _lines(path: str, count: int) -> "list[list[str]]":
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as handle:
            rows = [line.rstrip("\n").split(":") for line in handle]
    except FileNotFoundError:
        return []
    return [row for row in rows if len(row) == count and not row[0].startswith(("#", "+", "-"))]
