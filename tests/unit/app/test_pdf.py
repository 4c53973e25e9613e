"""What a page needs before it becomes a PDF."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from incident_samples import Desk, story
from report_recorder import Recorder

from playbook_engine.app.incidents import report_of
from playbook_engine.app.pdf import inked, pdf
from playbook_engine.report.render import render


@pytest.fixture
def page(tmp_path: Path) -> str:
    desk = Desk(Recorder(tmp_path))
    return render(report_of(desk.app, story(desk)), "html")


def test_every_bar_has_the_colour_of_paper(page: str) -> None:
    bars = re.findall(r'<rect class="([\w-]+)" fill="([^"]+)"', inked(page))
    assert len(bars) == page.count("<rect ")
    paper = page.partition("@media print")[2]
    for look, name in (("not-met", "bad"), ("changed", "made"), ("milestone-resolved", "good"), ("alert", "bad")):
        wanted = re.search(rf"--{name}: (#\w+)", paper)
        assert wanted
        assert {colour for each, colour in bars if each == look} == {wanted[1]}
    assert inked(page).replace(' fill="', "") != page
    assert re.sub(r' fill="#?\w+"', "", inked(page)) == page


def test_a_pdf_is_made_where_weasyprint_is_there(page: str) -> None:
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError):
        return  # what is said then, tests/unit/cli/test_incident.py tries
    assert pdf(page).startswith(b"%PDF")
