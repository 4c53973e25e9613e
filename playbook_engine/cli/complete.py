"""What may stand where the cursor is, for the scripts of `runbook completion`.

Commands and flags come out of a table and cost little more than starting Python; what has to be looked for (hosts,
runs, tags) is `candidates.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from playbook_engine.cli.commands import COMMANDS
from playbook_engine.cli.flags import TABLE
from playbook_engine.cli.shell_words import FILES, Found, split

SHELLS = ("bash", "zsh", "fish")
ROOT = (("--version", "", "Show the version and exit."), ("--color --no-color", "", "Colours, or none."))
HELP = ("-h --help", "", "Show this message and exit.")


def answer(shell: str, words: Sequence[str]) -> str:
    """Lines `word TAB help` for the words typed so far, the last of them being completed. For bash the words are the
    line up to the cursor, and the part of it that bash will replace."""
    if shell == "bash":
        line, current = words
        words = split(line)[1:] or [""]
        typed = split(current)[-1] if current.strip("=:@") else ""
        cut = len(words[-1]) - len(typed) if words[-1].endswith(typed) else 0
        return "".join(f"{word[cut:]}\n" if word != FILES else f"{word}\n" for word, _ in complete(words))
    return "".join(f"{word}\t{text}\n" if text else f"{word}\n" for word, text in complete(words))


def complete(words: Sequence[str]) -> Found:
    """The words that may stand in place of the last one, with what they mean."""
    *before, current = words
    path, pending, literal = "", "", False
    given: dict[str, list[str]] = {}
    places: list[str] = []
    for word in before:
        if pending:
            given.setdefault(pending, []).append(word)
            pending = ""
        elif word == "--" and not literal:
            literal = True
        elif word.startswith("-") and len(word) > 1 and not literal:
            name, sign, value = word.partition("=")
            row = _row(path, name)
            if row is not None and row[1]:
                if sign:
                    given.setdefault(row[0], []).append(value)
                else:
                    pending = row[0]
        elif (below := f"{path} {word}".strip()) in TABLE and not places:
            path = below
        else:
            places.append(word)
    if pending:
        kind = next(row[1] for row in _rows(path) if row[0] == pending)
        return _values(kind, current, given, places)
    if current.startswith("-") and not literal:
        name, sign, value = current.partition("=")
        if sign:
            row = _row(path, name)
            if row is None or not row[1]:
                return []
            found = _values(row[1], value, given, places)
            return [(word if word == FILES else f"{name}={word}", text) for word, text in found]
        return [(n, row[2]) for row in _rows(path) for n in row[0].split() if n.startswith(current)]
    found = _commands(path, current) if not places else []
    arguments = TABLE[path][1] if path else ()
    if arguments and (len(places) < len(arguments) or arguments[-1].endswith("…")):
        kind = arguments[min(len(places), len(arguments) - 1)].rstrip("…")
        found += _values(kind, current, given, places)
    return found


def _rows(path: str) -> Iterable[tuple[str, str, str]]:
    return (*(TABLE[path][0] if path else ROOT), HELP)


def _row(path: str, name: str) -> tuple[str, str, str] | None:
    return next((row for row in _rows(path) if name in row[0].split()), None)


def _commands(path: str, begun: str) -> Found:
    if not path:
        return [(name, text) for name, (_, text) in COMMANDS.items() if name.startswith(begun)]
    start = f"{path} "
    below = ((name[len(start) :], row[2]) for name, row in TABLE.items() if name.startswith(start))
    return [(name, text) for name, text in below if name.startswith(begun) and " " not in name]


def _values(kind: str, begun: str, given: Mapping[str, list[str]], places: Sequence[str]) -> Found:
    if kind in ("", "?"):
        return []
    if kind == "files":
        return [(FILES, "")]
    if kind == "commands":
        return _commands(" ".join(places), begun)
    if kind.startswith("="):
        return [(word, "") for word in kind[1:].split(",") if word.startswith(begun)]
    from playbook_engine.cli import candidates

    inventory = [value for names, values in given.items() if "--inventory" in names.split() for value in values]
    return candidates.of(kind, begun, inventory=inventory, places=places)
