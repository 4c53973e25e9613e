"""Python packages, in a virtual environment or in an interpreter's own directories."""

import os
import sys

from playbook_engine.agent import failure, filestate, process, sitepackages, versions

SPEC = {
    "name": "pip",
    "kind": "state",
    "summary": "Install or remove Python packages",
    "doc": "What is installed is read from the environment's own directories; pip is only started to change something. "
    "Without `virtualenv` it works on `executable`'s interpreter.",
    "params": {
        "name": {"type": "list[str]", "doc": "Requirements, pinned: `mlflow==3.17.2`."},
        "version": {"type": "str", "doc": "The version of the one `name`."},
        "requirements": {"type": "path", "doc": "A requirements file on the host."},
        "state": {
            "type": "str",
            "default": "present",
            "choices": ["absent", "forcereinstall", "latest", "present"],
            "doc": "`latest` and `forcereinstall` always act.",
        },
        "virtualenv": {"type": "path", "doc": "The environment; it is made if it is not there."},
        "virtualenv_command": {
            "type": "str",
            "doc": "What makes it, as in `virtualenv -p python3.11`; else python's venv.",
        },
        "virtualenv_python": {"type": "str", "doc": "The interpreter for it; else the one the agent runs under."},
        "virtualenv_site_packages": {"type": "bool", "default": False, "doc": "It sees the system's packages too."},
        "executable": {"type": "path", "doc": "A pip, or a python that has pip, instead of `virtualenv`."},
        "find_links": {"type": "list[str]", "doc": "Directories or pages with packages."},
        "no_index": {"type": "bool", "default": False, "doc": "Only `find_links`."},
        "index_url": {"type": "str", "secret": True, "doc": "The package index; it never shows in `ps`."},
        "extra_index_url": {"type": "str", "secret": True, "doc": "Another one."},
        "no_cache_dir": {"type": "bool", "default": True, "doc": "Keep no copy of what is downloaded."},
        "editable": {"type": "bool", "default": False, "doc": "`name` is a directory or a repository that stays so."},
        "break_system_packages": {"type": "bool", "default": False, "doc": "Even where the distribution forbids it."},
        "extra_args": {"type": "str", "doc": "More for pip's command line, as in `--no-compile --no-deps`."},
        "chdir": {"type": "path", "doc": "Working directory."},
        "umask": {"type": "str", "doc": "Octal, for what is written."},
        "environment": {"type": "dict", "internal": True, "doc": "From the step's `environment`."},
    },
    "one_of": [["name", "requirements"]],
    "undo": "an environment that was not there is removed; else versions as before, and what is left half-way removed",
    "returns": {
        "name": "",
        "version": "",
        "requirements": "",
        "state": "",
        "virtualenv": "",
        "installed": "{name: version} of what changed",
        "packages": "{name: version} of all",
        "cmd": "",
        "stdout": "",
        "stderr": "",
    },
    "examples": "pip: {name: mlflow==3.17.2, virtualenv: /opt/mlflow, extra_args: --no-compile}",
}


def observe(args: "dict") -> "dict":
    venv = args["virtualenv"]
    if venv is None:
        places = _places(args)
        return {"virtualenv": None, "exists": True, "packages": sitepackages.installed(places), "places": places}
    there = os.path.exists(os.path.join(venv, "bin", "python"))
    places = sitepackages.folders(venv)
    state: "dict" = {
        "virtualenv": venv,
        "exists": there,
        "python": _config(venv).get("version") if there else None,
        "packages": sitepackages.installed(places) if there else {},
        "places": places,
        "entries": sitepackages.entries(venv, places) if there else [],
        "parents": [] if there else filestate.missing_parents(venv),
        "around": sorted(os.listdir(venv)) if os.path.isdir(venv) and not there else None,
    }
    if args["requirements"]:
        state["_requirements"] = _file(args["requirements"])
    return state


def _config(venv: str) -> "dict[str, str]":
    """pyvenv.cfg (PEP 405)."""
    try:
        with open(os.path.join(venv, "pyvenv.cfg")) as handle:
            pairs = [line.partition("=") for line in handle]
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in pairs}


def _places(args: "dict") -> "list[str]":
    """Where the interpreter that `executable` names keeps packages; asked of itself."""
    code = "import site,sys;print('\\n'.join(site.getsitepackages()+[site.getusersitepackages()]))"
    ran = process.run(_python(args) + ["-c", code])
    if ran["rc"] != 0:
        raise failure.Failed("%s does not work: %s" % (" ".join(_python(args)), ran["stderr"].strip()), result=ran)
    return [line for line in ran["stdout"].splitlines() if line]


def _python(args: "dict") -> "list[str]":
    """The interpreter that pip runs under."""
    if args["virtualenv"]:
        return [os.path.join(args["virtualenv"], "bin", "python")]
    executable = args["executable"]
    if not executable:
        return ["python3"]
    if not os.path.basename(executable).startswith("pip"):
        return [executable]
    with open(executable, "rb") as handle:
        first = handle.readline().decode("utf-8", "replace")
    if not first.startswith("#!"):
        raise failure.Failed("%s is no pip script: name the python that has pip" % executable)
    return first[2:].split()


def _file(path: str) -> "list[str]":
    """The requirements in a file, with those of the files that it includes."""
    try:
        with open(path) as handle:
            text = handle.read().replace("\\\n", " ")
    except OSError as error:
        raise failure.of_os_error(error, path)
    found: "list[str]" = []
    for line in text.splitlines():
        words = line.split(" #")[0].strip()
        if not words or words.startswith("#"):
            continue
        if words.startswith(("-r ", "--requirement ")):
            found += _file(os.path.join(os.path.dirname(path), words.split(None, 1)[1]))
        elif not words.startswith("-"):
            found.append(words.split(" --hash")[0].strip())
    return found


def _names(words: "list[str]") -> "list[str]":
    """`a>=1,<2` given as text was taken apart at its comma: put together again, as Ansible does."""
    found: "list[str]" = []
    for word in words:
        if found and word.lstrip()[:1] in "<>=!~":
            found[-1] += "," + word
        else:
            found.append(word)
    return found


def asked(args: "dict", before: "dict") -> "list[versions.Requirement]":
    """The requirements that count on this host. Raises Failed."""
    texts = before.get("_requirements")
    if texts is None:
        texts = _names(args["name"]) if args["name"] else _file(args["requirements"])
    if args["version"]:
        if len(texts) != 1 or versions.Requirement(texts[0]).clauses:
            raise failure.Failed("version goes with one name that has no version in itself, not with %s" % texts)
        texts = ["%s==%s" % (texts[0], args["version"])]
    here = {
        "python_version": ".".join((before.get("python") or "%d.%d" % sys.version_info[:2]).split(".")[:2]),
        "python_full_version": before.get("python") or "%d.%d.%d" % sys.version_info[:3],
        "sys_platform": "linux",
        "os_name": "posix",
        "platform_system": "Linux",
        "platform_machine": os.uname().machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found = [versions.Requirement(text) for text in texts]
    return [one for one in found if versions.applies(one.marker, here) is not False]


def plan(args: "dict", before: "dict") -> "list[dict]":
    made: "list[dict]" = []
    absent = args["state"] == "absent"
    if not before["exists"]:
        if absent:
            return []
        made.append({"path": before["virtualenv"], "aspect": "virtualenv", "before": "absent", "after": "made"})
    for one in asked(args, before):
        version = before["packages"].get(one.name)
        if absent:
            change = version is not None
        else:
            change = args["state"] != "present" or one.opaque or not one.met(version)
        if change:
            wanted = "absent" if absent else one.text.partition(";")[0].strip()
            made.append({"subject": one.name or one.text, "aspect": "version", "before": version, "after": wanted})
    return made


def apply(args: "dict", before: "dict") -> "dict":
    if not before["exists"]:
        _make(args, before)
    elif args["virtualenv"] and "pip" not in before["packages"] and not args["virtualenv_site_packages"]:
        process.run(_python(args) + ["-m", "ensurepip"], env=_environment(args))
    words = ["uninstall", "-y"] if args["state"] == "absent" else ["install"] + _options(args)
    words += {"latest": ["--upgrade"], "forcereinstall": ["--force-reinstall"]}.get(args["state"], [])
    if args["extra_args"]:
        import shlex

        words += shlex.split(args["extra_args"])
    if args["state"] == "absent":
        words += ["--break-system-packages"] * args["break_system_packages"]
        words += [one.name for one in asked(args, before)]
    elif args["requirements"]:
        words += ["-r", args["requirements"]]
    else:
        words += [word for one in asked(args, before) for word in ["-e"] * args["editable"] + [one.text]]
    ran = _pip(args, words)
    return dict(_told(args, before), stdout=ran["stdout"], stderr=ran["stderr"], cmd=ran["cmd"])


def _make(args: "dict", before: "dict") -> None:
    """Makes the virtual environment."""
    venv = args["virtualenv"]
    filestate.make_parents(before["parents"])
    if args["virtualenv_command"]:
        import shlex

        words = shlex.split(args["virtualenv_command"])
        words += ["-p", args["virtualenv_python"]] if args["virtualenv_python"] else []
    else:
        words = [args["virtualenv_python"] or sys.executable or "python3", "-m", "venv"]
    words += ["--system-site-packages"] * args["virtualenv_site_packages"]
    ran = process.run(words + [venv], umask=_umask(args), env=_environment(args), cwd=args["chdir"])
    if ran["rc"] == 0:
        return
    said = ran["stdout"] + ran["stderr"]
    if "ensurepip" in said and not _full(said):
        words = ["this host's python has no ensurepip: install python3-venv (Debian, Ubuntu)", "or virtualenv"]
        raise failure.Failed("%s cannot be made: %s" % (venv, " ".join(words)), result=ran)
    raise _failed(args, "%s cannot be made" % venv, ran)


def _options(args: "dict") -> "list[str]":
    words = ["--no-cache-dir"] * args["no_cache_dir"]  # pip before 19 breaks on PIP_NO_CACHE_DIR
    for link in args["find_links"] or ():
        words += ["--find-links", link]
    words += ["--break-system-packages"] * args["break_system_packages"]
    return words + ["--no-index"] * args["no_index"]


def _environment(args: "dict") -> "dict[str, str]":
    """Addresses of indexes hold passwords: they go by the environment, which only the same user can read."""
    env = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    env["LC_ALL"] = "C.UTF-8"
    for key in ("index_url", "extra_index_url"):
        if args[key]:
            env["PIP_" + key.upper()] = args[key]
    env.update({k: str(v) for k, v in (args["environment"] or {}).items()})
    return env


def _umask(args: "dict") -> "int | None":
    return int(args["umask"], 8) if args["umask"] else None


def _pip(args: "dict", words: "list[str]") -> "dict":
    command = _python(args) + ["-m", "pip"] + words
    ran = process.run(command, umask=_umask(args), env=_environment(args), cwd=args["chdir"])
    ran["cmd"] = command
    if ran["rc"] != 0:
        raise _failed(args, "pip %s failed" % words[0], ran)
    return ran


def _full(said: str) -> bool:
    return "No space left on device" in said or "[Errno 28]" in said or "[Errno 122]" in said


def _failed(args: "dict", what: str, ran: "dict") -> "failure.Failed":
    """pip's complaint, with the kind that says what is wrong with the host."""
    said = ran["stdout"] + ran["stderr"]
    lines = [line for line in ran["stderr"].splitlines() if line.startswith("ERROR:")]
    last = (lines or ran["stderr"].strip().splitlines() or ran["stdout"].strip().splitlines() or ["no word"])[-1]
    kind = "failed"
    if _full(said):
        full = failure.out_of_inodes(args["virtualenv"] or sys.prefix)
        kind = "no-inodes" if full else "disk-full"
    elif "No matching distribution" in said or "Could not find a version" in said:
        kind = "not-found"
    elif "Permission denied" in said:
        kind = "permission"
    elif "Read-only file system" in said:
        kind = "read-only"
    return failure.Failed("%s: %s" % (what, last), kind, ran)


def _told(args: "dict", before: "dict") -> "dict":
    now = sitepackages.installed(before["places"] or sitepackages.folders(args["virtualenv"] or ""))
    was = before["packages"]
    changed = {name: now.get(name) for name in set(now) | set(was) if now.get(name) != was.get(name)}
    told = {"virtualenv": args["virtualenv"], "packages": now, "installed": changed}
    return dict(told, **{key: args[key] for key in ("name", "version", "requirements", "state")})


def undo(args: "dict", before: "dict") -> "dict":
    venv = args["virtualenv"]
    if venv and not before["exists"]:
        if before["around"] is None:
            filestate.remove_created((before["parents"] or [venv])[0])
        else:  # the directory was there, with other things in it
            for name in sorted(set(os.listdir(venv)) - set(before["around"])):
                filestate.remove(os.path.join(venv, name))
        return {"virtualenv": venv, "removed": [venv]}
    now = sitepackages.installed(before["places"])
    came = sorted(name for name in now if name not in before["packages"])
    if came:
        _pip(args, ["uninstall", "-y"] + came)
    removed = _debris(before) if venv else []
    now = sitepackages.installed(before["places"])
    went = sorted("%s==%s" % (n, v) for n, v in before["packages"].items() if now.get(n) != v)
    if went:
        _pip(args, ["install", "--no-deps"] + _options(args) + went)
    return dict(_told(args, before), removed=removed)


def _debris(before: "dict") -> "list[str]":
    """Removes what an installation that broke off has left: new at the top of site-packages or of bin."""
    left = []
    for path in sitepackages.entries(before["virtualenv"], before["places"]):
        if path not in before["entries"]:
            filestate.remove(path)
            left.append(path)
    return left


def result(args: "dict", state: "dict") -> "dict":
    told = {"virtualenv": args["virtualenv"], "packages": state["packages"], "installed": {}}
    told.update({key: args[key] for key in ("name", "version", "requirements", "state")})
    return dict(told, stdout="", stderr="")
