"""Names that a shell completes and that have to be looked for: runbooks, hosts, tags, runs, actions, vault ids.

Nothing is run for it: of an inventory, programs are left out. Whatever does not load has no names; nobody who presses
the tab key wants to read of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from playbook_engine.cli.shell_words import FILES, Found

if TYPE_CHECKING:
    from playbook_engine.app.settings import Settings

RUNS = 100  # the newest
BELOW = (
    "steps",
    "tasks",
    "pre_tasks",
    "post_tasks",
    "handlers",
    "block",
    "rescue",
    "always",
    "preconditions",
    "checks",
)
TAKES_IN = ("import_runbook", "import_playbook", "import_tasks", "include_tasks", "include_steps")
DEPTH = 5  # files within files


def of(kind: str, begun: str, *, inventory: Sequence[str], places: Sequence[str]) -> Found:
    """The names of a kind that begin so. `inventory` is what -i says, `places` the arguments before."""
    settings = _settings()
    lead, rest = _listed(begun) if kind in ("hosts", "tags") else ("", begun)
    found: Iterable[tuple[str, str]]
    match kind:
        case "runbooks":
            found = _runbooks(settings, begun)
        case "hosts" | "groups":
            found = _hosts(settings, inventory, groups_only=kind == "groups")
        case "tags":
            tags, _ = _inside(settings, places)
            found = [(tag, "") for tag in [*sorted(tags), "all", "tagged", "untagged"]]
        case "steps":
            _, names = _inside(settings, places)
            found = [(name, "") for name in names]
        case "runs":
            found = [("last", "the newest"), *((run, "") for run in _runs(settings))]
        case "actions":
            found = [(name, "") for name in _actions()]
        case "drills":
            found = [(name, "") for name in _names(f / "drills" for f in settings.runbook_path)]
        case "vault-ids":
            found = [(source.rpartition("@")[0], "") for source in settings.vault_identity_list if "@" in source]
        case "vault-sources":
            found = [(source, "") for source in settings.vault_identity_list]
            found += [(f"{source.rpartition('@')[0]}@prompt", "ask") for source in settings.vault_identity_list]
        case _:
            found = []
    words = {word: text for word, text in found if word and (word.startswith(rest) or word == FILES)}
    return [(f"{lead}{word}" if word != FILES else word, text) for word, text in words.items()]


def _settings() -> Settings:
    from playbook_engine.app.settings import Settings

    return Settings.of(os.environ, Path.cwd())


def _listed(begun: str) -> tuple[str, str]:
    """A list with commas, or a pattern, whose last part is being written."""
    at = max(begun.rfind(sign) for sign in ",:&!") + 1
    return begun[:at], begun[at:]


def _names(folders: Iterable[Path]) -> list[str]:
    return sorted({f.stem for folder in folders if folder.is_dir() for f in folder.glob("*.yml")})


def _runbooks(settings: Settings, begun: str) -> Found:
    if "/" in begun or begun.startswith((".", "~")):
        return [(FILES, "")]
    beside = [f.name for suffix in ("yml", "yaml") for f in Path().glob(f"*.{suffix}")]
    return [(name, "") for name in (*_names(settings.runbook_path), *sorted(beside))]


def _hosts(settings: Settings, given: Sequence[str], *, groups_only: bool) -> Iterator[tuple[str, str]]:
    from playbook_engine.inventory.inventory import load_inventory
    from playbook_engine.templating.environment import Templar

    found = load_inventory(given, templar=Templar(), usual=settings.inventory, programs=False)
    if not groups_only:
        yield from ((name, "") for name in found.host_names)
    yield from ((name, f"group of {len(members)}") for name, members in found.members.items())


def _runs(settings: Settings) -> list[str]:
    try:
        return sorted(os.listdir(settings.state / "runs"), reverse=True)[:RUNS]
    except OSError:
        return []


def _actions() -> list[str]:
    """As the catalog has it, whose import costs more than reading the folder does."""
    folder = Path(__file__).parent.parent / "agent" / "actions"
    return sorted(f.stem for f in folder.glob("*.py") if f.stem != "__init__")


def _inside(settings: Settings, places: Sequence[str]) -> tuple[set[str], list[str]]:
    """The tags and the names of steps of the runbook or playbook that the line names first."""
    from playbook_engine.loading.finding import find

    tags: set[str] = set()
    names: dict[str, None] = {}
    if places:
        file = Path(places[0])
        _read(file if file.is_file() else find(places[0], settings.runbook_path), tags, names, settings, DEPTH)
    return tags, list(names)


def _read(file: Path, tags: set[str], names: dict[str, None], settings: Settings, depth: int) -> None:
    from playbook_engine.loading.yaml_source import read_yaml
    from playbook_engine.model.errors import EngineError

    if depth:
        try:
            value = read_yaml(file, yaml11=True).value
        except EngineError:
            return
        _walk(value, file, tags, names, settings, depth)


def _walk(
    value: object, file: Path, tags: set[str], names: dict[str, None], settings: Settings, depth: int
) -> None:  # fmt: skip
    if isinstance(value, list):
        for each in value:
            _walk(each, file, tags, names, settings, depth)
    if not isinstance(value, Mapping):
        return
    said = value.get("tags")
    tags.update(part.strip() for part in (said.split(",") if isinstance(said, str) else said or ()) if part)
    is_step = not {"hosts", "steps"} & value.keys()
    if is_step and isinstance(value.get("name"), str):
        names[value["name"]] = None
    for key in BELOW:
        if key in value:
            _walk(value[key], file, tags, names, settings, depth)
    for key, named in value.items():
        if str(key).rpartition(".")[2] in TAKES_IN:
            named = named.get("file") if isinstance(named, Mapping) else named
            if isinstance(named, str) and "{{" not in named:
                _take_in(named, file, tags, names, settings, depth)
    for role in value.get("roles") or ():
        named = role.get("role", role.get("name")) if isinstance(role, Mapping) else role
        if isinstance(role, Mapping):
            _walk({"tags": role.get("tags")}, file, tags, names, settings, depth)
        _read(file.parent / "roles" / str(named) / "tasks" / "main.yml", tags, names, settings, depth - 1)


def _take_in(
    named: str, file: Path, tags: set[str], names: dict[str, None], settings: Settings, depth: int
) -> None:  # fmt: skip
    from playbook_engine.loading.finding import find
    from playbook_engine.model.errors import EngineError

    try:
        _read(find(named, settings.runbook_path, file.parent), tags, names, settings, depth - 1)
    except EngineError:
        return
