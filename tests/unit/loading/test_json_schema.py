"""The JSON Schemas of our files, in the hands of what editors validate with: the YAML language server."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml
from yaml_server import YamlServer, yaml_server

from playbook_engine.app.schemas import KINDS, SECTIONS, schema_of, texts
from playbook_engine.catalog import catalog
from playbook_engine.loading.runbooks import Loader
from playbook_engine.loading.yaml_source import read_yaml
from playbook_engine.templating.environment import Templar

ROOT = Path(__file__).parents[3]
SHIPPED = {
    "runbook": sorted((ROOT / "runbooks").glob("*.yml")),
    "drill": sorted((ROOT / "runbooks" / "drills").glob("*.yml")),
    "escalation": sorted((ROOT / "escalation").glob("*.yml")),
}
GOOD = """\
name: good
services: {web: {tier: critical}, db: }
serial: [1, 25%]
vars: {a: 1}
params: {size: {type: size, default: 2GiB}, on: {type: bool, default: yes}}
preconditions:
  - {service: {name: x}, expect: true}
  - {tcp: {port: "{{ size }}"}, service: web, within: 5}
steps:
  - copy: src=a dest=/b
    become: yes
    retries: "3"
  - ansible.builtin.command: ls -l
    changed_when: false
    tags: one, two
  - command: ls
    changed_when: [false, "x is defined"]
    irreversible: because
  - block:
      - set_fact: {anything: [1]}
      - import_runbook: other
        params: {x: 1}
    rescue: [{debug: {msg: "{{ ansible_failed_result }}"}}]
    always: [{meta: flush_handlers}]
  - include_steps: {file: more.yml, apply: {become: true}}
    loop: "{{ files }}"
    loop_control: {loop_var: file, label: x, pause: 1s}
  - include_steps: more.yml
  - file: {path: /a, state: "{{ how }}", mode: "{{ mode }}", recurse: "{{ deep }}"}
  - shell: ls
    environment: {A: b}
    async: 5m
    poll: 0
    irreversible: because
    unless: checks
    checks: [{stat: {path: /x}, expect: result.stat.exists}]
    rollback: [{debug: {msg: x}}]
handlers:
  - {name: h, service: {name: x, state: restarted}, listen: a}
"""
BAD = {
    "stpes: []": "Property stpes is not allowed",
    "params: {x: {type: integer}}": "Value is not accepted",
    "params: {1x: {type: int}}": "does not match the pattern",
    "on_failure: explode": "Value is not accepted",
    "deadline: soon": "write 30s, 5m, 1h30m",
    "steps: {command: ls}": 'Expected "array"',
    "steps: [{tcp: {prot: 80}}]": "Property prot is not allowed",
    "steps: [{tcp: {host: a.test}}]": 'Missing property "port"',
    "steps: [{tcp: {port: eighty}}]": "write a whole number",
    "steps: [{tcp: port}]": "Incorrect type",
    "steps: [{wehn: true, debug: {msg: x}}]": "Property wehn is not allowed",
    "steps: [{file: {path: /a, state: absnt}}]": "Value is not accepted",
    "steps: [{copy: {src: a, dest: /b, mode: rw}}]": 'write "0644"',
    "steps: [{debug: {msg: x}, become: perhaps}]": "write true or false",
    "steps: [{rescue: [{debug: {msg: x}}]}]": "required by property rescue",
    "steps: [{block: [{tcp: {prot: 1}}]}]": "Property prot is not allowed",
    "steps: [{debug: {msg: x}, loop: [1], loop_control: {labl: x}}]": "Property labl is not allowed",
    "steps: [{include_steps: {fiel: x}}]": "Incorrect type",
    "steps: [{command: ls, unless: check}]": "Incorrect type",
    "checks: [{tcp: {port: 1}, expct: true}]": "Property expct is not allowed",
    "checks: [{tcp: {port: 1}, otherwise: maybe}]": "Value is not accepted",
}


@pytest.fixture(scope="module")
def server() -> YamlServer:
    return yaml_server()


@pytest.mark.parametrize("kind", SHIPPED)
def test_what_is_shipped_is_valid(kind: str, server: YamlServer, tmp_path: Path) -> None:
    found = server.says(schema_of(kind), SHIPPED[kind], tmp_path)
    assert len(found) == len(SHIPPED[kind]) > 0
    assert {file.name: said for file, said in found.items() if said} == {}


def test_what_is_wrong_is_refused_in_its_line(server: YamlServer, tmp_path: Path) -> None:
    files = {}
    for number, text in enumerate(BAD):
        files[text] = tmp_path / f"{number}.yml"
        files[text].write_text(f"name: bad\n{text}\n")
    found = server.says(schema_of("runbook"), list(files.values()), tmp_path)
    for text, wanted in BAD.items():
        said = found[files[text]]
        assert any(line.startswith("2: ") and wanted in line for line in said), f"{text}: {said}"


def test_every_way_of_writing_is_valid(server: YamlServer, tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(GOOD)
    (tmp_path / "steps.yml").write_text("- copy: {src: a, dest: /b}\n- include_steps: more.yml\n")
    for kind, name in (("runbook", "good.yml"), ("steps", "steps.yml")):
        assert server.says(schema_of(kind), [tmp_path / name], tmp_path) == {tmp_path / name: []}


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_a_schema(kind: str) -> None:
    made = schema_of(kind)
    jsonschema.Draft7Validator.check_schema(made)
    assert made["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_every_key_and_argument_is_described() -> None:
    made = schema_of("runbook")
    definitions = made["$defs"]
    assert isinstance(definitions, dict)
    said = texts()
    for _, _, name in SECTIONS:
        properties = (made if name == "RunbookModel" else definitions[name])["properties"]
        for key, text in said[name].items():
            assert text
            assert properties[key]["description"] == text, f"{name}.{key}"
        assert set(said[name]) <= set(properties)
    for action in catalog.names():
        arguments = definitions[f"action_{action}"].get("anyOf", [{}])[0].get("properties", {})
        for name, argument in arguments.items():
            spec = catalog.get(action)
            assert argument["description"] == spec.params[spec.canonical(name) or name].doc


@pytest.mark.parametrize("name", [n for n in catalog.names() if catalog.get(n).examples])
def test_the_example_of_an_action_is_valid(name: str) -> None:
    (one,) = yaml.safe_load(textwrap.indent(catalog.get(name).examples, "  ").replace("  ", "- ", 1))
    key = "checks" if "expect" in one or "within" in one else "steps"
    errors = [
        e.message for e in jsonschema.Draft7Validator(schema_of("runbook")).iter_errors({"name": "r", key: [one]})
    ]
    assert errors == []


def test_what_is_valid_here_loads(tmp_path: Path) -> None:
    """The other way round: what an editor is content with is no mistake to the loader."""
    (tmp_path / "good.yml").write_text(GOOD)
    (tmp_path / "more.yml").write_text("- debug: {msg: x}\n")
    (tmp_path / "other.yml").write_text("name: other\nparams: {x: {default: 1}}\nsteps: [{debug: {msg: '{{ x }}'}}]\n")
    assert Loader([tmp_path], Templar()).load(str(tmp_path / "good.yml")).name == "good"


def test_a_misspelt_key_is_refused_wherever_it_stands() -> None:
    validator = jsonschema.Draft7Validator(schema_of("runbook"))
    tried = 0
    for file in SHIPPED["runbook"]:
        value = read_yaml(file).value
        assert validator.is_valid(value)
        for holder in holders(value):
            for key in [k for k in holder if k != "name"]:
                holder[f"{key}x"] = holder.pop(key)
                assert not validator.is_valid(value), f"{file.name}: {key}x"
                holder[key] = holder.pop(f"{key}x")
                tried += 1
    assert tried > 200


def holders(value: object) -> Iterator[dict[str, object]]:
    """The runbook, its steps and probes."""
    assert isinstance(value, dict)
    yield value
    for key in ("preconditions", "steps", "handlers", "checks", "unless", "rollback", "block", "rescue", "always"):
        entries = value.get(key)
        for entry in entries if isinstance(entries, list) else ():
            yield from holders(entry)
