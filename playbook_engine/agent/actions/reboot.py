"""Boot the host anew, and wait until it is back."""

from playbook_engine.agent import failure, process

SPEC = {
    "name": "reboot",
    "kind": "state",
    "summary": "Reboot the host and wait until it is back",
    "doc": "It is back when it answers with another boot id. Nothing takes it back: the step says `irreversible`, "
    "or has a `rollback`.",
    "params": {
        "pre_reboot_delay": {"type": "int", "default": 0, "minimum": 0, "doc": "Seconds to wait before."},
        "post_reboot_delay": {"type": "int", "default": 0, "minimum": 0, "doc": "Seconds to wait when it is back."},
        "reboot_timeout": {
            "type": "int",
            "default": 600,
            "minimum": 1,
            "doc": "Seconds that it may take to go down, and then to come back.",
        },
        "msg": {"type": "str", "default": "Reboot initiated by runbook", "doc": "What users on the host are told."},
        "reboot_command": {"type": "str", "doc": "Instead of `shutdown -r now`, or `reboot` where there is none."},
        "test_command": {"type": "str", "doc": "Refused: what must hold afterwards stands under the step's `checks`."},
        "boot_time_command": {"type": "str", "doc": "Refused: the kernel's boot id counts."},
        "connect_timeout": {"type": "int", "doc": "The connection's own setting counts, within `reboot_timeout`."},
        "search_paths": {"type": "list[str]", "doc": "Where `shutdown` is looked for, besides PATH."},
    },
    "away": "reboot_timeout",
    "rest": "post_reboot_delay",
    "undo": None,
    "returns": {"rebooted": "", "boot_id": "the kernel's, of this boot"},
    "examples": "reboot: {msg: new kernel, reboot_timeout: 300}",
}
REFUSED = {
    "test_command": "write it under the step's `checks:`, as in `checks: [{command: …, expect: result.rc == 0}]`",
    "boot_time_command": "the kernel's boot id tells one boot from another",
}


def observe(args: "dict") -> "dict":
    for name, advice in REFUSED.items():
        if args[name] is not None:
            raise failure.Failed("reboot does not take %s: %s" % (name, advice), "unsupported")
    try:
        with open("/proc/sys/kernel/random/boot_id") as handle:
            return {"boot_id": handle.read().strip()}
    except OSError as error:
        raise failure.of_os_error(error)


def plan(args: "dict", before: "dict") -> "list[dict]":
    return [{"subject": "host", "aspect": "boot", "before": before["boot_id"], "after": "another"}]


def happened(args: "dict", before: "dict", state: "dict") -> "dict | None":
    """Whether what was asked for can be seen to have been done: the host runs on another boot."""
    return {"rebooted": True} if before.get("boot_id") != state.get("boot_id") else None


def apply(args: "dict", before: "dict") -> "dict":
    """Does not return where it works: the connection ends with the host, and who comes back finds another boot."""
    import time

    now = observe(args)
    if happened(args, before, now):
        return dict(result(args, now), rebooted=True)
    time.sleep(args["pre_reboot_delay"])
    if args["reboot_command"]:
        import shlex

        tries = [shlex.split(args["reboot_command"])]
    else:
        tries = [["shutdown", "-r", "now", args["msg"]], ["reboot"]]
    _first(tries, args["search_paths"])
    time.sleep(args["reboot_timeout"])
    raise failure.Failed("the host has not gone down within %d s" % args["reboot_timeout"], "timeout")


def _first(tries: "list[list[str]]", places: "list[str] | None") -> None:
    """Runs the first of these programs that works here. Raises Failed."""
    import os

    env = {"PATH": ":".join([os.environ.get("PATH", "")] + places)} if places else None
    said: "list[str]" = []
    for words in tries:
        try:
            ran = process.run(words, env=env)
        except failure.Failed as error:
            if error.kind != "no-such-command":
                raise
            said.append(error.msg)
            continue
        if ran["rc"] in (0, -15, -9):  # killed: it has begun
            return
        said.append("%s: %s" % (words[0], ran["stderr"].strip() or "status %s" % ran["rc"]))
    raise failure.Failed("; ".join(said))


def result(args: "dict", state: "dict") -> "dict":
    return {"rebooted": False, "boot_id": state["boot_id"]}
