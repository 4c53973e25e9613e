"""Where an inventory comes from: `-i`, else what the settings say, else ./inventory/."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from playbook_engine.inventory import ini, script, yaml
from playbook_engine.inventory.draft import UNGROUPED, Draft
from playbook_engine.inventory.suggestions import did_you_mean
from playbook_engine.inventory.vars_files import hide_all, read_text
from playbook_engine.model.addresses import expand
from playbook_engine.model.errors import InventoryError
from playbook_engine.templating.environment import NO_VAULT, Opener

IGNORED = re.compile(
    r"^\.|^(?:host_vars|group_vars|vars_plugins)$|(?:~|\.(?:pyc|pyo|swp|bak|rpm|md|txt|rst|orig|cfg|retry))$"
)
"""Names in an inventory directory that are no inventory, as in Ansible."""

YAML_SUFFIXES = (".yml", ".yaml", ".json")


def chosen(sources: Sequence[str], usual: Sequence[str], folder: Path) -> list[str]:
    """The sources to read: those given, else the usual ones, else ./inventory. None at all is allowed: a name is then
    an SSH destination."""
    if sources or usual:
        return list(sources or usual)
    default = folder / "inventory"
    return [str(default)] if default.exists() else []


def read(source: str, draft: Draft, opener: Opener = NO_VAULT) -> None:
    """Add one source to the draft: a file, a directory, a script, or a list of hosts with a comma in it."""
    path = Path(os.path.expanduser(source))
    if "," in source and not path.exists():
        _host_list(source, draft)
    elif path.is_dir():
        _directory(path, draft, opener)
    elif path.exists():
        _file(path, draft, opener)
    else:
        near = did_you_mean(path.name, _names(path.parent))
        raise InventoryError(
            f"inventory {source!r} is not there",
            advice=near or f"for a list of hosts write a comma after the last one: -i {source},",
        )


def folder_of(source: str) -> Path | None:
    """Where the `group_vars` and `host_vars` of a source lie."""
    path = Path(os.path.expanduser(source))
    if path.is_dir():
        return path
    return path.parent if path.exists() else None


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _host_list(source: str, draft: Draft) -> None:
    draft.source = source
    for entry in filter(None, (part.strip() for part in source.split(","))):
        try:
            names, port = expand(entry, ranges=False)
        except ValueError as exc:
            raise InventoryError(f"-i {source}: {exc}") from None
        for name in names:
            draft.add_host(name, UNGROUPED, port)


def _directory(folder: Path, draft: Draft, opener: Opener) -> None:
    entries = sorted(name for name in _names(folder) if not IGNORED.search(name))
    if not entries:
        raise InventoryError(
            f"the directory {folder} holds no inventory", advice="put a file `hosts` or `hosts.yml` into it"
        )
    for name in entries:
        path = folder / name
        if path.is_dir():
            _directory(path, draft, opener)
        else:
            _file(path, draft, opener)


def _file(path: Path, draft: Draft, opener: Opener) -> None:
    draft.source = str(path)
    if _is_program(path):
        if draft.programs:
            script.parse(path, draft)
        return
    text, secret = read_text(path, opener)
    is_yaml = path.suffix in YAML_SUFFIXES or (not path.suffix and _looks_like_yaml(text))
    if is_yaml:
        yaml.parse(text, str(path), draft, secret=secret)
    else:
        ini.parse(text, str(path), draft, secret=secret)
    if secret:
        # Numbers that are there already may be of other sources.
        hide_all([*(g.variables for g in draft.groups.values())], opener, numbers=False)
        hide_all([*(h.variables for h in draft.hosts.values())], opener, numbers=False)


def _is_program(path: Path) -> bool:
    """Executable and made to be run: on some mounts every file has the bit, so the first bytes decide too."""
    if not os.access(path, os.X_OK):
        return False
    try:
        with path.open("rb") as handle:
            start = handle.read(4)
    except OSError:
        return False
    return start.startswith(b"#!") or start == b"\x7fELF"


def _looks_like_yaml(text: str) -> bool:
    """Whether a file without a suffix is YAML: its first line is `---`, `{`, or `name:` alone."""
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        return (
            stripped in ("---", "{") or stripped.startswith(('{"', "--- ")) or bool(re.fullmatch(r"[\w.-]+:", stripped))
        )
    return False
