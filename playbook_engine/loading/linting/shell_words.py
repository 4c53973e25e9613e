"""A shell text as the simple commands in it: enough of the grammar of sh to judge what a command is given.

POSIX.1-2017, XCU 2. Templates are holes in a word. Nothing is expanded, and nothing is ever refused: what is no shell
gives words that mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from playbook_engine.model.frozen import frozen

HOLE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
FIRST = 0xE000  # the private use area of Unicode: what a hole is shown as
ENDS = ";|&\n()`"
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
KEYWORDS = frozenset(
    {"if", "then", "elif", "else", "do", "while", "until", "!", "{", "}", "time", "exec", "fi", "done"}
)
WRAPPERS = frozenset(
    {"sudo", "doas", "env", "nohup", "nice", "ionice", "command", "builtin", "setsid", "chroot", "xargs"}
)
VALUED = frozenset({"-u", "-g", "-n", "-c", "-I", "-P", "-L", "-s", "-k"})
"""Options of wrappers that take a value."""
SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh", "su", "eval"})


@frozen
class Hole:
    """A template in the text: its expression (empty for a statement or a comment), and where it stands."""

    expression: str
    at: int
    length: int


@dataclass(slots=True)
class Word:
    """`text`: without its quotes, holes as single characters. `bare`: indexes in it that no quotes protect."""

    at: int
    text: str = ""
    bare: set[int] = field(default_factory=set)

    def take(self, letter: str, *, bare: bool) -> None:
        if bare:
            self.bare.add(len(self.text))
        self.text += letter


@dataclass(slots=True)
class Command:
    """`into`: what its output is written to. `piped`: its output goes into the next command."""

    words: list[Word] = field(default_factory=list)
    into: list[Word] = field(default_factory=list)
    piped: bool = False

    @property
    def name(self) -> str:
        """The program, without its folder."""
        return self.words[0].text.rsplit("/", 1)[-1] if self.words else ""

    @property
    def texts(self) -> list[str]:
        return [word.text for word in self.words]


class ShellText:
    """`shell` false: words alone, as `command` splits them; nothing in it has a meaning for a shell."""

    def __init__(self, source: str, *, shell: bool = True) -> None:
        self.source = source
        self.shell = shell
        self.holes: list[Hole] = []
        self._spaced = self._with_holes(source)
        self.commands = [c for c in self._split(self._spaced, 0) if c.words or c.into]

    def hole(self, letter: str) -> Hole | None:
        """The hole that a character of a word stands for."""
        number = ord(letter) - FIRST
        return self.holes[number] if 0 <= number < len(self.holes) else None

    def readable(self, text: str) -> str:
        """A word with its templates as they are written."""
        return "".join(
            self.source[h.at : h.at + h.length] if (h := self.hole(letter)) is not None else letter for letter in text
        )

    def _with_holes(self, source: str) -> str:
        """The text with each hole as one character, and as many that count for nothing: places stay what they are."""

        def made(match: re.Match[str]) -> str:
            inner = match[0][2:-2].strip("-+ \n") if match[0].startswith("{{") else ""
            self.holes.append(Hole(expression=inner, at=match.start(), length=len(match[0])))
            return chr(FIRST + len(self.holes) - 1) + "\0" * (len(match[0]) - 1)

        return HOLE.sub(made, source)

    def _split(self, text: str, base: int) -> Iterator[Command]:
        """The simple commands; `base` is where the text begins in the whole."""
        command, word, target = Command(), None, False
        index, quote = 0, ""
        while index < len(text):
            letter = text[index]
            following = text[index + 1 : index + 2]
            if letter == "\0":
                index += 1
                continue
            if quote:
                if letter == quote:
                    quote = ""
                elif quote == '"' and letter == "\\" and following in ('"', "\\", "$", "`"):
                    word = word or Word(base + index)
                    word.take(following, bare=False)
                    index += 1
                else:
                    assert word is not None
                    word.take(letter, bare=False)
            elif letter in "'\"":
                quote = letter
                word = word or Word(base + index)
            elif letter == "\\" and following:
                if following != "\n":
                    word = word or Word(base + index)
                    word.take(following, bare=False)
                index += 1
            elif letter == "#" and word is None and self.shell:
                end = text.find("\n", index)
                index = len(text) if end < 0 else end - 1
            elif self.shell and letter in "<>":
                word = _fresh(word)
                self._put(command, word, target)
                word, target = None, letter == ">"
                while text[index + 1 : index + 2] in (">", "|", "&", "<"):
                    index += 1
                if letter == "<":
                    target = False
            elif (self.shell and letter in ENDS) or (letter == "$" and following == "(" and self.shell):
                self._put(command, word, target)
                word, target = None, False
                command.piped = letter == "|" and following != "|"
                yield from self._with_inner(command)
                command = Command()
                index += 1 if letter == "$" else 0
            elif letter.isspace():
                self._put(command, word, target)
                target = target and word is None
                word = None
            else:
                word = word or Word(base + index)
                word.take(letter, bare=True)
            index += 1
        self._put(command, word, target)
        yield from self._with_inner(command)

    @staticmethod
    def _put(command: Command, word: Word | None, target: bool) -> None:
        if word is not None:
            (command.into if target else command.words).append(word)

    def _with_inner(self, command: Command) -> Iterator[Command]:
        """The command without what stands before it, and the commands that it hands to a shell of its own."""
        words = command.words
        while words:
            first = words[0].text
            name = first.rsplit("/", 1)[-1]
            if first in KEYWORDS or (ASSIGNMENT.match(first) and len(words) > 1):
                del words[0]
            elif name == "timeout" and len(words) > 2:
                del words[0]
                _options(words)
                del words[:1]
            elif name in WRAPPERS and len(words) > 1:
                del words[0]
                _options(words)
            else:
                break
        yield command
        if command.name in SHELLS or command.name == "ssh":
            flags = [n for n, w in enumerate(words) if re.fullmatch(r"-[a-z]*c", w.text)]
            inner = words[flags[0] + 1] if flags and flags[0] + 1 < len(words) else None
            if inner is None and command.name in ("ssh", "eval") and len(words) > 1:
                inner = words[-1]
            if inner is not None and " " in inner.text:
                yield from self._split(inner.text, inner.at + 1)


def _fresh(word: Word | None) -> Word | None:
    """The word before a redirection; a number alone says which stream, and is none."""
    return None if word is not None and word.text.isdigit() else word


def _options(words: list[Word]) -> None:
    """Takes away the options of what starts another program, and the variables that it sets."""
    while len(words) > 1 and (words[0].text.startswith("-") or ASSIGNMENT.match(words[0].text)):
        valued = words[0].text in VALUED
        del words[0]
        if valued and len(words) > 1:
            del words[0]
