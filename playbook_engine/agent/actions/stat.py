"""What a path is."""

import os
import stat

from playbook_engine.agent import filestate

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
            "choices": ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
            "doc": "Algorithm of `checksum`.",
        },
    },
    "sh": True,
    "returns": {
        "stat": "exists, path, isreg, isdir, islnk, isblk, ischr, isfifo, issock, mode, isuid, isgid, rusr … xoth, "
        "uid, gid, pw_name, gr_name, size, atime, mtime, ctime, inode, dev, nlink, readable, writeable, executable, "
        "lnk_source, lnk_target, checksum"
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
        "isreg": stat.S_ISREG(mode),
        "isdir": stat.S_ISDIR(mode),
        "islnk": stat.S_ISLNK(mode),
        "isblk": stat.S_ISBLK(mode),
        "ischr": stat.S_ISCHR(mode),
        "isfifo": stat.S_ISFIFO(mode),
        "issock": stat.S_ISSOCK(mode),
        "isuid": bool(mode & stat.S_ISUID),
        "isgid": bool(mode & stat.S_ISGID),
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
    }
    for number, right in enumerate(("rusr", "wusr", "xusr", "rgrp", "wgrp", "xgrp", "roth", "woth", "xoth")):
        found[right] = bool(mode & (0o400 >> number))
    if found["islnk"]:
        found.update(lnk_target=os.readlink(path), lnk_source=os.path.realpath(path))
    if found["isreg"] and args["get_checksum"] and found["readable"]:
        found["checksum"] = filestate.digest_of(path, args["checksum_algorithm"])
    return {"stat": found}
