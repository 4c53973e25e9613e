"""The vault: its format, its passwords, and what inventories and files make of it."""

from __future__ import annotations

import binascii
import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbook_engine.inventory import listing
from playbook_engine.inventory.inventory import Inventory, load_inventory
from playbook_engine.inventory.vars_files import parse_extra_vars, read_vars_file
from playbook_engine.inventory.vault import Vault
from playbook_engine.inventory.vault_passwords import Source, VaultOptions, fetched, sources
from playbook_engine.model import vault_format
from playbook_engine.model.errors import InventoryError, TemplateError, UsageError, VaultError
from playbook_engine.model.secret import Secret
from playbook_engine.model.vault_format import WrongPassword, is_vault, opened, parse, sealed
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating.environment import Templar

# Made by ansible-vault 2.19 with the password `correct horse` and `dev secret`.
THEIRS = b"""$ANSIBLE_VAULT;1.1;AES256
38393830386133393534366637663339623339316131646235393032326439646536613435353164
3636323339663033646533346438636334633764313365660a333032623361386633313931636638
61653763363136346639366665613738333064663332353035333131396135643763313231393064
6632646334633331610a346237303336313437333238363236393761633234303638623137363034
6431
"""
NEVER = Source(label="never", where="/not/there")


def keep(folder: Path, name: str, text: str, mode: int = 0o600) -> Source:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return Source(label=name, where=str(path))


def inline(text: str, password: bytes = b"pw", label: str = "default", indent: int = 6) -> str:
    pad = " " * indent
    return "!vault |\n" + "\n".join(pad + line for line in sealed(text.encode(), password, label).decode().splitlines())


class TestFormat:
    def test_what_ansible_vault_wrote_opens(self) -> None:
        assert opened(parse(THEIRS), b"correct horse") == b"sekret value"

    @settings(max_examples=15, deadline=None)
    @given(
        plain=st.binary(max_size=300),
        password=st.binary(min_size=1, max_size=40),
        salt=st.binary(min_size=32, max_size=32),
    )
    def test_round_trip(self, plain: bytes, password: bytes, salt: bytes) -> None:
        made = sealed(plain, password, salt=salt)
        assert opened(parse(made), password) == plain
        head, *lines = made.decode().splitlines()
        assert head == "$ANSIBLE_VAULT;1.1;AES256"
        assert made.endswith(b"\n") and {len(line) for line in lines[:-1]} <= {80} and len(lines[-1]) <= 80
        with pytest.raises(WrongPassword):
            opened(parse(made), password + b"x")

    def test_a_label_makes_it_1_2(self) -> None:
        made = sealed(b"x", b"pw", "dev")
        assert made.startswith(b"$ANSIBLE_VAULT;1.2;AES256;dev\n")
        assert parse(made).label == "dev"

    @settings(max_examples=15, deadline=None)
    @given(width=st.integers(1, 200), end=st.sampled_from([b"\n", b"\r\n", b"\r"]), last=st.booleans())
    def test_lines_of_any_length_and_end(self, width: int, end: bytes, last: bool) -> None:
        head, *lines = THEIRS.splitlines()
        digits = b"".join(lines)
        body = [digits[n : n + width] for n in range(0, len(digits), width)]
        data = end.join([head, *body]) + (end if last else b"")
        assert opened(parse(data), b"correct horse") == b"sekret value"

    @settings(max_examples=20, deadline=None)
    @given(st.data())
    def test_a_changed_byte_is_noticed(self, data: st.DataObject) -> None:
        envelope = parse(THEIRS)
        parts = {name: bytearray(getattr(envelope, name)) for name in ("salt", "mac", "ciphertext")}
        name = data.draw(st.sampled_from(sorted(parts)))
        place = data.draw(st.integers(0, len(parts[name]) - 1))
        parts[name][place] ^= data.draw(st.integers(1, 255))
        changed = vault_format.Envelope(label="x", **{key: bytes(value) for key, value in parts.items()})
        with pytest.raises(WrongPassword):
            opened(changed, b"correct horse")

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "not encrypted"), (b"plain", "not encrypted"), (b" " + THEIRS, "not encrypted"),
            (THEIRS.lower(), "not encrypted"), (THEIRS + "ü".encode(), "not encrypted"),
            (THEIRS.replace(b"AES256", b"AES"), "cipher 'AES'"), (THEIRS.replace(b";AES256", b""), "no header"),
            (THEIRS[:120], "damaged"), (THEIRS.splitlines()[0], "damaged"),
            (THEIRS.replace(b"3839", b"zz39", 1), "damaged"),
            (b"$ANSIBLE_VAULT;1.1;AES256\n" + binascii.hexlify(b"00\n00"), "damaged"),
        ],
    )  # fmt: skip
    def test_what_is_no_vault_is_said(self, data: bytes, words: str) -> None:
        with pytest.raises(VaultError, match=words):
            parse(data)

    def test_nothing_is_encrypted_twice(self) -> None:
        with pytest.raises(VaultError, match="encrypted already"):
            sealed(THEIRS, b"pw")

    def test_text_and_bytes_are_told_apart_from_others(self) -> None:
        assert is_vault(THEIRS) and is_vault(THEIRS.decode())
        assert not is_vault("x $ANSIBLE_VAULT") and not is_vault(b"$ANSIBLE_VAULT\xff")


class TestPasswords:
    def test_the_order_of_sources(self) -> None:
        given = VaultOptions(ids=("dev@a", "b"), password_files=("c", "d"), ask=True, listed=("x@y", "z"))
        assert [(s.label, s.where) for s in sources(given)] == [
            ("x", "y"), ("", "z"), ("dev", "a"), ("", "b"), ("default", "c"), ("default", "d"),
            ("default", "prompt_ask_vault_pass"),
        ]  # fmt: skip

    @pytest.mark.parametrize("text", ["a;b@f", "dev@"])
    def test_an_id_that_is_none(self, text: str) -> None:
        with pytest.raises(UsageError):
            sources(VaultOptions(ids=(text,)))

    @pytest.mark.parametrize("text", ["secret", "secret\n", "  secret \r\n\n"])
    def test_white_space_around_is_no_part(self, tmp_path: Path, text: str) -> None:
        assert fetched(keep(tmp_path, "pw", text), _refuse) == b"secret"

    @pytest.mark.parametrize(("text", "mode"), [("", 0o600), ("\n", 0o600), ("#!/bin/sh\necho\n", 0o700)])
    def test_an_empty_one_is_refused(self, tmp_path: Path, text: str, mode: int) -> None:
        with pytest.raises(VaultError, match="empty"):
            fetched(keep(tmp_path, "pw", text, mode), _refuse)

    def test_programs(self, tmp_path: Path) -> None:
        plain = keep(tmp_path, "pw.sh", '#!/bin/sh\necho "args:$#"\n', 0o700)
        client = keep(tmp_path, "keys-client.sh", '#!/bin/sh\necho "$1 $2 secret"\n', 0o700)
        assert fetched(plain, _refuse) == b"args:0"
        assert fetched(client, _refuse) == b"--vault-id keys-client.sh secret"
        bad = keep(tmp_path, "bad.sh", "#!/bin/sh\nexit 3\n", 0o700)
        with pytest.raises(VaultError, match="ended with 3"):
            fetched(bad, _refuse)
        with pytest.raises(VaultError, match="cannot be run") as caught:
            fetched(keep(tmp_path, "no.sh", "#!/no/such/thing\n", 0o700), _refuse)
        assert "chmod -x" in str(caught.value.advice)

    def test_what_cannot_be_read(self, tmp_path: Path) -> None:
        for where in (str(tmp_path), "/not/there"):
            with pytest.raises(VaultError):
                fetched(Source(label="", where=where), _refuse)

    def test_typed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []
        typed = iter(["one", "two", "two", "a", "b"])
        monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or next(typed))
        source = Source(label="dev", where="prompt")
        assert fetched(source, _refuse) == b"one"
        assert fetched(source, _refuse, new=True) == b"two"
        assert asked == ["Vault password (dev): ", "New vault password (dev): ", "Confirm new vault password (dev): "]
        with pytest.raises(VaultError, match="not the same"):
            fetched(source, _refuse, new=True)

    def test_a_password_file_may_be_encrypted_with_an_earlier_one(self, tmp_path: Path) -> None:
        first = keep(tmp_path, "first", "one")
        second = keep(tmp_path, "second", sealed(b"two\n", b"one").decode())
        assert Vault([first, second]).open(sealed(b"x", b"two", "second")).plain == b"x"


def _refuse(data: bytes, name: str) -> bytes:
    raise AssertionError("nothing here is encrypted")


class TestVault:
    def test_nobody_is_asked_before_it_is_needed(self) -> None:
        assert Vault([NEVER]).file(b"plain", "f") == b"plain"
        with pytest.raises(VaultError, match="cannot be read"):
            Vault([NEVER]).file(THEIRS, "f")

    def test_the_password_of_the_same_label_first_then_the_others(self, tmp_path: Path) -> None:
        dev, prod = keep(tmp_path, "dev", "d"), keep(tmp_path, "prod", "p")
        vault = Vault([dev, prod])
        assert vault.open(sealed(b"x", b"p", "prod")).vault_id == "prod"
        assert vault.open(sealed(b"x", b"d", "prod")).vault_id == "dev"  # a label is a hint
        with pytest.raises(VaultError, match="tried: prod"):
            Vault([dev, prod], match=True).open(sealed(b"x", b"d", "prod"))

    def test_two_passwords_of_one_label(self, tmp_path: Path) -> None:
        one, two = (Source(label="dev", where=keep(tmp_path, n, n).where) for n in ("one", "two"))
        assert Vault([one, two]).open(sealed(b"x", b"two", "dev")).plain == b"x"

    def test_what_was_tried_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(
            VaultError, match=r"encrypted as 'prod'.*tried: dev .*not to be had: .*/not/there"
        ) as caught:
            Vault([keep(tmp_path, "dev", "d"), NEVER]).open(sealed(b"x", b"p", "prod"))
        assert "--vault-id prod@FILE" in str(caught.value.advice)
        with pytest.raises(VaultError, match="there is no vault password") as caught:
            Vault().open(THEIRS)
        assert "RUNBOOK_VAULT_PASSWORD_FILE" in str(caught.value.advice)

    def test_what_comes_out_is_hidden_first(self, tmp_path: Path) -> None:
        hidden: list[str] = []
        vault = Vault([keep(tmp_path, "pw", "correct horse")], hide=hidden.append)
        assert vault.secret(Vaulted(ciphertext=THEIRS.decode())) == Secret("sekret value")
        assert hidden == ["sekret value"]


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault([keep(tmp_path, "password", "pw")])


def inventory_of(folder: Path, vault: Vault, *sources: str) -> Inventory:
    return load_inventory([*sources], templar=Templar(vault=vault))


class TestInventories:
    def test_a_value_stays_encrypted_until_it_is_used(self, tmp_path: Path, vault: Vault) -> None:
        (tmp_path / "hosts.yml").write_text(
            f"all:\n  hosts:\n    w1:\n      key: {inline('hush', indent=8)}\n      port: 1\n"
        )
        for opener in (vault, Vault()):
            inventory = inventory_of(tmp_path, opener, str(tmp_path / "hosts.yml"))
            value = inventory.get("w1").variables["key"]
            assert isinstance(value, Vaulted) and value.where is not None and value.where.line == 4
            shown = json.loads(listing.as_json(listing.as_host(inventory, "w1")))
            assert shown["key"] == {"__ansible_vault": value.ciphertext} and "hush" not in str(shown)
            assert "key = (encrypted)" in listing.as_graph(inventory, ["w1"], with_variables=True)
        templar = Templar(vault=vault)
        assert templar.render(templar.compile_value("{{ key }}", None), {"key": value}) == Secret("hush")

    def test_without_a_password_only_its_use_fails(self, tmp_path: Path) -> None:
        (tmp_path / "v.yml").write_text(f"key: {inline('hush')}\nnested: {{plain: 1}}\n")
        variables = read_vars_file(tmp_path / "v.yml", Vault())
        variables["nested"] = {"plain": 1, "key": variables["key"]}
        templar = Templar(vault=Vault())
        assert templar.evaluate("nested.plain == 1", variables)
        for text in (
            "{{ key }}",
            "{{ nested.key }}",
            "{{ key | default('x') }}",
            "{{ key is defined }}",
            "a{{ nested }}",
        ):
            with pytest.raises(VaultError, match=r"v.yml:1.*there is no vault password") as caught:
                templar.render(templar.compile_value(text, None), variables)
            assert "variable '" in caught.value.message

    @pytest.mark.parametrize("name", ["hosts", "hosts.yml", "hosts.ini"])
    def test_whole_inventory_files(self, tmp_path: Path, name: str) -> None:
        hidden: list[str] = []
        vault = Vault([keep(tmp_path, "password", "pw")], hide=hidden.append)
        text = "all: {hosts: {w1: {key: hush, n: 7}}}" if name.endswith("yml") else "[web]\nw1 key=hush n=7\n"
        (tmp_path / name).write_bytes(sealed(text.encode(), b"pw"))
        variables = inventory_of(tmp_path, vault, str(tmp_path / name)).get("w1").variables
        assert (variables["key"], variables["n"]) == (Secret("hush"), 7)
        assert "hush" in hidden

    def test_group_vars_and_host_vars(self, tmp_path: Path, vault: Vault) -> None:
        (tmp_path / "inv" / "group_vars").mkdir(parents=True)
        (tmp_path / "inv" / "host_vars").mkdir()
        (tmp_path / "inv" / "hosts").write_text("[web]\nw1\nw2\n")
        (tmp_path / "inv" / "group_vars" / "web.yml").write_bytes(
            sealed(b"url: 'db/{{ key }}'\nkey: hush\nport: 54321\n", b"pw")
        )
        (tmp_path / "inv" / "host_vars" / "w2.yml").write_bytes(sealed(b"own: 1\n", b"other"))
        inventory = inventory_of(tmp_path, vault, str(tmp_path / "inv"))
        variables = inventory.get("w1").variables
        assert variables["port"] == 54321
        assert inventory.templar.render(variables["url"], variables) == Secret("db/hush")
        assert listing.as_host(inventory, "w1") == {"url": "db/{{ key }}", "key": "hush", "port": 54321}
        with pytest.raises(VaultError, match=r"host_vars/w2.yml:1"):
            inventory.get("w2")

    def test_a_connection_that_does_not_open_locks_its_host_alone(self, tmp_path: Path, vault: Vault) -> None:
        (tmp_path / "hosts.yml").write_text(
            f"all:\n  vars:\n    pw: {inline('hush', indent=8)}\n  hosts:\n    w1:\n"
            "      ansible_password: '{{ pw }}'\n      ansible_user: app\n    w2: {}\n"
        )
        inventory = inventory_of(tmp_path, Vault(), str(tmp_path / "hosts.yml"))
        assert inventory.get("w2").connection.locked == ""
        locked = inventory.get("w1").connection
        assert locked.user == "app" and locked.password is None and "no vault password" in locked.locked
        opened = inventory_of(tmp_path, vault, str(tmp_path / "hosts.yml")).get("w1").connection
        assert (opened.password, opened.locked) == (Secret("hush"), "")

    def test_scripts_in_ansible_s_json(self, tmp_path: Path, vault: Vault) -> None:
        value = json.dumps({"__ansible_vault": sealed(b"hush", b"pw").decode()})
        keep(
            tmp_path,
            "dyn",
            f'#!/bin/sh\ncat <<\'E\'\n{{"_meta": {{"hostvars": {{"w1": {{"k": {value}}}}}}}, "g": ["w1"]}}\nE\n',
            0o700,
        )
        assert isinstance(inventory_of(tmp_path, vault, str(tmp_path / "dyn")).get("w1").variables["k"], Vaulted)

    def test_extra_vars(self, tmp_path: Path, vault: Vault) -> None:
        (tmp_path / "e.yml").write_bytes(sealed(b"a: hush\nb: [x, 2]\n", b"pw"))
        made = parse_extra_vars([f"@{tmp_path / 'e.yml'}"], Templar(vault=vault))
        assert made == {"a": Secret("hush"), "b": [Secret("x"), 2]}

    def test_an_error_shows_no_line_of_an_encrypted_file(self, tmp_path: Path, vault: Vault) -> None:
        (tmp_path / "bad.yml").write_bytes(sealed(b"ok: 1\nsecret: [hush\n", b"pw"))
        with pytest.raises(InventoryError) as caught:
            read_vars_file(tmp_path / "bad.yml", vault)
        assert "hush" not in caught.value.render()

    def test_a_tag_on_what_is_no_text(self, tmp_path: Path, vault: Vault) -> None:
        (tmp_path / "bad.yml").write_text("a: !vault [1]\n")
        with pytest.raises(InventoryError, match="encrypted text"):
            read_vars_file(tmp_path / "bad.yml", vault)


class TestTemplates:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("{{ s.split(':')[1] }}", Secret("pa ss")), ("{{ s | upper }}", Secret("APP:PA SS")),
            ("{{ s[:3] }}", Secret("app")),
            ("{{ s | length }}", 9), ("{{ s == 'app:pa ss' }}", True), ("{{ 'pa' in s }}", True),
            ("{{ s is match('app') }}", True),
            ("{{ [s, 1] | join('-') }}", Secret("app:pa ss-1")), ("{{ [s] | first }}", Secret("app:pa ss")),
            ("{{ {'a': s} | to_json }}", Secret('{"a": "app:pa ss"}')), ("{{ '%s' % s }}", Secret("app:pa ss")),
            ("{{ '%s/%s' % (1, s) }}", Secret("1/app:pa ss")), ("{{ ', '.join([s]) }}", Secret("app:pa ss")),
            ("{{ 'x'.replace('x', s) }}", Secret("app:pa ss")), ("{{ '{}'.format(s) }}", Secret("app:pa ss")),
            ("{{ s ~ '!' }}", Secret("app:pa ss!")),
            ("{{ [s] | map('b64encode') | list }}", [Secret("YXBwOnBhIHNz")]),
            ("{{ {'a': s, 'b': 'c'} | dict2items | map(attribute='value') | list }}",
             [Secret("app:pa ss"), "c"]), ("{{ s.format() }}", Secret("app:pa ss")), ("{{ 'y' if s else 'n' }}", "y"),
            ("{{ 'y' if e else 'n' }}", "n"), ("{{ {'k': s} }}", {"k": Secret("app:pa ss")}),
            ("<{{ {'k': s} }}>", Secret("<{'k': 'app:pa ss'}>")),
        ],
    )  # fmt: skip
    def test_what_is_made_of_a_secret(self, text: str, value: object) -> None:
        templar = Templar()
        made = templar.render(templar.compile_value(text, None), {"s": Secret("app:pa ss"), "e": Secret("")})
        assert made == value
        assert _kinds(made) == _kinds(value)

    def test_braces_in_a_secret_are_no_template(self, tmp_path: Path, vault: Vault) -> None:
        (tmp_path / "v.yml").write_text(f"key: {inline('{{ plain }}')}\nplain: 1\n")
        templar = Templar(vault=vault)
        variables = read_vars_file(tmp_path / "v.yml", vault)
        assert templar.render(templar.compile_value("{{ key }}", None), variables) == Secret("{{ plain }}")

    def test_lookups_decrypt(self, tmp_path: Path, vault: Vault) -> None:
        (tmp_path / "f").write_bytes(sealed(b"hush\n", b"pw"))
        (tmp_path / "g").write_text("plain\n")
        templar = Templar(vault=vault, search=[str(tmp_path)])
        for text, value in (("file', 'f", Secret("hush")), ("unvault', 'f", Secret("hush\n")), ("file', 'g", "plain")):
            made = templar.render(templar.compile_value(f"{{{{ lookup('{text}') }}}}", None), {})
            assert made == value and type(made) is type(value)

    def test_a_secret_tells_templates_nothing_of_itself(self) -> None:
        templar = Templar()
        with pytest.raises(TemplateError):
            templar.render(templar.compile_value("{{ s._value }}", None), {"s": Secret("x")})


def _kinds(value: object) -> object:
    if isinstance(value, dict):
        return {key: _kinds(item) for key, item in value.items()}
    return [_kinds(item) for item in value] if isinstance(value, list) else type(value)


def test_the_mode_of_a_password_file_says_whether_it_is_run(tmp_path: Path) -> None:
    source = keep(tmp_path, "pw", "#!/bin/sh\necho run\n", 0o600)
    assert fetched(source, _refuse).startswith(b"#!/bin/sh")
    os.chmod(source.where, stat.S_IRUSR | stat.S_IXUSR)
    assert fetched(source, _refuse) == b"run"
