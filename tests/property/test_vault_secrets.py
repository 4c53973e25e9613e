"""Values of a vault, and of secret parameters, through every action there is: none is ever seen again.

The steps are made from the actions' own SPECs, each text argument of each action once, so that a new one is tried
without anybody thinking of it. Real changes are made by those that live in files only; the others look (`--check`).
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import yaml
from file_trips import FILE_ARGS
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import ActionSpec, Kind, ParamSpec
from playbook_engine.model.vault_format import sealed

RUNBOOK = Path(sys.executable).with_name("runbook")
PASSWORD = b"open sesame"
PROGRAMS = {
    "cmd", "argv", "executable", "validate", "virtualenv_command", "virtualenv_python", "extra_args", "creates",
    "removes",
}  # fmt: skip
"""Arguments that are run or looked for as programs: what is secret does not belong there, and lint says so."""
NAMED = {
    "getent": {"database", "key", "service"},
    "git": {"repo", "dest", "version", "remote", "refspec", "reference", "separate_git_dir", "key_file", "ssh_opts"},
    "cron": {"user"}, "service": {"name", "arguments"}, "apt": {"name", "default_release", "deb"},
    "package": {"name"}, "setup": {"fact_path"},
}  # fmt: skip
"""Names that a program of the host is asked about, and so in its arguments: what is secret is no name. (A password in
the address of a git repository is taken out of it: tests/contract/test_actions_git.py.)"""
PEOPLE = {"approve"}
"""What waits for somebody."""
TEXTS = ("str", "content", "path", "raw", "dict", "list[str]", "list[path]")
SAFE = {"str": "x", "int": 1, "float": 1.0, "bool": True, "size": 1, "duration": 0.2, "mode": "0600", "raw": "x",
        "content": "x", "dict": {}, "list": ["x"], "list[str]": ["x"]}  # fmt: skip
RARE = "Zq"  # begins and ends what is drawn, so that it is in no time, digest or word of the engine's own


def secrets() -> st.SearchStrategy[str]:
    letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn", "Zl", "Zp"))
    odd = st.sampled_from(
        ["'", '"', "\\", "%", "\n", "$", "`", "&", "<", "/", "+", "=", "é", "☃", "🔑", "{", "}", "#", " "]
    )
    long = st.lists(letters | odd, min_size=3, max_size=60).map(lambda parts: f"{RARE}{''.join(parts)}{RARE[::-1]}")
    short = st.tuples(st.just(RARE), odd.filter(str.strip), st.sampled_from("jwvKX")).map("".join)
    return (long | short).filter(lambda text: "{{" not in text and "{%" not in text and "{#" not in text)


def encodings(secret: str) -> dict[str, str]:
    """The forms in which others write a text; made here by themselves, so that a mistake in the engine's list shows."""
    raw = secret.encode()
    found = {
        "plain": secret, "json": json.dumps(secret)[1:-1], "json utf-8": json.dumps(secret, ensure_ascii=False)[1:-1],
        "repr": repr(secret)[1:-1], "url": quote(secret), "url whole": quote(secret, safe=""),
        "form": quote_plus(secret),
        "hex": raw.hex(), "HEX": raw.hex().upper(), "base64": base64.b64encode(raw).decode().rstrip("=")[:-1],
        "base64 url": base64.urlsafe_b64encode(raw).decode().rstrip("=")[:-1], "shell": secret.replace("'", "'\"'\"'"),
        "json in json": json.dumps(json.dumps(secret)[1:-1])[1:-1],
    }  # fmt: skip
    lines = [line.strip() for line in secret.splitlines() if len(line.strip()) >= 8]
    return {**found, **{f"line {n}": line for n, line in enumerate(lines)}}


def steps(*, real: bool, folder: Path) -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for name in catalog.names():
        spec = catalog.get(name)
        if name in PEOPLE:
            continue
        if real and spec.kind in (Kind.STATE, Kind.OPAQUE) and name not in {*FILE_ARGS, "shell", "command"}:
            continue
        for param in spec.params.values():
            if param.type not in TEXTS or param.choices or param.internal or param.name in PROGRAMS or param.local:
                continue
            if param.name in NAMED.get(name, ()):
                continue
            if real and param.type in ("path", "list[path]") and spec.kind in (Kind.STATE, Kind.OPAQUE):
                continue
            args = arguments(spec, param, "{{ vaulted }} {{ given }}", folder / f"f{len(made)}")
            made.append(step(name, spec, args, len(made)))
    made.append(step("set_fact", catalog.get("set_fact"), {"kept": "{{ vaulted }}/{{ given }}"}, len(made)))
    made.append(step("debug", catalog.get("debug"), {"msg": "{{ {'a': [vaulted, given | b64encode]} }}"}, len(made)))
    made.append(step("debug", catalog.get("debug"), {"var": "kept"}, len(made)))
    for fails in ("false", "true"):  # it comes back in output, also of what fails
        for tool in ("cat", "base64 -w0", "od -An -vtx1 | tr -d ' \\n'"):
            line = f"tee /dev/stderr | {tool}; {fails}"
            made.append(step("shell", catalog.get("shell"), {"cmd": line, "stdin": "{{ vaulted }}"}, len(made)))
    return made


def step(name: str, spec: ActionSpec, args: Mapping[str, object], number: int) -> dict[str, object]:
    found: dict[str, object] = {"name": f"step {number} {name}", name: dict(args)}
    if spec.kind is Kind.PROBE:
        return {**found, "expect": "true"}
    found["ignore_errors"] = True
    if spec.changes:
        found["irreversible"] = "a test"
    return found


def arguments(spec: ActionSpec, param: ParamSpec, value: str, place: Path) -> dict[str, object]:
    wanted = {p.name for p in spec.params.values() if p.required} | {param.name}
    wanted |= {group[0] for group in spec.one_of if not wanted & set(group)}
    found: dict[str, object] = {}
    for name in sorted(wanted):
        each = spec.params[name]
        found[name] = filled(each, value, place) if name == param.name else harmless(each, place)
    for name in ("timeout", "connect_timeout"):
        if name in spec.params and name not in found:
            found[name] = 1
    return found


def filled(param: ParamSpec, value: str, place: Path) -> object:
    if param.type in ("path", "list[path]"):
        return f"{place.parent}/{value}"
    if param.type == "dict":
        return {"X-Key": value}
    return value


def harmless(param: ParamSpec, place: Path) -> object:
    if param.choices:
        return param.choices[0]
    if param.local:
        return place.parent.name + ".txt"
    if param.type in ("path", "list[path]"):
        return str(place)
    if "url" in param.name:
        return "http://127.0.0.1:9/"
    if param.name in ("cmd", "that"):
        return "true"
    return SAFE.get(param.type, "x")


class Workplace:
    """A folder with an inventory that has a vault value, a runbook, and `runbook` to run."""

    def __init__(self, folder: Path, secret: str, other: str) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir()
        (self.work / "work.txt").write_text("text {{ vaulted }} and {{ given }}\n")
        inputs = folder / "inputs"
        inputs.mkdir()
        (inputs / "password").write_bytes(PASSWORD)
        block = "\n".join(f"        {line}" for line in sealed(secret.encode(), PASSWORD).decode().splitlines())
        local = "      ansible_connection: local\n"
        (inputs / "hosts.yml").write_text(f"all:\n  hosts:\n    here:\n{local}      vaulted: !vault |\n{block}\n")
        (inputs / "given.yml").write_bytes(sealed(yaml.safe_dump({"given": other}).encode(), PASSWORD))
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(folder / "home"), "RUNBOOK_STATE": str(folder / "state"),
            "RUNBOOK_VAULT_PASSWORD_FILE": str(inputs / "password"), "RUNBOOK_ESCALATION": "none", "NO_COLOR": "1",
            "LC_ALL": "C.UTF-8", "TMPDIR": str(folder / "tmp"),
        }  # fmt: skip
        for name in ("home", "tmp"):
            (folder / name).mkdir()

    def runbook(self, kind: str) -> str:
        """`look`: what changes, to be looked at; `real`: what changes files; `ask`: the probes, all as preconditions,
        since one that cannot measure keeps no other from being made there."""
        path = self.work / f"{kind}.yml"
        made = steps(real=kind == "real", folder=self.work)
        probes, others = [s for s in made if "expect" in s], [s for s in made if "expect" not in s]
        body = {
            "name": path.stem, "on_failure": "continue", "severity": "P3", "owner": "devops",
            "params": {"given": {"type": "str", "secret": True, "required": True}},
            "steps": [] if kind == "ask" else others, "preconditions": probes if kind == "ask" else [],
        }  # fmt: skip
        path.write_text(yaml.safe_dump(body, sort_keys=False))
        return str(path)

    def __call__(self, *words: str) -> str:
        argv = [str(RUNBOOK), *words]
        ran = subprocess.run(
            argv, capture_output=True, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, timeout=120, check=False
        )
        return (ran.stdout + b"\n" + ran.stderr).decode("utf-8", "surrogateescape")

    def run(self, name: str, *more: str) -> str:
        inputs = self.folder / "inputs"
        return self("run", name, "here", "-i", str(inputs / "hosts.yml"), "-e", f"@{inputs / 'given.yml'}", "-D",
                    "--yes", "-vvvv", "--wait", "60s", *more)  # fmt: skip


@contextmanager
def watched(found: list[str]) -> Iterator[None]:
    """Meanwhile the command lines of all processes are collected."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.02):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    found.append(Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "surrogateescape"))
                except OSError:
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def leaks(texts: Mapping[str, str], secrets: Mapping[str, str]) -> list[str]:
    found = []
    for which, secret in secrets.items():
        for form, text in encodings(secret).items():
            for where, told in texts.items():
                if len(text) >= 4 and text in told:
                    at = told.index(text)
                    found.append(
                        f"{which} {secret!r} as {form} in {where}: …{told[max(0, at - 120) : at + len(text) + 40]!r}"
                    )
    return found


@settings(
    max_examples=int(os.environ.get("RUNBOOK_SECRET_EXAMPLES", "3")), deadline=None, database=None,
    phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(secret=secrets(), other=secrets())
@example(
    secret="Zq'7", other='Zq"%\\x long "quoted" \'text\' 100% <b>&amp; C:\\new\\table\nsecond line, ünï ☃ \U0001f511'
)
def test_no_secret_is_seen_again(tmp_path_factory: pytest.TempPathFactory, secret: str, other: str) -> None:
    place = Workplace(tmp_path_factory.mktemp("secrets"), secret, other)
    real, look, ask = (place.runbook(kind) for kind in ("real", "look", "ask"))
    seen: list[str] = []
    with watched(seen):
        texts = {
            "probes": place.run(ask),
            "probes --json": place.run(ask, "--json"),
            "run": place.run(real),
            "run --check": place.run(look, "-C"),
            "run --json": place.run(real, "--json"),
        }  # fmt: skip
    for name, text in texts.items():
        assert re.search("step [1-9]", text), f"{name} did nothing: {text[:2000]}"
    texts["report"] = place("report", "last", "-o", str(place.folder / "reports"))
    texts["show"] = place("show", "last", "-vv")
    texts["export"] = place("evidence", "export", "last", "-o", str(place.folder / "bundle"))
    texts["rollback"] = place("rollback", "last", "--force", "-vv")
    texts["processes"] = "\n".join(set(seen))
    for path in place.folder.rglob("*"):
        if path.is_file() and place.work not in path.parents and "inputs" not in path.parts:
            texts[str(path.relative_to(place.folder))] = path.read_bytes().decode("utf-8", "surrogateescape")
    assert any(name.startswith("reports") for name in texts), texts["report"]
    found = leaks(texts, {"vault": secret, "param": other})
    assert not found, "\n".join(found[:10])


def test_every_action_is_among_the_steps(tmp_path: Path) -> None:
    """Those without a text argument have no place for a secret."""
    tried = {key for made in steps(real=False, folder=tmp_path) for key in made}
    without = {"raw", "meta", *PEOPLE}  # its only text is run; its words are chosen from
    texts = {name for name in catalog.names() if any(p.type in TEXTS for p in catalog.get(name).params.values())}
    assert texts - without <= tried
