"""A user's home directory, made from a skeleton, and the SSH key in it."""

import os
import stat

from playbook_engine.agent import accounts, failure, filestate, process, procfs


def make(path: str, uid: int, gid: int, skeleton: "str | None", umask: "str | None") -> None:
    """What useradd(8) does for a new account: a copy of the skeleton that belongs to the user."""
    base = skeleton or "/etc/skel"
    if (os.path.realpath(path) + "/").startswith(os.path.realpath(base) + "/"):
        raise failure.Failed("%s is inside of the skeleton that it is to be made from, %s" % (path, base))
    os.mkdir(path, 0o700)
    if os.path.isdir(base):
        _copy(base, path)
    for state in filestate.tree(path):
        os.chown(state["path"], uid, gid, follow_symlinks=False)
    os.chmod(path, _mode(umask))


def _copy(source: str, target: str) -> None:
    for name in sorted(os.listdir(source)):
        old, new = os.path.join(source, name), os.path.join(target, name)
        st = os.lstat(old)
        if stat.S_ISLNK(st.st_mode):
            os.symlink(os.readlink(old), new)
        elif stat.S_ISDIR(st.st_mode):
            os.mkdir(new, 0o700)
            _copy(old, new)
            os.chmod(new, stat.S_IMODE(st.st_mode))
        elif stat.S_ISREG(st.st_mode):
            with open(old, "rb") as there, open(new, "xb") as here:
                here.write(there.read())
            os.chmod(new, stat.S_IMODE(st.st_mode))


def _mode(umask: "str | None") -> int:
    """HOME_MODE, or what UMASK leaves (login.defs(5))."""
    told = {}
    for line in procfs.read("/etc/login.defs").splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] in ("HOME_MODE", "UMASK"):
            told[words[0]] = words[1]
    if umask:
        return 0o777 & ~int(umask, 8)
    if "HOME_MODE" in told:
        return int(told["HOME_MODE"], 8)
    return 0o777 & ~int(told.get("UMASK", "022"), 8)


def key_path(args: "dict", home: str) -> str:
    return os.path.join(home, args["ssh_key_file"] or ".ssh/id_%s" % args["ssh_key_type"])


def key_state(path: str) -> "dict":
    """The two files of the key, and the directories that would be made for them."""
    files = [filestate.observe(each) for each in (path, path + ".pub")]
    return {"files": files, "made": filestate.missing_parents(path)}


def keep(state: "dict") -> "dict":
    """With the content of what is there: a key that is made anew goes over it."""
    return dict(state, files=[filestate.keep(one, None) for one in state["files"]])


def make_key(args: "dict", path: str, account: "dict") -> None:
    """With ssh-keygen(1); the passphrase goes to its terminal, for an argument would show in `ps`."""
    for parent in filestate.missing_parents(path):
        os.mkdir(parent, 0o700)
        os.chown(parent, account["uid"], account["gid"])
    for old in (path, path + ".pub"):
        if os.path.lexists(old):
            os.unlink(old)
    comment = args["ssh_key_comment"] or "ansible-generated on %s" % os.uname().nodename
    words = ["ssh-keygen", "-q", "-t", args["ssh_key_type"], "-C", comment, "-f", path]
    words += ["-b", str(args["ssh_key_bits"])] if args["ssh_key_bits"] else []
    if args["ssh_key_passphrase"]:
        ran = _at_terminal(words, args["ssh_key_passphrase"])
    else:
        ran = process.run(words + ["-N", ""])
    if ran["rc"] != 0:
        said = (ran["stderr"] or ran["stdout"]).strip() or "status %s" % ran["rc"]
        raise failure.Failed("ssh-keygen: %s" % said, result={"rc": ran["rc"]})
    for new in (path, path + ".pub"):
        os.chown(new, account["uid"], account["gid"])


def _at_terminal(words: "list[str]", passphrase: str) -> "dict":
    """Runs a program that asks twice for a passphrase at its terminal."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        try:
            os.execvp(words[0], words)
        finally:
            os._exit(127)
    said, answers = b"", 0
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # EIO: it has ended
            break
        if not piece:
            break
        said += piece
        while answers < said.count(b":") and answers < 2:
            os.write(terminal, passphrase.encode("utf-8", "surrogateescape") + b"\n")
            answers += 1
    os.close(terminal)
    status = os.waitpid(pid, 0)[1]
    text = said.decode("utf-8", "replace").replace(passphrase, "***")
    return {"rc": os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1, "stdout": text, "stderr": ""}


def key_told(path: str) -> "dict":
    """Ansible's words for a key."""
    if not os.path.exists(path):
        return {"ssh_key_file": path, "ssh_fingerprint": None, "ssh_public_key": None}
    ran = process.run(["ssh-keygen", "-l", "-f", path], env={"LC_ALL": "C"})
    public = procfs.read(path + ".pub").strip() or None
    said = (ran["stdout"] if ran["rc"] == 0 else ran["stderr"]).strip()
    return {"ssh_key_file": path, "ssh_fingerprint": said, "ssh_public_key": public}


def put_key_back(before: "dict") -> "list[str]":
    """Removes a key that was made, with the directories for it, or puts back the one that was there."""
    key = before.get("ssh_key")
    if key is None:
        return []
    if key["made"]:
        return filestate.remove_created(key["made"][0])
    for one in key["files"]:
        filestate.put_back(one)
    return []


def take_back(before: "dict", moved: bool) -> "list[str]":
    """Removes a home that was made for an account that was there, and puts back its key."""
    removed = put_key_back(before)
    account = accounts.user(before["name"])
    made = account is not None and not before["home_there"] and os.path.lexists(before["home_at"])
    if made and (not moved or before["home_at"] == before["home"]):
        removed += filestate.remove_created((before["parents"] or [before["home_at"]])[0])
    return removed
