"""The short form of arguments: `copy: src=a dest=b`, `command: make install chdir=/src`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.catalog import catalog, oneliner

CASES = [
    ("copy", "src=app.conf dest=/etc/app.conf mode=0644", {"src": "app.conf", "dest": "/etc/app.conf", "mode": "0644"}),
    ("copy", 'content="port = 80" dest=/x', {"content": "port = 80", "dest": "/x"}),
    ("copy", "content='it''s' dest=/x", {"content": "its", "dest": "/x"}),
    ("copy", "content={{ a | default('b c') }} dest=/x", {"content": "{{ a | default('b c') }}", "dest": "/x"}),
    ("copy", "content=a=b dest=/x", {"content": "a=b", "dest": "/x"}),
    ("command", "make install chdir=/src creates=/usr/bin/x", {"cmd": "make install", "chdir": "/src",
                                                              "creates": "/usr/bin/x"}),
    ("command", "dd if=/dev/zero of=/x bs=1M", {"cmd": "dd if=/dev/zero of=/x bs=1M"}),
    ("command", "cmd='ls -l' chdir=/", {"cmd": "ls -l", "chdir": "/"}),
    ("shell", "FOO=bar make 2>&1 | tail", {"cmd": "FOO=bar make 2>&1 | tail"}),
    ("shell", 'echo "chdir=/x"', {"cmd": 'echo "chdir=/x"'}),
    ("service", "name=redis state=started", {"name": "redis", "state": "started"}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "text", "wanted"), CASES)
def test_what_is_understood(action: str, text: str, wanted: dict[str, object]) -> None:
    assert oneliner.parse(text, catalog.get(action)) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("content=x dest=/x please", "copy takes key=value pairs .*, not 'please'"),
        ('content="x dest=/x', 'the quotes of "x do not match'),
        ("content=x dest=/x dest=/y", "dest is given twice"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        oneliner.parse(text, catalog.get("copy"))


@given(st.text(max_size=40), st.sampled_from(["copy", "command", "shell", "service", "debug", "stat"]))
def test_any_text_is_understood_or_refused(text: str, action: str) -> None:
    spec = catalog.get(action)
    try:
        args = oneliner.parse(text, spec)
    except ValueError:
        return
    assert all(isinstance(value, str) for value in args.values())


@given(st.text(st.characters(codec="ascii", exclude_characters="\"'\\{}"), max_size=20))
def test_a_quoted_value_comes_through_whole(value: str) -> None:
    args = oneliner.parse(f'content="{value}" dest=/x', catalog.get("copy"))
    assert args == {"content": value, "dest": "/x"}
