"""The items of a step: what its loop gives, each with its name and label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playbook_engine.catalog import catalog
from playbook_engine.engine.commands import Program
from playbook_engine.engine.context import HostContext
from playbook_engine.engine.item import Item
from playbook_engine.engine.scope import Scope
from playbook_engine.model.errors import TemplateError
from playbook_engine.model.runbook import Step
from playbook_engine.templating.node import Template

EMPTY = "__empty__"
"""What the only item of an empty loop has among its variables."""


def items_of(
    context: HostContext, step: Step, scope: Scope, scope_id: str, handler: bool, rescue: bool
) -> Program[list[Item]]:  # fmt: skip
    spec, options = catalog.get(step.action), context.options
    base = {
        "step": step, "scope": scope, "spec": spec, "handler": handler, "scope_id": scope_id, "rescue": rescue,
        "check": options.check if step.check_mode is None else step.check_mode,
        "diff": options.diff if step.diff is None else step.diff,
    }  # fmt: skip
    if step.loop is None:
        return [Item(index=-1, name=named(context, step, scope, {}), label="", extra={}, **base)]  # type: ignore[arg-type]
    yield from context.facts(scope, step.loop)
    values = context.templar.render(step.loop, scope.variables(step.vars))
    if not isinstance(values, (list, tuple)):
        raise TemplateError(f"loop wants a list, not {values!r}", where=step.where)
    items = []
    for index, value in enumerate(values):
        extra = _of_loop(step, values, index)
        label = step.loop_label if step.loop_label is not None else value
        label = context.templar.render(label, scope.variables(step.vars, extra))
        name = named(context, step, scope, extra)
        items.append(Item(index=index, name=name, label=str(label)[:200], extra=extra, **base))  # type: ignore[arg-type]
    if not items:
        items.append(Item(index=-1, name=step.name, label="", extra={EMPTY: True}, **base))  # type: ignore[arg-type]
    return items


def named(context: HostContext, step: Step, scope: Scope, extra: Mapping[str, object]) -> str:
    """The step's name with its templates run; as it is written where they cannot be."""
    if "{{" not in step.name and "{%" not in step.name:
        return step.name
    try:
        template = Template(source=step.name, where=step.where)
        return str(context.templar.render(template, scope.variables(step.vars, extra)))[:200]
    except TemplateError:
        return step.name


def of_item(item: Item) -> dict[str, object]:
    """What the result of a loop's item says of the item."""
    names = ("ansible_loop_var", "ansible_index_var", item.step.loop_var, item.step.loop_index_var)
    return {name: item.extra[name] for name in names if name in item.extra}


def _of_loop(step: Step, values: Sequence[object], index: int) -> dict[str, object]:
    """The variables of one item."""
    found: dict[str, object] = {step.loop_var: values[index], "ansible_loop_var": step.loop_var}
    if step.loop_index_var:
        found[step.loop_index_var] = index
        found["ansible_index_var"] = step.loop_index_var
    if step.loop_extended:
        size = len(values)
        loop: dict[str, object] = {
            "index": index + 1, "index0": index, "first": index == 0,
            "last": index == size - 1, "length": size, "revindex": size - index, "revindex0": size - index - 1,
        }  # fmt: skip
        if step.loop_allitems:
            loop["allitems"] = list(values)
        if index > 0:
            loop["previtem"] = values[index - 1]
        if index < size - 1:
            loop["nextitem"] = values[index + 1]
        found["ansible_loop"] = loop
    return found
