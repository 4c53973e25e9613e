"""Which actions exist: the folder `agent/actions` is the registry, each file's SPEC its entry."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType

from playbook_engine.agent import actions
from playbook_engine.catalog.spec import ActionSpec, Kind, ParamSpec
from playbook_engine.model.errors import NotFound

PREFIXES = ("ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.general.")
ALIASES: Mapping[str, str] = {
    "systemd_service": "systemd",
    "sysvinit": "service",
    "yum": "dnf",
    "dnf5": "dnf",
    "gather_facts": "setup",
}
"""Other names that Ansible has for an action."""


@cache
def names() -> tuple[str, ...]:
    """All actions, sorted. Lists the folder; imports nothing."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(actions.__path__)))


def plain(name: str) -> str:
    """`ansible.builtin.copy` is `copy`, `setup` is `facts`."""
    for prefix in PREFIXES:
        if name.startswith(prefix):
            name = name[len(prefix) :]
            break
    return ALIASES.get(name, name)


def module(name: str) -> ModuleType:
    """The action's module, for its pure functions. The host gets its source, not this object."""
    if plain(name) not in names():
        close = difflib.get_close_matches(plain(name), names(), 1)
        raise NotFound(
            f"there is no action {name!r}",
            advice=f"did you mean {close[0]}?" if close else "`runbook actions` lists them all",
        )
    return importlib.import_module(f"{actions.__name__}.{plain(name)}")


@cache
def get(name: str) -> ActionSpec:
    """The action's typed SPEC. Raises NotFound with the nearest name."""
    return _typed(module(name).SPEC)


def _typed(spec: Mapping[str, object]) -> ActionSpec:
    raw = dict(spec)
    params = raw.pop("params", {})
    assert isinstance(params, Mapping)
    return ActionSpec(
        **{  # type: ignore[arg-type]
            **raw,
            "kind": Kind(str(raw["kind"])),
            "one_of": tuple(tuple(group) for group in raw.get("one_of", ())),  # type: ignore[attr-defined]
            "params": {
                name: ParamSpec(
                    **{
                        **fields,
                        "name": name,
                        "choices": tuple(fields.get("choices", ())),
                        "aliases": tuple(fields.get("aliases", ())),
                    }
                )
                for name, fields in params.items()
            },
        }
    )
