"""How a template file is written: its delimiters and what becomes of white space, as arguments or in its first line."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping

from playbook_engine.model.errors import TemplateError
from playbook_engine.model.frozen import frozen
from playbook_engine.model.source import SourcePos

HEADER = "#jinja2:"
NEWLINES = {"\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}


@frozen
class Syntax:
    """Jinja's own words, with Ansible's defaults."""

    block_start_string: str = "{%"
    block_end_string: str = "%}"
    variable_start_string: str = "{{"
    variable_end_string: str = "}}"
    comment_start_string: str = "{#"
    comment_end_string: str = "#}"
    line_statement_prefix: str | None = None
    line_comment_prefix: str | None = None
    trim_blocks: bool = True
    lstrip_blocks: bool = False
    newline_sequence: str = "\n"

    def signs(self) -> list[str]:
        """What stands where something is to be replaced."""
        signs = [self.block_start_string, self.variable_start_string, self.comment_start_string]
        return signs + [each for each in (self.line_statement_prefix, self.line_comment_prefix) if each]

    @staticmethod
    def of(args: Mapping[str, object], where: SourcePos | None) -> Syntax:
        """From the arguments of `template`. Raises TemplateError."""
        given = {name: args[name] for name in NAMES if args.get(name) is not None}
        return Syntax().changed(given, where)

    def changed(self, given: Mapping[str, object], where: SourcePos | None) -> Syntax:
        """With some of its words replaced. Raises TemplateError for one that is none, or of another type."""
        words = dict(given)
        for name, value in words.items():
            if name not in NAMES:
                raise TemplateError(
                    f"{name!r} is no option of a template", advice=f"known: {', '.join(NAMES)}", where=where
                )
            if not isinstance(value, bool if name in ("trim_blocks", "lstrip_blocks") else str) or value == "":
                raise TemplateError(f"{name} cannot be {value!r}", where=where)
        if "newline_sequence" in words:
            newline = NEWLINES.get(str(words["newline_sequence"]), words["newline_sequence"])
            if newline not in NEWLINES.values():
                raise TemplateError("newline_sequence needs to be one of \\n, \\r or \\r\\n", where=where)
            words["newline_sequence"] = newline
        return dataclasses.replace(self, **words)  # type: ignore[arg-type]

    def headed(self, source: str, where: SourcePos | None) -> tuple[Syntax, str]:
        """What a first line `#jinja2: trim_blocks:False, lstrip_blocks:True` makes of it, and the text below that line.

        Raises TemplateError.
        """
        header, _, rest = source.partition("\n")
        if not header.startswith(HEADER):
            return self, source
        found: dict[str, object] = {}
        for pair in header.removeprefix(HEADER).split(","):
            if not pair.strip():
                continue
            name, sign, value = pair.partition(":")
            try:
                if not sign:
                    raise ValueError
                found[name.strip()] = ast.literal_eval(
                    value.strip().capitalize() if value.strip() in LOWER else value.strip()
                )
            except (ValueError, SyntaxError):
                raise TemplateError(
                    f"{pair.strip()!r} in the line {HEADER} is not understood",
                    advice="it may hold trim_blocks:True or False, lstrip_blocks:True or False, and delimiters",
                    where=where,
                ) from None
        return self.changed(found, where), rest


LOWER = ("true", "false")
NAMES = tuple(field.name for field in dataclasses.fields(Syntax))
