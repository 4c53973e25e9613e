"""A working copy, or a bare copy, of a git repository, at a version."""

import os

from playbook_engine.agent import atomic, failure, filestate, gitrepo, hashes

SPEC = {
    "name": "git",
    "kind": "state",
    "summary": "Clone a git repository, or bring a copy to a version",
    "doc": "What the repository has is asked of it (git ls-remote) before anything is changed. Changes in the copy "
    "that nobody committed are a failure, unless `force` throws them away.",
    "params": {
        "repo": {
            "type": "str",
            "required": True,
            "aliases": ["name"],
            "doc": "Its address; a password in it goes to git unseen.",
        },
        "dest": {"type": "path", "required": True, "doc": "Where the copy is."},
        "version": {
            "type": "str",
            "default": "HEAD",
            "doc": "A branch, a tag, or a full commit number. Left out: the branch that the copy is at; the "
            "repository's own in a new copy, and in one that is at no branch.",
        },
        "remote": {"type": "str", "default": "origin", "doc": "What the repository is called in the copy."},
        "force": {"type": "bool", "default": False, "doc": "Throw away changes that are not committed."},
        "clone": {"type": "bool", "default": True, "doc": "false: only tell of the repository what is not here."},
        "update": {"type": "bool", "default": True, "doc": "false: a copy that is there stays as it is."},
        "depth": {"type": "int", "minimum": 1, "doc": "Only so many commits of its history."},
        "single_branch": {"type": "bool", "default": False, "doc": "Only the history of `version`."},
        "bare": {"type": "bool", "default": False, "doc": "Without a working copy."},
        "recursive": {"type": "bool", "default": True, "doc": "With its submodules."},
        "track_submodules": {"type": "bool", "default": False, "doc": "Submodules at the newest of their branch."},
        "refspec": {"type": "str", "doc": "More to fetch."},
        "reference": {"type": "path", "doc": "A copy on this host from which objects are borrowed."},
        "separate_git_dir": {"type": "path", "doc": "Where a new copy keeps its repository."},
        "archive": {
            "type": "path",
            "doc": "A file that is made of the version: .tar, .tgz, .gz or .zip.",
        },
        "archive_prefix": {"type": "str", "doc": "What stands before the names in the archive."},
        "verify_commit": {
            "type": "bool",
            "default": False,
            "doc": "What is checked out must be well signed.",
        },
        "key_file": {"type": "path", "doc": "The private key for SSH."},
        "ssh_opts": {"type": "str", "doc": "Options for ssh(1)."},
        "accept_newhostkey": {"type": "bool", "default": False, "doc": "A host key that is not known is accepted."},
        "accept_hostkey": {
            "type": "bool",
            "default": False,
            "doc": "The same: a host key that has changed is refused all the same.",
        },
        "executable": {"type": "path", "doc": "git itself."},
        "umask": {"type": "str", "doc": "Octal, for what is written."},
        "environment": {"type": "dict", "internal": True, "doc": "From the step's `environment`: proxies, say."},
    },
    "undo": "a copy that was made is removed; else branch, commit, references and address of before, and changes that "
    "were thrown away are put back as changes; the archive. Objects that were fetched, and logs, stay",
    "returns": {
        "before": "the commit before, or null",
        "after": "the commit now",
        "remote_url_changed": "",
        "git_dir_now": "with separate_git_dir",
        "submodules_changed": "true, where they were",
        "msg": "of changes that were thrown away",
    },
    "examples": "git: {repo: https://git.example.test/app.git, dest: /opt/app, version: v1.4.2}",
}

VOLATILE = filestate.VOLATILE + ("dest_there",)


def observe(args: "dict") -> "dict":
    if args["separate_git_dir"] and args["bare"]:
        raise failure.Failed("separate_git_dir and bare exclude one another")
    one = gitrepo.Copy(args)
    state = one.observe()
    if args["archive"]:
        state["archive"] = _archive_there(args)
    elif args["archive_prefix"]:
        raise failure.Failed("archive_prefix goes with archive")
    if not state["exists"] and os.path.isdir(one.dest) and os.listdir(one.dest) and args["clone"]:
        raise failure.Failed("%s is there, is not empty, and is no git repository" % one.dest)
    if state["exists"] and not args["update"]:
        if args["archive"]:
            state["_archive"] = hashes.of(one.archive())
        return state
    if state["exists"] and state["remote_url"] is None:
        raise failure.Failed("%s has no remote %s" % (one.dest, args["remote"]), "not-found")
    state["_target"] = one.target(state)
    if state["exists"] and state["modified"] and not args["force"]:
        words = "%s has changes that nobody committed (force: true throws them away): %s"
        raise failure.Failed(words % (one.dest, ", ".join(state["modified"][:5])))
    if state["exists"] and args["recursive"] and not args["bare"]:
        state["submodules"] = one.submodules()
    if state["exists"] and args["archive"] and state["commit"] == state["_target"]["commit"]:
        state["_archive"] = hashes.of(one.archive())
    return state


def _archive_there(args: "dict") -> "dict":
    """The state of the archive's place. Raises Failed."""
    path = args["archive"]
    if os.path.splitext(path)[1] not in gitrepo.FORMATS:
        raise failure.Failed("%s ends in none of %s" % (path, ", ".join(sorted(gitrepo.FORMATS))))
    there = filestate.observe(path)
    if there["type"] not in ("absent", "file"):
        raise failure.Failed("%s is a %s: refusing to replace it" % (path, there["type"]))
    return there


def plan(args: "dict", before: "dict") -> "list[dict]":
    found = _plan(args, before)
    if args["archive"] and (before["exists"] or found):
        there = before["archive"]
        if there["type"] == "absent" or before.get("_archive") != there["sha256"]:
            change = {"path": args["archive"], "aspect": "content", "before": there["type"], "after": args["version"]}
            return found + [change]
    return found


def _plan(args: "dict", before: "dict") -> "list[dict]":
    """What is to be done to the copy itself."""
    path, target = args["dest"], before.get("_target")
    if not before["exists"]:
        if not args["clone"] or target is None:
            return []
        return [{"path": path, "aspect": "commit", "before": "absent", "after": target["commit"]}]
    if target is None:
        return []
    found = []
    if not gitrepo.same_url(before["remote_url"], args["repo"]):
        found.append({"path": path, "aspect": "address", "before": "another", "after": "as repo says"})
    if before["commit"] != target["commit"]:
        found.append({"path": path, "aspect": "commit", "before": before["commit"], "after": target["commit"]})
    elif target["branch"] and before["branch"] != target["branch"] and not args["bare"] and not _unnamed(args, before):
        found.append({"path": path, "aspect": "branch", "before": before["branch"], "after": target["branch"]})
    if before["modified"]:
        found.append({"path": path, "aspect": "content", "before": "modified", "after": "as committed"})
    for name in before.get("submodules") or ():
        found.append(
            {"path": os.path.join(path, name), "aspect": "commit", "before": "another", "after": "as recorded"}
        )
    return found


def _unnamed(args: "dict", before: "dict") -> bool:
    """Whether no branch was asked for, and the copy is at none: that it is at the right commit is enough."""
    return args["version"] == "HEAD" and before["branch"] is None


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    if args["archive"]:
        before = dict(before, archive=filestate.keep(before["archive"], limit))
    if not before["exists"] or not before["modified"]:
        return before
    patch = gitrepo.Copy(args).patch()
    if limit is not None and len(patch) > limit:
        raise filestate.over_limit(args["dest"], len(patch), limit)
    return dict(before, patch=patch)


def apply(args: "dict", before: "dict") -> "dict":
    one = gitrepo.Copy(args)
    told = _apply(args, before, one) if args["update"] or not before["exists"] else result(args, before)
    if args["archive"]:
        made, there = one.archive(), before["archive"]
        if hashes.of(made) != there.get("sha256"):
            old: "dict" = there if there["type"] == "file" else {"mode": filestate.default_mode()}
            uid, gid = old.get("uid", -1), old.get("gid", -1)
            atomic.write(args["archive"], made, int(old["mode"], 8), uid, gid, old.get("xattr"))
    return told


def _apply(args: "dict", before: "dict", one: "gitrepo.Copy") -> "dict":
    changed = False
    target = before.get("_target") or one.target(before)
    if not before["exists"]:
        filestate.make_parents(before["parents"])
        one.clone(target)
    else:
        if before["modified"]:
            one.git("reset", "--hard", "HEAD", "--")
        changed = one.point_at(before["remote_url"])
        one.fetch(target)
    if not args["bare"]:
        one.switch(target)
    if args["verify_commit"]:
        one.git("verify-commit", "HEAD")
    if args["recursive"] and not args["bare"]:
        one.update_submodules()
    now = one.observe()
    told = {"before": before["commit"], "after": now["commit"]}
    if before["exists"]:
        told["remote_url_changed"] = changed
    if before.get("submodules"):
        told["submodules_changed"] = True
    if before.get("modified"):
        told["msg"] = "Local modifications exist in the destination: %s" % one.dest
    return dict(told, git_dir_now=args["separate_git_dir"]) if args["separate_git_dir"] else told


def undo(args: "dict", before: "dict") -> "dict":
    one = gitrepo.Copy(args)
    if args["archive"]:
        filestate.put_back(before["archive"])
    if not before["exists"]:
        removed = []
        if before["dest_there"]:
            for name in os.listdir(one.dest):  # an empty directory that was there stays
                filestate.remove(os.path.join(one.dest, name))
        else:
            removed = filestate.remove_created((before["parents"] or [one.dest])[0])
        if args["separate_git_dir"] and not before["git_dir_there"]:
            filestate.remove_created(args["separate_git_dir"])
        return {"before": None, "after": None, "removed": removed}
    one.put_back(before)
    return {"before": before["commit"], "after": one.observe()["commit"], "remote_url_changed": False}


def result(args: "dict", state: "dict") -> "dict":
    target = state.get("_target") or {}
    told = {"before": state["commit"], "after": target.get("commit", state["commit"])}
    if target and state["exists"]:
        told["remote_url_changed"] = not gitrepo.same_url(state["remote_url"], args["repo"])
    return told
