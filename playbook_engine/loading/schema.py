"""The shape of a runbook file, as pydantic models: validation with paths, and the JSON Schema that editors use."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from playbook_engine.catalog.json_types import plain
from playbook_engine.catalog.spec import parse_bool, parse_duration, parse_size
from playbook_engine.model.host import become_method


def _duration(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{value!r} is no duration: write 30s, 5m, 1h30m or a number of seconds")
    return parse_duration(str(value))


def _size(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"{value!r} is no size: write 64MiB")
    return parse_size(str(value))


def _text(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError(f"the number {value} stands where text is expected: put it in quotes")
    return value


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"a number is expected, and this is the boolean {str(value).lower()}")
    return value


def _condition(value: object) -> object:
    """A bare expression, or true or false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no condition: write an expression, such as result.rc == 0")
    if not value.strip():
        raise ValueError("the condition is empty: write an expression, such as result.rc == 0, or leave it out")
    return value


def _conditions(value: object) -> object:
    return [_condition(item) for item in (value if isinstance(value, list) else [value])]


def _expect(value: object) -> object:
    return None if value is None else _condition(value)


def _environment(value: object) -> object:
    """A mapping; or what gives one when it is rendered, or a list of these, as Ansible allows."""
    for each in value if isinstance(value, list) else [value]:
        text = isinstance(each, str) and "{{" in each
        if each is not None and not isinstance(each, dict) and not text:
            raise ValueError("a mapping is expected: the names of variables, and their values")
    return value


def _serial(value: object) -> object:
    """How many hosts at a time: a number, a percentage, or a list of them."""
    for entry in value if isinstance(value, list) else [value]:
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%|[0-9]+", str(entry))
        if isinstance(entry, bool) or not match or (match[1] and not 0 < float(match[1]) <= 100):
            raise ValueError(f"{entry!r} is neither a number of hosts nor a percentage, such as 25%")
    return value


def _budget(value: object) -> object:
    """How many hosts of the run may end badly: a number, or a percentage."""
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%|[0-9]+", str(value))
    if isinstance(value, bool) or not match or (match[1] and float(match[1]) > 100):
        raise ValueError(f"{value!r} is neither a number of hosts nor a percentage, such as 10%")
    return str(value) if match[1] else int(str(value))


def _words(value: object) -> object:
    return [v.strip() for v in value.split(",")] if isinstance(value, str) else value


def _method(value: object) -> object:
    return become_method(value) if isinstance(value, str) else value


def _services(value: object) -> object:
    """`[a, b]` is short for `{a: {}, b: {}}`."""
    names = _words(value)
    if not isinstance(names, list):
        return names
    for name in names:
        if not isinstance(name, str):
            raise ValueError(f"{name!r} is no name of a service: write [web, db], or a mapping of services")
    return {name: {} for name in names}


def _or_empty(value: object) -> object:
    return {} if value is None else value


def _list() -> list[Any]:
    """Not `list` itself: pydantic asks for its signature, and reads that of a builtin out of its documentation."""
    return []


def _dict() -> dict[str, Any]:
    return {}


def _shown(kind: str) -> WithJsonSchema:
    """What an editor allows: all that the loader converts, and no template."""
    made = plain(kind, template=False)
    allowed = made["type"]
    assert isinstance(allowed, list)
    return WithJsonSchema({**made, "type": [t for t in allowed if t != "null"]})


CONDITION = {"type": ["string", "boolean"]}
WORDS = {"type": ["array", "string"], "items": {"type": "string"}}

Text = Annotated[str, BeforeValidator(_text)]
Bool = Annotated[bool, BeforeValidator(parse_bool), _shown("bool")]
Duration = Annotated[float, BeforeValidator(_duration), Field(ge=0), _shown("duration")]
Size = Annotated[int, BeforeValidator(_size), _shown("size")]
Integer = Annotated[int, BeforeValidator(_number), _shown("int")]
Number = Annotated[float, BeforeValidator(_number), _shown("float")]
Conditions = Annotated[
    list[str], BeforeValidator(_conditions),
    WithJsonSchema({"anyOf": [CONDITION, {"type": "array", "items": CONDITION}]}),
]  # fmt: skip
Expectation = Annotated[Text | Bool | None, BeforeValidator(_expect), WithJsonSchema({"type": ["string", "boolean"]})]
Words = Annotated[list[str], BeforeValidator(_words), WithJsonSchema(WORDS)]
Environment = Annotated[Any, BeforeValidator(_environment), WithJsonSchema({"type": ["object", "string", "array"]})]
BecomeMethod = Annotated[Literal["sudo", "su", "doas"], BeforeValidator(_method)]
Severity = Literal["P0", "P1", "P2", "P3", "P4"]
ParamType = Literal["str", "int", "float", "bool", "path", "size", "duration", "list", "dict"]


class Closed(BaseModel):
    """No unknown keys."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Open(BaseModel):
    """Keys that are not keywords are actions; the loader judges them."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)


class ParamModel(Closed):
    """A typed input of the runbook."""

    type: ParamType = "str"
    default: Any = None
    required: Bool = False
    description: Text = ""
    choices: list[Any] = Field(default_factory=_list)
    minimum: Number | None = None
    maximum: Number | None = None
    pattern: Text | None = None
    secret: Bool = False


class ServiceModel(Closed):
    """A service of the registry: its tier, what it needs, whether only a write proves it."""

    tier: Literal["critical", "normal", "low"] = "normal"
    needs: Words = Field(default_factory=_list)
    writes: Bool = False


Services = Annotated[
    dict[str, Annotated[ServiceModel, BeforeValidator(_or_empty)]],
    BeforeValidator(_services),
    WithJsonSchema({"type": ["object", "array", "string"], "items": {"type": "string"}}),
]


class ProbeModel(Open):
    """A precondition, an `unless`, or a check: one action and what is expected of it."""

    @model_validator(mode="before")
    @classmethod
    def _service_is_an_action_too(cls, data: Any) -> Any:
        """`service: trader` says what a check is about; `service: {name: trader}` asks the service manager."""
        if isinstance(data, dict) and isinstance(data.get("service"), dict):
            data = dict(data)
            data["ansible.builtin.service"] = data.pop("service")
        return data

    name: Text | None = None
    expect: Expectation = None
    within: Duration = 0.0
    every: Duration = 1.0
    for_: Duration = Field(default=0.0, alias="for")
    timeout: Duration = 60.0
    when: Conditions = Field(default_factory=_list)
    otherwise: Literal["fail", "skip"] = "fail"
    delegate_to: Any = None
    become: Bool | None = None
    become_user: Any = None
    register_: Text | None = Field(default=None, alias="register")
    severity: Severity | None = None
    severity_reason: Text | None = None
    service: Text | None = None
    phase: Text | None = None
    remedy: Text | None = None
    metric: Text | None = None
    unit: Text | None = None
    threshold: Any = None
    critical: Bool = False
    no_log: Bool = False


def _spelling(value: object) -> str:
    return "word" if isinstance(value, str) else "probes"


Unless = Annotated[
    Annotated[list[ProbeModel], Tag("probes")] | Annotated[Literal["checks"], Tag("word")], Discriminator(_spelling)
]
"""Probes, or the word `checks`: the same ones as below."""


class LoopControl(Closed):
    """`loop_control`."""

    loop_var: Text = "item"
    label: Any = None
    index_var: Text | None = None
    pause: Duration = 0.0
    extended: Bool = False
    extended_allitems: Bool = True
    break_when: Conditions = Field(default_factory=_list)


class StepModel(Open):
    """A step: one action, and its contract. Or a block of steps, steps of another file, or another runbook."""

    name: Text | None = None
    block: list[StepModel] | None = None
    rescue: list[StepModel] | None = None
    always: list[StepModel] | None = None
    include_steps: Any = None
    apply: dict[str, Any] | None = None
    when: Conditions = Field(default_factory=_list)
    loop: Any = None
    loop_control: LoopControl = Field(default_factory=LoopControl)
    register_: Text | None = Field(default=None, alias="register")
    until: Conditions = Field(default_factory=_list)
    retries: Integer = Field(default=3, ge=0)
    delay: Duration = 5.0
    timeout: Duration = 300.0
    changed_when: Conditions | None = None
    failed_when: Conditions | None = None
    ignore_errors: Any = False
    ignore_unreachable: Any = False
    check_mode: Bool | None = None
    diff: Bool | None = None
    run_once: Bool = False
    throttle: Integer = Field(default=0, ge=0)
    no_log: Bool = False
    become: Bool | None = None
    become_user: Any = None
    become_method: BecomeMethod | None = None
    environment: Environment = None
    tags: Words = Field(default_factory=_list)
    vars: dict[str, Any] = Field(default_factory=_dict)
    params: dict[str, Any] = Field(default_factory=_dict)
    notify: Words = Field(default_factory=_list)
    listen: Words = Field(default_factory=_list)
    delegate_to: Any = None
    delegate_facts: Bool = False
    preconditions: list[ProbeModel] = Field(default_factory=_list)
    unless: Unless = Field(default_factory=_list)
    checks: list[ProbeModel] = Field(default_factory=_list)
    rollback: list[StepModel] | None = None
    irreversible: Text | None = None
    undo_limit: Size = 64 << 20
    on_disconnect: Literal["finish", "kill"] = "finish"
    async_: Duration = Field(default=0.0, alias="async")
    poll: Duration = 15.0
    import_runbook: Text | None = None


class PromptModel(Closed):
    """One of `vars_prompt`."""

    name: Text
    prompt: Text = ""
    default: Any = None
    private: Bool = True
    confirm: Bool = False


class RunbookModel(Closed):
    """A runbook file."""

    name: Text
    title: Text = ""
    description: Text = ""
    severity: Severity = "P3"
    owner: Text = ""
    services: Services = Field(default_factory=_dict)
    phases: Words = Field(default_factory=_list)
    hosts: Text | None = None
    serial: Annotated[Any, BeforeValidator(_serial)] = None
    strategy: Literal["free", "linear"] = "free"
    any_errors_fatal: Bool = False
    force_handlers: Bool = False
    vars_files: Words = Field(default_factory=_list)
    vars_prompt: list[PromptModel] = Field(default_factory=_list)
    max_fail_percentage: Number | None = Field(default=None, ge=0, le=100)
    failure_budget: Annotated[int | str | None, BeforeValidator(_budget)] = None
    protected: Bool = False
    deadline: Duration = 4 * 3600.0
    on_failure: Literal["rollback", "stop", "continue"] = "rollback"
    escalation: Text | None = None
    become: Bool | None = None
    become_user: Any = None
    environment: dict[str, Any] = Field(default_factory=_dict)
    vars: dict[str, Any] = Field(default_factory=_dict)
    params: dict[str, ParamModel] = Field(default_factory=_dict)
    preconditions: list[ProbeModel] = Field(default_factory=_list)
    steps: list[StepModel] = Field(default_factory=_list)
    handlers: list[StepModel] = Field(default_factory=_list)
    checks: list[ProbeModel] = Field(default_factory=_list)
    read_only: Bool = False


LATER = frozenset({"ask", "rollback_scope"})
"""Words of the language that this version does not carry out yet: refused by name, never ignored."""


def keywords(model: type[BaseModel]) -> list[str]:
    """The keys of a model, as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]
