from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from playbook_engine.inventory.inventory import Inventory, load_inventory
from playbook_engine.model.errors import InventoryError, TemplateError
from playbook_engine.model.secret import Secret
from playbook_engine.templating.environment import Templar

Load = Callable[..., Inventory]

HOSTS = """\
lone
[web]
web[1:3].test
[db]
db1.test ansible_host=10.0.0.5
[prod:children]
web
db
[prod:vars]
tier=prod
[web:vars]
tier=web
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes files (`path: text`) and loads the sources named, `hosts` by default."""

    def run(files: dict[str, str], *sources: str, playbook: str | None = None) -> Inventory:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if text.startswith("#!"):
                path.chmod(path.stat().st_mode | stat.S_IXUSR)
        chosen = [str(tmp_path / s) if "," not in s else s for s in sources or ("hosts",)]
        return load_inventory(chosen, playbook_dir=tmp_path / playbook if playbook else None, templar=Templar())

    return run


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "expected"),
        [
            ("all", "lone web1 web2 web3 db1"),
            ("*", "lone web1 web2 web3 db1"),
            ("prod", "web1 web2 web3 db1"),
            ("db:web", "db1 web1 web2 web3"),
            ("db,web1.test", "db1 web1"),
            ("prod:!web", "db1"),
            ("!web:prod", "db1"),
            ("prod:&web:!web2.test", "web1 web3"),
            ("web[0]", "web1"),
            ("web[-1]", "web3"),
            ("web[1:]", "web2 web3"),
            ("web[0:1]", "web1 web2"),
            ("web[7:9]", ""),
            ("~web[12]", "web1 web2"),
            ("web*.test", "web1 web2 web3"),
            ("ungrouped", "lone"),
            ("localhost", "localhost"),
            ("nobody*", ""),
        ],
    )
    def test_whom_it_means(self, load: Load, pattern: str, expected: str) -> None:
        names = load({"hosts": HOSTS}).select_names(pattern)
        assert [name.removesuffix(".test") for name in names] == expected.split()

    def test_a_limit_narrows(self, load: Load, tmp_path: Path) -> None:
        inventory = load({"hosts": HOSTS, "failed": "# from the last run\nweb3.test\ndb1.test\n"})
        assert [h.name for h in inventory.select("web", f"@{tmp_path / 'failed'}")] == ["web3.test"]
        with pytest.raises(InventoryError, match="both 'web' and the limit 'db'"):
            inventory.select("web", "db")

    def test_a_name_that_is_nowhere_is_an_error(self, load: Load) -> None:
        inventory = load({"hosts": HOSTS})
        with pytest.raises(InventoryError, match="'wbe' is neither") as caught:
            inventory.select("prod:!wbe")
        assert caught.value.advice == "did you mean 'web'?"

    def test_an_index_out_of_range_is_an_error(self, load: Load) -> None:
        with pytest.raises(InventoryError, match="has only 3 hosts"):
            load({"hosts": HOSTS}).select("web[7]")

    def test_nobody_is_an_error(self, load: Load) -> None:
        inventory = load({"hosts": HOSTS})
        with pytest.raises(InventoryError, match="no host matches"):
            inventory.select("nobody*")
        assert inventory.select("nobody*", allow_empty=True) == []


class TestPrecedence:
    def test_each_step_of_the_ladder(self, load: Load) -> None:
        levels = "abcdefghij"
        # every file defines all the names that it should lose or win: name N is defined by the steps up to N
        steps = {
            "hosts": None,
            "group_vars/all.yml": 2,
            "book/group_vars/all.yml": 3,
            "group_vars/prod.yml": 4,
            "group_vars/web/1.yml": 5,
            "book/group_vars/web": 6,
            "host_vars/web1.test.yaml": 8,
            "book/host_vars/web1.test.json": 9,
        }
        files = {
            path: "{" + ", ".join(f'"{name}": {number}' for name in levels[number:]) + "}"
            for path, number in steps.items()
            if number is not None
        }
        own = " ".join(f"{name}=7" for name in levels[7:])
        shared = "\n".join(f"{name}=0" for name in levels)
        group = "\n".join(f"{name}=1" for name in levels[1:])
        files["hosts"] = f"[web]\nweb1.test {own}\n[prod:children]\nweb\n[all:vars]\n{shared}\n[prod:vars]\n{group}\n"
        variables = load(files, playbook="book").get("web1.test").variables
        assert {name: variables[name] for name in levels} == {name: i for i, name in enumerate(levels)}

    def test_a_child_wins_then_priority_then_the_name(self, load: Load) -> None:
        text = "[a]\nh\n[b]\nh\n[c]\nh\n[top:children]\na\nb\nc\n"
        text += "".join(f"[{g}:vars]\nv={g}\n" for g in ("top", "a", "b", "c"))
        assert load({"hosts": text}).get("h").variables["v"] == "c"
        assert load({"hosts": text + "[a:vars]\nansible_group_priority=2\n"}).get("h").variables["v"] == "a"

    def test_yaml_files_are_yaml_1_1(self, load: Load) -> None:
        variables = (
            load({"hosts": "h", "group_vars/all.yml": "a: yes\nb: 0644\nc: 1.10\nd: 2026-01-01\n"}).get("h").variables
        )
        assert (variables["a"], variables["b"], variables["c"]) == (True, 0o644, 1.1)

    def test_later_sources_win(self, load: Load) -> None:
        files = {
            "one/hosts": "h a=1 b=1\n",
            "two/hosts": "h b=2\n",
            "one/group_vars/all": "c: 1",
            "two/group_vars/all": "c: 2",
        }
        variables = load(files, "one/hosts", "two/hosts").get("h").variables
        assert (variables["a"], variables["b"], variables["c"]) == (1, 2, 2)


class TestVariables:
    def test_templates_refer_to_other_variables(self, load: Load) -> None:
        files = {
            "hosts": "[web]\nw1 ansible_host=10.0.0.1\nw2\n",
            "group_vars/all.yml": "url: http://{{ ansible_host }}/\n",
        }
        inventory = load(files)
        templar = Templar()
        node = templar.compile_value("{{ url }}", None)
        assert templar.render(node, inventory.variables("w1")) == "http://10.0.0.1/"
        with pytest.raises(TemplateError, match="ansible_host"):
            templar.render(node, inventory.variables("w2"))

    def test_magic(self, load: Load) -> None:
        inventory = load({"hosts": HOSTS, "group_vars/db.yml": "dsn: '{{ inventory_hostname }}/app'"})
        templar = Templar()
        variables = inventory.variables("web2.test")
        text = "{{ [inventory_hostname_short, group_names, groups.db, hostvars['db1.test'].dsn] }}"
        expected = ["web2", ["prod", "web"], ["db1.test"], "db1.test/app"]
        assert templar.render(templar.compile_value(text, None), variables) == expected

    def test_a_host_that_is_nowhere(self, load: Load) -> None:
        with pytest.raises(InventoryError, match=r"no host 'web1.tset'") as caught:
            load({"hosts": HOSTS}).get("web1.tset")
        assert caught.value.advice is not None
        assert "'web1.test'" in caught.value.advice


class TestSources:
    def test_a_directory_is_read_in_order_of_names(self, load: Load) -> None:
        files = {
            "inv/10-web": "[web]\nw1 v=10\n",
            "inv/20.yml": "web: {hosts: {w1: {v: 20}, w2: }}\n",
            "inv/notes.md": "[x]\nno\n",
            "inv/group_vars/web.yml": "g: 1\n",
        }
        inventory = load(files, "inv")
        assert inventory.select_names("all") == ["w1", "w2"]
        assert inventory.get("w1").variables == {"v": 20, "g": 1}

    def test_a_list_of_hosts(self, load: Load) -> None:
        inventory = load({}, "a.test,b.test:2222,c[1:2],")
        assert inventory.select_names("all") == ["a.test", "b.test", "c[1:2]"]  # no ranges, as in Ansible
        assert inventory.get("b.test").connection.port == 2222

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("i.ini", "[g\nh1\n"), ("i.ini", "h[1:3\n"), ("i.ini", "w[1,2]\n"), ("i.ini", "w[1-3]\n"),
            ("i.ini", "[g]h1\n"), ("i.yml", "all: {hosts: {'h[1': }}\n"), ("i.yml", "all: {hosts: {1: }}\n"),
            ("i.yml", "1: {hosts: {h1: }}\n"), ("i.sh", '#!/bin/sh\necho \'{"_meta": {}, "g": ["h1"]}\'\n'),
            ("i.sh", '#!/bin/sh\necho \'{"_meta": {"hostvars": {}}, "g": [5]}\'\n'),
        ],
    )  # fmt: skip
    def test_names_that_are_none(self, load: Load, name: str, text: str) -> None:
        with pytest.raises(InventoryError):
            load({name: text}, name)

    @pytest.mark.parametrize("value", ["h1", "[h1]", "5", "true"])
    def test_a_group_in_yaml_that_is_none(self, load: Load, value: str) -> None:
        inventory = load({"i.yml": f"a: {value}\ng: {{hosts: {{h2: }}}}\n"}, "i.yml")
        assert inventory.select_names("all") == ["h2"] and "a" not in inventory.groups
        assert "'a' is ignored" in inventory.warnings[0]

    def test_a_script_is_asked_for_the_host_of_a_group(self, load: Load) -> None:
        script = """#!/bin/sh
if [ "$1" = --list ]; then echo '{"g": {"children": ["c"]}, "c": {}, "d": {"x": 1}}'
else echo "{\\"n\\": \\"$2\\"}"; fi
"""
        inventory = load({"inv.sh": script}, "inv.sh")
        assert inventory.get("c").variables == {"n": "c"}
        assert inventory.get("d").variables == {"x": 1, "n": "d"}

    def test_after_a_comma_a_colon_separates_nothing(self, load: Load) -> None:
        inventory = load({"h": "[web]\nw1\nw2\n[db]\nd1\n"}, "h")
        for pattern in ("web[0,1]", "db,web:!w1"):
            unknown: list[str] = []
            inventory.select_names(pattern, None, unknown)
            assert unknown

    def test_a_script(self, load: Load) -> None:
        script = """#!/bin/sh
if [ "$1" = --list ]; then echo '{"web": {"hosts": ["w1"], "vars": {"a": "{{ x }}"}}, "db": ["d1"]}'
else echo "{\\"name\\": \\"$2\\"}"; fi
"""
        inventory = load({"inv.sh": script}, "inv.sh")
        # what a script prints is data
        assert inventory.get("w1").variables == {"a": "{{ x }}", "name": "w1"}
        assert inventory.select_names("db") == ["d1"]

    @pytest.mark.parametrize(
        ("files", "source", "message"),
        [
            ({}, "missing.ini", "not there"),
            ({"inv/README.md": ""}, "inv", "holds no inventory"),
            ({"inv.sh": "#!/bin/sh\necho oops >&2; exit 3\n"}, "inv.sh", "ended with 3: oops"),
            ({"inv.sh": "#!/bin/sh\necho oops\n"}, "inv.sh", "no JSON"),
            ({"h.yml": "all:\n  hosts: [a, b]\n"}, "h.yml", "is a mapping, not a list"),
            ({"h.yml": "all:\n\thosts:\n"}, "h.yml", "no valid YAML"),
            ({"h.yml": "- a\n"}, "h.yml", "mapping of groups"),
            ({"h.yml": "plugin: aws_ec2\n"}, "h.yml", "plugins are not supported"),
            ({"h.yml": "a: {{ b }}\n"}, "h.yml", "cannot be a key"),
        ],
    )
    def test_what_cannot_be_read_is_an_error(
        self, load: Load, files: dict[str, str], source: str, message: str
    ) -> None:
        with pytest.raises(InventoryError, match=message):
            load(files, source)

    def test_bad_vars_files_say_where(self, load: Load, tmp_path: Path) -> None:
        inventory = load({"hosts": "w1", "group_vars/all.yml": "a: 1\nb: [1, 2\n"})
        with pytest.raises(InventoryError) as caught:
            inventory.get("w1")
        assert str(caught.value.where).startswith(f"{tmp_path}/group_vars/all.yml:3:")

    def test_the_settings_name_a_default(self, tmp_path: Path) -> None:
        (tmp_path / "hosts").write_text("w1\n")
        usual = [str(tmp_path / "hosts")]
        assert load_inventory([], templar=Templar(), usual=usual).select_names("all") == ["w1"]
        assert load_inventory(["w2,"], templar=Templar(), usual=usual).select_names("all") == ["w2"]

    def test_an_alias_bomb_is_refused(self, load: Load) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
        inventory = load({"hosts": "h", "group_vars/all.yml": "\n".join(lines)})
        with pytest.raises(InventoryError, match="unfolds to more than"):
            inventory.get("h")


class TestWithoutInventory:
    @pytest.fixture
    def inventory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inventory:
        monkeypatch.chdir(tmp_path)
        return load_inventory([], templar=Templar())

    def test_a_name_is_an_ssh_destination(self, inventory: Inventory) -> None:
        (host,) = inventory.select("deploy@db1.test:2222")
        spec = host.connection
        assert (host.name, spec.connection, spec.user, spec.address, spec.port) == (
            "deploy@db1.test:2222", "ssh", "deploy", "db1.test", 2222,
        )  # fmt: skip

    def test_several(self, inventory: Inventory) -> None:
        assert [h.name for h in inventory.select("a.test,b.test")] == ["a.test", "b.test"]

    def test_localhost_is_local(self, inventory: Inventory) -> None:
        assert inventory.select("localhost")[0].connection.connection == "local"

    def test_all_is_nobody(self, inventory: Inventory) -> None:
        with pytest.raises(InventoryError, match="no host matches"):
            inventory.select("all")


def test_connection_variables(load: Load) -> None:
    text = """
db1 ansible_host=10.0.0.5 ansible_port=2222 ansible_user=deploy ansible_become=yes ansible_become_password=hunter2
[all:vars]
ansible_ssh_private_key_file=~/.ssh/{{ ansible_user }}
ansible_ssh_common_args=-J bastion.test
ansible_python_interpreter=auto
ansible_host_key_checking=false
"""
    spec = load({"hosts": text}).get("db1").connection
    assert (spec.address, spec.port, spec.user, spec.private_key_file) == ("10.0.0.5", 2222, "deploy", "~/.ssh/deploy")
    assert (spec.become, spec.become_user, spec.become_method, spec.become_password) == (
        True, "root", "sudo", Secret("hunter2"),
    )  # fmt: skip
    assert (spec.common_args, spec.python_interpreter, spec.host_key_checking) == ("-J bastion.test", None, False)


@pytest.mark.parametrize("given", ["su", "ansible.builtin.su", "doas", "community.general.doas"])
def test_ways_to_become(load: Load, given: str) -> None:
    host = load({"hosts": f"h ansible_become_method={given}"}).get("h")
    assert host.connection.become_method == given.rpartition(".")[2]


@pytest.mark.parametrize(
    "bad", ["ansible_port=ssh", "ansible_become=perhaps", "ansible_connection=winrm", "ansible_become_method=suu"]
)
def test_connection_variables_that_make_no_sense(load: Load, bad: str) -> None:
    with pytest.raises(InventoryError, match="host 'h'"):
        load({"hosts": f"h {bad}"}).get("h")


def test_five_thousand_hosts_load_soon(load: Load) -> None:
    inventory = load({"hosts": "[web]\nweb[0001:5000].test\n[web:vars]\nx=1\n", "group_vars/web.yml": "y: '{{ x }}'\n"})
    assert len(inventory.select("web")) == 5000
