"""`lookup(...)` and `query(...)`: what a template may fetch from the controller."""

from __future__ import annotations

import datetime
import glob
import itertools
import os
import random
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from jinja2.runtime import Context
from jinja2.utils import missing, pass_context

from playbook_engine.model import patterns
from playbook_engine.model.errors import InventoryError, TemplateError
from playbook_engine.model.secret import Secret
from playbook_engine.model.source import SourcePos
from playbook_engine.templating import limits, lookup_password, lookup_tables, sequences
from playbook_engine.templating.filters import collections
from playbook_engine.templating.sandbox import Missing
from playbook_engine.templating.syntax import Syntax

PIPE_SECONDS = 30


class Renderer(Protocol):
    """What the lookup `template` needs of a `Templar`."""

    def render_file(
        self, source: str, variables: Mapping[str, object], where: SourcePos | None = None, *, syntax: Syntax
    ) -> str: ...

    def decrypted(self, path: str) -> tuple[str, bool]: ...


Lookup = Callable[..., list[Any]]


def now(utc: bool = False, fmt: str | None = None) -> object:
    """The controller's time, as a datetime or in a `strftime` format."""
    moment = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) if utc else datetime.datetime.now()
    return moment.strftime(fmt) if fmt else moment


def undef(hint: str | None = None) -> Missing:
    """A value that has to be overridden: using it is an error that says `hint`."""
    return Missing(hint=hint or "a value that has to be defined")


class Lookups:
    """The lookups by name. Relative files are sought in `search`, then in the working directory."""

    def __init__(self, *, search: Sequence[str], templar: Renderer) -> None:
        self._search = tuple(search)
        self._templar = templar
        self._known: dict[str, Lookup] = {
            "env": self._env, "file": self._file, "unvault": self._unvault, "pipe": self._pipe, "lines": self._lines,
            "template": self._template, "vars": self._vars, "varnames": self._varnames,
            "first_found": self._first_found, "fileglob": self._fileglob,
            "dict": self._dict, "items": self._items, "list": self._list, "flattened": self._flattened,
            "nested": self._nested, "cartesian": self._nested, "together": self._together,
            "indexed_items": self._indexed_items, "sequence": self._sequence,
            "subelements": self._subelements, "random_choice": self._random_choice, "password": self._password,
            "csvfile": self._csvfile, "ini": self._ini, "inventory_hostnames": self._inventory_hostnames,
        }  # fmt: skip

    @pass_context
    def query(self, context: Context, name: str, *terms: Any, **options: Any) -> list[Any]:
        return self._run(context, name, terms, options) or []

    @pass_context
    def lookup(self, context: Context, name: str, *terms: Any, wantlist: bool = False, **options: Any) -> object:
        found = self._run(context, name, terms, options)
        if wantlist or found is None:
            return found
        if len(found) == 1:
            return found[0]
        if found and all(isinstance(item, str) for item in found):
            return ",".join(found)
        return found

    def _run(self, context: Context, name: str, terms: tuple[Any, ...], options: dict[str, Any]) -> list[Any] | None:
        handling = options.pop("errors", "strict")
        function = self._known.get(name.removeprefix("ansible.builtin."))
        if function is None:
            raise TemplateError(f"there is no lookup {name!r}", advice=f"there are: {', '.join(sorted(self._known))}")
        for term in terms:
            if isinstance(term, Missing):
                term.fail()
        try:
            return function(context, list(terms), **options)
        except (TemplateError, OSError, ValueError):
            if handling in ("ignore", "warn"):
                return None
            raise

    def _flat(self, terms: Iterable[Any]) -> Iterator[Any]:
        for term in terms:
            if isinstance(term, list):
                yield from term
            else:
                yield term

    def _folders(self, context: Context, kind: str = "files") -> list[str]:
        """Where relative names are looked for: beside the role, the file and the runbook that name them, each with its
        folder of the kind; then where the controller was started."""
        found = _names(context).lookup("ansible_search_path")
        beside = [str(folder) for folder in found] if isinstance(found, list) else []
        return [*(path for f in beside for path in (os.path.join(f, kind), f)), "", *self._search]

    def _path(self, context: Context, name: str, kind: str = "files") -> str:
        folders = self._folders(context, kind)
        for folder in folders:
            path = os.path.join(folder, os.path.expanduser(name))
            if os.path.exists(path):
                return path
        looked = dict.fromkeys(folder or os.getcwd() for folder in folders)
        raise TemplateError(f"file {name!r} is not there", advice=f"looked in: {', '.join(looked)}")

    def _env(self, context: Context, terms: list[Any], default: object = "") -> list[Any]:
        found = [os.environ.get(str(term), default) for term in self._flat(terms)]
        for value in found:
            if isinstance(value, Missing):
                value.fail()
        return found

    def _file(self, context: Context, terms: list[Any], lstrip: bool = False, rstrip: bool = True) -> list[Any]:
        if not all(isinstance(term, str) for term in terms):
            raise TypeError("the lookup `file` wants names of files")
        made = []
        for term in self._flat(terms):
            path = self._path(context, str(term))
            limits.budget().make(os.path.getsize(path))
            text, secret = self._templar.decrypted(path)
            text = text.lstrip() if lstrip else text
            text = text.rstrip() if rstrip else text
            made.append(Secret(text) if secret else text)
        return made

    def _unvault(self, context: Context, terms: list[Any]) -> list[Any]:
        """A file as it is, decrypted where it is encrypted."""
        return self._file(context, terms, rstrip=False)

    def _template(
        self, context: Context, terms: list[Any], template_vars: Any = None, convert_data: object = None, **words: Any
    ) -> list[Any]:
        """`words` are delimiters; what a template gives is never taken for data, whatever `convert_data` says."""
        variables: Mapping[str, object] = _names(context).variables
        if template_vars:
            variables = {**variables, **template_vars}
        made = []
        for term in terms:
            path = self._path(context, str(term), "templates")
            source, secret = self._templar.decrypted(path)
            where = SourcePos(file=path, line=1)
            text = self._templar.render_file(source, variables, where, syntax=Syntax().changed(words, where))
            made.append(Secret(text) if secret else text)
        return made

    def _shell(self, command: str) -> str:
        try:
            done = subprocess.run(
                command, shell=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=PIPE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise ValueError(f"`{command}` took longer than {PIPE_SECONDS} seconds on the controller") from None
        if done.returncode:
            reason = done.stderr.decode("utf-8", "replace").strip()
            raise ValueError(f"`{command}` ended with {done.returncode} on the controller: {reason}")
        limits.budget().make(len(done.stdout))
        return done.stdout.decode("utf-8", "surrogateescape")

    def _pipe(self, context: Context, terms: list[Any]) -> list[Any]:
        return [self._shell(str(term)).rstrip() for term in terms]

    def _lines(self, context: Context, terms: list[Any]) -> list[Any]:
        return [line for term in terms for line in self._shell(str(term)).splitlines()]

    def _vars(self, context: Context, terms: list[Any], default: object = missing) -> list[Any]:
        made = []
        for term in terms:
            if not isinstance(term, str):
                raise TypeError("the lookup `vars` wants names of variables")
            value = _names(context).lookup(term)
            if value is missing:
                value = default
            if value is missing:
                value = Missing(name=term)
            if isinstance(value, Missing):
                value.fail()
            made.append(value)
        return made

    def _varnames(self, context: Context, terms: list[Any]) -> list[Any]:
        if not all(isinstance(term, str) for term in terms):
            raise TypeError("the lookup `varnames` wants regular expressions")
        return [n for term in terms for n in _names(context).variables if re.search(str(term), n)]

    def _first_found(
        self,
        context: Context,
        terms: list[Any],
        files: Any = None,
        paths: Any = None,
        skip: bool = False,
    ) -> list[Any]:
        candidates: list[str] = []

        def listed(value: Any) -> list[str]:
            if value is None:
                return []
            return value.replace(",", " ").replace(";", " ").split() if isinstance(value, str) else list(value)

        def add(names: list[str], folders: list[str]) -> None:
            candidates.extend(os.path.join(f, n) for f, n in itertools.product(folders or [""], names))

        if files or paths:
            add(listed(files) or [str(t) for t in terms], listed(paths))
        for term in terms if not files else []:
            if isinstance(term, Mapping):
                add(listed(term.get("files")), listed(term.get("paths")))
                skip = skip or bool(term.get("skip", False))
            elif isinstance(term, list):
                add([str(t) for t in term], [])
            elif not paths:
                add([str(term)], [])
        for candidate in candidates:
            try:
                return [self._path(context, candidate)]
            except TemplateError:
                continue
        if skip:
            return []
        raise TemplateError(f"first_found found none of: {', '.join(candidates)}")

    def _fileglob(self, context: Context, terms: list[Any]) -> list[Any]:
        made: list[str] = []
        for term in terms:
            for folder in self._folders(context):
                found = [p for p in glob.glob(os.path.join(folder, str(term))) if os.path.isfile(p)]
                if found:
                    made.extend(sorted(found))
                    break
        return made

    def _dict(self, context: Context, terms: list[Any]) -> list[Any]:
        made: list[Any] = []
        for term in terms:
            made.extend(collections.dict2items(term))
        return made

    def _items(self, context: Context, terms: list[Any]) -> list[Any]:
        return collections.flatten(terms, levels=1, skip_nulls=False)

    def _list(self, context: Context, terms: list[Any]) -> list[Any]:
        return terms

    def _flattened(self, context: Context, terms: list[Any]) -> list[Any]:
        return collections.flatten(terms)

    def _nested(self, context: Context, terms: list[Any]) -> list[Any]:
        if not terms:
            raise ValueError("the lookup `nested` wants at least one list")
        if len(terms) == 1:
            return [item if isinstance(item, list) else list(item) for item in terms[0]]
        lists = [term if isinstance(term, list) else [term] for term in terms]
        made: list[Any] = []
        combination: tuple[Any, ...]
        for combination in itertools.product(*lists):
            limits.budget().spend(1)
            made.append(list(combination))
        return made

    def _together(self, context: Context, terms: list[Any]) -> list[Any]:
        if not terms:
            raise ValueError("the lookup `together` wants at least one list")
        return [list(item) for item in itertools.zip_longest(*terms)]

    def _indexed_items(self, context: Context, terms: list[Any]) -> list[Any]:
        return [[index, item] for index, item in enumerate(self._items(context, terms))]

    def _subelements(self, context: Context, terms: list[Any]) -> list[Any]:
        return collections.parted(*terms)

    def _random_choice(self, context: Context, terms: list[Any]) -> list[Any]:
        return [random.choice(terms)] if terms else []

    def _password(self, context: Context, terms: list[Any], **options: Any) -> list[Any]:
        base = _names(context).lookup("playbook_dir")
        return [lookup_password.password(str(t), options, base if isinstance(base, str) else "") for t in terms]

    def _csvfile(self, context: Context, terms: list[Any], **options: Any) -> list[Any]:
        return lookup_tables.csvfile(terms, options, lambda name, encoding: self._read(context, name, encoding))

    def _ini(self, context: Context, terms: list[Any], **options: Any) -> list[Any]:
        return lookup_tables.ini(terms, options, lambda name, encoding: self._read(context, name, encoding))

    def _read(self, context: Context, name: str, encoding: str) -> str:
        path = self._path(context, name)
        limits.budget().make(os.path.getsize(path))
        with open(path, encoding=encoding, newline="") as file:
            return file.read()

    def _inventory_hostnames(self, context: Context, terms: list[Any]) -> list[Any]:
        """The hosts of patterns, none for a pattern that means nobody."""
        groups = _names(context).lookup("groups")
        try:
            return patterns.in_groups(
                groups if isinstance(groups, Mapping) else {}, [str(t) for t in self._flat(terms)]
            )
        except InventoryError:
            return []

    def _sequence(self, context: Context, terms: list[Any], **options: Any) -> list[Any]:
        return [text for term in terms or ([""] if options else []) for text in sequences.expand(str(term), options)]


def _names(context: Context) -> Any:
    """The `Scope` of the rendering."""
    return context.names  # type: ignore[attr-defined]
