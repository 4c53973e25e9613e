"""Names that are given a value and that nothing reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from playbook_engine.catalog import catalog
from playbook_engine.loading.lint import ENGINE, ReadFile, placed, steps_of, text_of
from playbook_engine.loading.linting.sources import Source, Sources, doers, family, strings
from playbook_engine.loading.places import CODE
from playbook_engine.loading.yaml_source import Where
from playbook_engine.model.errors import LoadError
from playbook_engine.model.finding import Finding, Severity
from playbook_engine.model.runbook import Block, Entry, Include, Runbook, Step
from playbook_engine.model.source import SourcePos
from playbook_engine.model.spelling import did_you_mean, nearest, one_slip
from playbook_engine.templating.node import Template

CONDITIONS = frozenset({"when", "expect", "until", "changed_when", "failed_when", "that", "break_when", "var"})
"""Keys under which a bare expression stands."""
WORD = re.compile(r"[A-Za-z_]\w*")
APART = ("ansible_", "_")
"""How names begin that are read elsewhere: by the engine itself, or by nobody on purpose."""


def unused(runbook: Runbook, sources: Sources, read: ReadFile) -> Iterator[Finding]:
    """Parameters, variables, facts and registered results that no expression of the runbook names."""
    books = list(family(runbook))
    read_by: dict[str, set[str]] = {}
    for book in books:
        words = _words(book, sources, read)
        if words is None:
            return  # a template whose name only a host can tell may use any of them
        read_by[book.file] = read_by.get(book.file, set()) | words
    everywhere = set().union(*read_by.values())
    given = {name for book in books for _, name, _ in _given(book, sources)} | ENGINE
    for book in books:
        for what, name, where in _given(book, sources):
            words = read_by[book.file] if what in ("parameter", "variable") else everywhere
            if name not in words and not name.startswith(APART):
                yield Finding(
                    code="unused-variable", severity=Severity.WARNING, where=where,
                    message=f"the {what} {name} is used nowhere"
                    + (": what is given for it changes nothing" if what == "parameter" else ""),
                    advice=did_you_mean(w for w in nearest(name, words - given) if one_slip(name, w))
                    or "use it, or leave it out",
                )  # fmt: skip


def _words(book: Runbook, sources: Sources, read: ReadFile) -> set[str] | None:
    """Every word in an expression of the runbook's files, and of the templates that it places."""
    found: set[str] = set()
    steps = list(steps_of(book))
    main = sources.add(book)
    files = {s.file for s in steps if s.file} | {h.file for h in book.handlers if h.file}
    for source in (main, *(sources.file(f) for f in sorted(files))):
        for path, text in strings(source.document.value) if source is not None else ():
            bare = next((part for part in reversed(path) if isinstance(part, str)), "") in CONDITIONS
            for code in [text] if bare else CODE.findall(text):
                found.update(WORD.findall(code))
    for step in steps:
        spec = catalog.get(step.action)
        templated = [p for p in spec.params.values() if p.local == "template"]
        if any(isinstance(step.args.get(p.name), Template) for p in templated):
            return None
        for kind, name in placed(step):
            try:
                text = text_of(read, step.file or book.file, kind, name)
            except LoadError:
                continue  # `undefined` says that it is not there
            for code in CODE.findall(text):
                found.update(WORD.findall(code))
    return found


def _given(book: Runbook, sources: Sources) -> Iterator[tuple[str, str, SourcePos | None]]:
    """(what it is, its name, its place) of every name that the runbook gives a value."""
    main = sources.add(book)
    for param in book.params:
        yield "parameter", param.name, param.where
    if main is not None:
        for name in _keys(main, ("vars",)):
            yield "variable", name, main.document.at(("vars", name), key=True)
        for number, prompt in enumerate(book.prompts):
            yield "variable", prompt.name, main.document.at(("vars_prompt", number, "name"))
    for each in doers(book):
        source = sources.of(each.where)
        path = source.path(each.where) if source is not None else None
        if source is None or path is None:
            continue
        if each.register:
            yield "registered result", each.register, source.document.at((*path, "register"))
        if isinstance(each, Step):
            for name in _keys(source, (*path, "vars")):
                yield "variable", name, source.document.at((*path, "vars", name), key=True)
            yield from _facts(each, source, path)
    for block in _blocks(book.steps):
        source = sources.of(block.where)
        path = source.path(block.where) if source is not None else None
        if source is not None and path is not None:
            for name in _keys(source, (*path, "vars")):
                yield "variable", name, source.document.at((*path, "vars", name), key=True)


def _facts(step: Step, source: Source, path: Where) -> Iterator[tuple[str, str, SourcePos | None]]:
    facts = step.args.get("facts") if step.action == "set_fact" else None
    if isinstance(facts, Mapping):
        raw = source.raw(path)
        key = next((k for k in raw if catalog.plain(str(k)) == "set_fact"), "") if isinstance(raw, Mapping) else ""
        for name in facts:
            yield "fact", str(name), source.document.at((*path, str(key), str(name)), key=True)


def _keys(source: Source, path: Where) -> list[str]:
    found = source.raw(path)
    return [str(k) for k in found] if isinstance(found, Mapping) else []


def _blocks(entries: tuple[Entry, ...]) -> Iterator[Block]:
    for entry in entries:
        if isinstance(entry, Block):
            if entry.where is not None:
                yield entry
            yield from _blocks((*entry.steps, *entry.rescue, *entry.always))
        elif isinstance(entry, Include):
            yield from _blocks(tuple(entry.choices.values()))
