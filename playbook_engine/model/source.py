"""Where a piece of text stands: the position every load error points at."""

from __future__ import annotations

from playbook_engine.model.frozen import frozen


@frozen
class SourcePos:
    """A place in a file that a person wrote. `line` and `column` count from 1."""

    file: str
    line: int
    column: int = 1
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def snippet(self) -> str:
        """The line itself with a caret under the column, or an empty string when it is not known."""
        if not self.text:
            return ""
        gutter = f"{self.line:5d} | "
        # Tabs are kept so that the caret stands under the same glyph in a terminal.
        lead = "".join("\t" if c == "\t" else " " for c in self.text[: self.column - 1])
        return f"{gutter}{self.text}\n{' ' * (len(gutter) - 2)}| {lead}^"
