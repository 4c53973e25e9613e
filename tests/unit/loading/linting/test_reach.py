"""What never happens: steps, rescues, handlers, notifications."""

from __future__ import annotations

from pathlib import Path

import pytest
from linted import Desk

CODES = ("unreachable-step", "unused-handler", "idle-notify", "needless-rescue")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("ending", ["fail: {msg: x}", "meta: end_host", "meta: end_play", "assert: {that: [false]}",
                                    "fail: {msg: x, }\n    when: true"])  # fmt: skip
def test_nothing_runs_after_an_ending(ending: str, desk: Desk) -> None:
    (found,) = desk.said(f"name: r\nsteps:\n  - {ending}\n  - debug: {{msg: a}}\n  - debug: {{msg: b}}\n", *CODES)
    assert ":5: warning unreachable-step: this is never reached, nor what follows it (1): " in found


@pytest.mark.parametrize("more", ["when: x is defined", "loop: []", "ignore_errors: true", "failed_when: x is defined"])
def test_an_ending_that_may_not_be_one(more: str, desk: Desk) -> None:
    assert desk.said(f"name: r\nsteps:\n  - fail: {{msg: x}}\n    {more}\n  - debug: {{msg: a}}\n", *CODES) == []


def test_what_goes_on_after_failures_goes_on(desk: Desk) -> None:
    assert desk.said("name: r\non_failure: continue\nsteps: [{fail: {msg: x}}, {debug: {msg: a}}]\n", *CODES) == []


def test_conditions_that_are_never_true(desk: Desk) -> None:
    text = """\
        name: r
        steps:
          - debug: {msg: a}
            when: false
          - debug: {msg: a}
            when: [x is defined, 1 > 2]
          - debug: {msg: a}
            when: true
          - debug: {msg: a}
            when: now().year < 2000
          - block: [{debug: {msg: a}}, {debug: {msg: b}}]
            when: false
        """
    assert [f.split(": ")[0] for f in desk.said(text, "unreachable-step")] == ["r.yml:3:5", "r.yml:5:5", "r.yml:11:5"]


def test_endings_inside_blocks(desk: Desk) -> None:
    text = """\
        name: r
        steps:
          - block: [{fail: {msg: x}}, {debug: {msg: never}}]
            rescue: [{debug: {msg: a}}]
          - debug: {msg: reached}
          - block: [{command: "true", changed_when: false}]
            rescue: [{debug: {msg: a}}]
            always: [{fail: {msg: x}}]
          - debug: {msg: never}
        """
    assert [f.split(": ")[0] for f in desk.said(text, *CODES)] == ["r.yml:3:31", "r.yml:9:5"]


def test_a_rescue_of_what_cannot_fail(desk: Desk) -> None:
    text = """\
        name: r
        steps:
          - block: [{debug: {msg: a}}, {set_fact: {x: 1}}]
            rescue: [{debug: {msg: b}}]
          - block: [{debug: {msg: "{{ x.y }}"}}]
            rescue: [{debug: {msg: b}}]
        """
    (found,) = desk.said(text, *CODES)
    assert found.startswith("r.yml:4:14: note needless-rescue: ")


def test_handlers_and_those_that_notify_them(desk: Desk) -> None:
    text = """\
        name: r
        steps:
          - copy: {content: x, dest: /x}
            notify: [one, heard]
          - stat: {path: /x}
            notify: two
          - command: ls
            changed_when: false
            notify: two
          - command: ls
            changed_when: true
            irreversible: x
            notify: two
        handlers:
          - {name: one, debug: {msg: x}}
          - {name: two, debug: {msg: x}}
          - {name: three, listen: heard, debug: {msg: x}}
          - {name: four, debug: {msg: x}}
        """
    assert [f.rsplit(": ", 1)[0] for f in desk.said(text, *CODES)] == [
        "r.yml:6:5: warning idle-notify: stat never counts as changed here",
        "r.yml:9:5: warning idle-notify: command never counts as changed here",
        "r.yml:18:5: warning unused-handler: nobody notifies the handler 'four'",
    ]


def test_a_name_that_only_a_run_knows_may_be_any_handler(desk: Desk) -> None:
    text = "name: r\nsteps: [{copy: {content: x, dest: /x}, notify: '{{ who }}'}]\n"
    text += "handlers: [{name: h, debug: {msg: x}}]\n"
    assert desk.said(text, "unused-handler") == []
