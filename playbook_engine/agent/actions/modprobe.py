"""A module of the kernel: loaded, now and at boot."""

import os

from playbook_engine.agent import failure, filestate, process, procfs, textfile

SPEC = {
    "name": "modprobe",
    "kind": "state",
    "summary": "Load or unload a kernel module",
    "doc": "`persistent` writes NAME.conf in /etc/modules-load.d, and in /etc/modprobe.d where there are `params`.",
    "params": {
        "name": {"type": "str", "required": True, "doc": "The module."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": "Loaded or not."},
        "params": {"type": "str", "default": "", "doc": "Its parameters, as in `numdummies=2`."},
        "persistent": {
            "type": "str",
            "default": "disabled",
            "choices": ["absent", "disabled", "present"],
            "doc": "At boot: loaded, not loaded by these files, or as it is.",
        },
    },
    "undo": "loaded or not as before, and the files as before",
    "returns": {"name": "", "params": "", "state": ""},
    "examples": "modprobe: {name: br_netfilter, persistent: present}",
}

VOLATILE = filestate.VOLATILE


def observe(args: "dict") -> "dict":
    name = args["name"].replace("-", "_")
    loaded = any(line.split(" ")[0] == name for line in procfs.read("/proc/modules").splitlines())
    state: "dict" = {
        "name": args["name"],
        "loaded": loaded or (os.path.isdir("/sys/module/" + name) and _built_in(name)),
    }
    state["built_in"] = state["loaded"] and not loaded
    if args["persistent"] != "disabled":
        state["files"] = [textfile.observe(path) for path in _paths(args)]
        state["_texts"] = [textfile.text(each) for each in state["files"]]
        for each in state["files"]:
            each.pop("_content")
    return state


def _paths(args: "dict") -> "list[str]":
    return ["/etc/modules-load.d/%s.conf" % args["name"], "/etc/modprobe.d/%s.conf" % args["name"]]


def _built_in(name: str) -> bool:
    """Whether it is part of the kernel itself (modules.builtin): then it cannot be unloaded."""
    text = procfs.read("/lib/modules/%s/modules.builtin" % os.uname().release)
    return any(os.path.basename(line).replace("-", "_").startswith(name + ".ko") for line in text.splitlines())


def _wanted(args: "dict") -> "list[str]":
    if args["persistent"] == "absent":
        return ["", ""]
    options = "options %s %s\n" % (args["name"], args["params"]) if args["params"] else ""
    return [args["name"] + "\n", options]


def plan(args: "dict", before: "dict") -> "list[dict]":
    found: "list[dict]" = []
    now, goal = before["loaded"], args["state"] == "present"
    if now != goal and not (before["built_in"] and not goal):
        said = ("loaded", "not loaded")
        found.append({"subject": args["name"], "aspect": "module", "before": said[not now], "after": said[not goal]})
    for state, wanted in zip(before.get("files", ()), _wanted(args)):
        old = textfile.text(state)
        if old != wanted:
            found.append(
                {"path": state["path"], "aspect": "content", "before": old or "absent", "after": wanted or "absent"}
            )
    return found


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    if "files" not in before:
        return before
    return dict(before, files=[filestate.keep(each, limit) for each in before["files"]])


def apply(args: "dict", before: "dict") -> "dict":
    if before["loaded"] != (args["state"] == "present") and not (before["built_in"] and args["state"] == "absent"):
        _load(args["name"], args["state"] == "present", args["params"])
    for state, wanted in zip(before.get("files", ()), _wanted(args)):
        if not wanted and os.path.lexists(state["path"]):
            os.unlink(state["path"])
        elif wanted and textfile.text(state) != wanted:
            textfile.put({}, state, wanted, 0o644)
    return result(args, before)


def _load(name: str, on: bool, params: str = "") -> None:
    import shlex

    words = ["modprobe"] + ([name] + shlex.split(params) if on else ["-r", name])
    ran = process.run(words, env={"LC_ALL": "C"})
    if ran["rc"] != 0:
        said = (ran["stderr"] or ran["stdout"]).strip() or "status %s" % ran["rc"]
        kind = "not-found" if "not found" in said else "permission" if "not permitted" in said else "failed"
        raise failure.Failed("%s: %s" % (" ".join(words), said), kind, ran)


def undo(args: "dict", before: "dict") -> "dict":
    for state in before.get("files", ()):
        textfile.undo(state)
    if observe(args)["loaded"] != before["loaded"]:
        _load(args["name"], before["loaded"], args["params"])
    return {"name": args["name"]}


def result(args: "dict", state: "dict") -> "dict":
    return {"name": args["name"], "params": args["params"], "state": args["state"]}
