"""Commands that destroy more than is meant, or cut off whoever runs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from playbook_engine.loading.linting.danger import DISK, Danger, MayBeEmpty, Reader, Splits, error, warning
from playbook_engine.loading.linting.disks import DISKS
from playbook_engine.loading.linting.shell_words import Command, ShellText

BOMB = re.compile(r"(?P<name>[:\w]+)\s*\(\)\s*\{\s*(?P=name)\s*\|\s*(?P=name)\s*&\s*\}\s*;\s*(?P=name)")
SQL = re.compile(
    r"(?i)\b(?:DROP\s+(?:TABLE|DATABASE|SCHEMA)\b|TRUNCATE\s+(?:TABLE\s+)?[\w\"`.]+\s*(?:;|$|[\"'])"
    r"|DELETE\s+FROM\s+[\w\"`.]+\s*(?:;|$|[\"'])|FLUSH(?:ALL|DB)\b)"
)
LOGIN = frozenset({"ssh", "sshd", "network", "networking", "NetworkManager", "systemd-networkd", "firewalld"})
STOPS = frozenset({"stop", "disable", "mask", "kill"})
ENDS_HOST = frozenset({"reboot", "shutdown", "halt", "poweroff"})
KEPT = frozenset({"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/sudoers", "/etc/fstab"})
FETCHERS = frozenset({"curl", "wget"})
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "python", "python3", "perl"})


def dangers(text: ShellText, may_be_empty: MayBeEmpty, splits: Splits) -> Iterator[Danger]:
    """What is dangerous in a text that a shell, or `command`, is given."""
    bomb = BOMB.search(text.source)
    if bomb and text.shell:
        yield error("this starts itself until the host stands still", "leave it out", bomb.start(), len(bomb[0]))
        return
    reader = Reader(text, may_be_empty, splits)
    for number, command in enumerate(text.commands):
        yield from _of_command(reader, command, text.commands[number + 1] if number + 1 < len(text.commands) else None)
    yield from statements(text.source)


def statements(source: str) -> Iterator[Danger]:
    """The same of a text with SQL, or commands of Redis, in it."""
    for match in SQL.finditer(source):
        said = " ".join(match[0].split()).rstrip(";\"'")
        yield warning(f"{said}: what it removes is gone", "take a dump first, and say so", match.start(), len(said))


def _of_command(reader: Reader, command: Command, following: Command | None) -> Iterator[Danger]:
    for target in command.into:
        if DISK.match(target.text):
            yield error(f"this writes over the disk {target.text}", "write to a file", target.at, len(target.text))
        elif target.text == "/proc/sysrq-trigger":
            yield error("this stops or restarts the kernel at once", "leave it to a person", target.at, 19)
        elif target.text in KEPT:
            yield warning(
                f"this empties {target.text} before anything is written to it",
                "use copy, lineinfile or template: they write beside it and rename, and can be taken back",
                target.at, len(target.text),
            )  # fmt: skip
    if not command.words:
        return
    rule = RULES.get(command.name.split(".")[0] if command.name.startswith("mkfs.") else command.name)
    if command.words[0].text.startswith("/etc/init.d/"):
        rule = _script
    if rule is not None:
        yield from rule(reader, command)
    if command.piped and following is not None and command.name in FETCHERS and following.name in SHELLS:
        yield reader.whole(
            command, f"what {command.name} fetches is executed as it comes",
            "get_url with a checksum, look at it, then run it",
        )  # fmt: skip


def _kill(reader: Reader, command: Command) -> Iterator[Danger]:
    words = command.texts[1:]
    targets = [n for n, w in enumerate(words) if w == "-1" and (n > 0 or (words[:1] == ["-1"] and len(words) == 1))]
    if targets and any(
        w.lstrip("-").upper() in ("9", "KILL", "SIGKILL", "15", "TERM", "S", "--") for w in words[: targets[0]]
    ):
        yield reader.whole(command, "this kills every process", "name the process: the action process does", fatal=True)


def _firewall(reader: Reader, command: Command) -> Iterator[Danger]:
    words = command.texts[1:]
    if {"-F", "--flush"} & set(words) or words[:2] == ["flush", "ruleset"]:
        yield reader.whole(
            command, "without its rules the firewall lets everything through, or, where its policy is DROP, nothing",
            "remove the one rule that is meant",
        )  # fmt: skip


def _systemctl(reader: Reader, command: Command) -> Iterator[Danger]:
    words = [w for w in command.texts[1:] if not w.startswith("-")]
    if command.name in ("service", "sv", "rc-service", "initctl") and words[:1] and command.name != "sv":
        words = [*words[1:2], words[0]]
    if words[:1] and words[0] in ENDS_HOST:
        yield from _reboot(reader, command)
    elif words[:1] and words[0] in {*STOPS, "down"}:
        for name in words[1:]:
            if name.removesuffix(".service").removesuffix(".socket").rsplit("/", 1)[-1] in LOGIN:
                yield reader.unreached(command, name)


def _script(reader: Reader, command: Command) -> Iterator[Danger]:
    """`/etc/init.d/ssh stop`."""
    if command.name in LOGIN and command.texts[1:2] == ["stop"]:
        yield reader.unreached(command, command.name)


def _killer(reader: Reader, command: Command) -> Iterator[Danger]:
    for name in LOGIN.intersection(command.texts[1:]):
        yield reader.unreached(command, name)


def _link(reader: Reader, command: Command) -> Iterator[Danger]:
    if command.name == "ifdown" or (command.texts[1:2] == ["link"] and "down" in command.texts):
        yield reader.whole(command, "this cuts the link that the run may be using", "have somebody at its console")


def _reboot(reader: Reader, command: Command) -> Iterator[Danger]:
    if command.name in ("init", "telinit") and command.texts[1:2] not in (["0"], ["6"]):
        return
    if command.name == "shutdown" and "-c" in command.texts:
        return
    yield reader.whole(
        command, "the host goes away in the middle of the run, and how the step ended is not known",
        "make it the last step of its own runbook, or of a person",
    )  # fmt: skip


def _ufw(reader: Reader, command: Command) -> Iterator[Danger]:
    if {"disable", "reset"} & set(command.texts[1:]):
        yield reader.whole(command, "without its rules the firewall lets everything through", "remove the rule meant")


def _crontab(reader: Reader, command: Command) -> Iterator[Danger]:
    if "-r" in command.texts[1:]:
        yield reader.whole(command, "this removes all of a user's cron jobs", "remove the one that is meant")


def _kubectl(reader: Reader, command: Command) -> Iterator[Danger]:
    words = command.texts[1:]
    if words[:1] == ["delete"] and ("--all" in words or {"ns", "namespace"} & set(words)):
        yield reader.whole(command, "this removes all that is there", "name what is to be removed")


RULES: Mapping[str, Callable[[Reader, Command], Iterator[Danger]]] = {
    **DISKS, "kill": _kill, "pkill": _killer, "killall": _killer, "iptables": _firewall, "ip6tables": _firewall,
    "nft": _firewall, "ufw": _ufw, "systemctl": _systemctl, "service": _systemctl, "sv": _systemctl,
    "rc-service": _systemctl, "ip": _link, "ifdown": _link, "reboot": _reboot, "shutdown": _reboot, "halt": _reboot,
    "poweroff": _reboot, "init": _reboot, "telinit": _reboot, "crontab": _crontab, "kubectl": _kubectl,
}  # fmt: skip
