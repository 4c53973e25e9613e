"""Steps and probes of a runbook file: one action each, its arguments checked against the action's SPEC."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from playbook_engine.catalog import catalog, oneliner
from playbook_engine.catalog.spec import ActionSpec, Kind, ParamSpec, Unfit, parse_bool
from playbook_engine.loading.problems import Problems, kind_of
from playbook_engine.loading.schema import ProbeModel, StepModel, keywords
from playbook_engine.loading.values import ValueReader
from playbook_engine.loading.yaml_source import Document, Where
from playbook_engine.model.errors import LoadError
from playbook_engine.model.runbook import Import, OnDisconnect, Otherwise, Param, Probe, Runbook, Step
from playbook_engine.model.spelling import did_you_mean, nearest
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating.node import Template, holds_template, to_nodes

UNSAID = "the playbook does not say how it is taken back"
TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
PATIENT = 4 * 3600.0  # seconds: a playbook expects that a task is waited for
IMPORT_KEYS = ("name", "import_runbook", "params", "vars", "when", "tags")


class StepReader:
    """For one file."""

    def __init__(
        self, document: Document, problems: Problems, values: ValueReader, *, foreign: bool = False
    ) -> None:  # fmt: skip
        """`foreign`: the steps come from a playbook, which does not say how a change is taken back."""
        self._document = document
        self._problems = problems
        self._values = values
        self._foreign = foreign
        self._read: list[tuple[Step, Where]] = []
        self._told: list[tuple[tuple[str, ...], Where]] = []

    def step(self, raw: StepModel, path: Where, step_id: str, *, need_undo: bool = False) -> Step | None:
        """None when it is too wrong to be a step; what is wrong is in the problems."""
        found = self._action(raw, path, StepModel)
        if raw.params:
            self._problems.add((*path, "params"), "params belong to import_runbook", key=True)
        return self.built(raw, path, step_id, found[0], found[2], need_undo=need_undo) if found is not None else None

    def built(
        self, raw: StepModel, path: Where, step_id: str, action: str, args: Mapping[str, object], *,
        need_undo: bool = False,
    ) -> Step:  # fmt: skip
        """A step whose action and arguments are known."""
        spec = catalog.get(action)
        checks = self.probes(raw.checks, (*path, "checks"), f"{step_id}.c")
        unless = self.probes(raw.unless, (*path, "unless"), f"{step_id}.u") if raw.unless != "checks" else checks
        rollback = None
        if raw.rollback is not None:
            steps = [self.step(r, (*path, "rollback", n), f"{step_id}.r{n + 1}") for n, r in enumerate(raw.rollback)]
            rollback = tuple(s for s in steps if s is not None)
        irreversible = raw.irreversible
        if spec.changes and not spec.reversible and self._foreign:
            irreversible = UNSAID
        elif need_undo and spec.changes and not spec.reversible and not self._says_how(raw, path):
            self._problems.add(
                (*path, action), f"{action} cannot be taken back by itself, and the step does not say how", key=True,
                code="missing-rollback",
                advice="add rollback: with the steps that undo it, or irreversible: with the reason; a command that "
                "only reads says changed_when: false",
            )  # fmt: skip
        if raw.environment and "environment" not in spec.params and not self._foreign:
            self._problems.add(
                (*path, "environment"), f"{action} starts no program: environment means nothing for it", key=True
            )
        if raw.async_ and not spec.changes and not self._foreign:
            self._problems.add(
                (*path, "async"), f"{action} changes nothing: it has no need to run on its own", key=True
            )
        if raw.irreversible is not None and not raw.irreversible.strip():
            self._problems.add(
                (*path, "irreversible"),
                "irreversible: the reason is missing",
                "say what is lost",
                code="missing-rollback",
            )
        control = raw.loop_control
        self._values.name(control.loop_var, (*path, "loop_control", "loop_var"))
        step = Step(
            id=step_id, name=raw.name or (action if self._foreign else _named(action, args)), action=action, args=args,
            when=self._values.conditions(raw.when, (*path, "when")), loop=self._values.value(raw.loop, (*path, "loop")),
            loop_var=control.loop_var,
            loop_label=self._values.value(control.label, (*path, "loop_control", "label")),
            loop_index_var=self._values.name(control.index_var, (*path, "loop_control", "index_var")),
            loop_pause=control.pause, loop_extended=control.extended, loop_allitems=control.extended_allitems,
            loop_break_when=self._values.conditions(control.break_when, (*path, "loop_control", "break_when")),
            register=self._values.name(raw.register_, (*path, "register")),
            until=self._until(raw, path), retries=raw.retries, delay=raw.delay,
            timeout=raw.timeout if "timeout" in raw.model_fields_set or not self._foreign else PATIENT,
            changed_when=self._values.optional(raw.changed_when, (*path, "changed_when")),
            failed_when=self._values.optional(raw.failed_when, (*path, "failed_when")),
            ignore_errors=self._values.value(raw.ignore_errors, (*path, "ignore_errors")),
            ignore_unreachable=self._values.value(raw.ignore_unreachable, (*path, "ignore_unreachable")),
            check_mode=raw.check_mode, diff=raw.diff, run_once=raw.run_once or spec.once,
            throttle=raw.throttle, no_log=raw.no_log,
            become=raw.become, become_user=self._values.value(raw.become_user, (*path, "become_user")),
            become_method=raw.become_method, **self._environment(raw, path), tags=tuple(raw.tags),
            vars=self._values.variables(raw.vars, (*path, "vars")), notify=tuple(raw.notify), listen=tuple(raw.listen),
            delegate_to=self._values.value(raw.delegate_to, (*path, "delegate_to")), delegate_facts=raw.delegate_facts,
            preconditions=self.probes(raw.preconditions, (*path, "preconditions"), f"{step_id}.p"),
            unless=unless, checks=checks, rollback=rollback, irreversible=irreversible, undo_limit=raw.undo_limit,
            on_disconnect=OnDisconnect(raw.on_disconnect), background=raw.async_, poll=raw.poll,
            where=self._document.at(path),
        )  # fmt: skip
        self._read.append((step, path))
        return step

    def _until(self, raw: StepModel, path: Where) -> tuple[str, ...]:
        """To a playbook, `retries` alone means: until it works."""
        if self._foreign and not raw.until and "retries" in raw.model_fields_set and raw.retries:
            return ("result is succeeded",)
        return self._values.conditions(raw.until, (*path, "until"))

    def _environment(self, raw: StepModel, path: Where) -> dict[str, Any]:
        given = self._values.value(raw.environment, (*path, "environment"))
        if isinstance(given, dict):
            return {"environment": given}
        return {"environments": tuple(given) if isinstance(given, list) else (given,)} if given else {}

    def _says_how(self, raw: StepModel, path: Where) -> bool:
        """Whether a step says how it is taken back, that it cannot be, or that it only reads; or tried to say so."""
        reads = raw.changed_when is not None and all(c.strip().lower() == "false" for c in raw.changed_when)
        tried = any(self._problems.told((*path, key)) for key in ("rollback", "irreversible", "changed_when"))
        return reads or raw.rollback is not None or bool(raw.irreversible) or tried

    def imported(self, raw: StepModel, path: Where, step_id: str, runbook: Runbook) -> Import:
        """`import_runbook`, with parameters that the runbook knows."""
        fields = StepModel.model_fields
        written = [fields[name].alias or name for name in fields if name in raw.model_fields_set]
        for key in (*written, *(raw.model_extra or {})):
            if key not in IMPORT_KEYS:
                self._foreign_to_imports(str(key), path)
        known = {p.name: p for p in runbook.params}
        for under, given in (("vars", raw.vars), ("params", raw.params)):
            for name, value in given.items():
                place = (*path, under, name)
                if name not in known:
                    self._problems.unknown_key(place, known, f"parameter of {runbook.name}")
                elif not holds_template(to_nodes(value, None)):
                    self._fits(known[name], value, place)
        values = self._values
        return Import(
            id=step_id, name=raw.name or runbook.title or runbook.name, runbook=runbook,
            params={**values.mapping(raw.vars, (*path, "vars")), **values.mapping(raw.params, (*path, "params"))},
            when=values.conditions(raw.when, (*path, "when")), tags=tuple(raw.tags), where=self._document.at(path),
        )  # fmt: skip

    def _fits(self, param: Param, value: object, place: Where) -> None:
        spec = ParamSpec(
            name=param.name, type=param.type, choices=param.choices, minimum=param.minimum, maximum=param.maximum,
            pattern=param.pattern,
        )  # fmt: skip
        try:
            spec.convert(value)
        except Unfit as error:
            self._problems.add(place, f"{param.name}: {error.message}", error.advice, code="wrong-type")

    def _foreign_to_imports(self, key: str, path: Where) -> None:
        if catalog.plain(key) in catalog.names():
            self._problems.add((*path, key), f"an import and an action in one step: import_runbook and {key}", key=True)
        elif key in keywords(StepModel):
            self._problems.add(
                (*path, key), f"{key} means nothing for an import", "the imported runbook says it for its own steps",
                key=True,
            )  # fmt: skip
        else:
            self._problems.unknown_key((*path, key), IMPORT_KEYS, "key of an import")

    def probes(self, raws: Sequence[ProbeModel], path: Where, prefix: str) -> tuple[Probe, ...]:
        made = [self._probe(raw, (*path, n), f"{prefix}{n + 1}") for n, raw in enumerate(raws)]
        return tuple(p for p in made if p is not None)

    def _probe(self, raw: ProbeModel, path: Where, probe_id: str) -> Probe | None:
        found = self._action(raw, path, ProbeModel)
        if found is None:
            return None
        action, _, args = found
        if raw.otherwise != "fail" and "preconditions" not in path:
            self._problems.add((*path, "otherwise"), "otherwise belongs to a precondition", key=True)
        expect = None if raw.expect is None else str(raw.expect).lower() if isinstance(raw.expect, bool) else raw.expect
        if expect is not None:
            self._values.conditions([expect], (*path, "expect"))
        return Probe(
            id=probe_id, name=raw.name or expect or _named(action, args), action=action, args=args, expect=expect,
            within=raw.within, every=max(raw.every, 0.05), hold=raw.for_, timeout=raw.timeout,
            when=self._values.conditions(raw.when, (*path, "when")), otherwise=Otherwise(raw.otherwise),
            delegate_to=self._values.value(raw.delegate_to, (*path, "delegate_to")), become=raw.become,
            become_user=self._values.value(raw.become_user, (*path, "become_user")),
            register=self._values.name(raw.register_, (*path, "register")), severity=raw.severity,
            severity_reason=raw.severity_reason, service=raw.service, phase=raw.phase, remedy=raw.remedy,
            metric=raw.metric, unit=raw.unit, threshold=raw.threshold, critical=raw.critical, no_log=raw.no_log,
            where=self._document.at(path),
        )  # fmt: skip

    def tells(self, handlers: Sequence[str], path: Where) -> None:
        """A block tells handlers for each of its steps."""
        self._told.append((tuple(handlers), path))

    def check_read_only(self, runbook: Runbook) -> None:
        """A runbook that says it only reads has no step that changes anything."""
        for entry in runbook.flat():
            if isinstance(entry, Import):
                reads = entry.runbook.read_only
            else:
                never = entry.changed_when is not None and all(c.strip().lower() == "false" for c in entry.changed_when)
                reads = never or not catalog.get(entry.action).changes
            if not reads:
                message = "the runbook is read_only, and this step changes something"
                self._problems.add_error(LoadError(message, where=entry.where))

    def check_notifications(self, runbook: Runbook) -> None:
        """Every notify has its handler: those of steps, of what takes them back, and of handlers."""
        names = [n for h in runbook.handlers for n in (h.name, *h.listen)]
        fits = [re.compile(".*".join(map(re.escape, TEMPLATE.split(n))), re.DOTALL) for n in names if "{{" in n]
        for notified, path in [*((step.notify, path) for step, path in self._read), *self._told]:
            for name in notified:
                if name not in names and "{{" not in name and not any(each.fullmatch(name) for each in fits):
                    close = nearest(name, names)
                    advice = did_you_mean(repr(n) for n in close) or "add it under handlers:"
                    self._problems.add(
                        (*path, "notify"), f"there is no handler {name!r}", advice, code="unknown-handler"
                    )

    # ------------------------------------------------------------------ actions

    def _action(
        self, raw: StepModel | ProbeModel, path: Where, model: type[BaseModel]
    ) -> tuple[str, ActionSpec, dict[str, object]] | None:
        """The one action of a step or probe, with its arguments."""
        given = dict(raw.model_extra or {})
        actions = [key for key in given if catalog.plain(key) in catalog.names()]
        known = [*keywords(model), *catalog.names()]
        for key in given:
            if key not in actions:
                owner = next((a for a in actions if catalog.get(a).canonical(str(key))), None)
                if owner is not None:
                    self._problems.add(
                        (*path, key), f"{key} is an argument of {owner}, not a key of the step", key=True,
                        code="unknown-key",
                        advice=f"write it inside: {owner}: {{{key}: …}}",
                    )  # fmt: skip
                    continue
                what = "key or action" if not actions else "key"
                self._problems.unknown_key((*path, key), known if not actions else keywords(model), what)
        if len(actions) > 1:
            self._problems.add((*path, actions[1]), f"two actions in one step: {actions[0]} and {actions[1]}", key=True)
            return None
        if not actions:
            if not given:
                what = "a step" if model is StepModel else "a probe"
                self._problems.add(
                    path, f"{what} needs an action", "`runbook actions` lists them", code="missing-action"
                )
            return None
        spec = catalog.get(actions[0])
        # `service: {name: x}` of a probe came here under its long name, so as not to be taken for what it is about.
        written = actions[0] if (*path, actions[0]) in self._document.values else spec.name
        place = (*path, written)
        if model is ProbeModel and spec.name in ("set_fact", "debug", "fail", "pause"):
            advice = "a probe looks at something: command, stat, http, assert"
            self._problems.add(place, f"{spec.name} measures nothing", advice, key=True)
            return None
        args = self._arguments(spec, given[actions[0]], place)
        return (spec.name, spec, args) if args is not None else None

    def _arguments(self, spec: ActionSpec, given: object, path: Where) -> dict[str, object] | None:
        if given is None:
            given = {}
        if isinstance(given, str):
            try:
                given = oneliner.parse(given, spec)
            except ValueError as error:
                self._problems.add(path, str(error))
                return None
        elif spec.free_form and not isinstance(given, Mapping):
            given = {spec.free_form: given}
        if not isinstance(given, Mapping):
            example = f"for example {spec.examples.splitlines()[0]}" if spec.examples else None
            self._problems.add(
                path, f"{spec.name} wants its arguments, and this is {kind_of(given)}", example, code="wrong-type"
            )
            return None
        if spec.kind is Kind.CONTROL and spec.name == "set_fact":
            facts = {str(k): self._values.value(v, (*path, k)) for k, v in given.items() if k != "cacheable"}
            named = {name: self._values.value(name, (*path, name)) for name in facts if "{{" in name}
            for name in facts:
                if name not in named:
                    self._values.name(name, (*path, name), key=True)
            pairs = [[key, facts.pop(name)] for name, key in named.items()]
            found: dict[str, object] = {"facts": facts, **({"named": pairs} if pairs else {})}
            try:
                return {**found, "cacheable": True} if parse_bool(given.get("cacheable", False)) else found
            except ValueError as error:
                self._problems.add((*path, "cacheable"), f"set_fact: cacheable: {error}", code="wrong-type")
                return None
        if spec.name == "assert":
            given = {**given, "that": self._assertions(given["that"], (*path, "that"))} if "that" in given else given
        args = {str(k): self._values.value(v, (*path, k)) for k, v in given.items()}
        args = spec.eased(args) if self._foreign else args
        for problem in spec.check(args, lambda v: isinstance(v, Template | Vaulted)):
            at_key = problem.key or not problem.path
            self._problems.add((*path, *problem.path), problem.message, problem.advice, key=at_key, code=problem.code)
        if spec.name == "command" and isinstance(args.get("cmd"), str):
            try:
                shlex.split(str(args["cmd"]))
            except ValueError:
                self._problems.add(
                    (*path, "cmd"), "the quotes of this command do not match", "argv: takes a list of words instead"
                )
        return args

    def _assertions(self, that: object, path: Where) -> list[str]:
        texts = []
        for item in that if isinstance(that, list) else [that]:
            if isinstance(item, (str, bool)):
                texts.append(str(item).lower() if isinstance(item, bool) else item)
            else:
                self._problems.add(path, f"that: a condition is expected, and this is {kind_of(item)}")
        return list(self._values.conditions(texts, path))


def _named(action: str, args: Mapping[str, object]) -> str:
    """A name for a step without one."""
    for key in ("cmd", "name", "path", "dest", "url", "msg"):
        if isinstance(args.get(key), (str, Template)):
            return f"{action} {str(args[key])[:80]}"
    return action
