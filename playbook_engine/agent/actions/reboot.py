"""Boot the host anew, and wait until it is back."""

from playbook_engine.agent import failure, process

SPEC = {
    "name": "reboot",
    "kind": "state",
    "summary": "Reboot the host and wait until it is back",
    "doc": "It is back when it answers with another boot id. How long that may take is the step's own `timeout` "
    "together with the patience for lost connections; `reboot_timeout` is how long the host may take to go down.",
    "params": {
        "pre_reboot_delay": {"type": "int", "default": 0, "minimum": 0, "doc": "Seconds to wait before."},
        "post_reboot_delay": {"type": "int", "default": 0, "minimum": 0, "doc": "Seconds to wait when it is back."},
        "reboot_timeout": {"type": "int", "default": 600, "minimum": 1, "doc": "Seconds that it may take to go down."},
        "connect_timeout": {"type": "int", "doc": "The connection's own setting counts."},
        "msg": {"type": "str", "default": "Reboot initiated by runbook", "doc": "What users on the host are told."},
        "reboot_command": {"type": "str", "doc": "Instead of `shutdown -r now`, or `reboot` where there is none."},
        "test_command": {"type": "str", "doc": "A program that must succeed when it is back."},
        "boot_time_command": {"type": "str", "doc": "The kernel's boot id counts."},
        "search_paths": {"type": "list[str]", "doc": "PATH counts."},
    },
    "undo": None,
    "returns": {"rebooted": "", "boot_id": "the kernel's, of this boot"},
    "examples": "reboot: {msg: new kernel, reboot_timeout: 300}",
}


def observe(args: "dict") -> "dict":
    try:
        with open("/proc/sys/kernel/random/boot_id") as handle:
            return {"boot_id": handle.read().strip(), "booted": started()}
    except OSError as error:
        raise failure.of_os_error(error)


def started() -> "str | None":
    """When process 1 began, in ticks since the machine's boot: in a container the boot id is the machine's."""
    from playbook_engine.agent import procfs

    first = procfs.stat(1)
    return str(first["started"]) if first else None


def plan(args: "dict", before: "dict") -> "list[dict]":
    return [{"subject": "host", "aspect": "boot", "before": before["boot_id"], "after": "another"}]


def happened(args: "dict", before: "dict", state: "dict") -> bool:
    """Whether what was asked for can be seen to have been done: the host runs on another boot."""
    return any(before.get(key) != state.get(key) for key in ("boot_id", "booted"))


def apply(args: "dict", before: "dict") -> "dict":
    """Does not return where it works: the connection ends with the host, and who comes back finds another boot."""
    import time

    if before.get("boot_id") != observe(args)["boot_id"]:
        return {"rebooted": True, "boot_id": observe(args)["boot_id"]}
    time.sleep(args["pre_reboot_delay"])
    if args["reboot_command"]:
        import shlex

        words = shlex.split(args["reboot_command"])
    else:
        words = ["shutdown", "-r", "now", args["msg"]]
    try:
        ran = process.run(words)
    except failure.Failed as error:
        if error.kind != "no-such-command" or args["reboot_command"]:
            raise
        ran = process.run(["reboot"])
    if ran["rc"] not in (0, -15, -9):
        raise failure.Failed("%s: %s" % (words[0], ran["stderr"].strip() or "status %s" % ran["rc"]), result=ran)
    time.sleep(args["reboot_timeout"])
    raise failure.Failed("the host has not gone down within %d s" % args["reboot_timeout"], "timeout")


def result(args: "dict", state: "dict") -> "dict":
    """Asked for when the host is back, too."""
    import time

    told = {"rebooted": False, "boot_id": state["boot_id"]}
    return told if not args["post_reboot_delay"] else dict(told, at=time.time())
