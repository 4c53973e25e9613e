"""From a playbook to a plan: which hosts each play is for, in which batches, and how they are reached."""

from __future__ import annotations

import dataclasses
import os
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from playbook_engine.app.consent import bounded
from playbook_engine.app.prepare import can_begin
from playbook_engine.app.prompting import asked
from playbook_engine.app.targets import others_of, refuse_locked
from playbook_engine.app.wiring import App
from playbook_engine.engine.batches import batches
from playbook_engine.engine.compile import compile_plan
from playbook_engine.inventory.inventory import Inventory, load_inventory
from playbook_engine.inventory.vars_files import parse_extra_vars
from playbook_engine.loading.playbook.known import in_common
from playbook_engine.loading.playbook.playbook import PlaybookLoader
from playbook_engine.loading.playbook.plays import Play
from playbook_engine.model.errors import InventoryError, LoadError, TemplateError
from playbook_engine.model.host import Host
from playbook_engine.model.plan import Options, Plan
from playbook_engine.model.runbook import Import
from playbook_engine.model.source import SourcePos

Ask = Callable[[str, bool], str]
"""(question, whether the answer is hidden) -> answer."""


def prepare_play(
    app: App, file: Path, *, inventory: Sequence[str], limit: str | None, extra: Sequence[str], command: str,
    options: Options, ask: Ask | None, max_hosts: int | None = None,
) -> Plan:  # fmt: skip
    """Raises LoadError, LoadErrors, InventoryError, UsageError."""
    given = parse_extra_vars(extra, app.templar)
    hosts = load_inventory(
        inventory, playbook_dir=file.parent, templar=app.templar, extra_vars=given, login=app.login,
        usual=app.settings.inventory,
    )  # fmt: skip
    groups = {name: list(members) for name, members in hosts.members.items()}
    every = others_of(hosts)
    known = in_common((h.variables for h in every.values()), {**given, "groups": groups})
    runbook, plays = PlaybookLoader(app.templar, app.settings.roles_path, known).load(file)
    placed = [_placed(app, play, hosts, limit, {**given, "groups": groups}) for play in plays]
    chosen: dict[str, Host] = {}
    for play, (entry, members) in zip(plays, placed, strict=True):
        for host in members:
            refuse_locked(host)
            chosen.setdefault(host.name, _reached(host, play))
        if entry.runbook.prompts and members:
            asked(app, entry.runbook.prompts, given, ask)
    if not chosen:
        if not plays:
            raise LoadError("there is no play in this playbook", where=SourcePos(file=str(file), line=1))
        patterns = ", ".join(repr(str(p.hosts)) for p in plays)
        within = f" within {limit!r}" if limit else ""
        raise InventoryError(f"no host matches {patterns}{within}", where=plays[0].entry.where)
    bounded(app, list(chosen.values()), max_hosts)
    runbook = dataclasses.replace(runbook, steps=tuple(entry for entry, _ in placed))
    can_begin(runbook, options.start_at)
    sources = [os.path.abspath(each) if os.path.exists(each) else each for each in hosts.sources]
    said: dict[str, object] = {"ansible_inventory_sources": sources}
    if limit is not None:
        said["ansible_limit"] = limit
    folder = str(file.parent.resolve())
    others = {h.name: _described(hosts, h, folder, said) for h in every.values()}
    return compile_plan(
        runbook, [_described(hosts, h, folder, said) for h in chosen.values()], given, kind="run", others=others,
        groups={name: tuple(members) for name, members in hosts.members.items()}, command=command, options=options,
    )  # fmt: skip


def _placed(
    app: App, play: Play, inventory: Inventory, limit: str | None, given: Mapping[str, object]
) -> tuple[Import, list[Host]]:
    """The play with its hosts and their batches. A pattern that matches nobody means that nothing is to be done."""
    runbook = play.entry.runbook
    known = {**runbook.vars, **given}
    wanted = app.templar.render(play.hosts, known)
    pattern = ",".join(str(each) for each in wanted) if isinstance(wanted, list) else str(wanted)
    name = _named(app, play, known)
    try:
        names = inventory.select_names(pattern, None, [])
    except InventoryError as error:
        error.where = error.where or play.entry.where
        raise
    if limit is not None:
        kept = set(inventory.matching(limit))
        names = [n for n in names if n in kept]
    members = [inventory.get(name) for name in _ordered(names, play.order)]
    serial = tuple(app.templar.render(s, known) for s in runbook.serial)
    cut = batches([h.name for h in members], serial)
    runbook = dataclasses.replace(runbook, name=name, title=name)
    entry = dataclasses.replace(
        play.entry, name=name, runbook=runbook, hosts=tuple(h.name for h in members), batches=cut
    )
    return entry, members


def _named(app: App, play: Play, known: Mapping[str, object]) -> str:
    """The play's name with its templates run, where they can be before there is a host."""
    try:
        return str(app.templar.render(app.templar.compile_value(play.entry.name, play.entry.where), known))
    except TemplateError:
        return play.entry.name


def _ordered(names: list[str], order: str) -> list[str]:
    match order:
        case "sorted":
            return sorted(names)
        case "reverse_sorted":
            return sorted(names, reverse=True)
        case "reverse_inventory":
            return names[::-1]
        case "shuffle":
            return random.sample(names, len(names))
    return names


def _reached(host: Host, play: Play) -> Host:
    """What the play says of the way to its hosts, where the inventory says nothing."""
    said = host.variables
    changes: dict[str, object] = {}
    if play.user and not {"ansible_user", "ansible_ssh_user"} & set(said):
        changes["user"] = play.user
    if play.port and not {"ansible_port", "ansible_ssh_port"} & set(said):
        changes["port"] = play.port
    if play.connection == "local" and "ansible_connection" not in said:
        changes["connection"] = "local"
    elif play.connection not in (None, "ssh", "smart", "paramiko", "local"):
        raise LoadError(f"the connection {play.connection!r} cannot be carried out", where=play.entry.where)
    if not changes:
        return host
    return dataclasses.replace(host, connection=dataclasses.replace(host.connection, **changes))  # type: ignore[arg-type]


def _described(inventory: Inventory, host: Host, folder: str, said: Mapping[str, object]) -> Host:
    """The host with what Ansible's playbooks may ask of where it comes from; on the controller, tasks run beside the
    playbook."""
    seen = inventory.variables(host)
    more: dict[str, object] = {name: seen[name] for name in ("inventory_file", "inventory_dir") if name in seen}
    own: dict[str, object] = {"ansible_playbook_python": sys.executable, "ansible_version": VERSION, **said, **more}
    connection = dataclasses.replace(host.connection, folder=folder)
    return dataclasses.replace(host, variables={**own, **host.variables}, connection=connection)


VERSION: Mapping[str, object] = {"full": "2.19.14", "major": 2, "minor": 19, "revision": 14, "string": "2.19.14"}
"""The version of ansible-core whose meaning playbooks are run with."""
