"""`cron`, `known_hosts`, `authorized_key`, `sysctl` and `mount` as editors of files: what becomes of which text.

The texts that `cron` and `known_hosts` leave were compared with those that Ansible's modules of these names leave.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from live_agents import Agent

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0dHgiKqm2u3R4xDMdBdCbYJjzl2LqvYg6cJe0p6o5G"
OTHER = KEY[:-3] + "AAA"
JOB = {"name": "a", "job": "/bin/true", "user": "root", "cron_file": "{f}"}
VARIABLE = {"env": True, "user": "root", "cron_file": "{f}", "job": "x y"}
KNOWN = {"name": "h.test", "path": "{f}"}
USER = {"user": "root", "path": "{f}"}
SYSCTL = {"sysctl_file": "{f}", "reload": False, "name": "kernel.domainname", "value": "x.test"}
MOUNT = {"fstab": "{f}", "path": "/srv/no-such-mount/", "src": "tmpfs", "fstype": "tmpfs", "state": "present"}

TEXTS: list[tuple[str, str | None, dict[str, object], str | None]] = [
    ("cron", None, JOB, "#Ansible: a\n* * * * * root /bin/true\n"),
    ("cron", "X=1", JOB, "X=1\n#Ansible: a\n* * * * * root /bin/true\n"),
    ("cron", "#Ansible: a\n1 * * * * root /b\n#Ansible: b\n2 * * * * root /b\n", {**JOB, "minute": "5", "dow": "1"},
     "#Ansible: a\n5 * * * 1 root /bin/true\n#Ansible: b\n2 * * * * root /b\n"),
    ("cron", "* * * * * root /bin/true\n", JOB, "#Ansible: a\n* * * * * root /bin/true\n"),
    ("cron", "#Ansible: None\n* * * * * root /bin/true\n", JOB, "#Ansible: a\n* * * * * root /bin/true\n"),
    ("cron", "", {**JOB, "special_time": "weekly", "disabled": True}, "#Ansible: a\n#@weekly root /bin/true\n"),
    ("cron", "#Ansible: a\n* * * * * root /bin/true\nX=1", {**JOB, "state": "absent"}, "X=1\n"),
    ("cron", "#Ansible: a\n* * * * * root /bin/true\n", {**JOB, "state": "absent"}, None),
    ("cron", "X=1", {**JOB, "name": "none", "state": "absent"}, "X=1\n"),
    ("cron", 'A="2"\nB=3\n', {**VARIABLE, "name": "C"}, 'C="x y"\nA="2"\nB=3\n'),
    ("cron", 'A="2"\nB=3\n', {**VARIABLE, "name": "C", "insertafter": "A"}, 'A="2"\nC="x y"\nB=3\n'),
    ("cron", 'A="2"\nB=3\n', {**VARIABLE, "name": "C", "insertbefore": "B"}, 'A="2"\nC="x y"\nB=3\n'),
    ("cron", 'A="2"\nB=3\n', {**VARIABLE, "name": "B"}, 'A="2"\nB="x y"\n'),
    ("cron", 'A="2"\nB=3\n', {**VARIABLE, "name": "A", "state": "absent"}, "B=3\n"),
    ("known_hosts", None, {**KNOWN, "key": f"h.test {KEY}"}, f"h.test {KEY}\n"),
    ("known_hosts", f"h.test {OTHER}\nx.test {KEY}\n", {**KNOWN, "key": f"h.test {KEY}"},
     f"x.test {KEY}\nh.test {KEY}\n"),
    ("known_hosts", f"h.test,192.0.2.1 {KEY}\n", {**KNOWN, "key": f"h.test {KEY}"}, f"h.test {KEY}\n"),
    ("known_hosts", f"@cert-authority *.test {KEY}\n", {**KNOWN, "key": f"h.test {KEY}"},
     f"@cert-authority *.test {KEY}\nh.test {KEY}\n"),
    ("known_hosts", f"h.test {KEY}\nh.test ssh-rsa AAAAB3N\n# c\n", {**KNOWN, "state": "absent"}, "# c\n"),
    ("known_hosts", f"h.test {OTHER}\n", {**KNOWN, "state": "absent", "key": f"h.test {KEY}"}, ""),
    ("authorized_key", None, {**USER, "key": f"{KEY} me"}, f"{KEY} me\n"),
    ("authorized_key", f"# c\n{KEY} old\n\nssh-rsa AAAAB3N x\n", {**USER, "key": f"{KEY} me"},
     f"# c\n{KEY} me\n\nssh-rsa AAAAB3N x\n"),
    ("authorized_key", f"# c\n{KEY} me\nssh-rsa AAAAB3N x\n", {**USER, "key": f"{KEY} me", "exclusive": True},
     f"{KEY} me\n"),
    ("authorized_key", "", {**USER, "key": KEY, "key_options": 'command="a b",no-pty', "comment": "c"},
     f'command="a b",no-pty {KEY} c\n'),
    ("authorized_key", f'from="192.0.2.1, x",no-pty {KEY} c\nssh-rsa AAAAB3N x\n',
     {**USER, "key": KEY, "state": "absent"}, "ssh-rsa AAAAB3N x\n"),
    ("sysctl", None, SYSCTL, "kernel.domainname=x.test\n"),
    ("sysctl", "# c\nkernel.domainname = y\n; d\nkernel.domainname=z", SYSCTL, "# c\nkernel.domainname=x.test\n; d\n"),
    ("sysctl", "a=1\nkernel.domainname = y\n", {**SYSCTL, "state": "absent"}, "a=1\n"),
    ("mount", "# c\n", MOUNT, "# c\ntmpfs /srv/no-such-mount tmpfs defaults 0 0\n"),
    ("mount", "/dev/x /srv/no-such-mount ext4 ro 0 2\n", {**MOUNT, "opts": "size=1m", "boot": False, "passno": "1"},
     "tmpfs /srv/no-such-mount tmpfs size=1m,noauto 0 1\n"),
    ("mount", "a /srv/no-such-mount tmpfs defaults\nb /x ext4 defaults", {**MOUNT, "state": "absent_from_fstab"},
     "b /x ext4 defaults"),
    ("mount", None, {**MOUNT, "src": "//nas.test/a b", "fstype": "cifs"},
     "//nas.test/a\\040b /srv/no-such-mount cifs defaults 0 0\n"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "old", "args", "new"), TEXTS)
def test_what_becomes_of_a_text(
    newest: Agent, tmp_path: Path, action: str, old: str | None, args: dict[str, object], new: str | None
) -> None:
    file = tmp_path / "f"
    if old is not None:
        file.write_text(old)
        file.chmod(0o600)
    filled = {key: str(file) if value == "{f}" else value for key, value in args.items()}
    reply = newest.do(action, **filled)
    assert reply.ok, reply.msg
    assert (file.read_text() if file.exists() else None) == new
    assert not newest.look(action, **filled).plan, "done once is done"


AS_IT_IS: list[tuple[str, str, dict[str, object]]] = [
    ("known_hosts", f"h.test {KEY} comment\n", {**KNOWN, "key": f"h.test {KEY}"}),
    ("known_hosts", f"h.test {OTHER}\n", {**KNOWN, "name": "other.test", "state": "absent"}),
    ("known_hosts", f"*.test {KEY}\n", {**KNOWN, "name": "h.example", "state": "absent"}),
    ("authorized_key", f"no-pty {KEY} me\n", {**USER, "key": KEY, "key_options": "no-pty", "comment": "me"}),
    ("sysctl", "kernel.domainname   =  x.test\n", SYSCTL),
    ("mount", "tmpfs   /srv/no-such-mount\ttmpfs defaults\n", MOUNT),
]


@pytest.mark.parametrize(("action", "old", "args"), AS_IT_IS)
def test_what_is_so_stays_as_it_is_written(
    newest: Agent, tmp_path: Path, action: str, old: str, args: dict[str, object]
) -> None:
    (tmp_path / "f").write_text(old)
    looked = newest.look(
        action, **{key: str(tmp_path / "f") if value == "{f}" else value for key, value in args.items()}
    )
    assert looked.ok, looked.msg
    assert not looked.plan


REFUSED: list[tuple[str, dict[str, object], str]] = [
    ("cron", {"name": "a"}, "needs job"),
    ("cron", {**JOB, "user": None}, "needs user"),
    ("cron", {**JOB, "special_time": "daily", "minute": "1"}, "instead of"),
    ("cron", {**VARIABLE, "name": "A B"}, "no name of a variable"),
    ("cron", {**VARIABLE, "name": "C", "insertafter": "Z"}, "no variable Z"),
    ("cron", {**JOB, "insertafter": "Z"}, "env: true"),
    ("cron", {**JOB, "job": "a\nb"}, "one line"),
    ("cron", {**JOB, "cron_file": "/etc/crontab"}, "belongs to the distribution"),
    ("known_hosts", KNOWN, "needs key"),
    ("known_hosts", {**KNOWN, "key": f"x.test {KEY}"}, "not of h.test"),
    ("known_hosts", {**KNOWN, "key": "nonsense"}, "host, type, key"),
    ("authorized_key", {**USER, "key": "nonsense"}, "no public key"),
    ("authorized_key", {**USER, "key": "https://git.test/me.keys"}, "return_content"),
    ("authorized_key", {"user": "nobody-of-that-name", "key": KEY}, "no user"),
    ("sysctl", {"name": "a.b"}, "needs value"),
    ("mount", {"path": "/x", "state": "mounted", "src": "a"}, "needs fstype"),
    ("mount", {"path": "x", "state": "absent"}, "no absolute path"),
    ("mount", {"path": "/srv/no-such-mount", "state": "remounted"}, "is not mounted"),
    ("hostname", {"name": "a_b!"}, "no name of a host"),
    ("group", {"name": "g", "non_unique": True}, "needs gid"),
    ("reboot", {"test_command": "true"}, "checks"),
]


@pytest.mark.parametrize(("action", "args", "said"), REFUSED)
def test_what_makes_no_sense_is_refused(
    newest: Agent, tmp_path: Path, action: str, args: dict[str, object], said: str
) -> None:
    filled = {key: str(tmp_path / "f") if value == "{f}" else value for key, value in args.items()}
    reply = newest.look(action, **filled)
    assert not reply.ok
    assert said in reply.msg
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_hidden_is_found_again(newest: Agent, tmp_path: Path) -> None:
    file, key = tmp_path / "f", f"h.test {KEY}"
    assert newest.do("known_hosts", name="h.test", path=str(file), key=key, hash_host=True).ok
    assert "h.test" not in file.read_text()
    assert file.read_text().startswith("|1|")
    assert not newest.look("known_hosts", name="h.test", path=str(file), key=key, hash_host=True).plan
    assert newest.do("known_hosts", name="h.test", path=str(file), state="absent").ok
    assert file.read_text() == ""
