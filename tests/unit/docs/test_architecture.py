"""docs/architecture.md and docs/glossary.md speak of what is there."""

from __future__ import annotations

import ast
import dataclasses
import json
import re

from unit.docs.pages import ROOT, code, page

from playbook_engine.engine import commands
from playbook_engine.model.events import EVENTS, VERSION
from playbook_engine.model.outcome import Outcome, Verdict

ARCHITECTURE = page("architecture")
PACKAGE = ROOT / "playbook_engine"


def test_every_room_has_its_paragraph() -> None:
    rooms = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    assert set(re.findall(r"^\*\*`(\w+)/`\*\*", ARCHITECTURE.section("The rooms"), re.MULTILINE)) == rooms


def test_the_floors_are_those_of_the_import_linter() -> None:
    (drawn,) = [text for _, text in ARCHITECTURE.blocks("") if text.startswith("   cli")]
    rooms = [re.split(r" {2,}", line.strip())[0] for line in drawn.splitlines()]
    layers = re.search(r"^layers = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    assert layers
    assert rooms == re.findall(r'"([^"]+)"', layers[1])


def test_files_that_are_named_exist() -> None:
    for name in code(ARCHITECTURE.prose):
        if re.fullmatch(r"[\w/.]+/[\w.]*\.(py|toml)", name) and "NAME" not in name:
            assert (PACKAGE / name).exists() or (ROOT / name).exists(), name


def test_types_and_functions_that_are_named_exist() -> None:
    known = {"Protocol", "SPEC", "STAGE0", "CRC32", "MAC", "JSON", "SEQ", "RUN", "NAME", "VOLATILE", "RUNBOOK_STATE"}
    for file in (*PACKAGE.rglob("*.py"), *(ROOT / "tests" / "contract").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                known.add(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                known |= {t.id for t in targets if isinstance(t, ast.Name)}
    named = {n.rpartition(".")[2] for n in code(ARCHITECTURE.prose) if re.fullmatch(r"(\w+\.)*[A-Z]\w+", n)}
    assert named <= known


def test_the_commands_of_the_machine_are_named() -> None:
    (drawn,) = [text for _, text in ARCHITECTURE.blocks("") if "HostMachine" in text]
    shown = re.search(r"yields (.+?) {2,}", drawn)
    assert shown
    assert set(shown[1].split(" · ")) == {c.__name__ for c in commands.Command.__args__}


def test_the_record_that_is_shown_is_one() -> None:
    (shown,) = [text for _, text in ARCHITECTURE.blocks("") if text.startswith("0000")]
    seq, crc, mac, text = shown.replace("\n", " ").split(" ", 3)
    assert (len(seq), len(crc), len(mac)) == (7, 8, 32)
    record = json.loads(text)
    assert record.pop("v") == VERSION
    event = EVENTS[record.pop("e")]
    assert set(record) - {"at", "sealed"} <= {f.name for f in dataclasses.fields(event)}


def test_the_glossary_has_the_words_of_the_code() -> None:
    text = page("glossary").text
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", text, re.MULTILINE)
    assert words == sorted(words)
    assert len(words) == len(set(words))
    needed = {"action", "check", "event", "handler", "host", "journal", "precondition", "probe", "run", "runbook"}
    needed |= {"step", "outcome", "status", "verdict", "rollback", "proof", "evidence", "severity", "service", "phase"}
    needed |= {str(each).replace("_", " ") for each in (Outcome.IN_DOUBT, Outcome.UNREACHABLE, *Verdict)}
    assert needed - {"met", "not met"} <= set(words)
