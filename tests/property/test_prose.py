"""Any text is read to its end without a fault, in time that grows with its size and not faster."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from playbook_engine.model.errors import UsageError
from playbook_engine.report.prose import listing
from playbook_engine.report.prose.checker import check
from playbook_engine.report.prose.reading import read

PIECES = (
    "✅", "❌", "🔄", "- ", "1. ", "# ", "## Next steps\n", "**", "Status: ", "Priority: ", "P0", "unknown", "Impact: ",
    "|", "|---|---|\n", "```\n", "> ", "< 200 ms", "1133 ms", "(96 %)", "3 of 4 up", "2 open issues", "all nodes up",
    "[x] ", "\n", "\n\n", "    ", "<td>", "<li>", "</ul>", "<code>", "<pre>", "<!--", "-->", "&lt;", "`", "[a](#b)",
    "Phase 1 before phase 3", "improving", "[TBD]", "Contacts:\n", "---\n", "\x00", "\u202e", "ſ", "1e309 s",
    "9" * 24 + " ns", "⅞", "٣ ms",
)  # fmt: skip


def through(data: bytes, name: str) -> None:
    """Reads, checks and prints in every form."""
    try:
        document = read(name, data)
    except UsageError:
        return
    found = check(name, document)
    last = data.count(b"\n") + data.count(b"\r") + 1
    for finding in found:
        assert 1 <= finding.found.at.line <= last
        assert all(1 <= place.line <= last for place in finding.others)
    for text in ("\n".join(listing.text(found, [name])), "\n".join(listing.github(found, [name]))):
        assert all(c.isprintable() or c == "\n" for c in text)
    assert json.loads(listing.data(found, [name]))["count"] == len(found)


@given(st.binary(max_size=3000), st.sampled_from(["x.md", "x.html"]))
@settings(deadline=None)
def test_any_bytes(data: bytes, name: str) -> None:
    through(data, name)


@given(st.text(max_size=1500), st.sampled_from(["x.md", "x.html"]))
@settings(deadline=None)
@example("ſ 3 ſ two ıssues", "x.md")
def test_any_text(text: str, name: str) -> None:
    through(text.encode("utf-8", "surrogatepass"), name)


@given(st.lists(st.sampled_from(PIECES), max_size=120), st.sampled_from(["x.md", "x.html"]))
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_any_mixture_of_what_the_rules_look_for(pieces: list[str], name: str) -> None:
    through("".join(pieces).encode(), name)


@pytest.mark.parametrize(
    "piece",
    [
        "`", "<", "<a ", '<a "', "<!--", "<li>✅ x", "<td>3 ms", "<code>a ", "1", "[", "(", "* ", "a: ",
        "all a a ", "\\",
        "3 open issues ", "- ✅ rotate keys\n", "## Phase 1.5\nPhase 1 before phase 2", "Overall: green\n",
        "- [x] a\n  - [ ] b\n", "| a | 3 of 4 up | ✅ |\n", "Three hosts failed:\n\n- a\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["x.md", "x.html"])
def test_time_grows_with_the_size(piece: str, name: str) -> None:
    """No time is asserted: what takes seconds here would take hours if it were quadratic, and run into the timeout."""
    through((piece * (300_000 // len(piece.encode()))).encode(), name)


def test_many_random_bytes() -> None:
    through(random.Random(5).randbytes(500_000), "x.md")
