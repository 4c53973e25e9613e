"""What is dangerous in a command, and what the rules about commands share."""

from __future__ import annotations

import re
from collections.abc import Callable

from playbook_engine.loading.linting.shell_words import Command, ShellText, Word
from playbook_engine.model.finding import Severity
from playbook_engine.model.frozen import frozen

SYSTEM = (
    "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "opt", "proc", "root", "run", "sbin", "srv", "sys",
    "usr", "var", "var/lib", "var/log", "usr/bin", "usr/lib", "usr/local", "usr/sbin", "usr/share",
)  # fmt: skip
ROOT = re.compile(r"/+(?:\.{0,2}/*)?\*?|/+\.\*|/+\{,\.\*\}")
FOLDER = re.compile(rf"/+(?:{'|'.join(SYSTEM)})/*\*?")
HOME = re.compile(r"(?:~\w*|\$HOME|\$\{HOME\})/*\*?")
OWNED = re.compile(r"/+(?:bin|boot|dev|etc|lib(?:32|64)?|root|sbin|sys|usr(?:/\w+)?|var)/*\*?")
"""Folders in which every file has an owner and a mode of its own."""
VARIABLE = re.compile(r"\$(?:(?P<plain>[A-Za-z_]\w*|[0-9@*])|\{(?P<braced>[A-Za-z_]\w*)(?P<guard>:?[?-][^}]*)?[^}]*\})")
DISK = re.compile(r"/dev/(?!null\b|zero\b|full\b|stdout\b|stderr\b|fd\b|tty|pts\b|shm\b|u?random\b|tcp\b|udp\b|log\b)")

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


def error(message: str, advice: str, at: int, length: int = 1) -> Danger:
    return Danger(severity=Severity.ERROR, message=message, advice=advice, at=at, length=length)


def warning(message: str, advice: str, at: int, length: int = 1) -> Danger:
    return Danger(severity=Severity.WARNING, message=message, advice=advice, at=at, length=length)


class Reader:
    """One text, and what can be said of its commands."""

    def __init__(self, text: ShellText, may_be_empty: MayBeEmpty, splits: Splits) -> None:
        self.text = text
        self._may_be_empty = may_be_empty
        self._splits = splits

    def whole(self, command: Command, message: str, advice: str, *, fatal: bool = False) -> Danger:
        """About a command as such: its place is that of its first word."""
        first = command.words[0]
        return (error if fatal else warning)(message, advice, first.at, len(first.text))

    def unreached(self, command: Command, name: str) -> Danger:
        return self.whole(
            command, f"without {name} nobody reaches the host, nor does this run",
            "restart it instead; or have somebody at its console",
        )  # fmt: skip

    def removal(self, target: Word) -> Danger | None:
        """What is wrong with a target that is removed with all that is in it."""
        text = self.text.readable(target.text)
        if ROOT.fullmatch(target.text):
            return error(f"this removes everything: {text}", "name what is to be removed", target.at, len(text))
        if self.text.shell and HOME.fullmatch(target.text):
            return warning(f"this removes a whole home: {text}", "name what is in it", target.at, len(text))
        if FOLDER.fullmatch(target.text):
            return error(f"this removes a folder of the system: {text}", "name what is in it", target.at, len(text))
        return self._variable(target, text) or self._holes(target, text)

    def _variable(self, target: Word, text: str) -> Danger | None:
        match = VARIABLE.match(target.text) if self.text.shell else None
        if match is None or match["guard"]:
            return None
        name = match["plain"] or match["braced"]
        rest = target.text[match.end() :]
        assigned = re.search(rf"(?m)(?:^|[\s;]){re.escape(name)}=(?!\s|$|\"\"|''|\$)", self.text.source)
        if assigned or not (ROOT.fullmatch(rest) or FOLDER.fullmatch(rest)):
            return None
        return warning(
            f"where {name} is empty this removes {rest}",
            f"write ${{{name}:?}}: then the shell stops instead", target.at, len(text),
        )  # fmt: skip

    def _holes(self, target: Word, text: str) -> Danger | None:
        for index, letter in enumerate(target.text):
            hole = self.text.hole(letter)
            if hole is None or not hole.expression:
                continue
            before, after = target.text[:index], target.text[index + 1 :]
            shown = f"{{{{ {hole.expression} }}}}"
            if self._may_be_empty(hole.expression):
                left = before + after
                if after and index == 0 and (ROOT.fullmatch(left) or FOLDER.fullmatch(left)):
                    return warning(
                        f"where {shown} is empty this removes {left}",
                        "make it a parameter of type path, which is never empty, or test it with assert", hole.at,
                        hole.length,
                    )  # fmt: skip
                if not after.strip("/*") and before.startswith("/") and before.endswith("/"):
                    return warning(
                        f"where {shown} is empty this removes all of {before}",
                        "test it with assert first, or use file: {state: absent}", hole.at, hole.length,
                    )  # fmt: skip
            if (
                index in target.bare
                and not hole.expression.rstrip().endswith("quote")
                and self._splits(hole.expression)
            ):
                return warning(
                    f"{shown} stands without quote: a space in it makes two things to remove",
                    "write {{ … | quote }}, or use file: {path: …, state: absent}, which can be taken back", hole.at,
                    hole.length,
                )  # fmt: skip
        return None


def operands(command: Command) -> list[Word]:
    words = command.words[1:]
    end = next((n for n, w in enumerate(words) if w.text == "--"), None)
    if end is not None:
        return [w for w in words[:end] if not w.text.startswith("-")] + words[end + 1 :]
    return [w for w in words if not w.text.startswith("-")]


def recursive(command: Command, letters: str = "rR") -> bool:
    return any(
        w == "--recursive" or (w[:1] == "-" and w[:2] != "--" and set(letters) & set(w[1:])) for w in command.texts[1:]
    )
