"""A text file of the system that an action edits line by line: looked at whole, written whole, put back whole.

Its state is `filestate`'s. `_content` is the old text, which travels only where `keep` takes it along.
"""

from playbook_engine.agent import content, failure, filestate


def observe(path: str) -> "dict":
    """The state of a file, or of one that is not there. Raises Failed where there is something else."""
    state = filestate.keep(filestate.observe(path), None)
    if state["type"] == "absent":
        return dict(state, parents=filestate.missing_parents(path), _content=b"")
    if state["type"] != "file":
        raise failure.Failed("%s is a %s, not a file" % (path, state["type"]))
    state["_content"] = state.pop("content")
    return state


def text(state: "dict") -> str:
    """The old content; bytes that are no UTF-8 survive the way there and back."""
    found = state.get("_content", state.get("content"))
    if found is None and state["type"] == "file":
        with open(state["path"], "rb") as handle:
            found = handle.read()
    return (found or b"").decode("utf-8", "surrogateescape")


def data(edited: str) -> bytes:
    return edited.encode("utf-8", "surrogateescape")


def plan(state: "dict", edited: str) -> "list[dict]":
    """A file that is not there stays away while there is nothing to write into it."""
    if state["type"] == "absent" and not edited:
        return []
    return content.plan({}, state, data(edited))


def put(args: "dict", state: "dict", edited: str, mode: "int | None" = None) -> None:
    """Writes it, where it is not so already. `mode`: that of a new file; else the umask's. `args` may hold `backup`."""
    if state["type"] == "absent" and not edited:
        return
    asked = {"backup": args.get("backup")}
    if mode is not None and state["type"] == "absent":
        asked["mode"] = "%04o" % mode
    content.put(asked, state, data(edited))


def keep(args: "dict", state: "dict", edited: str, limit: "int | None") -> "dict":
    return content.keep({"backup": args.get("backup")}, state, data(edited), limit)


def undo(before: "dict") -> "list[str]":
    return content.undo(before)
