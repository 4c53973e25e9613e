"""An archive, by what its first bytes are: what is in it, whether it lies unpacked in a directory, and unpacking it.

tar archives are read by GNU tar (whose options the argument `extra_opts` takes), zip archives by Python itself.
"""

import os

from playbook_engine.agent import failure, process

COMPRESSED = ((b"\x1f\x8b", "-z", "Tgz"), (b"BZh", "-j", "TarBzip"), (b"\xfd7zXZ\0", "-J", "TarXz"),
              (b"\x28\xb5\x2f\xfd", "--use-compress-program=zstd", "TarZstd"))  # fmt: skip
LANGUAGE = {"LC_ALL": "C", "LANGUAGE": "C"}  # what tar says is read
IGNORED = ("-o", "-q", "-qq")  # options of unzip(1) that change nothing here


def opened(args: "dict", data: bytes) -> "Tar | Zip":
    """The archive. Raises Failed for an empty one, or what is none."""
    if not data:
        raise failure.Failed("Invalid archive '%s', the file is 0 bytes" % args["src"])
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return Zip(args, data)
    return Tar(args, data)


def matches(name: str, patterns: "list[str]") -> bool:
    import fnmatch

    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


class Tar(object):
    """Through tar(1), which reads the archive from its standard input."""

    def __init__(self, args: "dict", data: bytes) -> None:
        self.args, self.data = args, data
        self.flag, kind = next(((f, k) for magic, f, k in COMPRESSED if data.startswith(magic)), ("", "Tar"))
        # Ansible's plain handler takes what tar(1) can tell by itself, which is all but the first of them.
        self.handler = "TgzArchive" if kind == "Tgz" else "TarArchive"

    def command(self, what: str) -> "list[str]":
        args = self.args
        made = ["tar", what, "-C", args["dest"]] + [self.flag] * bool(self.flag)
        if args["extra_opts"]:
            made += ["--show-transformed-names"] + args["extra_opts"]
        if args["keep_newer"] and what != "--list":
            made.append("--keep-newer-files")
        made += ["--exclude=" + each.rstrip("/") for each in args["exclude"]]
        return made + ["-f", "-"] + args["include"]

    def run(self, what: str) -> "dict":
        return process.run(self.command(what), stdin=self.data, env=LANGUAGE, cap=64 << 20)

    def names(self) -> "list[str]":
        """What it holds, with names as they will be. Raises Failed."""
        ran = self.run("--list")
        if ran["rc"] != 0:
            raise failure.Failed("%s cannot be read as an archive: %s" % (self.args["src"], ran["stderr"].strip()))
        import codecs

        found = []
        for line in ran["stdout"].splitlines():
            raw = codecs.escape_decode(line.encode("utf-8", "surrogateescape"))[0]
            name = raw.decode("utf-8", "surrogateescape").lstrip("/")
            if name and not matches(name, [each.rstrip("/") for each in self.args["exclude"]]):
                found.append(name)
        if not found:
            raise failure.Failed("%s holds no files to unpack" % self.args["src"])
        return found

    def differs(self) -> bool:
        """Whether something that it holds lies otherwise in the directory, as tar --diff says."""
        ran = self.run("--diff")
        for line in (ran["stdout"] + "\n" + ran["stderr"]).splitlines():
            said = line.rpartition(": ")[2]
            if said in ("Mod time differs", "Contents differ", "Size differs", "Symlink differs", "File type differs"):
                return True
            if said == "Mode differs" and self.args["mode"] is None:
                return True
            for what, key in (("Uid differs", "owner"), ("Gid differs", "group")):
                if said == what and self.args[key] is None and os.getuid() == 0:
                    return True
            # Under --strip-components a directory has an empty name, and that is not there.
            if said == "No such file or directory" and ": : Warning: " not in line:
                return True
        return False

    def extract(self) -> "dict":
        """Raises Failed."""
        ran = self.run("--extract")
        told = {"cmd": self.command("--extract"), "rc": ran["rc"], "out": ran["stdout"], "err": ran["stderr"]}
        if ran["rc"] != 0:
            full = "No space left on device" in ran["stderr"]
            said = "failed to unpack %s to %s: %s" % (self.args["src"], self.args["dest"], ran["stderr"].strip()[:500])
            raise failure.Failed(said, "disk-full" if full else "failed", {"extract_results": told})
        return told


class Zip(object):
    """Through zipfile."""

    handler = "ZipArchive"

    def __init__(self, args: "dict", data: bytes) -> None:
        import io
        import zipfile

        self.args = args
        self.flat = "-j" in args["extra_opts"]
        odd = [each for each in args["extra_opts"] if each not in IGNORED + ("-j",)]
        if odd:
            raise failure.Failed("extra_opts of a zip archive can be -j, which leaves out directories; not %s" % odd[0])
        try:
            self.zip = zipfile.ZipFile(io.BytesIO(data))
        except zipfile.BadZipFile as error:
            raise failure.Failed("%s cannot be read as an archive: %s" % (args["src"], error))

    def entries(self) -> "list":
        """(name, its ZipInfo), as included and excluded."""
        args, found = self.args, []
        for info in self.zip.infolist():
            wanted = matches(info.filename, args["include"]) if args["include"] else True
            if wanted and not matches(info.filename, args["exclude"]):
                name = os.path.basename(info.filename) if self.flat else info.filename.lstrip("/")
                found += [(name, info)] * bool(name)
        return found

    def names(self) -> "list[str]":
        return [name for name, _ in self.entries()]

    def differs(self) -> bool:
        return any(self._unlike(name, info) for name, info in self.entries())

    def _unlike(self, name: str, info: "object") -> bool:
        """Whether an entry is to be unpacked."""
        import stat
        import zlib

        path = os.path.join(self.args["dest"], name)
        try:
            st = os.lstat(path)
        except OSError:
            return True
        mode, link = permissions(info)
        if name.endswith("/"):
            return not stat.S_ISDIR(st.st_mode) or self._attributes_differ(st, mode)
        if link:
            return not stat.S_ISLNK(st.st_mode) or os.readlink(path) != self.zip.read(info).decode()  # type: ignore[arg-type]
        if not stat.S_ISREG(st.st_mode):
            return True
        at = moment(info)
        if self.args["keep_newer"] and at < st.st_mtime:
            return False
        if at > st.st_mtime if self.args["keep_newer"] else at != st.st_mtime:
            return True
        if info.file_size != st.st_size or self._attributes_differ(st, mode):  # type: ignore[attr-defined]
            return True
        with open(path, "rb") as handle:
            return zlib.crc32(handle.read()) & 0xFFFFFFFF != info.CRC  # type: ignore[attr-defined]

    def _attributes_differ(self, st: "os.stat_result", mode: int) -> bool:
        if self.args["mode"] is None and st.st_mode & 0o7777 != mode:
            return True
        if self.args["owner"] is None and st.st_uid != os.getuid():
            return True
        return self.args["group"] is None and st.st_gid != os.getgid()

    def extract(self) -> "dict":
        """Raises Failed, OSError."""
        from playbook_engine.agent import atomic

        top = os.path.realpath(self.args["dest"])
        done, later = [], []
        for name, info in self.entries():
            if not self._unlike(name, info):
                continue
            path = os.path.join(self.args["dest"], name)
            folder = path if name.endswith("/") else os.path.dirname(path)
            if not (os.path.realpath(folder) + "/").startswith(top.rstrip("/") + "/"):
                raise failure.Failed("%s in %s leads out of %s" % (name, self.args["src"], top), "refused")
            os.makedirs(folder, exist_ok=True)
            mode, link = permissions(info)
            done.append(_said(path, info))
            if name.endswith("/"):
                later.append((path, mode, info))
                continue
            data = self.zip.read(info)
            if link:
                if os.path.lexists(path):
                    os.unlink(path)
                os.symlink(data, os.fsencode(path))
                continue
            atomic.write(path, data, mode)
            os.utime(path, (moment(info), moment(info)))
        for path, mode, info in reversed(later):  # what lies in them has to be written first
            os.chmod(path, mode)
            os.utime(path, (moment(info), moment(info)))
        out = "Archive:  %s\n%s" % (self.args["src"], "".join(done))
        return {"cmd": ["zipfile"], "rc": 0, "out": out, "err": ""}


def _said(path: str, info: "object") -> str:
    """What unzip(1) says of an entry that it unpacks."""
    if path.endswith("/"):
        return "   creating: %s\n" % path
    word = " extracting" if info.compress_type == 0 else "  inflating"  # type: ignore[attr-defined]
    return "%s: %s  \n" % (word, path)


def permissions(info: "object") -> "tuple[int, bool]":
    """(mode, whether it is a link) of an entry; one from a system without modes gets those of a new file."""
    import stat

    kept = info.external_attr >> 16  # type: ignore[attr-defined]
    if info.create_system == 3 and kept:  # type: ignore[attr-defined]
        return kept & 0o777, stat.S_ISLNK(kept)
    mask = os.umask(0o022)
    os.umask(mask)
    folder = info.filename.endswith("/")  # type: ignore[attr-defined]
    return (0o777 if folder else 0o666) & ~mask, False


def moment(info: "object") -> float:
    """When an entry was changed, seconds; zip archives hold the local time."""
    import time

    return time.mktime(tuple(info.date_time) + (0, 0, 0))  # type: ignore[attr-defined]
