"""Executable inventories: `SCRIPT --list`, then `SCRIPT --host NAME` unless `_meta` gave all variables.

What a script prints is data: its text is never run as a template, since dynamic inventories pass on what others
wrote (tags, labels). This is stricter than Ansible.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from playbook_engine.inventory.draft import Draft
from playbook_engine.model.errors import InventoryError
from playbook_engine.model.source import SourcePos
from playbook_engine.model.vaulted import Vaulted

SECONDS = 120


def parse(path: Path, draft: Draft) -> None:
    """Run an inventory script and add what it prints."""
    whole = _run(path, "--list")
    document = dict(whole)
    meta = document.pop("_meta", None)
    for name, body in document.items():
        _group(path, name, body, draft)
    if "_meta" in whole:
        known = meta.get("hostvars") if isinstance(meta, Mapping) else None
        if not isinstance(known, Mapping):
            raise InventoryError(f"{path} --list: _meta has no hostvars", advice="leave it out, or give {} as hostvars")
        for name, variables in known.items():
            if name in draft.hosts:
                draft.set_host_variables(name, _mapping(path, variables, f"hostvars of {name}"))
        return
    for name in dict.fromkeys(host for group, body in document.items() for host in _hosts_of(group, body)):
        draft.set_host_variables(name, _mapping(path, _run(path, "--host", name), f"variables of {name}"))


SECTIONS = frozenset({"hosts", "vars", "children"})


def _hosts_of(name: str, body: object) -> list[str]:
    """The hosts of a group; a mapping without sections is a host of the group's name."""
    if isinstance(body, Mapping):
        body = body.get("hosts") if body.keys() & SECTIONS else [name]
    return [str(host) for host in body] if isinstance(body, list) else []


def _group(path: Path, name: str, body: object, draft: Draft) -> None:
    draft.add_group(name)
    if isinstance(body, list):
        body = {"hosts": body}
    if not isinstance(body, Mapping):
        raise InventoryError(f"{path} --list: group {name!r} is neither a mapping nor a list")
    if not body.keys() & SECTIONS:
        body = {"hosts": [name], "vars": body}
    for key in ("hosts", "children"):
        if key in body and not isinstance(body[key], list):
            raise InventoryError(f"{path} --list: {key!r} of group {name!r} is not a list")
    for host in body.get("hosts", ()):
        if not isinstance(host, str):
            raise InventoryError(f"{path} --list: {host!r} in group {name!r} is no name of a host")
        draft.add_host(str(host), name)
    draft.set_group_variables(name, _mapping(path, body.get("vars", {}), f"vars of group {name!r}"))
    for child in body.get("children", ()):
        draft.add_group(str(child))
        draft.add_child(name, str(child))


def _mapping(path: Path, value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InventoryError(f"{path}: the {what} are not a mapping")
    return {name: _encrypted(item, path) for name, item in value.items()}


def _encrypted(value: object, path: Path) -> object:
    """Ansible's way to write a `!vault` value in JSON."""
    if isinstance(value, Mapping):
        if set(value) == {"__ansible_vault"} and isinstance(value["__ansible_vault"], str):
            return Vaulted(ciphertext=value["__ansible_vault"], where=SourcePos(file=str(path), line=1))
        return {name: _encrypted(item, path) for name, item in value.items()}
    return [_encrypted(item, path) for item in value] if isinstance(value, list) else value


def _run(path: Path, *args: str) -> dict[str, object]:
    shown = " ".join([str(path), *args])
    try:
        done = subprocess.run(
            [str(path.absolute()), *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise InventoryError(f"{shown} took longer than {SECONDS} seconds") from None
    except OSError as exc:
        raise InventoryError(
            f"{shown} cannot be run: {exc.strerror}", advice="see its first line (#!) and its mode"
        ) from None
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InventoryError(f"{shown} ended with {done.returncode}: {reason[-1] if reason else 'it said nothing'}")
    try:
        document = json.loads(done.stdout or b"{}")
    except ValueError as exc:
        raise InventoryError(
            f"{shown} printed no JSON: {exc}", advice="run it by hand and look at its output"
        ) from None
    if not isinstance(document, dict):
        raise InventoryError(f"{shown} printed a {type(document).__name__}, not an object")
    return document
