"""Dangerous commands, and those that only look so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linted import Desk

from playbook_engine.loading.linting.commands import dangers
from playbook_engine.loading.linting.shell_words import ShellText
from playbook_engine.model.finding import Severity


def told(text: str, *, shell: bool = True, empty: bool = True, splits: bool = True) -> list[tuple[str, str]]:
    """(severity, the text from there on) of each danger."""
    found = dangers(ShellText(text, shell=shell), lambda e: empty, lambda e: splits)
    return [(str(d.severity), text[d.at : d.at + d.length]) for d in found]


ERRORS = {
    "rm -rf /": "/", "rm -rf /*": "/*", "rm -r --no-preserve-root /": "/", "sudo rm -fr / ": "/", "rm -Rf -- /": "/",
    "rm -rf /etc": "/etc", "rm -rf /var/*": "/var/*", "cd /x && rm -rf //": "//", "rm -rf /usr/lib/": "/usr/lib/",
    "if true; then rm -rf /; fi": "/", "x=$(rm -rf /)": "/", "bash -c 'rm -rf /'": "/", "FOO=1 rm -rf '/'": "'",
    "ls | xargs rm -rf /": "/", "timeout 5 rm -rf /": "/",
    "nice -n 5 rm -rf /home": "/home", "env A=b rm -rf /opt": "/opt",
    "dd if=/dev/zero of=/dev/sda bs=1M": "of=/dev/sda", "dd of=/dev/nvme0n1": "of=/dev/nvme0n1",
    "mkfs.ext4 /dev/sdb1": "/dev/sdb1", "mkfs -t xfs /dev/vdb": "/dev/vdb", "cat x > /dev/sda": "/dev/sda",
    "cat x >>/dev/sdb": "/dev/sdb", "chmod -R 777 /": "/", "chown -R app: /etc": "/etc", "kill -9 -1": "kill",
    "kill -KILL -1": "kill", "kill -s KILL -1": "kill", "wipefs -a /dev/sdc": "/dev/sdc",
    "echo b > /proc/sysrq-trigger": "/proc/sysrq-trigger", "parted /dev/sda mklabel gpt": "parted",
    "cryptsetup luksFormat /dev/sdb": "cryptsetup", "zcat x.img.gz | tee /dev/sdb": "/dev/sdb",
    "cp x.img /dev/sdb": "/dev/sdb", "zpool destroy tank": "zpool", "chmod 0777 -R /": "/",
    ":(){ :|:& };:": ":(){ :|:& };:", "bomb() { bomb | bomb & }; bomb": "bomb() { bomb | bomb & }; bomb",
}  # fmt: skip
WARNINGS = {
    "rm -rf $VAR/": "$VAR/", 'rm -rf "$VAR/"': '"$VAR', "rm -rf ${DIR}/*": "${DIR}/*", "rm -rf $1/etc": "$1/etc",
    "rm -rf {{ x }}/": "{{ x }}", "rm -rf {{ x }}": "{{ x }}", "rm -rf /srv/{{ x | quote }}": "{{ x | quote }}",
    "find /tmp -delete": "find", "find . -type f -exec rm {} +": "find", "find / -name core -delete": "/",
    "find /var -mtime +7 -delete": "/var", "iptables -F": "iptables", "nft flush ruleset": "nft",
    "systemctl stop sshd": "systemctl", "systemctl disable --now ssh.service": "systemctl",
    "service ssh stop": "service",
    "ip link set eth0 down": "ip", "reboot": "reboot", "shutdown -r now": "shutdown", "systemctl reboot": "systemctl",
    "init 6": "init", "mysql -e 'DROP TABLE users'": "DROP TABLE", "psql -c \"drop database app\"": "drop database",
    "psql -c 'DELETE FROM users;'": "DELETE FROM users",
    "redis-cli FLUSHALL": "FLUSHALL",
    "chmod -R 777 /srv/app": "chmod",
    "chmod -R a+w .": "chmod", "curl -s http://a.test/x | sh": "curl", "wget -O- http://a.test | sudo bash": "wget",
    "echo x > /etc/passwd": "/etc/passwd", "rm -rf ~/*": "~/*", "rm -rf $HOME": "$HOME",
    "/etc/init.d/ssh stop": "/etc/init.d/ssh", "pkill -9 sshd": "pkill", "ufw disable": "ufw",
    "lvremove -f vg/data": "lvremove", "docker system prune -af": "docker", "telinit 6": "telinit",
    "crontab -r": "crontab",
    "kubectl delete pods --all": "kubectl",
}  # fmt: skip
HARMLESS = [
    "rm -rf /srv/app/cache", "rm -f /", "echo 'rm -rf /'", "# rm -rf /", "rm -rf \"${VAR:?}/\"",
    "DIR=/srv/x; rm -rf $DIR/",
    "rm -rf ./build", "find /srv/cache -name '*.tmp' -delete", "find /tmp -mtime +7 -print",
    "dd if=/dev/sda of=/srv/image",
    "dd of=/dev/null", "echo x > /dev/null 2>&1", "cat /dev/sda", "mkfs.ext4 /srv/disk.img", "chmod -R u+w /srv",
    "chmod 777 /srv/x", "kill -9 1234", "kill -1 1234", "kill -0 $PID", "iptables -L -n", "systemctl restart sshd",
    "systemctl stop app", "systemctl is-active sshd", "psql -c 'DELETE FROM users WHERE id = 3'", "shutdown -c",
    "curl -s http://a.test/x -o x", "grep reboot /var/log/x", "ip link show",
    "crontab -l", "ls > /srv/out; cat x < /dev/sda",
    "last reboot", "/etc/init.d/ssh restart", "ssh h.test uptime", "tee /srv/x", "cp a b", "parted /dev/sda print",
    "docker ps", "pkill app", "fdisk -l", "rm -rf ~/.cache/x", "mv /dev/sda.img x",
    "rm -rf /var/lib/app/{{ x | quote }}.d", "git rm -r etc",
]  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_what_nobody_means(text: str) -> None:
    assert told(text) == [("error", ERRORS[text])]


@pytest.mark.parametrize("text", WARNINGS)
def test_what_may_be_meant(text: str) -> None:
    found = told(text)
    assert found
    assert found[0] == ("warning", WARNINGS[text])
    assert {severity for severity, _ in found} == {"warning"}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_dangerous(text: str) -> None:
    assert told(text) == []


def test_a_command_without_a_shell_expands_nothing() -> None:
    assert told("rm -rf $VAR/", shell=False) == []
    assert told("echo x ; reboot", shell=False) == []
    assert told("rm -rf /", shell=False) == [("error", "/")]


def test_what_is_never_empty_and_never_splits() -> None:
    assert told("rm -rf {{ x }}/", empty=False, splits=False) == []
    assert told("rm -rf {{ x }}", splits=False, empty=False) == []
    assert told("rm -rf '{{ x }}/cache'", empty=True) == []


@given(st.text("rm -f/{}$'\"\\|&;<>()#` \nabc*={{ x }}{%%}", max_size=60), st.booleans())
def test_any_text_is_read(text: str, shell: bool) -> None:
    for danger in dangers(ShellText(text, shell=shell), lambda e: True, lambda e: True):
        assert 0 <= danger.at < len(text)
        assert danger.message
        assert danger.severity in Severity


@given(st.lists(st.text("abcé-_./ $\"'\\;|&", min_size=1, max_size=8), min_size=1, max_size=5))
def test_quoted_words_stay_what_they_are(words: list[str]) -> None:
    text = " ".join("'" + w.replace("'", "'\\''") + "'" for w in ["run", *words])
    assert [c.texts for c in ShellText(text).commands if c.name == "run"] == [["run", *words]]


# ------------------------------------------------------------------ in runbooks


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(
    "action",
    [{"command": "rm -rf /"}, {"command": {"argv": ["rm", "-rf", "/"]}}, {"shell": {"cmd": "rm -rf /"}},
     {"raw": "rm -rf /"}, {"ansible.builtin.shell": "rm -rf / chdir=/srv"},
     {"file": {"path": "/", "state": "absent"}}, {"file": {"path": "/etc", "state": "absent"}}],
    ids=str,
)  # fmt: skip
def test_every_way_to_say_it(action: dict[str, object], desk: Desk) -> None:
    text = f"name: r\nsteps:\n  - {json.dumps({**action, 'irreversible': 'x'})}\n"
    (found,) = desk.said(text, "dangerous-command")
    assert "r.yml:3:" in found
    assert "error dangerous-command" in found


def test_everywhere_in_a_runbook(desk: Desk) -> None:
    text = """\
        name: r
        preconditions: [{command: reboot}]
        steps:
          - command: start
            unless: [{command: reboot}]
            checks: [{command: reboot}]
            rollback: [{command: reboot}]
          - block: [{command: reboot, irreversible: x}]
          - copy: {content: x, dest: /x}
            notify: h
        handlers: [{name: h, command: reboot}]
        checks: [{command: reboot}]
        """
    assert [int(f.split(":")[1]) for f in desk.said(text, "dangerous-command")] == [2, 5, 6, 7, 8, 11, 12]


def test_what_the_author_says_of_a_name_counts(desk: Desk) -> None:
    text = """\
        name: r
        params: {text: {default: /x}, path: {type: path, default: /x}, pick: {default: a, choices: [a, b]}}
        vars: {fixed: /srv/app, spaced: "/srv/my app", made: "{{ text }}"}
        steps:
          - {shell: "rm -rf {{ text }}/", irreversible: x}
          - {shell: "rm -rf {{ path | quote }}/", irreversible: x}
          - {shell: "rm -rf {{ pick }}/", irreversible: x}
          - {shell: "rm -rf {{ fixed }}/", irreversible: x}
          - {shell: "rm -rf {{ spaced }}", irreversible: x}
          - {shell: "rm -rf {{ made | quote }}/", irreversible: x}
          - {shell: "rm -rf {{ item }}/", loop: [/a, /b], irreversible: x}
          - {shell: "rm -rf /srv/{{ item }}", loop: "{{ made }}", irreversible: x}
        """
    assert [int(f.split(":")[1]) for f in desk.said(text, "dangerous-command")] == [5, 9, 10, 12]
