"""What a path is."""

import os
import stat

from playbook_engine.agent import failure, filestate, permissions, process

SPEC = {
    "name": "stat",
    "kind": "probe",
    "summary": "Tell what a path is: type, mode, owner, size, digest",
    "doc": "",
    "params": {
        "path": {"type": "path", "required": True, "aliases": ["dest", "name"], "doc": "The path to look at."},
        "follow": {"type": "bool", "default": False, "doc": "Look at what a link points to."},
        "get_checksum": {"type": "bool", "default": True, "doc": "Read the content for its digest."},
        "checksum_algorithm": {
            "type": "str",
            "default": "sha1",
            "aliases": ["checksum", "checksum_algo"],
            "choices": ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
            "doc": "Algorithm of `checksum`.",
        },
        "get_mime": {
            "type": "bool",
            "default": True,
            "aliases": ["mime", "mime_type", "mime-type"],
            "doc": "What file(1) says of it, where the host has that.",
        },
        "get_attributes": {
            "type": "bool",
            "default": True,
            "aliases": ["attr", "attributes"],
            "doc": "The flags of the file system (chattr(1)).",
        },
    },
    "sh": True,
    "returns": {
        "stat": "exists, path, isreg, isdir, islnk, isblk, ischr, isfifo, issock, mode, isuid, isgid, rusr … xoth, "
        "uid, gid, pw_name, gr_name, size, atime, mtime, ctime, inode, dev, nlink, readable, writeable, executable, "
        "lnk_source, lnk_target, checksum, mimetype, charset, attributes, attr_flags, version, "
        "blocks, block_size, device_type"
    },
    "examples": "stat: {path: /etc/hosts}",
}


def observe(args: "dict") -> "dict":
    path = os.path.realpath(args["path"]) if args["follow"] else args["path"]
    try:
        st = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {"stat": {"exists": False}}
    mode = st.st_mode
    found: "dict" = {
        "exists": True,
        "path": args["path"],
        "mode": "%04o" % stat.S_IMODE(mode),
        "uid": st.st_uid,
        "gid": st.st_gid,
        "pw_name": filestate.name_of_uid(st.st_uid),
        "gr_name": filestate.name_of_gid(st.st_gid),
        "size": st.st_size,
        "mtime": st.st_mtime,
        "atime": st.st_atime,
        "ctime": st.st_ctime,
        "inode": st.st_ino,
        "dev": st.st_dev,
        "nlink": st.st_nlink,
        "readable": os.access(path, os.R_OK),
        "writeable": os.access(path, os.W_OK),
        "executable": os.access(path, os.X_OK),
        "blocks": st.st_blocks,
        "block_size": st.st_blksize,
        "device_type": st.st_rdev,
    }
    found.update(permissions.flags(mode))
    if found["islnk"]:
        found.update(lnk_target=os.readlink(path), lnk_source=os.path.realpath(path))
    if found["isreg"] and args["get_checksum"] and found["readable"]:
        found["checksum"] = filestate.digest_of(path, args["checksum_algorithm"])
    if args["get_mime"]:
        found["mimetype"], found["charset"] = _mime(args["path"])
    if args["get_attributes"]:
        found.update(permissions.attributes(path))
    return {"stat": found}


def _mime(path: str) -> "tuple[str, str]":
    """The type and the encoding of a file's content, as file(1) says."""
    try:
        ran = process.run(["file", "--mime-type", "--mime-encoding", path])
        kind, charset = ran["stdout"].rsplit(":", 1)[1].split(";")
        return kind.strip(), charset.split("=")[1].strip()
    except (failure.Failed, ValueError, IndexError):
        return "unknown", "unknown"
