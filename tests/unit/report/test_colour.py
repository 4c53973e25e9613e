"""The one place that decides on colours."""

from __future__ import annotations

import io

import pytest

from playbook_engine.report.colour import coloured, of_diff


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "flag", "setting", "terminal", "pipe"),
    [
        ({}, None, "auto", True, False),
        ({}, None, "never", False, False),
        ({}, None, "always", True, True),
        ({"NO_COLOR": "1"}, None, "always", False, False),
        ({"NO_COLOR": ""}, None, "auto", True, False),
        ({"NO_COLOR": "1"}, True, "never", True, True),
        ({"FORCE_COLOR": "1"}, None, "never", True, True),
        ({"FORCE_COLOR": "0"}, None, "auto", True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, None, "auto", False, False),
        ({"FORCE_COLOR": "1"}, False, "always", False, False),
        ({"CLICOLOR_FORCE": "1"}, None, "auto", True, True),
        ({"CLICOLOR": "0"}, None, "auto", False, False),
        ({"CLICOLOR": "1"}, None, "auto", True, False),
        ({"TERM": "dumb"}, None, "auto", False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, None, "auto", True, True),
    ],
)
def test_who_wins(environ: dict[str, str], flag: bool | None, setting: str, terminal: bool, pipe: bool) -> None:
    assert coloured(Terminal(), environ, flag=flag, setting=setting) is terminal
    assert coloured(io.StringIO(), environ, flag=flag, setting=setting) is pipe


@pytest.mark.parametrize(
    ("line", "code"),
    [("+new", "32"), ("-old", "31"), ("@@ -1 +1 @@", "36"), (" same", ""), ("--- a", "1"), ("+++ b", "1"), ("", "")],
)
def test_lines_of_a_diff(line: str, code: str) -> None:
    assert of_diff(line) == code
