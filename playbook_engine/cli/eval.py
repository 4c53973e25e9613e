"""`runbook eval`: what a template or condition gives, without a host."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from playbook_engine.cli.options import make_vault, settings, vault_options

if TYPE_CHECKING:
    from playbook_engine.templating.environment import Templar


@click.command("eval", short_help="Evaluate a template or condition, without a host.")
@click.option("--vars", "vars_files", multiple=True, type=click.Path(exists=True, dir_okay=False), metavar="FILE",
              help="A YAML or JSON file of variables; repeatable, the later wins.")  # fmt: skip
@click.option("--expr", metavar="TEMPLATE", help="A template: text with {{ }}.")
@click.option("--when", metavar="EXPRESSION", help="A bare condition; it has to be true or false.")
@click.option("--batch", type=click.Path(exists=True, dir_okay=False), metavar="FILE",
              help='A JSON list of {"id", "kind": "template"|"when", "expr"}.')  # fmt: skip
@vault_options
def eval_(vars_files: tuple[str, ...], expr: str | None, when: str | None, batch: str | None) -> None:
    """Print what a template or condition gives, as `{"value": ...}`.

    The same engine, limits and errors as in a run. Exit code 5 when it cannot be evaluated.
    """
    from playbook_engine.inventory.vars_files import read_vars_file
    from playbook_engine.templating.environment import Templar

    given = [option for option in (expr, when, batch) if option is not None]
    if len(given) != 1:
        raise click.UsageError("give one of --expr, --when, --batch")
    vault = make_vault()
    templar = Templar(search=[str(Path.cwd())], vault=vault)
    variables: dict[str, object] = _surroundings()
    for path in vars_files:
        variables.update(read_vars_file(path, vault))
    variables["hostvars"] = _HostVars(templar.lazy(variables))
    if batch is not None:
        cases = json.loads(Path(batch).read_text(encoding="utf-8"))
        _print({case["id"]: _attempt(templar, case, variables) for case in cases})
    elif expr is not None:
        _print({"value": _evaluate(templar, "template", expr, variables)})
    else:
        _print({"value": _evaluate(templar, "when", str(when), variables)})


def _surroundings() -> dict[str, object]:
    """The magic variables, as on the local machine without an inventory."""
    from playbook_engine.app.playing import VERSION

    return {
        "ansible_check_mode": False,
        "ansible_connection": "local",
        "ansible_dependent_role_names": [],
        "ansible_diff_mode": False,
        "ansible_facts": {},
        "ansible_forks": settings().forks,
        "ansible_host": "127.0.0.1",
        "ansible_inventory_sources": [],
        "ansible_play_batch": ["localhost"],
        "ansible_play_hosts": ["localhost"],
        "ansible_play_hosts_all": ["localhost"],
        "ansible_play_name": "localhost",
        "ansible_play_role_names": [],
        "ansible_playbook_python": sys.executable,
        "ansible_python_interpreter": sys.executable,
        "ansible_role_names": [],
        "ansible_run_tags": ["all"],
        "ansible_search_path": [str(Path.cwd())],
        "ansible_skip_tags": [],
        "ansible_verbosity": 0,
        "ansible_version": VERSION,
        "group_names": [],
        "groups": {"all": [], "ungrouped": []},
        "inventory_hostname": "localhost",
        "inventory_hostname_short": "localhost",
        "play_hosts": ["localhost"],
        "playbook_dir": str(Path.cwd()),
        "role_names": [],
    }


class _HostVars(Mapping[str, object]):
    """What the local machine may be asked for although no inventory lists it."""

    def __init__(self, variables: Mapping[str, object]) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> object:
        if name != "localhost":
            raise KeyError(name)
        return self._variables

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _evaluate(templar: Templar, kind: str, text: str, variables: dict[str, object]) -> object:
    from playbook_engine.templating.node import OMIT

    if kind == "when":
        return templar.evaluate(text, variables)
    value = templar.render(templar.compile_value(text, None), variables)
    return None if value is OMIT else value


def _attempt(templar: Templar, case: dict[str, str], variables: dict[str, object]) -> dict[str, object]:
    from playbook_engine.model.errors import EngineError

    try:
        return {"value": _evaluate(templar, case["kind"], case["expr"], variables)}
    except EngineError as exc:
        click.echo(f"{case['id']}: {exc}", err=True)
        return {"error": True}


def _print(document: dict[str, object]) -> None:
    from playbook_engine.templating.secrets import revealed

    # Who asks what a value is, and has given the password, is told.
    json.dump(revealed(document), sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")
