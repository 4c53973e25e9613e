"""Everything on a host that a rollback has to leave as it was: files, links, modes, owners, accounts, services."""

from __future__ import annotations

import json

from playbook_engine.lab.lab import Lab

# Left out, and published in docs/reliability.md: what the running system writes by itself (logs, the copies that
# useradd keeps, lock files), and /usr, of which a lab host sees the controller's.
PROGRAM = r"""
import hashlib, json, os, stat, subprocess
found = {}
skip = {"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-",
        "/etc/.pwd.lock",
        "/var/log", "/var/lib/trader", "/var/lib/redis", "/var/cache/ldconfig", "/var/mail"}
for top in ("/etc", "/opt", "/var", "/root", "/home", "/srv", "/usr/local", "/lab"):
    for folder, folders, files in os.walk(top):
        folders[:] = [f for f in folders if os.path.join(folder, f) not in skip
                      and f not in ("supervise", "wheelhouse", "node", "__pycache__")]
        for name in [".", *folders, *files]:
            path = os.path.normpath(os.path.join(folder, name))
            if path in skip:
                continue
            st = os.lstat(path)
            what = [oct(st.st_mode), st.st_uid, st.st_gid]
            if stat.S_ISLNK(st.st_mode):
                what.append(os.readlink(path))
            elif stat.S_ISREG(st.st_mode):
                what.append(hashlib.sha256(open(path, "rb").read()).hexdigest())
            found[path] = what
services = sorted(os.listdir("/etc/service/")) if os.path.isdir("/etc/service/") else []
found["services"] = [(s, "run" if "run: " in subprocess.run(["sv", "status", s], capture_output=True, text=True).stdout
                      else "down") for s in services]
print(json.dumps(found))
"""


def snapshot(lab: Lab, host: str) -> dict[str, object]:
    """Path → mode, owner, group, digest or link target; and the services with their state."""
    ran = lab.exec(host, ["/usr/bin/python3", "-c", PROGRAM], timeout=60)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert isinstance(found, dict)
    return found


def differences(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """Where two snapshots differ, in words."""
    return [
        f"{p}: {before.get(p)} -> {after.get(p)}" for p in sorted({*before, *after}) if before.get(p) != after.get(p)
    ]
