"""A kernel parameter: in a file that is read at boot, and in the kernel."""

import os

from playbook_engine.agent import failure, filestate, process, textfile

SPEC = {
    "name": "sysctl",
    "kind": "state",
    "summary": "Set a kernel parameter, now and at boot",
    "doc": "The file is written; with `reload` all of it is loaded where it or the value was not so; with `sysctl_set` "
    "the value is set by itself.",
    "params": {
        "name": {"type": "str", "required": True, "aliases": ["key"], "doc": "As in net.ipv4.ip_forward."},
        "value": {"type": "str", "aliases": ["val"], "doc": "yes and no are 1 and 0."},
        "state": {"type": "str", "default": "present", "choices": ["absent", "present"], "doc": "In the file."},
        "reload": {"type": "bool", "default": True, "doc": "Load the file (sysctl -p) after a change."},
        "sysctl_set": {"type": "bool", "default": False, "doc": "Set the value in the kernel (sysctl -w)."},
        "sysctl_file": {"type": "path", "default": "/etc/sysctl.conf", "doc": "The file."},
        "ignoreerrors": {"type": "bool", "default": False, "doc": "A parameter that this kernel lacks is no error."},
    },
    "undo": "the file as before, and in the kernel the values of before of all that stands in it",
    "returns": {"name": "", "value": "in the kernel, now", "sysctl_file": "", "state": ""},
    "examples": 'sysctl: {name: net.core.somaxconn, value: "1024", sysctl_file: /etc/sysctl.d/60-app.conf}',
}

VOLATILE = filestate.VOLATILE
WORDS = {"yes": "1", "true": "1", "on": "1", "no": "0", "false": "0", "off": "0"}


def observe(args: "dict") -> "dict":
    if args["state"] == "present" and not (args["value"] or "").strip():
        raise failure.Failed("state: present needs value")
    state = textfile.observe(os.path.realpath(args["sysctl_file"]))
    names = [args["name"].strip()] + [name for name, _ in _pairs(textfile.text(state))]
    state["live"] = {name: live(name) for name in sorted(set(names))}
    return state


def live(name: str) -> "str | None":
    """The kernel's value, its white space made one blank; None where there is no such parameter, or none to be read."""
    try:
        with open(_place(name)) as handle:
            return " ".join(handle.read().split())
    except OSError:
        return None


def _place(name: str) -> str:
    """sysctl(8): the first of `.` and `/` separates; the other one then is part of a name."""
    first = next((char for char in name if char in "./"), ".")
    path = name if first == "/" else name.replace(".", "\0").replace("/", ".").replace("\0", "/")
    return "/proc/sys/" + path


def wanted(args: "dict") -> str:
    value = " ".join((args["value"] or "").split())
    return WORDS.get(value.lower(), value)


def _pairs(text: str) -> "list[tuple[str, str]]":
    found = []
    for line in text.splitlines():
        bare = line.strip()
        if bare and bare[0] not in "#;" and "=" in bare:
            name, _, value = bare.partition("=")
            found.append((name.strip().lstrip("-").strip(), " ".join(value.split())))
    return found


def edited(args: "dict", before: "dict") -> str:
    """The file with the parameter once, or not at all."""
    name, found, done = args["name"].strip(), [], False
    text = textfile.text(before)
    for line in text.splitlines(True):
        pairs = _pairs(line)
        if not pairs or pairs[0][0] != name:
            found.append(line)
        elif args["state"] == "present" and not done:
            found.append(line if pairs[0][1] == wanted(args) else "%s=%s\n" % (name, wanted(args)))
            done = True
    if args["state"] == "present" and not done:
        if found and not found[-1].endswith("\n"):
            found[-1] += "\n"
        found.append("%s=%s\n" % (name, wanted(args)))
    return "".join(found)


def plan(args: "dict", before: "dict") -> "list[dict]":
    name = args["name"].strip()
    found = textfile.plan(before, edited(args, before))
    now = before["live"].get(name)
    loads = args["state"] == "present" and (args["reload"] or args["sysctl_set"])
    if loads and now != wanted(args) and (now is not None or not args["ignoreerrors"]):
        found.append({"subject": name, "aspect": "value", "before": now, "after": wanted(args)})
    return found


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    return textfile.keep(args, before, edited(args, before), limit)


def apply(args: "dict", before: "dict") -> "dict":
    name, lenient = args["name"].strip(), ["-e"] * args["ignoreerrors"]
    if args["sysctl_set"] and args["state"] == "present" and live(name) != wanted(args):
        _call(lenient + ["-w", "%s=%s" % (name, wanted(args))])
    textfile.put(args, before, edited(args, before))
    if args["reload"]:
        _call(lenient + ["-p", before["path"]])
    return result(args, observe(args))


def _call(words: "list[str]") -> None:
    ran = process.run(["sysctl"] + words, env={"LC_ALL": "C"})
    bad = [line for line in ran["stderr"].splitlines() if line.startswith("sysctl: ")]
    # sysctl(8) of procps ends with 0 when the kernel refuses a value.
    if ran["rc"] != 0 or ("-e" not in words and bad):
        said = (bad or ran["stderr"].strip().splitlines() or ["status %s" % ran["rc"]])[0]
        kind = "permission" if "ermission denied" in said else "failed"
        raise failure.Failed("sysctl %s: %s" % (" ".join(words), said), kind, ran)


def undo(args: "dict", before: "dict") -> "dict":
    textfile.undo(before)
    for name, value in sorted(before["live"].items()):
        if value is not None and live(name) != value:
            try:
                with open(_place(name), "w") as handle:
                    handle.write(value)
            except OSError as error:
                raise failure.of_os_error(error, _place(name))
    return {"name": args["name"], "value": live(args["name"].strip())}


def result(args: "dict", state: "dict") -> "dict":
    name = args["name"].strip()
    return {"name": name, "value": state["live"].get(name), "sysctl_file": args["sysctl_file"], "state": args["state"]}
