"""Commands that destroy more than is meant, or cut off whoever runs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from playbook_engine.loading.linting.shell_words import Command, ShellText, Word
from playbook_engine.model.finding import Severity
from playbook_engine.model.frozen import frozen

SYSTEM = (
    "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "opt", "proc", "root", "run", "sbin", "srv", "sys",
    "usr", "var", "var/lib", "var/log", "usr/bin", "usr/lib", "usr/local", "usr/sbin", "usr/share",
)  # fmt: skip
ROOT = re.compile(r"/+(?:\.{0,2}/*)?\*?|/+\.\*|/+\{,\.\*\}")
FOLDER = re.compile(rf"/+(?:{'|'.join(SYSTEM)})/*\*?")
OWNED = re.compile(r"/+(?:bin|boot|dev|etc|lib(?:32|64)?|root|sbin|sys|usr(?:/\w+)?|var)/*\*?")
"""Folders in which every file has an owner and a mode of its own."""
VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*|[0-9@*])|\{(?P<braced>[A-Za-z_]\w*)(?P<guard>:?[?-][^}]*)?[^}]*\})")
DISK = re.compile(r"/dev/(?!null\b|zero\b|full\b|stdout\b|stderr\b|fd\b|tty|pts\b|shm\b|u?random\b|tcp\b|udp\b|log\b)")
FILTERS = frozenset({"-name", "-iname", "-path", "-ipath", "-wholename", "-regex", "-iregex", "-mtime", "-mmin",
                     "-ctime", "-cmin", "-atime", "-amin", "-newer", "-size", "-user", "-group", "-empty", "-perm",
                     "-inum", "-nouser", "-samefile", "-lname", "-uid"})  # fmt: skip
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

MayBeEmpty = Callable[[str], bool]
"""Whether the expression of a template may give nothing at all."""
Splits = Callable[[str], bool]
"""Whether what the expression gives may hold a space."""


@frozen
class Danger:
    """`at`, `length`: the part of the text that it is about."""

    severity: Severity
    message: str
    advice: str
    at: int
    length: int = 1


def dangers(text: ShellText, may_be_empty: MayBeEmpty, splits: Splits) -> Iterator[Danger]:
    """What is dangerous in a text that a shell, or `command`, is given."""
    bomb = BOMB.search(text.source)
    if bomb and text.shell:
        yield _error("this starts itself until the host stands still", "leave it out", bomb.start(), len(bomb[0]))
        return
    reader = _Reader(text, may_be_empty, splits)
    for number, command in enumerate(text.commands):
        yield from reader.command(command, text.commands[number + 1] if number + 1 < len(text.commands) else None)
    yield from statements(text.source)


def statements(source: str) -> Iterator[Danger]:
    """The same of a text with SQL, or commands of Redis, in it."""
    for match in SQL.finditer(source):
        said = " ".join(match[0].split()).rstrip(";\"'")
        yield _warning(f"{said}: what it removes is gone", "take a dump first, and say so", match.start(), len(said))


def _error(message: str, advice: str, at: int, length: int = 1) -> Danger:
    return Danger(severity=Severity.ERROR, message=message, advice=advice, at=at, length=length)


def _warning(message: str, advice: str, at: int, length: int = 1) -> Danger:
    return Danger(severity=Severity.WARNING, message=message, advice=advice, at=at, length=length)


class _Reader:
    def __init__(self, text: ShellText, may_be_empty: MayBeEmpty, splits: Splits) -> None:
        self._text = text
        self._may_be_empty = may_be_empty
        self._splits = splits

    def command(self, command: Command, following: Command | None) -> Iterator[Danger]:
        for target in command.into:
            if DISK.match(target.text):
                yield _error(f"this writes over the disk {target.text}", "write to a file", target.at, len(target.text))
            elif target.text in KEPT:
                yield _warning(
                    f"this empties {target.text} before anything is written to it",
                    "use copy, lineinfile or template: they write beside it and rename, and can be taken back",
                    target.at, len(target.text),
                )  # fmt: skip
        if not command.words:
            return
        rule = RULES.get(command.name) or (_mkfs if command.name.startswith("mkfs") else None)
        if rule is not None:
            yield from rule(self, command)
        if command.piped and following is not None and command.name in FETCHERS and following.name in SHELLS:
            yield self.whole(
                command, f"what {command.name} fetches is executed as it comes",
                "get_url with a checksum, look at it, then run it",
            )  # fmt: skip

    def whole(self, command: Command, message: str, advice: str, *, error: bool = False) -> Danger:
        """About a command as such: its place is that of its first word."""
        first = command.words[0]
        return (_error if error else _warning)(message, advice, first.at, len(first.text))

    def removal(self, target: Word) -> Danger | None:
        """What is wrong with a target that is removed with all that is in it."""
        text = self._text.readable(target.text)
        if ROOT.fullmatch(target.text) or target.text in ("~", "~/", "~/*", "*", ".", ".."):
            if target.text.startswith("/"):
                return _error(f"this removes everything: {text}", "name what is to be removed", target.at, len(text))
            return None
        if FOLDER.fullmatch(target.text):
            return _error(f"this removes a folder of the system: {text}", "name what is in it", target.at, len(text))
        return self._variable(target, text) or self._holes(target, text)

    def _variable(self, target: Word, text: str) -> Danger | None:
        match = VARIABLE.match(target.text) if self._text.shell else None
        if match is None or match["guard"]:
            return None
        name = match["plain"] or match["braced"]
        rest = target.text[match.end() :]
        assigned = re.search(rf"(?m)(?:^|[\s;]){re.escape(name)}=(?!\s|$|\"\"|''|\$)", self._text.source)
        if assigned or not (ROOT.fullmatch(rest) or FOLDER.fullmatch(rest)):
            return None
        return _warning(
            f"where {name} is empty this removes {rest}",
            f"write ${{{name}:?}}: then the shell stops instead", target.at, len(text),
        )  # fmt: skip

    def _holes(self, target: Word, text: str) -> Danger | None:
        for index, letter in enumerate(target.text):
            hole = self._text.hole(letter)
            if hole is None or not hole.expression:
                continue
            before, after = target.text[:index], target.text[index + 1 :]
            shown = f"{{{{ {hole.expression} }}}}"
            if self._may_be_empty(hole.expression):
                left = before + after
                if after and index == 0 and (ROOT.fullmatch(left) or FOLDER.fullmatch(left)):
                    return _warning(
                        f"where {shown} is empty this removes {left}",
                        "make it a parameter of type path, which is never empty, or test it with assert", hole.at,
                        hole.length,
                    )  # fmt: skip
                if not after.strip("/*") and before.startswith("/") and before.endswith("/"):
                    return _warning(
                        f"where {shown} is empty this removes all of {before}",
                        "test it with assert first, or use file: {state: absent}", hole.at, hole.length,
                    )  # fmt: skip
            if (
                index in target.bare
                and not hole.expression.rstrip().endswith("quote")
                and self._splits(hole.expression)
            ):
                return _warning(
                    f"{shown} stands without quote: a space in it makes two things to remove",
                    "write {{ … | quote }}, or use file: {path: …, state: absent}, which can be taken back", hole.at,
                    hole.length,
                )  # fmt: skip
        return None


def _operands(command: Command) -> list[Word]:
    words = command.words[1:]
    end = next((n for n, w in enumerate(words) if w.text == "--"), None)
    if end is not None:
        return [w for w in words[:end] if not w.text.startswith("-")] + words[end + 1 :]
    return [w for w in words if not w.text.startswith("-")]


def _recursive(command: Command, letters: str = "rR") -> bool:
    return any(
        w == "--recursive" or (w[:1] == "-" and w[:2] != "--" and set(letters) & set(w[1:])) for w in command.texts[1:]
    )


def _rm(reader: _Reader, command: Command) -> Iterator[Danger]:
    if _recursive(command):
        for word in _operands(command):
            if (danger := reader.removal(word)) is not None:
                yield danger


def _find(reader: _Reader, command: Command) -> Iterator[Danger]:
    words = command.texts
    removes = "-delete" in words or any(
        w in ("-exec", "-execdir") and words[n + 1 : n + 2] and words[n + 1].rsplit("/", 1)[-1] == "rm"
        for n, w in enumerate(words)
    )  # fmt: skip
    if not removes:
        return
    places = []
    for word in command.words[1:]:
        if word.text.startswith(("-", "(", "!")):
            break
        places.append(word)
    if not FILTERS.intersection(words):
        yield reader.whole(
            command, "this find removes all that it comes to", "say which: -name, -mtime, -path; or use reclaim"
        )
    for place in places:
        if ROOT.fullmatch(place.text) or FOLDER.fullmatch(place.text):
            yield _warning(
                f"this find removes what it comes to from {place.text} on", "begin where the files are; -xdev stays on "
                "the file system; or use reclaim", place.at, len(place.text),
            )  # fmt: skip


def _dd(reader: _Reader, command: Command) -> Iterator[Danger]:
    for word in command.words[1:]:
        if word.text.startswith("of=") and DISK.match(word.text[3:]):
            yield _error(f"this writes over the disk {word.text[3:]}", "write to a file", word.at, len(word.text))


def _mkfs(reader: _Reader, command: Command) -> Iterator[Danger]:
    for word in _operands(command):
        if word.text.startswith(("/dev/", "$")) or reader._text.hole(word.text[:1]):
            shown = reader._text.readable(word.text)
            yield _error(
                f"{command.name} takes away what is on {shown}", "nothing brings it back: a person does this", word.at,
                len(shown),
            )  # fmt: skip
            return


def _mode(reader: _Reader, command: Command) -> Iterator[Danger]:
    if not _recursive(command, "R"):
        return
    operands = _operands(command)
    for place in operands[1:]:
        if ROOT.fullmatch(place.text) or OWNED.fullmatch(place.text):
            yield _error(
                f"this changes everything below {place.text}", "name what is to be changed", place.at, len(place.text)
            )
            return
    if (
        command.name == "chmod"
        and operands
        and re.fullmatch(r"0?777|[ugoa]*[ao][ugoa]*\+\w*w\w*|\+\w*w\w*", operands[0].text)
    ):
        yield reader.whole(
            command, "this lets everybody write everything below", "X and the owner are most often meant"
        )


def _kill(reader: _Reader, command: Command) -> Iterator[Danger]:
    words = command.texts[1:]
    targets = [n for n, w in enumerate(words) if w == "-1" and (n > 0 or (words[:1] == ["-1"] and len(words) == 1))]
    if targets and any(
        w.lstrip("-").upper() in ("9", "KILL", "SIGKILL", "15", "TERM", "S", "--") for w in words[: targets[0]]
    ):
        yield reader.whole(command, "this kills every process", "name the process: the action process does", error=True)


def _firewall(reader: _Reader, command: Command) -> Iterator[Danger]:
    words = command.texts[1:]
    if {"-F", "--flush"} & set(words) or words[:2] == ["flush", "ruleset"]:
        yield reader.whole(
            command, "without its rules the firewall lets everything through, or, where its policy is DROP, nothing",
            "remove the one rule that is meant",
        )  # fmt: skip


def _systemctl(reader: _Reader, command: Command) -> Iterator[Danger]:
    words = [w for w in command.texts[1:] if not w.startswith("-")]
    if command.name in ("service", "sv", "rc-service", "initctl") and words[:1] and command.name != "sv":
        words = [*words[1:2], words[0]]
    if words[:1] and words[0] in ENDS_HOST:
        yield from _reboot(reader, command)
    elif words[:1] and words[0] in {*STOPS, "down"}:
        for name in words[1:]:
            if name.removesuffix(".service").removesuffix(".socket").rsplit("/", 1)[-1] in LOGIN:
                yield reader.whole(
                    command, f"without {name} nobody reaches the host, nor does this run",
                    "restart it instead; or have somebody at its console",
                )  # fmt: skip


def _link(reader: _Reader, command: Command) -> Iterator[Danger]:
    if command.name == "ifdown" or (command.texts[1:2] == ["link"] and "down" in command.texts):
        yield reader.whole(command, "this cuts the link that the run may be using", "have somebody at its console")


def _reboot(reader: _Reader, command: Command) -> Iterator[Danger]:
    if command.name == "init" and command.texts[1:2] not in (["0"], ["6"]):
        return
    if command.name == "shutdown" and "-c" in command.texts:
        return
    yield reader.whole(
        command, "the host goes away in the middle of the run, and how the step ended is not known",
        "make it the last step of its own runbook, or of a person",
    )  # fmt: skip


def _wipe(reader: _Reader, command: Command) -> Iterator[Danger]:
    for word in _operands(command):
        if DISK.match(word.text):
            yield _error(
                f"{command.name} takes away what is on {word.text}", "a person does this", word.at, len(word.text)
            )
            return


def _crontab(reader: _Reader, command: Command) -> Iterator[Danger]:
    if "-r" in command.texts[1:]:
        yield reader.whole(command, "this removes all of a user's cron jobs", "remove the one that is meant")


def _kubectl(reader: _Reader, command: Command) -> Iterator[Danger]:
    words = command.texts[1:]
    if words[:1] == ["delete"] and ("--all" in words or {"ns", "namespace"} & set(words)):
        yield reader.whole(command, "this removes all that is there", "name what is to be removed")


RULES: Mapping[str, Callable[[_Reader, Command], Iterator[Danger]]] = {
    "rm": _rm, "find": _find, "dd": _dd, "mke2fs": _mkfs, "mkswap": _mkfs, "chmod": _mode, "chown": _mode,
    "chgrp": _mode, "kill": _kill, "iptables": _firewall, "ip6tables": _firewall, "nft": _firewall,
    "systemctl": _systemctl, "service": _systemctl, "sv": _systemctl, "rc-service": _systemctl, "ip": _link,
    "ifdown": _link, "reboot": _reboot, "shutdown": _reboot, "halt": _reboot, "poweroff": _reboot, "init": _reboot,
    "wipefs": _wipe, "shred": _wipe, "blkdiscard": _wipe, "sgdisk": _wipe, "crontab": _crontab, "kubectl": _kubectl,
}  # fmt: skip
