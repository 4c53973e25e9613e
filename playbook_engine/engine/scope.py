"""The variables that a host sees while a runbook runs: who set them, and in which order they win."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from playbook_engine.engine.parameters import param_value
from playbook_engine.model.errors import LoadError
from playbook_engine.model.host import Host
from playbook_engine.model.plan import Plan
from playbook_engine.model.runbook import Import, Runbook
from playbook_engine.templating.environment import LazyVariables, Templar
from playbook_engine.templating.node import templates_in

FACTS = "ansible_facts"
LOOKUPS = frozenset({"lookup", "query", "q"})


class Scope:
    """One host's variables inside one runbook; an import has a scope of its own, on top of its importer's facts.

    From weak to strong: the defaults of parameters, inventory, the runbook's vars, registered values and set_fact, the
    vars of the step, parameters that were given, extra vars.
    """

    def __init__(
        self, plan: Plan, host: Host, runbook: Runbook, params: Mapping[str, object], templar: Templar
    ) -> None:
        self.host = host
        self.runbook = runbook
        self.templar = templar
        self.params = dict(params)
        self.set: dict[str, object] = {}
        self.unknown: set[str] = set()
        self._plan = plan
        self._base: dict[str, object] = {
            **_magic(plan, host, templar),
            **{p.name: p.default for p in runbook.params},
            **host.variables,
            **typed(runbook, host.variables),
            **runbook.vars,
        }

    def inside(self, entry: Import) -> Scope:
        """The scope of an imported runbook: it sees facts and what was registered, and its own parameters.

        Raises TemplateError, or LoadError for a parameter of the wrong type.
        """
        given = self.templar.render(dict(entry.params), self.variables())
        assert isinstance(given, dict)
        params = {**given, **typed(entry.runbook, given), **self._plan.variables}
        inner = Scope(self._plan, self.host, entry.runbook, params, self.templar)
        inner.set = dict(self.set)
        inner.unknown = set(self.unknown)
        return inner

    @property
    def has_facts(self) -> bool:
        return FACTS in self.set

    def variables(self, extra: Mapping[str, object] | None = None) -> dict[str, object]:
        """Everything a template of this host may name."""
        return {**self._base, **self.set, **(extra or {}), **self.params}

    def needs_facts(self, *values: object, conditions: Iterable[str] = ()) -> bool:
        """Whether templates in values, or conditions, name facts that were not gathered yet."""
        return not self.has_facts and FACTS in self._reached(values, conditions)

    def undecided(self, *values: object, conditions: Iterable[str] = ()) -> bool:
        """Whether what they come to may be another thing later, or does something: a lookup, facts to be gathered."""
        reached = self._reached(values, conditions)
        return bool(reached & LOOKUPS) or (FACTS in reached and not self.has_facts) or bool(reached & self.unknown)

    def learned(self, names: Iterable[str], *, known: bool) -> None:
        """Names that a step has set: under `--check` a command is not run, and what it would give is not known."""
        self.unknown = self.unknown - set(names) if known else self.unknown | set(names)

    def undetermined(self, *values: object, conditions: Iterable[str] = ()) -> list[str]:
        """What templates in values, or conditions, need of that which is not known."""
        return sorted(self.unknown & self._reached(values, conditions)) if self.unknown else []

    def _reached(self, values: Iterable[object], conditions: Iterable[str]) -> set[str]:
        """Every name that they use, also by way of other variables."""
        todo = [name for value in values for name in self.templar.names_of(value)]
        todo += [name for text in conditions for name in self.templar.names(text)]
        seen: set[str] = set()
        variables = self.variables()
        while todo:
            name = todo.pop()
            if name not in seen and name in variables:
                todo.extend(self._names(variables[name]))
            seen.add(name)
        return seen

    def _names(self, value: object) -> set[str]:
        return {name for template in templates_in(value) for name in self.templar.names(template)}


class Groups(Mapping[str, list[str]]):
    """The inventory's groups, each as a list of its own: made when it is asked for, not for every host of a run."""

    __slots__ = ("_groups",)

    def __init__(self, plan: Plan) -> None:
        self._groups = plan.groups

    def __getitem__(self, name: str) -> list[str]:
        return list(self._groups[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)


class HostVars(Mapping[str, LazyVariables]):
    """What the inventory says of each host, resolved when it is asked for."""

    __slots__ = ("_plan", "_templar")

    def __init__(self, plan: Plan, templar: Templar) -> None:
        self._plan = plan
        self._templar = templar

    def __getitem__(self, name: str) -> LazyVariables:
        host = self._plan.host(name)
        if host is None:
            raise KeyError(name)
        return self._templar.lazy(host.variables)

    def __iter__(self) -> Iterator[str]:
        return iter(self._plan.names())

    def __len__(self) -> int:
        return len(self._plan.names())


def typed(runbook: Runbook, values: Mapping[str, object]) -> dict[str, object]:
    """The values that a runbook's parameters get from elsewhere, in the parameters' types. Raises LoadError."""
    found: dict[str, object] = {}
    for param in runbook.params:
        if values.get(param.name) is not None:
            try:
                found[param.name] = param_value(param, values[param.name])
            except ValueError as error:
                raise LoadError(f"{runbook.name}: {param.name}: {error}", where=param.where) from error
    return found


def _magic(plan: Plan, host: Host, templar: Templar) -> dict[str, object]:
    """Ansible's special variables, as far as they mean something here."""
    return {
        "inventory_hostname": host.name,
        "inventory_hostname_short": host.name.split(".")[0],
        "group_names": [g for g in host.groups if g not in ("all", "ungrouped")],
        "groups": Groups(plan),
        "ansible_check_mode": plan.options.check,
        "ansible_diff_mode": plan.options.diff,
        "ansible_play_hosts": [h.name for h in plan.hosts],
        "hostvars": HostVars(plan, templar),
        "runbook_name": plan.runbook.name,
    }
