"""What the proof of a rollback leaves out is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from playbook_engine.catalog import catalog
from playbook_engine.engine.digest import IGNORED

PAGE = (Path(__file__).parents[3] / "docs" / "reliability.md").read_text()


@pytest.mark.parametrize(
    "key", sorted(IGNORED.union(*(getattr(catalog.module(name), "VOLATILE", ()) for name in catalog.names())))
)
def test_the_page_names_it(key: str) -> None:
    _, _, rest = PAGE.partition("## What the proof of a rollback leaves out")
    assert f"`{key}`" in rest.partition("\n## ")[0]
