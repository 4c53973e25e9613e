"""Names that are given a value and that nothing reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from linted import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_every_way_to_give_a_name_a_value(desk: Desk) -> None:
    text = """\
        name: r  # a comment that names idle_param idle_var uses nothing
        params: {idle_param: {default: 1}, used_param: {default: 1}}
        vars: {idle_var: 1, used_var: "{{ used_param }}", ansible_user: x, _apart: 1}
        preconditions:
          - {stat: {path: /x}, register: idle_probe}
        steps:
          - stat: {path: "/{{ used_var }}"}
            register: idle_result
            vars: {idle_own: idle_own, used_own: 1}
            when: used_own
          - set_fact: {idle_fact: 1, used_fact: 2}
          - block:
              - debug: {var: used_fact}
              - assert: {that: [inner > 1, "hostvars[inventory_hostname]['by_name']"]}
            vars: {inner: 2, idle_inner: 3}
          - stat: {path: /y}
            register: by_name
        """
    found = desk.said(text, "unused-variable")
    assert [(f.split(": ")[0], f.split(" the ")[1].rsplit(" is used")[0]) for f in found] == [
        ("r.yml:2:10", "parameter idle_param"),
        ("r.yml:3:8", "variable idle_var"),
        ("r.yml:5:34", "registered result idle_probe"),
        ("r.yml:8:15", "registered result idle_result"),
        ("r.yml:9:12", "variable idle_own"),
        ("r.yml:11:16", "fact idle_fact"),
        ("r.yml:15:22", "variable idle_inner"),
    ]


def test_templates_and_imports_use_names(desk: Desk) -> None:
    desk.write("app.j2", "{% if in_template %}{{ x }}{% endif %}")
    desk.write(
        "inner.yml",
        "name: inner\nsteps: [{debug: {msg: '{{ seen.stat }} {{ told }}'}}, {stat: {path: /x}, register: back}]\n",
    )
    text = """\
        name: r
        params: {in_template: {default: 1}}
        steps:
          - {template: {src: app.j2, dest: /x}}
          - {stat: {path: /x}, register: seen}
          - {set_fact: {told: 1}}
          - import_runbook: inner
          - debug: {msg: "{{ back }}"}
        """
    assert desk.said(text, "unused-variable") == []


def test_a_template_that_only_a_host_can_name_may_use_anything(desk: Desk) -> None:
    text = (
        "name: r\nparams: {idle: {default: 1}, n: {default: a}}\nsteps: [{template: {src: '{{ n }}.j2', dest: /x}}]\n"
    )
    assert desk.said(text, "unused-variable") == []


def test_a_misspelt_name_is_told_what_it_was_to_be(desk: Desk) -> None:
    text = "name: r\nparams: {prot: {default: 1}}\nsteps: [{tcp: {port: '{{ port }}'}}]\n"
    (found,) = [f for f in desk.findings(text) if f.code == "unused-variable"]
    assert found.advice == "did you mean port?"
    text = "name: r\nparams: {idle: {default: 1}}\nsteps: [{tcp: {port: 80}}]\n"
    (found,) = [f for f in desk.findings(text) if f.code == "unused-variable"]
    assert found.advice == "use it, or leave it out"
