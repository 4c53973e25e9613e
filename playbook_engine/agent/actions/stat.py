"""What a path is."""

import os

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
        "stat": "exists, isreg, isdir, islnk, mode, uid, gid, size, mtime, checksum, pw_name, gr_name, lnk_source"
    },
    "examples": "stat: {path: /etc/hosts}",
}


def observe(args: "dict") -> "dict":
    path = os.path.realpath(args["path"]) if args.get("follow") else args["path"]
    state = filestate.observe(path, digest=False)
    if state["type"] == "absent":
        return {"stat": {"exists": False}}
    st = os.lstat(path)
    found = {
        "exists": True,
        "path": args["path"],
        "isreg": state["type"] == "file",
        "isdir": state["type"] == "directory",
        "islnk": state["type"] == "link",
        "mode": state["mode"],
        "uid": st.st_uid,
        "gid": st.st_gid,
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
    if state["type"] == "link":
        found["lnk_target"] = state["target"]
        found["lnk_source"] = os.path.realpath(path)
    if state["type"] == "file" and args.get("get_checksum", True) and found["readable"]:
        found["checksum"] = filestate.digest_of(path, args.get("checksum_algorithm") or "sha1")
    found.update(_names(st.st_uid, st.st_gid))
    return {"stat": found}


def _names(uid: int, gid: int) -> "dict":
    import grp
    import pwd

    names = {}
    try:
        names["pw_name"] = pwd.getpwuid(uid).pw_name
        names["gr_name"] = grp.getgrgid(gid).gr_name
    except KeyError:
        pass  # a number without a name is common after an account was removed
    return names
