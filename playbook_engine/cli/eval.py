"""`runbook eval`: what a template or condition gives, without a host."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from playbook_engine.cli.options import make_vault, vault_options

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
    variables = _surroundings()
    for path in vars_files:
        variables.update(read_vars_file(path, vault))
    if batch is not None:
        cases = json.loads(Path(batch).read_text(encoding="utf-8"))
        _print({case["id"]: _attempt(templar, case, variables) for case in cases})
    elif expr is not None:
        _print({"value": _evaluate(templar, "template", expr, variables)})
    else:
        _print({"value": _evaluate(templar, "when", str(when), variables)})


def _surroundings() -> dict[str, object]:
    """The magic variables, as on the local machine without an inventory."""
    return {
        "ansible_check_mode": False,
        "ansible_facts": {},
        "ansible_play_hosts": ["localhost"],
        "group_names": [],
        "groups": {"all": [], "ungrouped": []},
        "hostvars": {"localhost": {}},
        "inventory_hostname": "localhost",
        "inventory_hostname_short": "localhost",
        "playbook_dir": str(Path.cwd()),
    }


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
