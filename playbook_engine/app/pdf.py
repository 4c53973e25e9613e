"""A page as PDF, through weasyprint where that is installed: an extra, as it needs pango and what belongs to it."""

from __future__ import annotations

import logging
import re

from playbook_engine.model.errors import UsageError

COLOUR = re.compile(r"--([\w-]+): (#[0-9a-fA-F]{3,6})")
LOOK = re.compile(r"([^{}]+)\{ --c: var\(--([\w-]+)\)")


def pdf(html: str) -> bytes:
    """Nothing is fetched: the page has everything in it. Raises UsageError where there is no weasyprint."""
    try:
        import weasyprint
    except (ImportError, OSError) as error:  # OSError: it is there, and the libraries that it wants are not
        raise UsageError(
            f"there is nothing here that makes PDF: {error}",
            advice="pip install 'playbook-engine[pdf]', or print the HTML from a browser: it has a style for paper",
        ) from error
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # it warns of every rule that is for screens
    return bytes(weasyprint.HTML(string=inked(html), url_fetcher=_nothing).write_pdf())


def inked(html: str) -> str:
    """The drawing with the colours that the page's style gives it: weasyprint knows no variables inside an SVG."""
    style = html.partition("<style>")[2].partition("</style>")[0]
    colours = dict(COLOUR.findall(style))  # the last of each name: the style for paper stands at the end
    looks = {
        name.strip().rpartition(".")[2]: colours.get(colour, "")
        for names, colour in LOOK.findall(style)
        for name in names.split(",")
    }
    idle = colours.get("idle", "gray")
    return re.sub(r'<rect class="([\w-]+)"', lambda m: f'{m[0]} fill="{looks.get(m[1]) or idle}"', html)


def _nothing(url: str, *_: object, **__: object) -> dict[str, object]:
    raise ValueError(f"nothing is fetched for a report: {url}")
