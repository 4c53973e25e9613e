"""Cases for actions that keep a state: what lies there before, and the arguments. `{d}` is the case's own directory."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One action with arguments on prepared ground. `settles` is false where a second plan is never empty."""

    id: str
    action: str
    args: Mapping[str, object]
    prepare: Callable[[Path], None] = lambda d: None
    settles: bool = True
    env: Mapping[str, str] = field(default_factory=dict)

    def filled(self, d: Path) -> dict[str, object]:
        return {k: _fill(v, str(d)) for k, v in self.args.items()}


def _fill(value: object, d: str) -> object:
    if isinstance(value, str):
        return value.replace("{d}", d)
    if isinstance(value, list):
        return [_fill(v, d) for v in value]
    return value


def snapshot(top: Path) -> dict[str, object]:
    """Everything below a directory that a rollback must put back: kind, mode, owner, content, target, xattr."""
    found: dict[str, object] = {}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            content: object = None
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path):
                content = Path(path).read_bytes()
            xattr = {n: os.getxattr(path, n, follow_symlinks=False) for n in os.listxattr(path, follow_symlinks=False)}
            found[os.path.relpath(path, top)] = (oct(st.st_mode), st.st_uid, st.st_gid, content, xattr)
    return found


def write(text: str, name: str = "f", mode: int = 0o640) -> Callable[[Path], None]:
    def prepare(d: Path) -> None:
        (d / name).write_text(text)
        (d / name).chmod(mode)

    return prepare


def tree(d: Path) -> None:
    """A directory `t` with files, a link, an empty directory, odd modes and an old time."""
    (d / "t" / "sub" / "empty").mkdir(parents=True)
    (d / "t" / "a").write_bytes(b"\x00\xff binary")
    (d / "t" / "a").chmod(0o751)
    (d / "t" / "sub" / "b").write_text("b")
    (d / "t" / "sub" / "b").chmod(0o4755)
    os.symlink("a", d / "t" / "l")
    os.symlink("nowhere", d / "t" / "sub" / "dangling")
    os.utime(d / "t" / "a", (1e9, 1e9))
    (d / "t" / "sub").chmod(0o2770)


def link(target: str, text: str = "one\n") -> Callable[[Path], None]:
    def prepare(d: Path) -> None:
        write(text)(d)
        os.symlink(target, d / "l")

    return prepare


def two_names(d: Path) -> None:
    write("x")(d)
    os.link(d / "f", d / "h")


def two_alike(d: Path) -> None:
    for name in ("f", "l"):
        write("x", name)(d)


def default_acl(d: Path) -> None:
    """A directory `t` whose default ACL goes to what is made in it, and a file `t/f` that has none."""
    write("old\n")(d)
    (d / "t").mkdir()
    (d / "f").rename(d / "t" / "f")
    entries = [(1, 6, -1), (2, 7, 12345), (4, 4, -1), (16, 7, -1), (32, 0, -1)]  # acl(5), as the kernel stores it
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    set_where_possible(d / "t", "system.posix_acl_default", value)


def marked_link(d: Path) -> None:
    link("f")(d)
    set_where_possible(d / "l", "trusted.mark", b"ours")


def set_where_possible(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value, follow_symlinks=False)
    except OSError:
        pass  # a file system without, or a user who may not: the case is then one without attributes


def archived() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as made:
        for name, text in {"a": b"new", "sub/b": b"new", "x/y": b"z"}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(text), 1_000_000_000
            made.addfile(info, io.BytesIO(text))
    return held.getvalue()


def zipped() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for name, text in {"a": b"new", "sub/b": b"new", "x/y": b"z"}.items():
            made.writestr(zipfile.ZipInfo(name, (2001, 9, 9, 1, 46, 40)), text)
    return held.getvalue()


LINES = "This is line 1\nThis is line 2\nREF keep REF\nThis is line 4\n"


def case(name: str, prepare: Callable[[Path], None] | None = None, /, *, settles: bool = True, **args: object) -> Case:
    """`ACTION-what it is about`, the ground, the arguments."""
    action = name.split("-")[0]
    return Case(id=name, action=action, args=args, prepare=prepare or (lambda d: None), settles=settles)


def fifo(d: Path) -> None:
    os.mkfifo(d / "p", 0o620)


PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0dHgiKqm2u3R4xDMdBdCbYJjzl2LqvYg6cJe0p6o5G"


def repository(d: Path) -> None:
    """A git repository `r` of two commits."""
    who = "-c user.name=T -c user.email=t@example.test"
    script = f"git init -q -b main r; cd r; for n in 1 2; do echo $n >f; git add f; git {who} commit -qm $n; done"
    subprocess.run(["sh", "-ec", script], cwd=d, check=True)


FILES = [
    case("copy-new", content="a\n", dest="{d}/f"),
    case("copy-changed", write("old\n", mode=0o4711), content="a\n", dest="{d}/f"),
    case("copy-mode-only", write("a\n", mode=0o644), content="a\n", dest="{d}/f", mode="u=rw,go="),
    case("copy-over-link", link("f"), content="a\n", dest="{d}/l"),
    case("copy-over-link-with-attributes", link("f"), content="a\n", dest="{d}/l", mode="0604", owner="12345"),
    case("copy-over-marked-link", marked_link, content="a\n", dest="{d}/l"),
    case("copy-under-default-acl", default_acl, content="a\n", dest="{d}/t/f"),
    case("file-absent-under-default-acl", default_acl, path="{d}/t", state="absent"),
    case("copy-through-link", link("f"), content="a\n", dest="{d}/l", follow=True),
    case("copy-into-new-directories", src="f", content="a", dest="{d}/x/y/"),
    case("copy-validated", write("x"), content="good", dest="{d}/f", validate="grep -q good %s"),
    case("copy-backup", write("old"), content="new", dest="{d}/f", backup=True),
    case("copy-remote-src", write("x", mode=0o751), src="{d}/f", dest="{d}/g", remote_src=True, mode="preserve"),
    case(
        "copy-directory",
        write("old", "a"),
        src="/s/",
        dest="{d}",
        mode="0640",
        directory_mode="0711",
        backup=True,
        tree=[["a", "file", "0755", b"new"], ["sub", "directory", "0700", ""], ["sub/l", "link", "", "../a"]],
    ),
    case("copy-remote-directory", tree, src="{d}/t", dest="{d}/new", remote_src=True),
    case("blockinfile-new", write("a\nb\n"), path="{d}/f", block="x\ny", insertafter="^a", mode="0600"),
    case("blockinfile-created", path="{d}/new/f", block="x", create=True),
    case(
        "blockinfile-removed",
        write("a\n# BEGIN Z\nx\n# END Z\n"),
        path="{d}/f",
        marker="# {mark} Z",
        state="absent",
        backup=True,
    ),
    case("ini_file-changed", write("[a]\n#x = 1\ny=2\n"), path="{d}/f", section="a", option="x", value="5"),
    case("ini_file-created", path="{d}/new/f", section="a", option="x", values=["1", "2"], mode="0600"),
    case("ini_file-section-removed", write("[a]\nx = 1\n[b]\n"), path="{d}/f", section="a", state="absent"),
    case("ini_file-over-link", link("f", "[a]\nx = 1\n"), path="{d}/l", section="a", option="x", value="5"),
    case("assemble-new", tree, src="{d}/t", dest="{d}/whole", delimiter="---", mode="0600"),
    case("assemble-changed", write("old"), src="{d}", dest="{d}/whole", regexp="^f$", backup=True),
    case("unarchive-tar", tree, src="x.tar", content=archived(), dest="{d}/t", mode="0711"),
    case("unarchive-zip", tree, src="x.zip", content=zipped(), dest="{d}/t"),
    case("template-new", src="a.j2", content="a\n", dest="{d}/f", mode="0600"),
    case("file-directory", path="{d}/a/b/c", state="directory", mode="0711"),
    case(
        "file-directory-recurse",
        tree,
        path="{d}/t",
        state="directory",
        recurse=True,
        mode="u=rwX,g=rX,o=",
        owner="12345",
    ),
    case("file-attributes", write("x", mode=0o4755), path="{d}/f", mode="g+w,o-r", group="777"),
    case("file-through-link", link("f"), path="{d}/l", mode="0600"),
    case("file-absent-tree", tree, path="{d}/t", state="absent"),
    case("file-absent-file", write("x", mode=0o4711), path="{d}/f", state="absent"),
    case("file-absent-link", link("t"), path="{d}/l", state="absent"),
    case("file-absent-fifo", fifo, path="{d}/p", state="absent"),
    case("file-link-new", write("x"), path="{d}/l", src="f", state="link"),
    case("file-link-changed", link("elsewhere"), path="{d}/l", src="f", state="link", mode="0604"),
    case("file-link-over-file", write("x"), path="{d}/f", src="gone", state="link", force=True),
    case("file-link-over-empty-directory", tree, path="{d}/t/sub/empty", src="gone", state="link", force=True),
    case("file-hard-new", write("x"), path="{d}/h", src="{d}/f", state="hard"),
    case("file-link-new-with-mode", write("x"), path="{d}/l", src="f", state="link", mode="0600"),
    case("file-hard-new-with-mode", write("x"), path="{d}/h", src="{d}/f", state="hard", mode="0600", group="777"),
    case("file-hard-to-link", link("f"), path="{d}/h", src="l", state="hard"),
    case("file-touch-link", link("nowhere"), settles=False, path="{d}/l", state="touch", follow=False),
    case("file-link-over-other-name", two_names, path="{d}/f", src="h", state="link", force=True),
    case("file-hard-over-the-same", two_alike, path="{d}/l", src="f", state="hard", force=True),
    case("file-hard-over-file", link("f"), path="{d}/l", src="{d}/f", state="hard", force=True),
    case("file-touch-new", settles=False, path="{d}/f", state="touch", mode="0600"),
    case("file-touch-old", tree, settles=False, path="{d}/t/a", state="touch", modification_time="202001010000.00"),
    case(
        "file-touch-preserve",
        write("x"),
        path="{d}/f",
        state="touch",
        modification_time="preserve",
        access_time="preserve",
        mode="0600",
    ),
    case("lineinfile-add", write("a\nb"), path="{d}/f", line="new"),
    case("lineinfile-replace", write(LINES, mode=0o4711), path="{d}/f", regexp="line 2", line="two"),
    case("lineinfile-absent", write(LINES), path="{d}/f", regexp="^This", state="absent"),
    case("lineinfile-create", path="{d}/a/b/f", line="x", create=True),
    case("lineinfile-through-link", link("f"), path="{d}/l", line="x", mode="0600"),
    case("lineinfile-mode-only", write(LINES), path="{d}/f", line="This is line 2", mode="0600"),
    case("lineinfile-backup", write(LINES), path="{d}/f", line="x", backup=True),
    case("replace-some", write(LINES), path="{d}/f", regexp=r"line (\d)", replace=r"row \1", after="2\n"),
    case("replace-mode", write(LINES), path="{d}/f", regexp="REF", replace="x", mode="0600", backup=True),
    case("known_hosts-add", write("# c\n"), path="{d}/f", name="h.test", key=f"h.test {PUBLIC}"),
    case("known_hosts-new", path="{d}/a/f", name="h.test", key=f"h.test {PUBLIC}"),
    case("known_hosts-absent", write(f"h.test {PUBLIC}\nx\n", mode=0o600), path="{d}/f", name="h.test", state="absent"),
    case("authorized_key-add", write("# c"), path="{d}/f", user="root", key=f"{PUBLIC} me", key_options="no-pty"),
    case("authorized_key-new", path="{d}/a/f", user="root", key=PUBLIC),
    case(
        "authorized_key-exclusive", write(f"# c\n{PUBLIC}A x\n"), path="{d}/f", user="root", key=PUBLIC, exclusive=True
    ),
    case("cron-new-file", name="a", job="/bin/true", user="root", cron_file="{d}/f", special_time="daily"),
    case("cron-changed-file", write("X=1"), name="a", job="/b", user="root", cron_file="{d}/f", backup=True),
    case("cron-last-job", write("#Ansible: a\n@daily root x\n"), name="a", state="absent", cron_file="{d}/f"),
    case("sysctl-file", write("a=1\n"), name="kernel.domainname", value="x", sysctl_file="{d}/f", reload=False),
    case("sysctl-absent", write("a=1\nb = 2"), name="b", state="absent", sysctl_file="{d}/f", reload=False),
    case("mount-present", path="/srv/none", src="tmpfs", fstype="tmpfs", fstab="{d}/f", state="present", backup=True),
    case("mount-unlisted", write("a /srv/none b c\n"), path="/srv/none", fstab="{d}/f", state="absent_from_fstab"),
    case("git-clone", repository, repo="{d}/r", dest="{d}/a/copy"),
]
