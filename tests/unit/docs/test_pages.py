"""What the pages promise holds: links lead somewhere, runbooks load, commands exist, the actions' page is current."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from unit.docs.pages import ROOT, Page, code, page, pages

from playbook_engine.catalog import catalog, reference
from playbook_engine.cli.commands import COMMANDS
from playbook_engine.cli.group import cli
from playbook_engine.loading.lint import undefined
from playbook_engine.loading.runbooks import Loader
from playbook_engine.templating.environment import Templar

PAGES = pages()
CURRENT = [p for p in PAGES if "decisions" not in p.path.parts and p.path.name != "CHANGELOG.md"]
"""Decisions and changes speak of their own time; the others of this version."""

PROMPT = re.compile(r"^\$ (.*)$")


# ---------------------------------------------------------------------- links


@pytest.mark.parametrize("one", PAGES, ids=str)
def test_links_lead_somewhere(one: Page) -> None:
    for link in one.links:
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (one.path.parent / name).resolve() if name else one.path
        assert target.exists(), f"{one}: {link} leads nowhere"
        if anchor and target.suffix == ".md":
            assert anchor in Page(target).anchors, f"{one}: {link}: there is no such heading"


@pytest.mark.parametrize("one", PAGES, ids=str)
def test_the_rows_of_a_table_have_as_many_cells_as_its_head(one: Page) -> None:
    """A bare | in a cell makes a column that nobody sees."""
    cells = 0
    for line in one.prose.splitlines():
        if not line.startswith("|"):
            cells = 0
            continue
        count = len(re.findall(r"(?<!\\)\|", line))
        assert cells in (0, count), f"{one}: {line}"
        cells = count


# -------------------------------------------------------------------- actions


def test_the_page_of_the_actions_is_what_the_generator_prints() -> None:
    assert page("actions").text == reference.pages(), "make docs"


@pytest.mark.parametrize("name", catalog.names())
def test_every_action_has_its_heading(name: str) -> None:
    assert page("actions").section(name).strip()


@pytest.mark.parametrize("name", [n for n in catalog.names() if catalog.get(n).examples])
def test_the_example_of_an_action_loads(name: str, tmp_path: Path) -> None:
    """As a step, or with an expectation as a check."""
    (one,) = yaml.safe_load(textwrap.indent(catalog.get(name).examples, "  ").replace("  ", "- ", 1))
    probe = "expect" in one or "within" in one
    if "include_steps" in one:
        (tmp_path / one["include_steps"]).write_text("- {debug: {msg: taken in}}\n")
    plain = probe or "include_steps" in one
    lists = {"checks": [one]} if probe else {"steps": [one if plain else {"irreversible": "an example", **one}]}
    load({"name": "example", **lists}, tmp_path)


# ----------------------------------------------------------------- runbooks


def runbooks() -> Iterator[tuple[Page, int, str]]:
    for one in PAGES:
        for line, text in one.blocks("yaml"):
            value = yaml.safe_load(text) if re.search(r"^name:", text, re.MULTILINE) else None
            if isinstance(value, dict) and {"steps", "checks", "preconditions"} & set(value):
                yield one, line, text


@pytest.mark.parametrize("found", list(runbooks()), ids=lambda f: f"{f[0]}:{f[1]}")
def test_a_runbook_on_a_page_lints_clean(found: tuple[Page, int, str], tmp_path: Path) -> None:
    load(found[2], tmp_path)


def load(runbook: str | dict[str, object], folder: Path) -> None:
    """Raises what `runbook lint` would say."""
    text = runbook if isinstance(runbook, str) else yaml.safe_dump(runbook)
    file = folder / "example.yml"
    file.write_text(text)
    templar = Templar()
    loaded = Loader([folder, ROOT / "runbooks"], templar).load(str(file))
    problems = undefined(loaded, templar, ())
    if problems and isinstance(runbook, str):
        raise problems[0]


# ----------------------------------------------------------------- commands


def typed() -> Iterator[tuple[Page, int, str]]:
    """The commands of console blocks, continued lines joined."""
    for one in PAGES:
        for line, text in one.blocks("console"):
            for number, each in enumerate(text.replace("\\\n", " ").splitlines()):
                if prompt := PROMPT.match(each):
                    yield one, line + number, prompt[1]


@pytest.mark.parametrize("found", list(typed()), ids=lambda f: f"{f[0]}:{f[1]}")
def test_a_command_on_a_page_exists(found: tuple[Page, int, str]) -> None:
    """Its name, its subcommand, its options and how many words it takes; targets of make."""
    words = shlex.split(found[2].split(" | ")[0], comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    if words[:1] == ["make"]:
        for target in (w for w in words[1:] if "=" not in w):
            assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
    if words[:1] and Path(words[0]).name == "runbook":
        parse(cli, words[1:])


def parse(group: click.Group, words: list[str]) -> None:
    """Raises click.UsageError."""
    context = click.Context(group)
    if words in (["--help"], ["--version"], ["-h"]):
        return
    _, command, rest = group.resolve_command(context, words)  # `drill NAME` is `drill hold NAME`
    assert command is not None, f"there is no command {words[0]}"
    if isinstance(command, click.Group):
        if rest not in (["--help"], ["-h"]):
            parse(command, rest)
        return
    inner = click.Context(command, allow_extra_args=False, ignore_unknown_options=False)
    if command.name == "enter" or "--help" in words:
        return
    _, left, _ = command.make_parser(inner).parse_args(rest)
    assert not left, f"{words[0]} does not take {left}"


@pytest.mark.parametrize("one", CURRENT, ids=str)
def test_commands_in_the_text_exist(one: Page) -> None:
    for text in code(one.prose):
        if match := re.match(r"runbook ([a-z][a-z-]*)\b", text):
            assert match[1] in COMMANDS, f"{one}: `{text}`"


def test_every_shipped_runbook_is_named_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    for file in sorted((ROOT / "runbooks").glob("*.yml")):
        assert f"`{file.stem}`" in text
