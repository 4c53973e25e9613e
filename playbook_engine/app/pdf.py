"""A page as PDF, through weasyprint where that is installed: an extra, as it needs pango and what belongs to it."""

from __future__ import annotations

import logging

from playbook_engine.model.errors import UsageError


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
    return bytes(weasyprint.HTML(string=html, url_fetcher=_nothing).write_pdf())


def _nothing(url: str, *_: object, **__: object) -> dict[str, object]:
    raise ValueError(f"nothing is fetched for a report: {url}")
