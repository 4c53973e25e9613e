"""Writes `flags.py`: what a shell completes, taken from the commands themselves so that click need not be imported.

`python -m playbook_engine.cli.flag_table` prints it; `make docs` puts it in its place, and a test holds the two
together.
"""

from __future__ import annotations

import click

KINDS = {
    "runbook": "runbooks", "runbooks": "runbooks", "playbook": "files", "pattern": "hosts", "limit": "hosts",
    "explained": "hosts", "group": "groups", "tags": "tags", "skip_tags": "tags", "start_at": "steps",
    "again": "steps", "skip": "steps", "action": "actions", "run": "runs", "run1": "runs", "run2": "runs",
    "runs": "runs", "take_over": "runs", "compare": "runs", "vault_ids": "vault-sources",
    "new_vault_id": "vault-sources",
    "vault_id": "vault-ids", "inventory": "files", "sources": "files", "output": "files", "private_key": "files",
    "config": "files", "identities": "files", "arguments": "", "words": "commands", "shell": "",
    "connection": "=ssh,openssh,local",
}  # fmt: skip
"""By the name of a parameter, what its value is."""
ELSEWHERE = {
    ("actions", "name"): "actions", ("doc", "name"): "actions", ("drill", "name"): "drills",
    ("drill hold", "names"): "drills", ("drill show", "name"): "drills", ("drill brief", "name"): "drills",
    ("audit", "arguments"): "runbooks", ("evidence export", "names"): "runs", ("inventory", "host"): "hosts",
    ("ssh-config", "host"): "hosts", ("history", "host"): "hosts", ("rollback", "limit"): "hosts",
}  # fmt: skip
"""Where a name means something else in one command."""

Row = tuple[str, str, str]  # names with blanks between, what its value is ("" for a flag, "?" for any text), help


def table() -> dict[str, tuple[tuple[Row, ...], tuple[str, ...], str]]:
    """By command ("run", "lab up"): its options, what its arguments are (the last may be repeated: "…"), its help."""
    from playbook_engine.cli.commands import COMMANDS
    from playbook_engine.cli.group import cli

    found: dict[str, tuple[tuple[Row, ...], tuple[str, ...], str]] = {}
    context = click.Context(cli)
    for name, (_, text) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        _add(found, name, command, text)
    return found


def _add(
    found: dict[str, tuple[tuple[Row, ...], tuple[str, ...], str]], path: str, command: click.Command, text: str
) -> None:
    rows: list[Row] = []
    arguments: list[str] = []
    for param in command.params:
        if isinstance(param, click.Argument):
            arguments.append(_kind(path, param) + ("…" if param.nargs == -1 else ""))
        elif isinstance(param, click.Option) and (not param.hidden or param.name == "colour"):
            flag = param.is_flag or param.count
            kind = "" if flag else _kind(path, param) or "?"
            rows.append((" ".join([*param.opts, *param.secondary_opts]), kind, param.help or ""))
    found[path] = (tuple(rows), tuple(arguments), text)
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            if not below.hidden:
                _add(found, f"{path} {name}", below, below.get_short_help_str(80))


def _kind(path: str, param: click.Parameter) -> str:
    name = str(param.name)
    if isinstance(param.type, click.Choice):
        return f"={','.join(map(str, param.type.choices))}"
    known = ELSEWHERE.get((path, name), KINDS.get(name))
    if known is not None:
        return known
    return "files" if isinstance(param.type, click.Path) or "file" in name else ""


def source() -> str:
    """The text of `flags.py`."""
    lines = [
        '"""What a shell completes: written by `python -m playbook_engine.cli.flag_table`, not by hand."""', "",
        "# ruff: noqa: E501", "# fmt: off", "from __future__ import annotations", "",
        "from collections.abc import Mapping", "",
        "TABLE: Mapping[str, tuple[tuple[tuple[str, str, str], ...], tuple[str, ...], str]] = {",
    ]  # fmt: skip
    for path, (rows, arguments, text) in table().items():
        lines += [f"    {path!r}: (", "        (", *(f"            {row!r}," for row in rows), "        ),"]
        lines += [f"        {arguments!r}, {text!r},", "    ),"]
    return "\n".join([*lines, "}", '"""By command: its options, its arguments, its help."""', ""])


if __name__ == "__main__":
    print(source(), end="")
