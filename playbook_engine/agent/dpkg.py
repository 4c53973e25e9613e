"""Debian packages: what is installed, and apt-get without questions."""

import os

from playbook_engine.agent import failure, process, procfs

QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBIAN_PRIORITY": "critical",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_MODE": "l",  # needrestart lists what it would restart, and restarts nothing
    "LC_ALL": "C",
}
# A configuration file that somebody changed stays as it is (dpkg(1)).
CONFIGS = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]


def installed() -> "tuple[dict[str, str], dict[str, str]]":
    """({package: version} installed whole, {package: status} of all others). Raises Unmeasured."""
    form = "${binary:Package} ${db:Status-Abbrev} ${Version}\\n"
    ran = process.run(["dpkg-query", "-W", "-f", form], env={"LC_ALL": "C"}, cap=16 << 20)
    if ran["rc"] != 0:
        raise failure.Unmeasured("dpkg-query: %s" % ran["stderr"].strip())
    whole, others = {}, {}
    for line in ran["stdout"].splitlines():
        name, status, version = (line.split(None, 2) + [""])[:3]
        name = name.partition(":")[0] if name.endswith((":" + native(), ":all")) else name
        if status[1:2] == "i":
            whole[name] = version
        else:
            others[name] = status
    return whole, others


def native() -> str:
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armhf", "i686": "i386"}.get(machine, machine)


def automatic() -> "list[str]":
    """Packages that came as somebody's dependency (apt-mark(8)), sorted."""
    found, name = [], ""
    for line in procfs.read("/var/lib/apt/extended_states").splitlines():
        if line.startswith("Package:"):
            name = line[8:].strip()
        elif line.strip() == "Auto-Installed: 1":
            found.append(name)
    return sorted(found)


def candidates(names: "list[str]", release: object = None) -> "dict[str, str]":
    """{package: the version that apt-get would install}; without those it does not know."""
    target = ["-t", str(release)] if release else []
    ran = process.run(["apt-cache", "policy"] + target + names, env={"LC_ALL": "C"}, cap=16 << 20)
    found, name = {}, ""
    for line in ran["stdout"].splitlines():
        if not line.startswith(" "):
            name = line.rstrip(":").partition(":")[0]
        elif line.strip().startswith("Candidate:") and "(none)" not in line:
            found[name] = line.partition(":")[2].strip()
    return found


def apt(
    words: "list[str]", lock_timeout: float, environment: "dict | None" = None, options: "list[str] | None" = None
) -> "dict":
    """apt-get, waiting for another one that holds the lock; `options` are dpkg's. Raises Failed with a kind."""
    configs = CONFIGS
    if options is not None:
        configs = [word for each in options for word in ("-o", "Dpkg::Options::=--" + each)]
    command = ["apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=%d" % lock_timeout] + configs + words
    env = dict(QUIET, **{k: str(v) for k, v in (environment or {}).items()})
    ran = dict(process.run(command, env=env), cmd=command)
    if ran["rc"] != 0:
        raise failed(next((word for word in words if word[:1] != "-"), words[0]), ran)
    return ran


def failed(verb: str, ran: "dict") -> "failure.Failed":
    """What apt-get said of why it did not do it."""
    said = ran["stderr"] + ran["stdout"]
    errors = [line for line in ran["stderr"].splitlines() if line.startswith("E:")]
    last = (errors or ran["stderr"].strip().splitlines() or ["status %s" % ran["rc"]])[-1]
    kinds = (
        ("Unable to locate package", "not-found"),
        ("has no installation candidate", "not-found"),
        ("was not found", "not-found"),
        ("don't have enough free space", "disk-full"),
        ("No space left on device", "disk-full"),
        ("Could not get lock", "locked"),
        ("Unable to acquire the dpkg", "locked"),
        ("are you root", "permission"),
        ("Permission denied", "permission"),
        ("Read-only file system", "read-only"),
    )
    kind = next((kind for text, kind in kinds if text in said), "failed")
    if kind == "disk-full" and failure.out_of_inodes("/var/lib/dpkg"):
        kind = "no-inodes"
    return failure.Failed("apt-get %s: %s" % (verb, last), kind, ran)
