"""Pages about the actions, from the same SPECs that check their arguments."""

from __future__ import annotations

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import ActionSpec, Kind, ParamSpec

KINDS = {
    Kind.PROBE: "probe: it measures and changes nothing",
    Kind.STATE: "state: observed, planned, applied, and taken back from the state before",
    Kind.OPAQUE: "opaque: what it does cannot be looked at beforehand; a step says how it is taken back",
    Kind.CONTROL: "control: evaluated on the controller, no host is asked",
}


def page(spec: ActionSpec) -> str:
    """One action as Markdown."""
    lines = [f"## {spec.name}", "", f"{spec.summary}.", ""]
    if spec.doc:
        lines += [spec.doc, ""]
    lines += [f"- {KINDS[spec.kind]}"]
    if spec.undo:
        lines += [f"- taken back: {spec.undo}"]
    if spec.touches:
        lines += [f"- touches: {spec.touches}"]
    if spec.sh:
        lines += ["- works through a plain `sh` too, on hosts without Python"]
    shown = [p for p in spec.params.values() if not p.internal]
    if shown:
        lines += ["", "| argument | type | default | |", "|---|---|---|---|"]
        lines += [_row(p, spec) for p in shown]
    for group in spec.one_of:
        lines += ["", f"One of {', '.join(f'`{g}`' for g in group)} is needed."]
    if spec.returns:
        lines += ["", "| result | |", "|---|---|"]
        lines += [f"| `{name}` | {text} |" for name, text in spec.returns.items()]
    if spec.examples:
        lines += ["", "```yaml", f"- {spec.examples}".rstrip(), "```"]
    return "\n".join(lines) + "\n"


def pages() -> str:
    """All actions as one Markdown document: docs/actions.md."""
    names = catalog.names()
    head = (
        "# Actions\n\nWritten by `runbook actions --markdown`; each is a file in `playbook_engine/agent/actions/`.\n\n"
    )
    index = " · ".join(f"[{n}](#{n})" for n in names)
    return head + index + "\n\n" + "\n".join(page(catalog.get(n)) for n in names)


def _row(param: ParamSpec, spec: ActionSpec) -> str:
    kind = param.type + (" (" + ", ".join(str(c) for c in param.choices) + ")" if param.choices else "")
    default = "**needed**" if param.required else "" if param.default is None else f"`{param.default}`"
    alias = f" Also written {', '.join(f'`{a}`' for a in param.aliases)}." if param.aliases else ""
    free = " May stand alone, without its name." if spec.free_form == param.name else ""
    return f"| `{param.name}` | {kind} | {default} | {param.doc}{alias}{free} |".replace("\n", " ")
