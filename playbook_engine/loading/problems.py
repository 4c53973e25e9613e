"""Collecting what is wrong with a file, so that a person gets all of it at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from pydantic import BaseModel, ValidationError

from playbook_engine.loading.schema import LATER, keywords
from playbook_engine.loading.yaml_source import Document, Where
from playbook_engine.model.errors import LoadError, LoadErrors


class Problems:
    """The load errors of one file."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: list[LoadError] = []

    def add(self, path: Where, message: str, advice: str | None = None, *, key: bool = False) -> None:
        self._found.append(LoadError(message, advice=advice, where=self._document.at(path, key=key)))

    def add_error(self, error: LoadError) -> None:
        self._found.extend(error.errors if isinstance(error, LoadErrors) else [error])

    def unknown_key(self, path: Where, known: Iterable[str], what: str) -> None:
        """An unknown key with the nearest known one."""
        key = str(path[-1])
        if key in LATER:
            self.add(path, f"{key!r} is not carried out by this version of runbook", key=True)
            return
        close = difflib.get_close_matches(key, list(known), 1, 0.6)
        advice = f"did you mean {close[0]}?" if close else None
        if " " in key:
            advice = "inside braces a comma ends a value: quote text that holds one"
        self.add(path, f"unknown {what} {key!r}", advice, key=True)

    def of_validation(self, error: ValidationError, model: type[BaseModel]) -> None:
        """pydantic's findings, each at its place in the file."""
        for each in error.errors():
            path = tuple(p for p in each["loc"] if not (isinstance(p, str) and re.match(r"^(list|literal|union)\[", p)))
            message = str(each["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
            if each["type"] == "extra_forbidden":
                self.unknown_key(path, keywords(_model_at(model, path)), "key")
            elif each["type"] == "missing":
                self.add(path[:-1], f"{path[-1]} is missing")
            elif each["type"] == "literal_error":
                wanted = str(each.get("ctx", {}).get("expected", ""))
                choices = re.findall(r"'([^']+)'", wanted)
                close = difflib.get_close_matches(str(each["input"]), choices, 1)
                advice = f"did you mean {close[0]}?" if close else None
                self.add(path, f"{path[-1]}: {each['input']!r} is none of {', '.join(choices)}", advice)
            else:
                self.add(path, f"{'.'.join(str(p) for p in path)}: {message}")

    def raise_any(self) -> None:
        """Raises what was found, in the order of the file."""
        if not self._found:
            return
        unique = {(str(e.where), e.message): e for e in self._found}
        found = sorted(
            unique.values(), key=lambda e: (e.where.file, e.where.line, e.where.column) if e.where else ("", 0, 0)
        )
        raise found[0] if len(found) == 1 else LoadErrors(found)


def _model_at(model: type[BaseModel], path: Where) -> type[BaseModel]:
    """The model in which a key of this path would be looked for."""
    from playbook_engine.loading import schema

    parts = [p for p in path if isinstance(p, str)]
    if parts[:1] == ["params"] and len(path) >= 3:
        return schema.ParamModel
    if parts[:1] == ["services"] and len(path) >= 3:
        return schema.ServiceModel
    if "loop_control" in parts[:-1]:
        return schema.LoopControl
    return model
