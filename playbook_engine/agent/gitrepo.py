"""A copy of a git repository on this host, and the repository that it comes from, through git(1)."""

import os

from playbook_engine.agent import failure, filestate, process

KINDS = (
    ("not found", "not-found"),
    ("does not appear to be a git repository", "not-found"),
    ("Could not find remote", "not-found"),
    ("Permission denied", "permission"),
    ("Authentication failed", "permission"),
    ("terminal prompts disabled", "permission"),
    ("No space left on device", "disk-full"),
    ("Read-only file system", "read-only"),
)
# git(1) asks it for the password (gitcredentials(7)); the shell takes that from the environment.
HELPER = 'credential.helper=!f() { test "$1" = get && printf "password=%s\\n" "$RUNBOOK_GIT_PASSWORD"; }; f'
MOST = 64 << 20  # bytes of output that are taken
FORMATS = {".tar": "tar", ".tgz": "tgz", ".gz": "tar.gz", ".zip": "zip"}  # of git-archive(1), by a file's ending
HEX = frozenset("0123456789abcdef")


def same_url(now: str, repo: str) -> bool:
    """Whether a copy's address is that of `repo`; as in Ansible, a path is another one than its file:// address."""
    kept = now if now.startswith("/") else _address(now)
    return os.path.normpath(kept) == os.path.normpath(_address(repo))


def _address(repo: str) -> str:
    """As git is given it: a path as file://, and without a password, which would show in `ps`."""
    path = os.path.expanduser(repo)
    if path.startswith("/"):
        return "file://" + path.rstrip("/")
    scheme, user, password, rest = _parts(repo)
    return "%s://%s@%s" % (scheme, user, rest) if password else repo


def _parts(repo: str) -> "tuple[str, str, str, str]":
    """Scheme, user, password and the rest of `https://user:password@host/path`; empty texts where it is not of that."""
    scheme, found, rest = repo.partition("://")
    place, _, path = rest.partition("/")
    who, at, host = place.rpartition("@")
    user, _, password = who.partition(":")
    if not found or not at or scheme not in ("http", "https"):
        return "", "", "", ""
    return scheme, user, password, host + "/" + path


class Copy(object):
    """The copy that the arguments of `git` mean."""

    def __init__(self, args: "dict") -> None:
        self.args = args
        self.dest = os.path.abspath(args["dest"])
        self.repo = _address(args["repo"])  # git takes --depth only with an address
        password = _parts(args["repo"])[2]
        if password:
            from urllib.parse import unquote

            password = unquote(password)
        self.password = password
        self.program = args["executable"] or "git"
        self.umask = int(args["umask"], 8) if args["umask"] else None

    def call(self, *words: str, **more: object) -> "dict":
        """git in the copy, or, with `cwd`, elsewhere."""
        env = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        ssh = self._ssh()
        if ssh:
            env["GIT_SSH_COMMAND"] = ssh
        login = []
        if self.password:
            env.update(RUNBOOK_GIT_PASSWORD=self.password)
            login = ["-c", "credential.helper=", "-c", HELPER]
        env.update({k: str(v) for k, v in (self.args["environment"] or {}).items()})
        cwd = more.get("cwd", self.dest)
        command = [self.program] + login + list(words)
        stdin = more.get("stdin", b"")
        assert isinstance(stdin, bytes)
        return process.run(command, stdin, env=env, cwd=cwd, umask=self.umask, cap=MOST)

    def git(self, *words: str, **more: object) -> str:
        """The same; its output. Raises Failed."""
        ran = self.call(*words, **more)
        if ran["rc"] != 0:
            lines = ran["stderr"].strip().splitlines()
            bad = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:] or ["no word"]
            kind = next((kind for text, kind in KINDS if text in ran["stderr"]), "failed")
            verb = next(word for word in words if not word.startswith("-"))
            raise failure.Failed("git %s: %s" % (verb, bad[0]), kind, {"rc": ran["rc"], "stderr": ran["stderr"]})
        if ran["stdout_bytes"] > MOST:
            raise failure.Failed("git %s: more than %d bytes of output" % (words[0], MOST), "over-limit")
        return str(ran["stdout"])

    def _ssh(self) -> str:
        import shlex

        words = []
        if self.args["key_file"]:
            words += ["-i", self.args["key_file"], "-o", "IdentitiesOnly=yes"]
        if self.args["accept_newhostkey"] or self.args["accept_hostkey"]:
            words += ["-o", "StrictHostKeyChecking=accept-new"]
        more = self.args["ssh_opts"] or ""
        if not words and not more:
            return ""
        return " ".join(["ssh -o BatchMode=yes"] + [shlex.quote(word) for word in words] + [more] * bool(more))

    # -- what is here

    def _git_dir(self) -> str:
        if self.args["bare"]:
            return self.dest
        place = os.path.join(self.dest, ".git")
        if os.path.isfile(place):  # `gitdir: PATH`, of a separate directory or a submodule
            with open(place) as handle:
                path = handle.read().partition(":")[2].strip()
            return os.path.join(self.dest, path)
        return place

    def observe(self) -> "dict":
        exists = os.path.exists(os.path.join(self._git_dir(), "config"))
        separate = self.args["separate_git_dir"]
        state: "dict" = {
            "path": self.dest,
            "exists": exists,
            "dest_there": os.path.lexists(self.dest),
            "git_dir_there": os.path.lexists(separate) if separate else None,
            "parents": filestate.missing_parents(self.dest),
            "commit": None,
        }
        if not exists:
            return state
        commit = self.call("rev-parse", "--verify", "-q", "HEAD")
        if "dubious ownership" in self.call("status", "--porcelain", "-uno")["stderr"]:
            raise failure.Failed("%s belongs to another user: become that one, or set safe.directory" % self.dest)
        branch = self.call("symbolic-ref", "-q", "--short", "HEAD")
        url = self.call("config", "--get", "remote.%s.url" % self.args["remote"])
        state["commit"] = commit["stdout"].strip() or None
        state["branch"] = branch["stdout"].strip() or None
        state["remote_url"] = url["stdout"].strip() or None
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname) %(symref)").splitlines()
        state["refs"] = {words[0]: words[1] for words in (line.split(" ") for line in lines) if not words[2]}
        state["modified"] = [] if self.args["bare"] else self._modified()
        return state

    def _modified(self) -> "list[str]":
        """Files that differ from what is committed; what git does not know does not count, nor do submodules."""
        told = self.git("status", "--porcelain", "-uno", "--ignore-submodules=all")
        return [line[3:] for line in told.splitlines()]

    def submodules(self) -> "list[str]":
        """Those that are not there (-) or at another commit (+) than what is checked out records."""
        if not os.path.exists(os.path.join(self.dest, ".gitmodules")):
            return []
        told = self.git("submodule", "status", "--recursive")
        return [line[1:].split()[1] for line in told.splitlines() if line[:1] in ("-", "+")]

    def patch(self) -> bytes:
        return self.git("diff", "--binary", "--ignore-submodules=all", "HEAD").encode("utf-8", "surrogateescape")

    def archive(self) -> bytes:
        """The version as an archive (git-archive(1)). Raises Failed."""
        words = ["archive", "--format=" + FORMATS[os.path.splitext(self.args["archive"])[1]]]
        words += ["--prefix=" + self.args["archive_prefix"]] if self.args["archive_prefix"] else []
        return self.git(*(words + [self.args["version"]])).encode("utf-8", "surrogateescape")

    # -- what the repository has

    def target(self, state: "dict") -> "dict":
        """{commit, branch, tag} that `version` means there. Raises Failed where it is not to be found."""
        version = self.args["version"]
        where = self.dest if state["exists"] else "/"
        lines = self.git("ls-remote", "--symref", self.repo, cwd=where).splitlines()
        refs, default = {}, None
        for line in lines:
            value, _, name = line.partition("\t")
            if value.startswith("ref: ") and name == "HEAD":
                default = value[5:].strip()
            elif not value.startswith("ref: "):
                refs[name] = value
        if version == "HEAD" and state["exists"]:
            branch = state["branch"] or self._default_branch()
            if "refs/heads/" + branch not in refs:
                said = "%s is at %s, a branch that the repository does not have" % (self.dest, branch)
                raise failure.Failed(said, "not-found")
            return {"commit": refs["refs/heads/" + branch], "branch": branch, "tag": None}
        if version == "HEAD":
            branch = (default or "").replace("refs/heads/", "", 1) or None
            if "HEAD" not in refs:
                raise failure.Failed("the repository is empty, or has no branch that is its HEAD", "not-found")
            return {"commit": refs["HEAD"], "branch": branch, "tag": None}
        name = version[len("refs/heads/") :] if version.startswith("refs/heads/") else version
        if "refs/heads/" + name in refs:
            return {"commit": refs["refs/heads/" + name], "branch": name, "tag": None}
        tag = version[len("refs/tags/") :] if version.startswith("refs/tags/") else version
        peeled = refs.get("refs/tags/%s^{}" % tag) or refs.get("refs/tags/" + tag)
        if peeled:
            return {"commit": peeled, "branch": None, "tag": tag}
        if version in refs:
            return {"commit": refs[version], "branch": None, "tag": None}
        remote = self.args["remote"] + "/"
        if version.startswith(remote) and "refs/heads/" + version[len(remote) :] in refs:
            return {"commit": refs["refs/heads/" + version[len(remote) :]], "branch": None, "tag": None}
        if len(version) >= 7 and set(version.lower()) <= HEX:
            full = version.lower()
            if len(full) < 40 and state["exists"]:
                known = self.call("rev-parse", "--verify", "-q", full + "^{commit}")
                full = known["stdout"].strip() or full
            if len(full) >= 40:
                return {"commit": full, "branch": None, "tag": None}
            raise failure.Failed("version %s: give the whole number of a commit" % version)
        raise failure.Failed("the repository has no branch, tag or commit %s" % version, "not-found")

    def _default_branch(self) -> str:
        """The branch of the remote's HEAD, as the copy knows it; for one that is at a commit and on no branch."""
        remote = self.args["remote"]
        known = self.call("symbolic-ref", "-q", "--short", "refs/remotes/%s/HEAD" % remote)["stdout"].strip()
        if not known:
            raise failure.Failed("%s is on no branch: give a version" % self.dest)
        return str(known)[len(remote) + 1 :]

    # -- doing it

    def clone(self, target: "dict") -> None:
        args = self.args
        words = ["clone", "--bare"] if args["bare"] else ["clone", "--origin", args["remote"]]
        named = target["branch"] or target["tag"]
        if args["depth"] and (named or args["refspec"]):  # a commit number cannot be asked for by depth
            words += ["--depth", str(args["depth"])]
        words += ["--single-branch"] * args["single_branch"]
        words += ["--branch", named] if named else []
        words += ["--reference", args["reference"]] if args["reference"] else []
        words += ["--separate-git-dir=" + args["separate_git_dir"]] if args["separate_git_dir"] else []
        self.git(*(words + [self.repo, self.dest]), cwd="/")
        if args["bare"] and args["remote"] != "origin":
            self.git("remote", "add", args["remote"], self.repo)
        if args["refspec"]:
            self.git("fetch", args["remote"], args["refspec"])

    def point_at(self, now: str) -> bool:
        if same_url(now, self.repo):
            return False
        self.git("remote", "set-url", self.args["remote"], self.repo)
        return True

    def fetch(self, target: "dict") -> None:
        args = self.args
        depth = ["--depth", str(args["depth"])] if args["depth"] and (target["branch"] or target["tag"]) else []
        if args["bare"]:
            specs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        else:
            specs = ["+refs/heads/*:refs/remotes/%s/*" % args["remote"], "+refs/tags/*:refs/tags/*"]
            if depth and target["branch"]:
                specs = ["+refs/heads/%s:refs/remotes/%s/%s" % (target["branch"], args["remote"], target["branch"])]
        specs += [args["refspec"]] if args["refspec"] else []
        self.git(*(["fetch", "--force"] + depth + [args["remote"]] + specs))

    def switch(self, target: "dict") -> None:
        branch, remote = target["branch"], self.args["remote"]
        if not branch:
            self.git("checkout", "--force", target["tag"] or target["commit"], "--")
            return
        if self.call("show-ref", "--verify", "-q", "refs/heads/" + branch)["rc"] == 0:
            self.git("checkout", "--force", branch, "--")
        else:
            self.git("checkout", "--force", "--track", "-b", branch, "%s/%s" % (remote, branch))
        self.git("reset", "--hard", "%s/%s" % (remote, branch), "--")

    def update_submodules(self) -> None:
        if not os.path.exists(os.path.join(self.dest, ".gitmodules")):
            return
        self.git("submodule", "sync", "--recursive")
        words = ["submodule", "update", "--init", "--recursive"]
        words += ["--remote"] * self.args["track_submodules"] + ["--force"] * self.args["force"]
        self.git(*words)

    # -- taking it back

    def put_back(self, before: "dict") -> None:
        """Branch, commit and references of before; a patch is applied as what nobody committed."""
        now = self.observe()
        url = before["remote_url"]
        if now["remote_url"] != url and url is not None:
            self.git("remote", "set-url", self.args["remote"], url)
        if not self.args["bare"] and before["commit"]:
            self.git("checkout", "--force", "--detach", before["commit"], "--")
        now = self.observe()
        for name in sorted(set(now["refs"]) - set(before["refs"])):
            self.call("update-ref", "-d", name)
            if name.startswith("refs/heads/"):
                self.call("config", "--remove-section", "branch." + name[len("refs/heads/") :])
        for name, commit in sorted(before["refs"].items()):
            if now["refs"].get(name) != commit:
                self.git("update-ref", name, commit)
        if before["branch"]:
            self.git("symbolic-ref", "HEAD", "refs/heads/" + before["branch"])
        if not self.args["bare"] and before["commit"]:
            self.git("reset", "--hard", before["commit"], "--")
            if self.args["recursive"] and os.path.exists(os.path.join(self.dest, ".gitmodules")):
                self.call("submodule", "update", "--init", "--recursive", "--force")
        if before.get("patch"):
            self.git("apply", "--binary", "--whitespace=nowarn", "-", stdin=before["patch"])
