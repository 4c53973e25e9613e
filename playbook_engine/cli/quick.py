"""`--version`, `--help` and the names of commands for a shell that completes, word for word as click says them.

click alone costs three times what starting Python does, and a person waits at each press of the tab key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from playbook_engine import __version__
from playbook_engine.cli.commands import ABOUT, COMMANDS

WIDTH = 78  # columns, of click's 80
OPTIONS = {
    "--version": "Show the version and exit.",
    "--color / --no-color": "Colours, or none; else as the terminal has them.",
    "-h, --help": "Show this message and exit.",
}


def answer(argv: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What is to be printed; None for everything that wants more than this."""
    if how := environment.get("_RUNBOOK_COMPLETE"):
        return _completed(how, argv, environment)
    if list(argv) == ["--version"]:
        return f"runbook, version {__version__}\n"
    if list(argv) in (["--help"], ["-h"], ["help"]) and _wide(environment):
        return _help()
    return None


def _wide(environment: Mapping[str, str]) -> bool:
    """Whether the terminal has the columns that click would use at most."""
    if environment.get("COLUMNS"):
        return False
    import os

    try:
        return os.get_terminal_size().columns >= WIDTH + 2
    except OSError:
        return True


def _help() -> str:
    lines = ["Usage: runbook [OPTIONS] COMMAND [ARGS]...", ""]
    for paragraph in ABOUT.strip().split("\n\n"):
        kept = paragraph.startswith("\b\n")
        parts = paragraph.split("\n")[1:] if kept else _wrapped(paragraph, WIDTH - 2)
        lines += [*(f"  {part}" for part in parts), ""]
    lines += ["Options:", *_table(OPTIONS), "", "Commands:", *_table({n: text for n, (_, text) in COMMANDS.items()})]
    return "\n".join(lines) + "\n"


def _table(rows: Mapping[str, str]) -> Iterator[str]:
    wide = max(map(len, rows)) + 2
    for name, text in rows.items():
        first, *more = _wrapped(text, WIDTH - wide - 2)
        yield f"  {name:<{wide}}{first}"
        yield from (f"  {'':<{wide}}{part}" for part in more)


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _completed(how: str, argv: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What our scripts ask for; and the commands that begin like the first word, as click's scripts read them."""
    if how in ("bash", "zsh", "fish"):
        from playbook_engine.cli.complete import answer as completed

        try:
            return completed(how, argv[1:])
        except Exception:  # nothing to complete: an inventory that does not load says so when it is used
            return ""
    words = environment.get("COMP_WORDS", "").split("\n" if how == "fish_complete" else None)
    if environment.get("COMP_CWORD") != "1" or how not in ("bash_complete", "zsh_complete"):
        return None
    begun = words[1] if len(words) > 1 else ""
    if begun.startswith("-"):
        return None
    found = {name: text for name, (_, text) in COMMANDS.items() if name.startswith(begun)}
    if how == "bash_complete":
        return "".join(f"plain,{name}\n" for name in found)
    return "".join(f"plain\n{name}\n{text}\n" for name, text in found.items())
