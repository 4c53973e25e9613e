"""What is on a lab host's disk before its first boot: accounts, keys, sshd, sudo, services.

Written into a folder that the boot script copies over the host's /.
"""

from __future__ import annotations

import grp
import os
import pwd
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from playbook_engine.lab.spec import PlacedFile

APP_UID = 1000
GUEST_UID = 1001
_NOBODY = 65534

_SSHD_CONFIG = """\
Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
PermitRootLogin prohibit-password
AcceptEnv LANG LC_*
MaxStartups 100:30:300
MaxSessions 100
Subsystem sftp /usr/lib/openssh/sftp-server
Include /etc/ssh/sshd_config.d/*.conf
"""

_SUDOERS = """\
Defaults env_reset
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
"""

# Its log is in memory: with / full it must still start, and an open log would keep / from going read-only.
_SSHD_RUN = """\
#!/bin/sh
exec /usr/sbin/sshd -D -e >>/run/sshd.log 2>&1
"""


def service(name: str, run: str) -> list[PlacedFile]:
    """A runit service, laid out as Debian does, enabled.

    The supervisor's own files are in /run (runsv follows a `supervise` link), so that it works on a disk that is
    full or read-only.
    """
    return [
        PlacedFile(path=f"etc/sv/{name}/run", content=run.encode(), mode=0o755),
        PlacedFile(path=f"etc/sv/{name}/supervise", link=f"/run/runit/supervise.{name}"),
        PlacedFile(path=f"etc/service/{name}", link=f"/etc/sv/{name}"),
    ]


def base_files(
    name: str, address: str, public_key: str, host_key: tuple[bytes, str], aliases: Sequence[str] = ()
) -> list[PlacedFile]:
    """What every lab host has: root, `app` (may sudo), `guest` (may not), sshd."""
    private, public = host_key
    own_names = " ".join(["localhost", *aliases])
    files = [
        *_accounts(),
        PlacedFile(path="etc/hostname", content=f"{name}\n".encode()),
        PlacedFile(path="etc/hosts", content=f"127.0.0.1 {own_names}\n{address} {name}\n".encode()),
        PlacedFile(path="etc/resolv.conf", content=b"# a lab host sees no name server\n"),
        PlacedFile(path="etc/machine-id", content=f"{uuid.uuid4().hex}\n".encode(), mode=0o444),
        PlacedFile(path="etc/sudoers", content=_SUDOERS.encode(), mode=0o440),
        PlacedFile(path="etc/sudoers.d/app", content=b"app ALL=(ALL:ALL) NOPASSWD: ALL\n", mode=0o440),
        PlacedFile(path="etc/ssh/sshd_config", content=_SSHD_CONFIG.encode()),
        PlacedFile(path="etc/ssh/ssh_host_ed25519_key", content=private, mode=0o600),
        PlacedFile(path="etc/ssh/ssh_host_ed25519_key.pub", content=f"{public}\n".encode()),
        *service("sshd", _SSHD_RUN),
    ]
    for home, uid in (("root", 0), ("home/app", APP_UID), ("home/guest", GUEST_UID)):
        for folder, mode in ((home, 0o755 if uid else 0o700), (f"{home}/.ssh", 0o700)):
            files.append(PlacedFile(path=folder, directory=True, mode=mode, uid=uid, gid=uid))
        key = f"{public_key}\n".encode()
        files.append(PlacedFile(path=f"{home}/.ssh/authorized_keys", content=key, mode=0o600, uid=uid, gid=uid))
    return files


def _accounts() -> Iterable[PlacedFile]:
    """The controller's system accounts (its packages are the host's packages), and the lab's own people."""
    people = [
        f"app:x:{APP_UID}:{APP_UID}:an operator:/home/app:/bin/bash",
        f"guest:x:{GUEST_UID}:{GUEST_UID}:may not sudo:/home/guest:/bin/bash",
    ]
    system = [p for p in pwd.getpwall() if 0 < p.pw_uid < 1000 or p.pw_uid == _NOBODY]
    passwd = ["root:x:0:0:root:/root:/bin/bash"]
    passwd += [f"{p.pw_name}:x:{p.pw_uid}:{p.pw_gid}:{p.pw_gecos}:{p.pw_dir}:{p.pw_shell}" for p in system]
    names = [line.partition(":")[0] for line in (*passwd, *people)]
    groups = [f"{g.gr_name}:x:{g.gr_gid}:" for g in grp.getgrall() if g.gr_gid < 1000 or g.gr_gid == _NOBODY]
    groups += [f"app:x:{APP_UID}:", f"guest:x:{GUEST_UID}:"]
    yield PlacedFile(path="etc/passwd", content=_lines([*passwd, *people]))
    yield PlacedFile(path="etc/group", content=_lines(groups))
    yield PlacedFile(
        path="etc/shadow", content=_lines(f"{n}:*:19000:0:99999:7:::" for n in names), mode=0o640, gid=_shadow_gid()
    )


def _shadow_gid() -> int:
    try:
        return grp.getgrnam("shadow").gr_gid
    except KeyError:
        return 0


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def write(folder: Path, files: Sequence[PlacedFile]) -> None:
    """Lay the files out below `folder`, in their order. cp -a gives the host what is here, modes and times too."""
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.link is not None:
            target.symlink_to(file.link)
            continue
        if file.directory:
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(file.content)
        os.chown(target, file.uid, file.gid)
        target.chmod(file.mode)
    # runsvdir waits a second before it reads a directory that has just changed; this one is ready.
    os.utime(folder / "etc/service", (0, 0))
