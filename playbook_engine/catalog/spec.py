"""What an action takes, typed: the controller's reading of the SPEC that the action's own file holds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum

from playbook_engine.catalog.types import (
    Unfit,
    UnknownKey,
    convert,
    eased,
    parse_bool,
    parse_duration,
    parse_size,
)
from playbook_engine.model.errors import EngineError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.spelling import did_you_mean, nearest

__all__ = [
    "ActionSpec", "ArgumentError", "Kind", "ParamSpec", "Problem",
    "Unfit", "parse_bool", "parse_duration", "parse_size",
]  # fmt: skip


class Kind(StrEnum):
    """What an action is: it measures, it keeps a state, it does something nobody can look at, or it steers the run."""

    PROBE = "probe"
    STATE = "state"
    OPAQUE = "opaque"
    CONTROL = "control"


@frozen
class Problem:
    """One thing wrong with the arguments: `path` leads to it from the action's own mapping, or to its key."""

    path: tuple[str | int, ...]
    message: str
    advice: str | None = None
    key: bool = False
    code: str = "wrong-type"


class ArgumentError(EngineError):
    """The arguments do not fit the action, found when they were rendered: at load they are LoadErrors."""

    kind = "argument"
    exit_code = 5


@frozen
class ParamSpec:
    """One argument: its type (docs/runbook-reference.md lists them), whether it is needed, what it is when left out.

    `keys`: those of a mapping, when there are no others. `expression`: its text is evaluated, or each of its texts.
    """

    name: str
    type: str
    doc: str = ""
    required: bool = False
    default: object = None
    choices: tuple[object, ...] = ()
    aliases: tuple[str, ...] = ()
    secret: bool = False
    local: str | None = None
    internal: bool = False
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    keys: Sequence[str] = ()
    expression: bool = False

    def file_named(self, value: object) -> str:
        """The controller's file that a value of a `local` argument names: of a script with arguments the first word."""
        text = str(value)
        if self.local != "script":
            return text
        try:
            return (shlex.split(text) or [text])[0]
        except ValueError:
            return text

    def convert(self, value: object) -> object:
        """The value in the type that the host gets, within its bounds. Raises Unfit, a ValueError."""
        if value is None:
            return None
        try:
            got = convert(self.type, value)
        except Unfit:
            raise
        except (ValueError, OverflowError) as error:
            raise Unfit(str(error)) from error
        if self.keys and isinstance(got, Mapping):
            self.known_keys(got)
        if self.choices and got not in self.choices:
            names = [str(c) for c in self.choices]
            raise Unfit(f"{got!r} is none of {', '.join(names)}", did_you_mean(nearest(str(got), names)))
        if isinstance(got, (int, float)) and not isinstance(got, bool):
            if self.minimum is not None and got < self.minimum:
                raise Unfit(f"{got} is below the minimum of {self.minimum:g}")
            if self.maximum is not None and got > self.maximum:
                raise Unfit(f"{got} is above the maximum of {self.maximum:g}")
        if self.pattern and not re.fullmatch(self.pattern, str(got)):
            raise Unfit(f"{got!r} does not match the pattern {self.pattern}")
        return got

    def eased(self, value: object) -> object:
        """A value that means what Ansible means by it: numbers and booleans are text where text is wanted, and a
        boolean is the one word for it among the choices (YAML 1.1 reads `no` as false)."""
        if isinstance(value, bool) and self.choices and value not in self.choices:
            words = [c for c in self.choices if isinstance(c, str) and _boolean(c) is value]
            if len(words) == 1:
                return words[0]
        return eased(self.type, value)

    def known_keys(self, value: Mapping[str, object]) -> None:
        """Raises Unfit for a key that is none of `keys`."""
        for key in value:
            if key not in self.keys:
                advice = did_you_mean(nearest(str(key), self.keys, value)) or f"known: {', '.join(self.keys)}"
                raise UnknownKey(f"unknown key {key!r}", advice)


@frozen
class ActionSpec:
    """One action as the controller knows it. `glance`: looking at its state costs the host next to nothing.

    `away`: the argument that says for how many seconds the host may be gone meanwhile; `rest`: the one that says how
    many to wait when it is back. `once`: one host does it for all.
    """

    name: str
    kind: Kind
    summary: str
    doc: str = ""
    params: Mapping[str, ParamSpec] = field(default_factory=dict)
    free_form: str | None = None
    one_of: tuple[tuple[str, ...], ...] = ()
    touches: str | None = None
    glance: bool = False
    sh: bool = False
    once: bool = False
    away: str | None = None
    rest: str | None = None
    undo: str | None = None
    returns: Mapping[str, str] = field(default_factory=dict)
    examples: str = ""

    @property
    def changes(self) -> bool:
        """Whether it can change a host (a probe that touches puts back what it wrote)."""
        return self.kind in (Kind.STATE, Kind.OPAQUE)

    @property
    def reversible(self) -> bool:
        return self.kind is Kind.STATE and self.undo is not None

    def canonical(self, name: str, *, internal: bool = False) -> str | None:
        """The argument of this name or alias, or None; those that only the engine gives are `internal`."""
        if name in self.params and (internal or not self.params[name].internal):
            return name
        return next((p.name for p in self.params.values() if name in p.aliases), None)

    def reads_here(self, args: Mapping[str, object]) -> bool:
        """Whether its `local` argument names a file of the controller, as written; a template is taken for a no."""
        default = self.params["remote_src"].default if "remote_src" in self.params else False
        given = args.get("remote_src")
        flags = [default if given is None else given]
        if "copy" in self.params and args.get("copy") is not None:
            flags = [not _truth(args["copy"])]
        return not any(map(_truth, flags))

    def eased(self, args: Mapping[str, object]) -> dict[str, object]:
        """Arguments of a playbook's task, or given to one action: values as `ParamSpec.eased` takes them."""
        names = {key: self.canonical(key, internal=True) for key in args}
        return {k: v if (name := names[k]) is None else self.params[name].eased(v) for k, v in args.items()}

    def check(
        self, args: Mapping[str, object], unknown: Callable[[object], bool], *, internal: bool = False
    ) -> list[Problem]:
        """What is wrong with arguments as written. A value for which `unknown` holds is a template: judged later."""
        found: list[Problem] = []
        given: set[str] = set()
        meant: set[str] = set()
        for key, value in args.items():
            name = self.canonical(key, internal=internal)
            if name is None:
                found.append(self._unknown(key, args))
                meant.update(p for p in (self.canonical(n) for n in self._near(key, args)) if p)
                continue
            if value is None:
                continue  # as if it were not there
            given.add(name)
            param = self.params[name]
            try:
                if not _holds(value, unknown):
                    param.convert(value)
                elif isinstance(value, Mapping) and param.keys:
                    param.known_keys(value)
            except Unfit as error:
                message = f"{self.name}: {key}: {error.message}"
                code = "unknown-key" if isinstance(error, UnknownKey) else "wrong-type"
                found.append(Problem(path=(key,), message=message, advice=error.advice, code=code))
        # A misspelt argument is told once: not also as one that is missing.
        there = given | meant
        for param in self.params.values():
            if param.required and param.name not in there:
                doc = param.doc.split(". ")[0].rstrip(".")
                found.append(
                    Problem(
                        path=(), message=f"{self.name} needs {param.name}", advice=doc or None, code="missing-argument"
                    )
                )
        for group in self.one_of:
            if not there.intersection(group):
                found.append(
                    Problem(path=(), message=f"{self.name} needs one of {', '.join(group)}", code="missing-argument")
                )
            several = [n for n in args if args[n] is not None and self.canonical(n, internal=internal) in group]
            if len(several) > 1:
                message = f"{self.name}: {several[0]} and {several[1]} exclude one another"
                found.append(Problem(path=(several[1],), message=message, key=True, code="exclusive-arguments"))
        return found

    def complete(self, args: Mapping[str, object]) -> dict[str, object]:
        """Rendered arguments as the host wants them: names canonical, types converted, defaults filled in.

        Raises ArgumentError.
        """
        done: dict[str, object] = {p.name: p.default for p in self.params.values() if p.default is not None}
        given: list[str] = []
        try:
            for key, value in args.items():
                name = self.canonical(key, internal=True)
                if name is None:
                    raise Unfit(key)
                if value is not None:
                    given.append(name)
                    done[name] = self.params[name].convert(value)
                elif self.params[name].type == "raw":
                    done.setdefault(name, None)  # where any value may be given, none is one
        except Unfit:
            fits = False
        else:
            fits = all(p.name in given for p in self.params.values() if p.required)
            fits = fits and all(sum(name in group for name in given) == 1 for group in self.one_of)
        if not fits and (problems := self.check(args, lambda _: False, internal=True)):
            raise ArgumentError(
                "; ".join(p.message for p in problems), advice=next((p.advice for p in problems if p.advice), None)
            )
        return done

    def _near(self, key: str, beside: Iterable[str]) -> list[str]:
        names = [n for p in self.params.values() if not p.internal for n in (p.name, *p.aliases)]
        return nearest(key, names, beside)

    def _unknown(self, key: str, beside: Iterable[str]) -> Problem:
        close = self._near(key, beside)
        names = sorted(n for p in self.params.values() if not p.internal for n in (p.name, *p.aliases))
        advice = did_you_mean(close) or f"it takes {', '.join(names) or 'no arguments'}"
        if " " in key:
            advice = "inside braces a comma ends a value: quote text that holds one"
        return Problem(
            path=(key,),
            message=f"{self.name} has no argument {key!r}",
            advice=advice,
            key=True,
            code="unknown-argument",
        )


def _boolean(word: str) -> bool | None:
    try:
        return parse_bool(word)
    except ValueError:
        return None


def _truth(value: object) -> bool:
    try:
        return parse_bool(value)
    except ValueError:
        return True


def _holds(value: object, test: Callable[[object], bool]) -> bool:
    if test(value):
        return True
    if isinstance(value, Mapping):
        return any(_holds(v, test) for v in value.values())
    return isinstance(value, (list, tuple)) and any(_holds(v, test) for v in value)
