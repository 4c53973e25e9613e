"""`a if b` without `else`: empty among other text, as in Ansible; no value by itself."""

from __future__ import annotations

import pytest

from playbook_engine.model.errors import TemplateError
from playbook_engine.templating.environment import Templar

TEMPLAR = Templar()


def render(text: str) -> object:
    return TEMPLAR.render(TEMPLAR.compile_value(text, None), {"t": True})


@pytest.mark.parametrize(
    ("text", "value"),
    [("run {{ '-v' if not t }}", "run "), ("{{ 'a' ~ ('x' if not t) }}", "a"), ("{{ 'x' if t }}", "x")],
)
def test_it_is_empty_among_other_text(text: str, value: str) -> None:
    assert render(text) == value


@pytest.mark.parametrize("text", ["{{ 'x' if not t }}", "{{ ['x' if not t] }}", "{{ {'a': 'x' if not t} }}"])
def test_by_itself_it_is_an_error_that_says_what_to_do(text: str) -> None:
    with pytest.raises(TemplateError, match="without `else`"):
        render(text)
