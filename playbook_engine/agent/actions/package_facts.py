"""Which packages of the distribution are installed."""

from playbook_engine.agent import failure, packages, process

SPEC = {
    "name": "package_facts",
    "kind": "probe",
    "summary": "List the installed packages, with their versions",
    "doc": "",
    "params": {
        "manager": {"type": "list[str]", "default": ["auto"], "doc": "auto, apt, rpm, dnf or apk."},
        "strategy": {
            "type": "str",
            "default": "first",
            "choices": ["all", "first"],
            "doc": "First that is here, or all.",
        },
    },
    "returns": {"ansible_facts": "{packages: {NAME: [{name, version, source, arch, …}]}}"},
    "examples": "package_facts: {manager: [auto]}",
}

NAMES = {"rpm": "dnf", "yum": "dnf", "dnf5": "dnf", "zypper": "dnf"}


def observe(args: "dict") -> "dict":
    asked = [NAMES.get(name, name) for name in args["manager"]]
    found: "dict" = {}
    for name in packages.here():
        if "auto" in asked or name in asked:
            for one in {"apt": _debian, "dnf": _rpm, "apk": _alpine}[name]():
                found.setdefault(one["name"], []).append(one)
            if args["strategy"] == "first":
                break
    else:
        if not found:
            raise failure.Failed(
                "none of %s is here: apt, dnf and apk are understood" % ", ".join(asked), "unsupported"
            )
    return {"ansible_facts": {"packages": found}}


def _debian() -> "list[dict]":
    form = "${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\t${Section}\\n"
    ran = process.run(["dpkg-query", "-W", "-f", form], env={"LC_ALL": "C"}, cap=16 << 20)
    rows = [line.split("\t") for line in ran["stdout"].splitlines()]
    return [{"name": row[1], "version": row[2], "arch": row[3], "category": row[4], "origin": "", "source": "apt"}
            for row in rows if len(row) == 5 and row[0][1:2] == "i"]  # fmt: skip


def _rpm() -> "list[dict]":
    form = "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%|EPOCH?{%{EPOCH}}:{}|\\t%{ARCH}\\n"
    ran = process.run(["rpm", "-qa", "--qf", form], env={"LC_ALL": "C"}, cap=16 << 20)
    rows = [line.split("\t") for line in ran["stdout"].splitlines()]
    return [{"name": row[0], "version": row[1], "release": row[2], "epoch": int(row[3]) if row[3] else None,
             "arch": None if row[4] == "(none)" else row[4], "source": "rpm"}
            for row in rows if len(row) == 5]  # fmt: skip


def _alpine() -> "list[dict]":
    from playbook_engine.agent import packages_apk, procfs

    found = []
    for name, full in packages_apk.database(procfs.read(packages_apk.DATABASE)).items():
        version, _, release = full.rpartition("-r")
        found.append({"name": name, "version": version or full, "release": "r" + release, "source": "apk"})
    return found
