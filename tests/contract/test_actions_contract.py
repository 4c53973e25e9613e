"""What every action must keep, whatever it does: its SPEC, what it imports, what it says, under every Python."""

from __future__ import annotations

import ast
import copy
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from live_agents import INTERPRETERS, Agent, complete
from servers import free_port

from playbook_engine.agent import proof
from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import ArgumentError, Kind
from playbook_engine.transport import payload
from playbook_engine.transport.base import Call

every = pytest.mark.parametrize("name", catalog.names())
FUNCTIONS = {
    Kind.PROBE: {"observe"},
    Kind.CONTROL: {"observe"},
    Kind.STATE: {"observe", "plan", "apply"},
    Kind.OPAQUE: {"observe", "plan", "apply"},
}
ALLOWED = {
    "_signal",
    "_socket",
    "gc",
    "os",
    "sys",
    "stat",
    "errno",
    "time",
    "signal",
    "select",
}  # built in, or loaded by the interpreter anyway
HEAVY = (
    "json",
    "re",
    "subprocess",
    "tempfile",
    "socket",
    "ssl",
    "http.client",
    "urllib.parse",
    "shlex",
    "glob",
    "hashlib",
)


@every
def test_the_spec_is_whole(name: str) -> None:
    spec, module = catalog.get(name), catalog.module(name)
    assert spec.name == name
    assert spec.summary
    assert spec.returns, "what does `register` get?"
    for function in FUNCTIONS[spec.kind]:
        assert callable(getattr(module, function, None)), f"{name} is {spec.kind} and has no {function}"
    assert hasattr(module, "undo") == (spec.undo is not None), "`undo` says in words what the function puts back"
    assert spec.undo is None or spec.kind is Kind.STATE
    for param in spec.params.values():
        assert param.internal or param.default is None or not param.required
        if param.default is not None:
            assert param.convert(param.default) is not None


@every
def test_the_example_is_right(name: str) -> None:
    spec = catalog.get(name)
    written = yaml.safe_load(spec.examples)
    assert list(written) == [name]
    args = written[name]
    if isinstance(args, str):
        assert spec.free_form, f"{name} takes no free form"
        args = {spec.free_form: args}
    if name != "set_fact":  # whose every key is a variable
        assert spec.check(args, lambda value: "{{" in str(value)) == []


@every
def test_an_unknown_argument_is_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match="no_such_argument"):
        catalog.get(name).complete({"no_such_argument": 1})


@every
def test_nothing_heavy_is_imported_before_it_is_needed(name: str) -> None:
    for module in payload.needs(f"playbook_engine.agent.actions.{name}"):
        for node in ast.parse(payload.source(module)).body:
            found = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                found = [str(node.module)]
            for imported in found:
                assert imported in ALLOWED or imported.startswith("playbook_engine.agent"), f"{module}: {imported}"


def test_every_action_loads(agent: Agent) -> None:
    for name in catalog.names():
        reply = agent.session.ask([Call(op="no-such-operation", action=name, args={})])[0]
        assert reply.msg == "unknown operation no-such-operation", f"{name}: {reply.msg}"


@pytest.mark.parametrize("python", INTERPRETERS.values(), ids=INTERPRETERS.keys())
def test_loading_all_actions_loads_nothing_heavy(python: str, tmp_path: Path) -> None:
    """The agent's start is the largest single cost on a host; what an action needs is loaded when it runs."""
    names: list[str] = []
    for action in catalog.names():
        names += [n for n in payload.needs(f"playbook_engine.agent.actions.{action}") if n not in names]
    sources = [(name, payload.source(name)) for name in names]
    boot = payload.source("playbook_engine.agent.boot")
    program = (
        "import sys\n"
        f"boot = type(sys)('playbook_engine.agent.boot')\nexec({boot!r}, boot.__dict__)\n"
        "boot.package('playbook_engine.agent').boot = boot\nsys.modules['playbook_engine.agent.boot'] = boot\n"
        f"before = set(sys.modules)\nfor name, source in {sources!r}: boot.install(name, source)\n"
        f"print([name for name in {HEAVY!r} if name in set(sys.modules) - before])\n"
    )
    path = tmp_path / "load.py"
    path.write_text(program)
    ran = subprocess.run([python, "-I", "-S", str(path)], capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


PROBES: list[tuple[str, dict[str, object]]] = [
    ("stat", {"path": "{d}/f"}),
    ("stat", {"path": "{d}/l", "follow": True}),
    ("stat", {"path": "{d}/none"}),
    ("disk_usage", {"path": "{d}/none/yet"}),
    ("find", {"paths": "{d}", "recurse": True, "patterns": ["*"], "get_checksum": True}),
    ("slurp", {"src": "{d}/f"}),
    ("slurp", {"src": "/proc/self/mounts"}),
    ("facts", {}),
    ("facts", {"gather_subset": ["network"], "filter": ["default_*"]}),
    ("memory", {}),
    ("process", {"pid": 1}),
    ("heartbeat", {"path": "{d}/f"}),
    ("tcp", {"port": 1}),
    ("tls", {"port": 1}),
    ("http", {"url": "http://127.0.0.1:1/"}),
    ("redis", {"port": 1}),
    ("mlflow", {"url": "http://127.0.0.1:1"}),
    ("sqlite", {"path": "{d}/none"}),
    ("wait_for", {"path": "{d}/f"}),
    ("log_scan", {"path": "{d}/f", "pattern": "text"}),
    ("log_scan", {"path": "{d}/none", "patterns": {"a": "x"}, "since": "10m"}),
    ("getent", {"database": "group", "key": "root"}),
    ("setup", {"gather_subset": ["min"]}),
    ("package_facts", {}),
]


def _without_devices(result: Mapping[str, object]) -> dict[str, object]:
    """Without the facts of what other tests attach and detach meanwhile: disks, mounts, interfaces."""
    facts = result.get("ansible_facts")
    if not isinstance(facts, dict):
        return dict(result)
    plain = {name.removeprefix("ansible_"): value for name, value in facts.items()}
    interfaces = {str(name).replace("-", "_").replace(".", "_") for name in plain.get("interfaces") or ()}
    moving = {
        "devices",
        "device_links",
        "mounts",
        "interfaces",
        "all_ipv4_addresses",
        "all_ipv6_addresses",
        *interfaces,
    }
    return {**result, "ansible_facts": {name: value for name, value in plain.items() if name not in moving}}


@pytest.mark.parametrize(("name", "args"), PROBES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_probe_says_the_same_things_twice(agent: Agent, tmp_path: Path, name: str, args: dict[str, object]) -> None:
    (tmp_path / "f").write_bytes(b"\xff\x00 text\n")
    (tmp_path / "l").symlink_to("f")
    filled = {k: v.replace("{d}", str(tmp_path)) if isinstance(v, str) else v for k, v in args.items()}
    one, two = agent.probe(name, **filled), agent.probe(name, **filled)
    if one.kind == "unmeasured" and "sqlite3" in one.msg:
        pytest.skip("this Python was built without sqlite3")
    assert one.ok, one.msg
    assert shape(_without_devices(one.result)) == shape(_without_devices(two.result))
    assert json.dumps(dict(one.result), default=str)


def shape(value: object) -> object:
    """The keys of a result, at every depth."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items() if key != "processes"}
    return [shape(inner) for inner in value[:3]] if isinstance(value, list) else None


SECRET = "correct-horse-battery"

SECRETS: list[tuple[str, str, dict[str, object]]] = [
    ("probe", "http", {"url": "http://127.0.0.1:{port}/", "username": "u", "password": SECRET}),
    ("probe", "uri", {"url": "http://127.0.0.1:{port}/", "url_username": "u", "url_password": SECRET}),
    ("probe", "redis", {"port": 1, "password": SECRET}),
    ("probe", "mlflow", {"url": "http://127.0.0.1:{port}", "username": "u", "password": SECRET, "token": SECRET}),
    (
        "look",
        "get_url",
        {"url": "http://127.0.0.1:{port}/", "dest": "{d}/f", "url_username": "u", "url_password": SECRET},
    ),
    ("look", "pip", {"name": "a", "virtualenv": "{d}/v", "index_url": f"http://{SECRET}@x.test"}),
    ("run", "shell", {"cmd": "cat >/dev/null", "stdin": SECRET}),
    ("look", "user", {"name": "root", "generate_ssh_key": True, "ssh_key_passphrase": SECRET}),
]


@pytest.mark.parametrize(("op", "name", "args"), SECRETS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_secret_does_not_come_back(agent: Agent, tmp_path: Path, op: str, name: str, args: dict[str, object]) -> None:
    (tmp_path / "f").write_text("x")
    words = {"{d}": str(tmp_path), "{port}": str(free_port())}
    filled = dict(args)
    for key, value in filled.items():
        for word, text in words.items():
            value = value.replace(word, text) if isinstance(value, str) else value
        filled[key] = value
    reply = getattr(agent, op)(name, **filled)
    assert reply.kind != "crash", reply.msg
    assert SECRET not in repr(reply)


def test_every_secret_argument_is_tried() -> None:
    tried = {(name, key) for _, name, args in SECRETS for key, value in args.items() if SECRET in str(value)}
    wanted = {(n, p.name) for n in catalog.names() for p in catalog.get(n).params.values() if p.secret}
    assert wanted - tried <= {("pip", "extra_index_url"), ("user", "password")}, "user: test_actions_system.py"


@pytest.mark.parametrize(
    ("args", "failed"),
    [
        ({"that": [["a > 1", True], ["b", True]]}, None),
        ({"that": [["a > 1", True], ["b", False]], "fail_msg": "no b"}, "no b"),
        ({"that": [["b", False]]}, "Assertion failed"),
    ],
)
def test_assert_on_the_controller(args: dict[str, object], failed: str | None) -> None:
    module, whole = catalog.module("assert"), complete("assert", args)
    kept = copy.deepcopy(whole)
    if failed is None:
        assert module.observe(whole) == {"msg": "All assertions passed"}
    else:
        with pytest.raises(Exception, match=failed) as caught:
            module.observe(whole)
        assert caught.value.result["assertion"] == "b"  # type: ignore[attr-defined]
    assert whole == kept


def test_fail_debug_and_set_fact_on_the_controller() -> None:
    with pytest.raises(Exception, match="stop here"):
        catalog.module("fail").observe(complete("fail", {"msg": "stop here"}))
    assert catalog.module("debug").observe(complete("debug", {})) == {"msg": "Hello world!"}
    assert catalog.module("debug").observe({"var": "a.b", "value": [1]}) == {"a.b": [1]}
    assert catalog.module("set_fact").observe({"facts": {"a": 1}}) == {"ansible_facts": {"a": 1}}


def test_differences_name_the_place() -> None:
    before = {"a": [{"mode": "0644", "mtime": 1}], "b": None, "_c": 1}
    after = {"a": [{"mode": "0600", "mtime": 2}], "d": None}
    assert proof.differences(before, after, ("mtime",)) == ["a[0].mode"]
    assert proof.differences({"a": [1]}, {"a": [1, 2]}) == ["a"]
    assert proof.differences({"a": 1}, {"a": 1, "b": 2}) == ["b"]
