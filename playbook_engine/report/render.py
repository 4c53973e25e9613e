"""Reports as text: Jinja2 templates for Markdown and HTML, JSON from the same values.

Autoescape is on in both: whatever is printed by a template is data, shown as text, its control characters escaped.
HTML is one file without any reference to another.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import jinja2
from markupsafe import Markup

from playbook_engine.report import compare, severity, status, text
from playbook_engine.report.audit import AuditReport
from playbook_engine.report.blanks import Blank
from playbook_engine.report.escalation import EscalationReport
from playbook_engine.report.post_incident import PostIncidentReport
from playbook_engine.report.run import RunReport
from playbook_engine.report.run_diff import RunDiff

Report = AuditReport | RunReport | EscalationReport | PostIncidentReport | RunDiff
NAMES: Mapping[type[object], str] = {
    AuditReport: "audit", RunReport: "run", EscalationReport: "escalation", PostIncidentReport: "post-incident",
    RunDiff: "diff",
}  # fmt: skip
VERSION = 1
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
SUFFIX = {"md": "md", "html": "html", "json": "json"}


def render(report: Report, form: str, redact: Callable[[str], str] = str) -> str:
    """A report as `md`, `html` or `json`. `redact` masks known secrets in the whole of it."""
    name = NAMES[type(report)]
    if form == "json":
        data = {"schema": f"playbook-engine/{name}-report/{VERSION}", **_data(report)}  # type: ignore[dict-item]
        return redact(json.dumps(data, indent=2, ensure_ascii=False)) + "\n"
    template = _environment(form).get_template(f"{name.replace('-', '_')}.{form}.j2")
    return redact(template.render(r=report, kind=name)).rstrip() + "\n"


def folder() -> Path:
    """The templates: inside an installed package, or beside it in a checkout."""
    package = Path(str(resources.files("playbook_engine")))
    inside = package / "shipped" / "templates"
    return (inside if inside.is_dir() else package.parent / "templates") / "report"


@cache
def _environment(form: str) -> jinja2.Environment:
    html = form == "html"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder()), undefined=jinja2.StrictUndefined, autoescape=html,
        finalize=_shown if html else _markdown, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False,
    )  # fmt: skip
    environment.filters.update(
        moment=text.moment, clock=text.clock, span=text.seconds, slug=slug, code=code, cell_code=cell_code, fence=fence,
        plural=text.count, marked=_marked, blank=blank, listed=lambda names, most=6: text.listed(list(names), most),
    )  # fmt: skip
    environment.globals.update(
        MEANING=status.MEANING, RISK=severity.RISK, COMPUTED=severity.COMPUTED, CHANGES=compare.CHANGES,
        Status=status.Status,
    )  # fmt: skip
    return environment


def slug(word: object) -> str:
    """A status as a CSS class: letters, digits and `-` only."""
    return re.sub(r"[^a-z0-9]+", "-", str(word).lower()).strip("-") or "none"


# ------------------------------------------------------------------ text as data


def _shown(value: object) -> object:
    """For HTML: control characters visible; autoescape does the rest."""
    return value if isinstance(value, Markup) else text.visible(str(value))


def _markdown(value: object) -> object:
    """For Markdown: what would be markup is escaped, so that text stays text, also in a table."""
    if isinstance(value, Markup):
        return str(value)
    raw = str(value)
    lead, trail = (" " if raw[:1] == " " else ""), (" " if raw[1:] and raw[-1:] == " " else "")
    return lead + SPECIAL.sub(r"\\\1", text.one_line(raw)) + trail


def _marked(diff: str) -> list[tuple[str, str]]:
    """The lines of a unified diff with their class."""
    kinds = {"+": "add", "-": "del", "@": "hunk"}
    return [(kinds.get(line[:1], "same"), line) for line in text.visible(diff).splitlines()]


def code(value: object) -> Markup:
    """A Markdown code span: as many backticks around it as it needs (CommonMark 6.1)."""
    shown = text.one_line(str(value))
    if not shown:
        return Markup("")
    runs = [len(run) for run in re.findall("`+", shown)]
    ticks = "`" * next(n for n in range(1, len(runs) + 2) if n not in runs)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return Markup(f"{ticks}{pad}{shown}{pad}{ticks}")


def cell_code(value: object) -> Markup:
    """The same inside a table, where a bar would end the cell (GFM, tables)."""
    return Markup(str(code(value)).replace("|", "\\|"))


def fence(value: object, language: str = "") -> Markup:
    """A fenced code block, its fence longer than any inside."""
    shown = text.visible(str(value)).rstrip("\n")
    longest = max((len(run) for run in re.findall("`{3,}", shown)), default=2)
    ticks = "`" * (longest + 1)
    return Markup(f"{ticks}{language}\n{shown}\n{ticks}")


def blank(found: Blank) -> Markup:
    """A blank, as the document alone may set it: its mark in data is another character."""
    return Markup(found.text)


# ------------------------------------------------------------------ JSON


def _data(value: object) -> object:
    """Plain data: dataclasses as objects, with the ids of the records that statuses stand on."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _data(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {text.visible(str(k)): _data(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_data(v) for v in value]
    if isinstance(value, str):
        return text.visible(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (int, float, bool)) or value is None:
        return value
    return text.visible(str(value))
