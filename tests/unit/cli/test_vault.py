"""`runbook vault`: files in place, standard input and output, the editor, and several ids."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked_cli import Ended, ForkedCli

from playbook_engine.model.vault_format import opened, parse, sealed

RUNBOOK = Path(sys.executable).with_name("runbook")


@pytest.fixture(scope="module")
def server() -> Iterator[ForkedCli]:
    with ForkedCli() as it:
        yield it


class Desk:
    """A folder with passwords, and the command."""

    def __init__(self, server: ForkedCli, folder: Path) -> None:
        self.server, self.folder = server, folder
        for name in ("dev", "prod"):
            (folder / name).write_text(f"{name} password\n")

    def __call__(self, *words: str, **env: str) -> Ended:
        if "EDITOR" not in env:
            return self.server.run("vault", *words, cwd=self.folder, env=env)
        ran = subprocess.run(  # the server lets no command start a program
            [str(RUNBOOK), "vault", *words], capture_output=True, text=True, cwd=self.folder, env={**os.environ, **env},
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return Ended(code=ran.returncode, out=ran.stdout, err=ran.stderr)

    def fine(self, *words: str, **env: str) -> str:
        end = self(*words, **env)
        assert end.code == 0, end
        return end.out

    def file(self, name: str, data: bytes, mode: int = 0o640) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        path.chmod(mode)
        return path

    def editor(self, script: str) -> str:
        path = self.file("editor", f"#!/bin/sh\n{script}\n".encode(), 0o700)
        return str(path)


@pytest.fixture
def desk(server: ForkedCli, tmp_path: Path) -> Desk:
    return Desk(server, tmp_path)


DEV = ("--vault-id", "dev@dev")
BOTH = (*DEV, "--vault-id", "prod@prod")


def test_there_and_back_in_place(desk: Desk) -> None:
    path = desk.file("f.yml", b"a: 1\n")
    before = path.stat()
    desk.fine("encrypt", *DEV, "f.yml")
    assert path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.2;AES256;dev\n")
    assert path.stat().st_mode == before.st_mode
    assert desk.fine("view", *DEV, "f.yml") == "a: 1\n"
    desk.fine("decrypt", *DEV, "f.yml")
    assert path.read_bytes() == b"a: 1\n" and path.stat().st_mode == before.st_mode
    assert sorted(p.name for p in desk.folder.iterdir()) == ["dev", "f.yml", "prod"], "nothing is left beside it"


def test_through_a_link(desk: Desk) -> None:
    path = desk.file("real", b"x")
    (desk.folder / "link").symlink_to("real")
    desk.fine("encrypt", *DEV, "link")
    assert (desk.folder / "link").is_symlink() and path.read_bytes().startswith(b"$ANSIBLE_VAULT")


def test_standard_input_and_output(desk: Desk) -> None:
    data = bytes(range(256))
    env = {**os.environ, "HOME": str(desk.folder)}

    def piped(command: str, given: bytes) -> bytes:
        argv = [str(RUNBOOK), "vault", command, "--vault-password-file", "dev"]
        return subprocess.run(argv, input=given, capture_output=True, cwd=desk.folder, env=env, check=True).stdout

    assert piped("decrypt", piped("encrypt", data)) == data


def test_which_id_is_used(desk: Desk) -> None:
    desk.file("f", b"x")
    end = desk("encrypt", *BOTH, "f")
    assert end.code == 5 and "dev, prod" in end.err and "--encrypt-vault-id" in end.err
    end = desk("encrypt", *BOTH, "--encrypt-vault-id", "other", "f")
    assert end.code == 5 and "no vault id 'other'" in end.err
    assert (
        parse(desk.fine("encrypt", *BOTH, "--encrypt-vault-id", "prod", "--output", "-", "f").encode()).label == "prod"
    )
    assert (
        parse(desk.fine("encrypt", *BOTH, "--output", "-", "f", ANSIBLE_VAULT_ENCRYPT_IDENTITY="dev").encode()).label
        == "dev"
    )
    end = desk("encrypt", "f")
    assert end.code == 5 and "no vault password" in end.err


def test_rekey(desk: Desk) -> None:
    path = desk.file("f", sealed(b"x", b"dev password", "dev"))
    desk.fine("rekey", *DEV, "--new-vault-id", "prod@prod", "f")
    assert parse(path.read_bytes()).label == "prod" and opened(parse(path.read_bytes()), b"prod password") == b"x"
    desk.fine("rekey", *BOTH, "--new-vault-password-file", "dev", "f")
    assert (
        path.read_bytes().startswith(b"$ANSIBLE_VAULT;1.1;")
        and opened(parse(path.read_bytes()), b"dev password") == b"x"
    )
    desk.fine("rekey", *BOTH, "--encrypt-vault-id", "prod", "--new-vault-id", "prod@prod", "f")
    end = desk("rekey", *BOTH, "--new-vault-id", "a@dev", "--new-vault-password-file", "dev", "f")
    assert end.code == 5 and "exclude" in end.err


def test_edit(desk: Desk) -> None:
    path = desk.file("f.yml", sealed(b"a: 1\n", b"prod password", "prod"))
    seen = desk.folder / "seen"
    editor = desk.editor(f'stat -c "%a %n" "$1" "$(dirname "$1")" > {seen}; echo "b: 2" >> "$1"; cp "$1" "$1~"')
    desk.fine("edit", *BOTH, "f.yml", EDITOR=editor)
    assert (
        parse(path.read_bytes()).label == "prod"
        and opened(parse(path.read_bytes()), b"prod password") == b"a: 1\nb: 2\n"
    )
    text, folder = (line.split() for line in seen.read_text().splitlines())
    assert text[0] == "600" and text[1].endswith(".yml") and folder[0] == "700"
    assert not Path(folder[1]).exists(), "nothing is left, what the editor made beside it included"
    before = path.read_bytes()
    end = desk("edit", *BOTH, "f.yml", EDITOR="true")
    assert end.code == 0 and "left as it was" in end.err and path.read_bytes() == before
    end = desk("edit", *BOTH, "f.yml", EDITOR=desk.editor('echo bad > "$1"; exit 3'))
    assert end.code == 5 and "ended with 3" in end.err and path.read_bytes() == before
    end = desk("edit", *BOTH, "f.yml", EDITOR="/no/such/editor")
    assert end.code == 5 and "cannot be run" in end.err


def test_create(desk: Desk) -> None:
    editor = desk.editor('echo "n: 1" > "$1"')
    desk.fine("create", *DEV, "--skip-tty-check", "new/f.yml", EDITOR=editor)
    assert opened(parse((desk.folder / "new" / "f.yml").read_bytes()), b"dev password") == b"n: 1\n"
    end = desk("create", *DEV, "--skip-tty-check", "new/f.yml", EDITOR=editor)
    assert end.code == 5 and "there already" in end.err
    end = desk("create", *DEV, "g")
    assert end.code == 5 and "no terminal" in end.err


def test_strings(desk: Desk) -> None:
    import yaml

    said = desk("encrypt_string", *DEV, "-n", "one", "first", "second")
    assert said.code == 0 and "number 1" in said.err and "first" not in said.out + said.err
    lines = said.out.splitlines()
    assert (
        lines[0] == "one: !vault |"
        and lines[1] == "          $ANSIBLE_VAULT;1.2;AES256;dev"
        and "!vault |" in lines[2:]
    )
    (desk.folder / "v.yml").write_text(desk.fine("encrypt_string", *DEV, "--name", "s", "hush"))
    end = desk.server.run("eval", *DEV, "--vars", "v.yml", "--expr", "{{ s }}", cwd=desk.folder)
    assert json.loads(end.out) == {"value": "hush"}
    assert yaml.safe_load(desk.fine("encrypt_string", *DEV, "x").replace("!vault", "")).startswith("$ANSIBLE_VAULT")
    assert desk("encrypt_string", *DEV, "").code == 5


def test_failing_leaves_everything_as_it_was(desk: Desk) -> None:
    path = desk.file("f", sealed(b"x", b"other"))
    before = path.read_bytes()
    end = desk("decrypt", *BOTH, "f")
    assert end.code == 5 and "f:1" in end.err and "tried: dev (dev), prod (prod)" in end.err
    end = desk("decrypt", *BOTH, "--output", "out", "f", "f")
    assert end.code == 5 and "--output" in end.err
    end = desk("encrypt", *DEV, "f")
    assert end.code == 5 and "encrypted already" in end.err
    end = desk("decrypt", *DEV, "--output", "no/such/folder", desk.file("g", sealed(b"y", b"dev password")).name)
    assert end.code == 5 and "cannot be written" in end.err
    assert path.read_bytes() == before and not (desk.folder / "out").exists()


def test_yaml_of_an_inventory_has_it_as_it_stands(desk: Desk) -> None:
    block = desk.fine("encrypt_string", *DEV, "--name", "      s", "hush")
    (desk.folder / "hosts.yml").write_text("all:\n  hosts:\n    w1:\n" + block)
    end = desk.server.run("inventory", "-i", "hosts.yml", "--host", "w1", "-y", cwd=desk.folder)
    assert end.out.startswith("s: !vault |\n  $ANSIBLE_VAULT;1.2;AES256;dev\n"), end


def test_errors_do_not_quote_what_was_encrypted(desk: Desk) -> None:
    """A parameter of the wrong type, out of a vault."""
    (desk.folder / "site.yml").write_text("name: site\nparams:\n  n: {type: int}\nsteps: []\n")
    (desk.folder / "e.yml").write_bytes(sealed(b"n: hush-hush\n", b"dev password"))
    end = desk.server.run("run", "site.yml", "h.test", "-i", "h.test,", *DEV, "-e", "@e.yml", cwd=desk.folder,
                          env={"RUNBOOK_STATE": str(desk.folder / "state")})  # fmt: skip
    assert end.code == 5 and "no whole number" in end.err and "hush-hush" not in end.err
