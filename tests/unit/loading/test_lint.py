"""What lint finds, and must not find: names, slips, files that are placed, parameters that are used nowhere."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from playbook_engine.loading.lint import undefined
from playbook_engine.loading.places import Finder
from playbook_engine.loading.results import one_slip, slip
from playbook_engine.loading.runbooks import Loader
from playbook_engine.model.errors import LoadError
from playbook_engine.model.runbook import Runbook
from playbook_engine.model.source import SourcePos
from playbook_engine.templating.environment import Templar

TEMPLAR = Templar()


class Shelf:
    """A folder of runbooks, and the files that they place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, text: str, name: str = "r") -> Runbook:
        (self.folder / f"{name}.yml").write_text(dedent(text))
        return Loader([self.folder], TEMPLAR).load(str(self.folder / f"{name}.yml"))

    def read(self, runbook: str, kind: str, name: str) -> bytes:
        path = Path(runbook).parent / name
        if not path.is_file():
            raise LoadError(f"there is no {kind} {name!r}")
        return path.read_bytes()

    def found(self, text: str, *known: str, files: bool = False) -> list[str]:
        errors = undefined(self.load(text), TEMPLAR, known, self.read if files else None)
        return [f"{Path(e.where.file).name}:{e.where.line}:{e.where.column}: {e.message}" for e in errors if e.where]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_what_is_defined_is_not_found(shelf: Shelf) -> None:
    text = """\
        name: r
        params: {port: {type: int, default: 80}, secret: {secret: true}}
        vars: {url: "http://{{ inventory_hostname }}:{{ port }}/{{ now() }}"}
        steps:
          - stat: {path: "/etc/{{ item.key }}"}
            loop: "{{ {'a': 1} | dict2items }}"
            register: files
            when: port in range(1, 99) and undefined_thing is not defined or from_inventory > 1 * GiB
            vars: {mine: "{{ item.value }}"}
            failed_when: result.failed and files.results | length > 0
            loop_control: {label: "{{ item.key }} {{ mine }}"}
          - set_fact: {seen: "{{ files.results | map(attribute='stat') | list }}"}
          - debug: {msg: "{{ seen }} {% for x in seen %}{{ x }}{{ loop.index }}{% endfor %} {% set y = 1 %}{{ y }}"}
          - assert: {that: ["seen | length == 0", "ansible_facts.os_family == 'Debian'", "hostvars[groups.all[0]]"]}
          - name: go on with {{ url }} {{ lookup('env', 'HOME') }} {{ omit }}
            command: start
            rollback: [{command: "stop {{ files }}"}]
        """
    assert shelf.found(text, "from_inventory", "undefined_thing") == []


def test_each_scope_knows_its_own_names(shelf: Shelf) -> None:
    text = """\
        name: r
        steps:
          - stat: {path: "{{ item }}"}
            loop: [1]
          - stat: {path: "{{ item }}"}
          - stat: {path: "{{ only_here }}"}
            vars: {only_here: 1}
          - stat: {path: "{{ only_here }}"}
          - stat: {path: "{{ result.x }}"}
            when: result.rc == 0
            until: result.rc == 0
          - name: about {{ nothing }}
            stat: {path: /x}
        """
    assert shelf.found(text) == [
        "r.yml:5:22: 'item' is not defined", "r.yml:8:22: 'only_here' is not defined",
        "r.yml:9:22: 'result' is not defined", "r.yml:10:11: 'result' is not defined",
        "r.yml:12:20: 'nothing' is not defined",
    ]  # fmt: skip


def test_an_import_sees_what_is_registered_and_not_what_its_importer_calls_its_own(shelf: Shelf) -> None:
    shelf.load(
        """\
        name: inner
        params: {needed: {required: true}, given: {default: 1}}
        steps:
          - debug: {msg: "{{ seen.stat }} {{ needed }} {{ given }}"}
          - debug: {msg: "{{ outer_param }} {{ outer_var }}"}
        """,
        "inner",
    )
    text = """\
        name: r
        params: {outer_param: {default: 1}}
        vars: {outer_var: 1}
        steps:
          - stat: {path: /x}
            register: seen
          - import_runbook: inner
            params: {needed: "{{ outer_param }}"}
          - import_runbook: inner
        """
    assert shelf.found(text) == [
        "inner.yml:5:22: 'outer_param' is not defined", "inner.yml:5:40: 'outer_var' is not defined",
        "r.yml:9:5: inner needs needed",
    ]  # fmt: skip
    assert "r.yml:9:5: inner needs needed" not in shelf.found(text, "needed"), "the inventory or -e may give it"


def test_values_that_an_action_tells(shelf: Shelf) -> None:
    text = """\
        name: r
        preconditions:
          - disk_usage: {path: /}
            expect: result.free_byte > 1 and result.free_bytes > 1 and result.whatever is defined
        steps:
          - command: ls
            register: listed
            failed_when: listed.stdut != "" or result.rcc == 0
            changed_when: false
          - debug: {msg: "{{ listed.stdot }} {{ listed.stdout_lines | length }} {{ listed['stdot'] }}"}
          - stat: {path: /x}
            register: several
          - command: ls
            changed_when: false
            register: several
            failed_when: "'result.free_byte' in several.stdot"
        checks:
          - http: {url: "http://h.test/"}
            expect: result.json.stats == 200 and result.p95_ms < 5 and result.get('x') and result.statis == 200
        """
    assert shelf.found(text) == [
        "r.yml:4:13: result has no 'free_byte'", "r.yml:8:18: listed has no 'stdut'", "r.yml:8:40: result has no 'rcc'",
        "r.yml:10:22: listed has no 'stdot'", "r.yml:19:84: result has no 'statis'",
    ]  # fmt: skip


def test_one_slip() -> None:
    for written in ("free_byte", "free_bytess", "fre_bytes", "free_bytse", "free_bytez", "xfree_bytes", "rfee_bytes"):
        assert one_slip(written, "free_bytes"), written
    for written in ("free_bytes", "free", "free_byt", "bytes_free", "", "eerf_bytes", "free_bsety"):
        assert not one_slip(written, "free_bytes"), written
    assert one_slip("", "a")
    assert one_slip("r", "rc")
    assert one_slip("cr", "rc")
    assert not one_slip("ab", "rc")
    assert slip("disk_usage", "free_byte") == "free_bytes"
    assert slip("disk_usage", "free_bytes") is None
    assert slip("disk_usage", "something_else") is None
    assert slip("http", "p99_ms") is None, "the documentation of another value names it"


def test_the_place_of_a_name() -> None:
    lines = [
        'a: "x {{ first }} {{ b }}"',
        "b: |",
        "  plain b",
        "  {{ c }} {{ b }}",
        "c: >",
        "  one {{ d }}",
        "  two {{ e }}",
    ]
    finder = Finder("\n".join(lines))

    def at(line: int, column: int, source: str, name: str) -> tuple[int, int, str]:
        found = finder.in_template(source, name, SourcePos(file="f", line=line, column=column))
        assert found is not None
        return found.line, found.column, found.text

    assert at(1, 4, "x {{ first }} {{ b }}", "b") == (1, 22, lines[0])
    assert at(2, 4, "plain b\n{{ c }} {{ b }}\n", "b") == (4, 14, lines[3])
    assert at(5, 4, "one {{ d }} two {{ e }}", "e") == (7, 10, lines[6])
    assert at(1, 4, "{{ nowhere_to_be_found }}", "nowhere_to_be_found")[:2] == (1, 4)
    assert at(99, 4, "{{ b }}", "b")[:2] == (99, 4)
    assert finder.in_template("{{ b }}", "b", None) is None


def test_the_files_that_are_placed(shelf: Shelf) -> None:
    (shelf.folder / "good.j2").write_text("port = {{ port }}\n")
    (shelf.folder / "bad.j2").write_text("# a comment on prot\nport = {{ port }}\nhost = {{ prot }} {{ hst }}\n")
    (shelf.folder / "broken.j2").write_text("{% if port %}\n")
    (shelf.folder / "plain").write_text("{{ not a template }}")
    text = """\
        name: r
        params: {port: {type: int, default: 80}, only_there: {default: 1}}
        steps:
          - template: {src: good.j2, dest: /a}
          - template: {src: bad.j2, dest: /b}
          - template: {src: missing.j2, dest: /c}
          - template: {src: broken.j2, dest: /d}
          - template: {src: "{{ port }}.j2", dest: /d}
          - copy: {src: plain, dest: /e}
          - copy: {src: absent, dest: /f}
          - copy: {src: /on/the/host, dest: /f, remote_src: true}
        """
    assert shelf.found(text) == []
    found = shelf.found(text, files=True)
    assert sorted(found)[:2] == ["bad.j2:3:11: 'prot' is not defined", "bad.j2:3:22: 'hst' is not defined"]
    assert sorted(found)[2].startswith("broken.j2:1:1: `{% if port %}` does not compile")
    assert sorted(found)[3:] == [
        "r.yml:10:5: there is no file 'absent'",
        "r.yml:6:5: there is no template 'missing.j2'",
    ]
