"""What somebody meant to fill in."""

from __future__ import annotations

from pathlib import Path

import pytest
from linted import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(
    "value",
    ["TODO", "ask TODO: whom", "FIXME later", "XXX", "CHANGEME", "changeme", "CHANGE_ME", "<your-token>", "<HOST>",
     "<name>",
     "db.example.com", "https://www.example.org/x", "▢ to be judged: who pays (owner)"],
)  # fmt: skip
def test_is_found(value: str, desk: Desk) -> None:
    (found,) = desk.said(f"name: r\nsteps: [{{debug: {{msg: '{value}'}}}}]\n", "placeholder")
    assert found.startswith("r.yml:2:")
    assert "warning placeholder" in found


@pytest.mark.parametrize(
    "value",
    ["mktemp /tmp/x.XXXXXX", "a < b > c", "<html><body>x</body></html>", "todo-list", "/srv/TODO.d/x", "web1.test",
     "notexample.community", "{{ 'TODO' }}", "cat <file >other"],
)  # fmt: skip
def test_is_none(value: str, desk: Desk) -> None:
    text = f'name: r\nsteps: [{{debug: {{msg: "{value}"}}}}]\n'
    assert desk.said(text, "placeholder") == []


def test_what_is_searched_for_and_what_explains_are_left_alone(desk: Desk) -> None:
    text = """\
        name: r
        description: It asks www.example.com, for example.
        steps:
          - lineinfile: {path: /x, regexp: "TODO", line: ok}
        """
    assert desk.said(text, "placeholder") == []


def test_in_its_place_in_a_long_text(desk: Desk) -> None:
    text = "name: r\nsteps:\n  - copy:\n      dest: /x\n      content: |\n        one\n        two = CHANGEME\n"
    assert desk.said(text) == ["r.yml:7:15: warning placeholder: a placeholder was left here: CHANGEME"]
