"""The variables that a host sees while a runbook runs: who set them, and in which order they win."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from pathlib import Path

from playbook_engine.engine.crowd import Crowd
from playbook_engine.engine.parameters import param_value
from playbook_engine.model.errors import LoadError
from playbook_engine.model.host import Host
from playbook_engine.model.plan import Plan
from playbook_engine.model.runbook import Import, Runbook, Step
from playbook_engine.templating.environment import LazyVariables, Templar
from playbook_engine.templating.node import templates_in

FACTS = "ansible_facts"
LOOKUPS = frozenset({"lookup", "query", "q"})


class Scope:
    """One host's variables inside one runbook; an import has a scope of its own, on top of its importer's facts.

    From weak to strong, as in Ansible: the defaults of parameters and roles, inventory, the runbook's vars, those of a
    role, of the step (and the blocks around it), what was read by `include_vars`, registered values and set_fact, the
    parameters of a role, the loop's item, parameters that were given, extra vars, and what the engine says of itself.
    """

    def __init__(
        self, plan: Plan, host: Host, runbook: Runbook, params: Mapping[str, object], templar: Templar,
        crowd: Crowd | None = None,
    ) -> None:  # fmt: skip
        self.host = host
        self.runbook = runbook
        self.file = runbook.file
        self.templar = templar
        self.params = dict(params)
        self.loaded: dict[str, object] = {}
        self.set: dict[str, object] = {}
        self.unknown: set[str] = set()
        self.probed: dict[str, object] = {}
        self._plan = plan
        self._crowd = crowd or Crowd()
        self._weak: dict[str, object] = {p.name: p.default for p in runbook.params}
        public = [role for role in runbook.roles.values() if role.public]
        for role in public:
            self._weak.update(role.defaults)
        self._firm: dict[str, object] = {**host.variables, **typed(runbook, host.variables), **runbook.vars}
        for role in public:
            self._firm.update(role.vars)
        self._base = {**self._weak, **self._firm}
        self._strong: dict[str, object] = {}
        batch = next((b for b in plan.batches if host.name in b), ())
        self._play = self._crowd.play(tuple(h.name for h in plan.hosts), batch)
        self._magic = {**_magic(plan, host, runbook, templar, self._crowd), **self._play.magic(self._crowd)}
        self._roles: dict[str, Scope] = {}

    def inside(self, entry: Import) -> Scope:
        """The scope of an imported runbook: it sees facts and what was registered, and its own parameters.

        Raises TemplateError, or LoadError for a parameter of the wrong type.
        """
        given = self.templar.render(dict(entry.params), self.variables())
        assert isinstance(given, dict)
        params = {**given, **typed(entry.runbook, given), **self._plan.variables}
        inner = Scope(self._plan, self.host, entry.runbook, params, self.templar, self._crowd)
        inner.set = dict(self.set)
        inner.unknown = set(self.unknown)
        inner.probed = dict(self.probed)
        if entry.hosts is not None:
            batch = next((b for b in entry.batches if self.host.name in b), ())
            inner._play = self._crowd.play(entry.hosts, batch)
            inner._magic |= {"ansible_play_name": entry.name, **inner._play.magic(self._crowd)}
        return inner

    def of(self, step: Step) -> Scope:
        """The scope as a step sees it: with the variables of its role, and beside its file."""
        if not step.role and not step.file:
            return self
        key = f"{step.role}\n{step.file}"
        found = self._roles.get(key)
        if found is None:
            found = copy(self)
            found.file = step.file or self.file
            role = self.runbook.roles.get(step.role)
            if role is not None:
                found._base = {**self._weak, **role.defaults, **self._firm, **role.own, **role.vars}
                found._strong = {**self._strong, **role.params}
                found._magic = {
                    **self._magic, "role_name": role.name, "ansible_role_name": role.name, "role_path": role.path,
                }  # fmt: skip
            known = found._magic.get("ansible_search_path")
            beside = [str(role.path)] if role is not None else []
            beside += [str(Path(found.file).parent), *(known if isinstance(known, list) else [])]
            found._magic = {**found._magic, "ansible_search_path": list(dict.fromkeys(beside))}
            self._roles[key] = found
        return found

    def looped(self, names: Mapping[str, object]) -> Scope:
        """The scope of an included file: it sees the item of the loop that includes it."""
        if not names:
            return self
        inner = copy(self)
        inner._strong = {**self._strong, **names}
        inner._roles = {}
        return inner

    def gathered(self, facts: Mapping[str, object]) -> None:
        """The facts of the host; what probes have said of it before (`service_facts`) stays among them."""
        self.set[FACTS] = {**facts, **self.probed}

    def probe_told(self, facts: Mapping[str, object]) -> None:
        """What a probe says of the host, a fact beside those that are gathered, or will be."""
        self.probed.update(facts)
        known = self.set.get(FACTS, {} if self.runbook.play else None)
        if isinstance(known, Mapping):
            self.gathered(known)

    def forget_facts(self) -> None:
        """What the host, and probes, have said of it; what was registered and set stays."""
        self.set.pop(FACTS, None)
        self.probed.clear()

    @property
    def has_facts(self) -> bool:
        return FACTS in self.set

    def variables(
        self, given: Mapping[str, object] | None = None, item: Mapping[str, object] | None = None
    ) -> dict[str, object]:
        """Everything a template of this host may name. `given`: the vars of a step; `item`: those of its loop."""
        known = self.set
        if told := self._crowd.given.get(self.host.name):
            known = {**told, **known}
        facts = _injected(known, self.probed) if self.runbook.play else None
        return {
            **self._base, **(facts or {}), **(given or {}), **self.loaded, **known, **self._strong, **(item or {}),
            **self.params, **self._magic, **(self._play.magic(self._crowd) if self._crowd.out else {}),
        }  # fmt: skip

    def needs_facts(self, *values: object, conditions: Iterable[str] = ()) -> bool:
        """Whether templates in values, or conditions, name facts that were not gathered yet. A play says itself when
        they are."""
        return not self.has_facts and not self.runbook.play and FACTS in self._reached(values, conditions)

    def undecided(self, *values: object, conditions: Iterable[str] = ()) -> bool:
        """Whether what they come to may be another thing later, or does something: a lookup, facts to be gathered."""
        reached = self._reached(values, conditions)
        return bool(reached & LOOKUPS) or (FACTS in reached and not self.has_facts) or bool(reached & self.unknown)

    def learned(self, names: Iterable[str], *, known: bool) -> None:
        """Names that a step has set: under `--check` a command is not run, and what it would give is not known."""
        (self.unknown.difference_update if known else self.unknown.update)(names)  # shared with the scopes of roles

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


def _injected(known: Mapping[str, object], probed: Mapping[str, object]) -> dict[str, object]:
    """Facts under names of their own, as playbooks use them: `ansible_distribution`; what a probe has said under the
    name that it gives (`services`, `getent_passwd`)."""
    facts = known.get(FACTS)
    if not isinstance(facts, Mapping):
        return {FACTS: {}}
    plain = {name for name in facts if name in probed or name.startswith("ansible_")}
    return {(name if name in plain else f"ansible_{name}"): value for name, value in facts.items()}


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
    """What the inventory says of each host, and what it has set so far; resolved when it is asked for."""

    __slots__ = ("_crowd", "_plan", "_templar")

    def __init__(self, plan: Plan, templar: Templar, crowd: Crowd) -> None:
        self._plan = plan
        self._templar = templar
        self._crowd = crowd

    def __getitem__(self, name: str) -> LazyVariables:
        host = self._plan.host(name)
        if host is None:
            raise KeyError(name)
        return self._templar.lazy({**host.variables, **self._crowd.of(name)})

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


def _magic(plan: Plan, host: Host, runbook: Runbook, templar: Templar, crowd: Crowd) -> dict[str, object]:
    """Ansible's special variables, as far as they mean something here."""
    folder = str(Path(runbook.file).parent.resolve()) if runbook.file else ""
    return {
        "inventory_hostname": host.name,
        "inventory_hostname_short": host.name.split(".")[0],
        "group_names": [g for g in host.groups if g not in ("all", "ungrouped")],
        "groups": Groups(plan),
        "ansible_check_mode": plan.options.check,
        "ansible_diff_mode": plan.options.diff,
        "ansible_run_tags": list(plan.options.tags) or ["all"],
        "ansible_skip_tags": list(plan.options.skip_tags),
        "ansible_forks": plan.options.forks,
        "ansible_verbosity": plan.options.verbosity,
        "hostvars": HostVars(plan, templar, crowd),
        "playbook_dir": folder,
        "ansible_search_path": [folder] if folder else [],
        "runbook_name": plan.runbook.name,
    }
