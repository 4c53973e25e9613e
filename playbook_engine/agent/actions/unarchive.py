"""An archive unpacked in a directory, unless it is already."""

import os

from playbook_engine.agent import archive, failure, filestate

VOLATILE = filestate.VOLATILE

SPEC = {
    "name": "unarchive",
    "kind": "state",
    "summary": "Unpack an archive (tar, tar.gz, bz2, xz, zst, zip) in a directory",
    "doc": "It is unpacked again when an entry is missing or differs in content, time, mode or owner. tar archives "
    "need GNU tar on the host, zip archives nothing.",
    "params": dict(
        {
            "src": {"type": "path", "required": True, "local": "file", "doc": "The archive; an address with "
                    "`remote_src`, too."},
            "content": {"type": "content", "internal": True, "doc": "What the controller read."},
            "dest": {"type": "path", "required": True, "doc": "The directory; it has to be there."},
            "remote_src": {"type": "bool", "default": False, "doc": "`src` is on the host already."},
            "copy": {"type": "bool", "doc": "The opposite of `remote_src`, its older name."},
            "creates": {"type": "path", "doc": "A path: when it is there, the step is already done."},
            "list_files": {"type": "bool", "default": False, "doc": "Say in `files` what the archive holds."},
            "exclude": {"type": "list[str]", "default": [], "doc": "Globs of entries to leave out."},
            "include": {"type": "list[str]", "default": [], "doc": "Only these entries."},
            "keep_newer": {"type": "bool", "default": False, "doc": "Leave files that are newer than the archive's."},
            "extra_opts": {"type": "list[str]", "default": [], "doc": "More options for tar(1), each one an item."},
            "validate_certs": {"type": "bool", "default": True, "doc": "Of an address."},
            "io_buffer_size": {"type": "int", "default": 65536, "doc": "Taken, and of no consequence here."},
            "decrypt": {"type": "bool", "default": True, "doc": "Whether the controller decrypts an encrypted `src`."},
        },
        **filestate.PARAMS,
    ),
    "undo": "what lay under the names of the archive is as before; what was not there is removed",
    "returns": {
        "dest": "the directory, with its mode, owner, group",
        "src": "",
        "handler": "the kind of the archive: TgzArchive, ZipArchive …",
        "files": "with `list_files`",
        "extract_results": "cmd, rc, out, err of the unpacking",
    },
    "examples": "unarchive: {src: app.tgz, dest: /opt/app, extra_opts: ['--strip-components=1']}",
}  # fmt: skip


def observe(args: "dict") -> "dict":
    _sensible(args)
    dest = args["dest"]
    if args["creates"] and os.path.exists(args["creates"]):
        return {"path": dest, "done": args["creates"]}
    if not os.path.isdir(dest):
        raise failure.Failed("dest '%s' must be an existing dir" % dest, "not-found")
    held = archive.opened(args, _data(args))
    names = held.names()
    entries = [filestate.observe(path) for path in _paths(dest, names)]
    return {"path": dest, "names": names, "handler": held.handler, "entries": entries, "differs": held.differs()}


def _sensible(args: "dict") -> None:
    if args["include"] and args["exclude"]:
        raise failure.Failed("include and exclude exclude one another")
    if not remote(args) and "://" in args["src"]:
        raise failure.Failed("src is an address: the host fetches it with remote_src: true")


def remote(args: "dict") -> bool:
    return bool(args["remote_src"] or args["copy"] is False)


def _data(args: "dict") -> bytes:
    """The bytes of the archive. Raises Failed."""
    if not remote(args):
        sent: bytes = args["content"]
        return sent
    if "://" in args["src"] and not os.path.exists(args["src"]):
        return _fetched(args)
    try:
        with open(args["src"], "rb") as handle:
            return handle.read()
    except FileNotFoundError:
        raise failure.Failed("Source '%s' does not exist" % args["src"], "not-found")


def _fetched(args: "dict") -> bytes:
    from playbook_engine.agent import reach, web

    got = bytearray()
    try:
        answer = web.ask(web.Request(args["src"], verify=args["validate_certs"], redirects="all", sink=got.extend))
    except reach.Unreached as error:
        raise failure.Failed("%s cannot be fetched: %s" % (args["src"], error.msg))
    if answer.status // 100 != 2:
        raise failure.Failed("%s cannot be fetched: status %d" % (args["src"], answer.status))
    return bytes(got)


def _paths(dest: str, names: "list[str]") -> "list[str]":
    """Where entries and the directories above them will lie, parents first. Raises Failed for one that leads out."""
    found: "dict[str, None]" = {}
    for name in names:
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise failure.Failed("the entry %s leads out of %s" % (name, dest), "refused")
        for count in range(1, len(parts) + 1):
            found[os.path.join(dest, *parts[:count])] = None
    return list(found)


def plan(args: "dict", before: "dict") -> "list[dict]":
    if "done" in before:
        return []
    made = []
    if before["differs"]:
        said = "%d entries of %s" % (len(before["names"]), args["src"])
        made = [{"path": before["path"], "aspect": "content", "before": "otherwise", "after": said}]
    for state in _named(before):
        if state["type"] not in ("absent", "link"):
            made += filestate.changes(state["path"], state, filestate.wanted(args, state))
    return made


def _named(before: "dict") -> "list[dict]":
    """The states of what the archive names, and of its topmost directories: they get the attributes."""
    top = before["path"].rstrip("/") + "/"
    named = {name.strip("/") for name in before["names"]}
    named |= {name.split("/")[0] for name in named}
    return [state for state in before["entries"] if state["path"][len(top) :] in named]


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    if not before["differs"]:
        return before
    total = sum(state["size"] for state in before["entries"] if state["type"] == "file")
    if limit is not None and total > limit:
        raise filestate.over_limit(before["path"], total, limit)
    return dict(before, entries=[filestate.keep(state, None) for state in before["entries"]])


def apply(args: "dict", before: "dict") -> "dict":
    told: "dict" = {}
    if before["differs"]:
        told["extract_results"] = archive.opened(args, _data(args)).extract()
    for state in _named(before):
        now = filestate.observe(state["path"], digest=False)
        if now["type"] not in ("absent", "link"):
            filestate.set_attributes(now["path"], filestate.wanted(args, now))
    return dict(result(args, before), **told)


def undo(args: "dict", before: "dict") -> "dict":
    removed: "list[str]" = []
    for state in before.get("entries", []):
        if state["type"] != "absent":
            filestate.put_back(state)
        elif os.path.lexists(state["path"]):
            removed += filestate.remove_created(state["path"])
    return {"dest": before["path"], "removed": removed}


def result(args: "dict", state: "dict") -> "dict":
    if "done" in state:
        return {"skipped": True, "msg": "skipped, since %s exists" % state["done"]}
    told = filestate.told(filestate.observe(os.path.realpath(args["dest"]), digest=False))
    told.update(dest=args["dest"], src=args["src"], handler=state["handler"])
    if args["list_files"]:
        told["files"] = state["names"]
    return told
