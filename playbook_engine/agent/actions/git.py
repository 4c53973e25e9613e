"""A working copy, or a bare copy, of a git repository, at a version."""

import os

from playbook_engine.agent import failure, filestate, gitrepo

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
        "version": {"type": "str", "default": "HEAD", "doc": "A branch, a tag, or a full commit number."},
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
    "were thrown away are put back as changes. Objects that were fetched, and logs, stay",
    "returns": {
        "before": "the commit before, or null",
        "after": "the commit now",
        "remote_url_changed": "",
        "git_dir_now": "with separate_git_dir",
        "submodules_changed": "",
    },
    "examples": "git: {repo: https://git.example.test/app.git, dest: /opt/app, version: v1.4.2}",
}

VOLATILE = filestate.VOLATILE + ("dest_there",)


def observe(args: "dict") -> "dict":
    if args["separate_git_dir"] and args["bare"]:
        raise failure.Failed("separate_git_dir and bare exclude one another")
    one = gitrepo.Copy(args)
    state = one.observe()
    if not state["exists"] and os.path.isdir(one.dest) and os.listdir(one.dest) and args["clone"]:
        raise failure.Failed("%s is there, is not empty, and is no git repository" % one.dest)
    if state["exists"] and not args["update"]:
        return state
    state["_target"] = one.target(state)
    if state["exists"] and state["modified"] and not args["force"]:
        words = "%s has changes that nobody committed (force: true throws them away): %s"
        raise failure.Failed(words % (one.dest, ", ".join(state["modified"][:5])))
    if state["exists"] and args["recursive"] and not args["bare"]:
        state["submodules"] = one.submodules()
    return state


def plan(args: "dict", before: "dict") -> "list[dict]":
    path, target = args["dest"], before.get("_target")
    if not before["exists"]:
        if not args["clone"] or target is None:
            return []
        return [{"path": path, "aspect": "commit", "before": "absent", "after": target["commit"]}]
    if target is None:
        return []
    found = []
    if before["remote_url"] is not None and not gitrepo.same_url(before["remote_url"], args["repo"]):
        found.append({"path": path, "aspect": "address", "before": "another", "after": "as repo says"})
    if before["commit"] != target["commit"]:
        found.append({"path": path, "aspect": "commit", "before": before["commit"], "after": target["commit"]})
    elif target["branch"] and before["branch"] != target["branch"] and not args["bare"]:
        found.append({"path": path, "aspect": "branch", "before": before["branch"], "after": target["branch"]})
    if before["modified"]:
        found.append({"path": path, "aspect": "content", "before": "modified", "after": "as committed"})
    for name in before.get("submodules") or ():
        found.append(
            {"path": os.path.join(path, name), "aspect": "commit", "before": "another", "after": "as recorded"}
        )
    return found


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    if not before["exists"] or not before["modified"]:
        return before
    patch = gitrepo.Copy(args).patch()
    if limit is not None and len(patch) > limit:
        raise filestate.over_limit(args["dest"], len(patch), limit)
    return dict(before, patch=patch)


def apply(args: "dict", before: "dict") -> "dict":
    one = gitrepo.Copy(args)
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
    told = {"before": before["commit"], "after": now["commit"], "remote_url_changed": changed}
    told["submodules_changed"] = bool(before.get("submodules"))
    return dict(told, git_dir_now=args["separate_git_dir"]) if args["separate_git_dir"] else told


def undo(args: "dict", before: "dict") -> "dict":
    one = gitrepo.Copy(args)
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
    after = target.get("commit", state["commit"])
    return {"before": state["commit"], "after": after, "remote_url_changed": False}
