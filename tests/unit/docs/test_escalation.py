"""docs/escalation.md and docs/drills.md name everything that their files and commands may say, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import click
import pytest
from pydantic import BaseModel
from unit.docs.pages import ROOT, Page, code, page

from playbook_engine.cli.drill import drill
from playbook_engine.cli.escalation import escalation
from playbook_engine.drill import scenario_model
from playbook_engine.drill.scenario import MILESTONES
from playbook_engine.drill.scenarios import Scenarios
from playbook_engine.drill.tabletop import HELP
from playbook_engine.escalation import policy_model
from playbook_engine.escalation.channels.channel import TIMEOUT
from playbook_engine.escalation.flight import ATTEMPTS, PAUSES
from playbook_engine.escalation.policies import Policies, from_text
from playbook_engine.escalation.policy import Kind, Then, Trigger
from playbook_engine.templating.environment import Templar

ESCALATION, DRILLS = page("escalation"), page("drills")

MODELS: list[tuple[Page, str, int, type[BaseModel]]] = [
    (ESCALATION, "Keys of a policy", 0, policy_model.PolicyModel),
    (ESCALATION, "Contacts and rooms", 0, policy_model.ContactModel),
    (ESCALATION, "Contacts and rooms", 1, policy_model.AwayModel),
    (ESCALATION, "Schedules", 0, policy_model.ScheduleModel),
    (ESCALATION, "Schedules", 1, policy_model.RotationModel),
    (ESCALATION, "Schedules", 2, policy_model.OverrideModel),
    (ESCALATION, "Levels", 0, policy_model.LevelModel),
    (ESCALATION, "Triggers", 0, policy_model.RuleModel),
    (ESCALATION, "What happens after the last round", 0, policy_model.ExhaustedModel),
    (ESCALATION, "Quiet hours", 0, policy_model.QuietModel),
    (ESCALATION, "Senders", 0, policy_model.EmailSender),
    (DRILLS, "Keys of a drill", 0, scenario_model.ScenarioModel),
    (DRILLS, "Hosts", 0, scenario_model.HostModel),
    (DRILLS, "Faults", 0, scenario_model.FaultModel),
    (DRILLS, "What is expected", 0, scenario_model.ExpectModel),
    (DRILLS, "What is expected", 1, scenario_model.NotifiedModel),
    (DRILLS, "What is expected", 2, scenario_model.ResponseModel),
    (DRILLS, "What is expected", 3, scenario_model.AbortModel),
    (DRILLS, "Tabletop drills", 0, scenario_model.InjectModel),
    (DRILLS, "Tabletop drills", 1, scenario_model.MoveModel),
]
TOLD_IN_A_SENTENCE = {
    policy_model.AddressModel, policy_model.Reachable, policy_model.RoomModel, policy_model.TargetModel,
    policy_model.SendersModel, policy_model.WebhookSender, policy_model.PagerDutySender, policy_model.GoAlertSender,
}  # fmt: skip


@pytest.mark.parametrize(("where", "heading", "number", "model"), MODELS, ids=[m[3].__name__ for m in MODELS])
def test_every_key_has_its_row(where: Page, heading: str, number: int, model: type[BaseModel]) -> None:
    rows = where.tables(heading)[number]
    named = {name for name, cells in rows.items() if cells[0] != "default"}  # the head may name its key, too
    assert named == {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize("module", [policy_model, scenario_model], ids=lambda m: m.__name__)
def test_no_model_is_left_out(module: object) -> None:
    made = {
        v for v in vars(module).values()
        if isinstance(v, type) and issubclass(v, BaseModel) and v.__module__ == module.__name__  # type: ignore[attr-defined]
    }  # fmt: skip
    assert made - TOLD_IN_A_SENTENCE <= {m[3] for m in MODELS}


def test_every_word_has_its_row() -> None:
    assert set(ESCALATION.tables("Triggers")[1]) == set(Trigger)
    assert set(ESCALATION.tables("Channels")[0]) == set(Kind)
    assert set(DRILLS.tables("Faults")[1]) == set(get_args(scenario_model.Fault_))
    assert list(DRILLS.tables("Milestones")[0]) == list(MILESTONES)
    typed = DRILLS.tables("Tabletop drills")[2]
    assert [each.split()[0] for each in typed] == [each.split()[0] for each in HELP.split(" · ")]
    assert set(Then) <= set(code(ESCALATION.section("What happens after the last round")))
    shipped = {f.stem for f in (ROOT / "escalation").glob("*.yml")}
    assert set(ESCALATION.tables("Which policy")[0]) == shipped


def test_the_attempts_are_those_of_the_code() -> None:
    text = " ".join(ESCALATION.section("Channels").split())
    first, last = ", ".join(f"{p:g}" for p in PAUSES[:-1]), f"{PAUSES[-1]:g}"
    assert ATTEMPTS == 9 and "tried nine times" in text
    assert f"after {first}, then every {last} s" in text
    assert f"A server has {TIMEOUT:g} s" in text


def own(command: click.Command) -> set[str]:
    """The options of a command, without those that every command has."""
    return {o for p in command.params if isinstance(p, click.Option) for o in p.opts} - {"--color"}


def options(group: click.Group, but: str) -> set[str]:
    """Of all subcommands but one."""
    return {o for name, c in group.commands.items() if name != but for o in own(c)}


def test_every_option_has_its_row() -> None:
    assert set(ESCALATION.tables("Commands and options")[0]) == options(escalation, "")
    hold, mutate = DRILLS.tables("Holding one")[0], DRILLS.tables("Would anybody notice?")[1]
    assert set(hold) == own(drill.commands["hold"])
    assert set(mutate) == own(drill.commands["mutate"])
    assert options(drill, "") - set(hold) - set(mutate) == {"--facilitator"}
    assert "`--facilitator`" in DRILLS.section("Tabletop drills")


@pytest.mark.parametrize("text", [text for _, text in ESCALATION.blocks("yaml")])
def test_a_policy_on_the_page_loads(text: str) -> None:
    from_text(text, "page.yml")


@pytest.mark.parametrize("text", [text for _, text in DRILLS.blocks("yaml")])
def test_a_drill_on_the_page_loads(text: str, tmp_path: Path) -> None:
    (tmp_path / "drill.yml").write_text(text)
    scenario = Scenarios([tmp_path], Templar()).load(str(tmp_path / "drill.yml"))
    if scenario.escalation:
        Policies([ROOT / "escalation"]).load(scenario.escalation)


def test_the_first_drill_on_the_page_is_the_shipped_one() -> None:
    (shown, _) = (text for _, text in DRILLS.blocks("yaml"))
    name = re.search(r"^name: (\S+)$", shown, re.MULTILINE)
    assert name
    assert shown == (ROOT / "runbooks" / "drills" / f"{name[1]}.yml").read_text()
