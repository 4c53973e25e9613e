"""`user` and `package` in a copy of this machine: real useradd, real apt-get, and nothing of it stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_agents import INTERPRETERS, Agent, needs, start
from packaged import PREPARE, deb
from sandbox import Sandbox

from playbook_engine.agent import proof
from playbook_engine.agent.actions import package, user


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    needs("useradd", "apt-get", "dpkg-deb", "unshare", "nsenter", root=True)
    repo = tmp_path_factory.mktemp("repo")
    made = [
        deb(repo, "alpha-rb", "1.0", "beta-rb"),
        deb(repo, "alpha-rb", "2.0", "beta-rb"),
        deb(repo, "beta-rb", "1.0"),
    ]
    (repo / "Packages").write_text("".join(made))
    it = Sandbox(tmp_path_factory.mktemp("box"), "sleep 3600", PREPARE.format(repo=repo))
    it.run("apt-get update -q 2>&1")
    yield it
    it.close()


@pytest.fixture(scope="module", params=["oldest", "newest"])
def inside(request: pytest.FixtureRequest, box: Sandbox) -> Iterator[Agent]:
    it = start(list(INTERPRETERS.values())[0 if request.param == "oldest" else -1], box.wrap())
    yield it
    it.session.close()


def accounts(box: Sandbox) -> set[str]:
    return set(
        box.run(
            "cat /etc/passwd /etc/group /etc/shadow /etc/subuid /etc/subgid;"
            "ls -lAnR --time-style=+ /home /srv/h /var/mail 2>/dev/null || :"
        ).splitlines()
    )


HASH = "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"

USERS: list[dict[str, object]] = [
    {"name": "newbie", "comment": "New B", "shell": "/bin/sh", "groups": ["audio"]},
    {"name": "daemonic", "system": True, "home": "/srv/h/deep/daemonic", "shell": "/usr/sbin/nologin"},
    {"name": "homeless", "create_home": False, "uid": 4711, "password": HASH},
    {"name": "leftover"},
    {"name": "there", "uid": 4242, "shell": "/bin/false", "groups": [], "comment": "changed", "password": HASH},
    {"name": "there", "groups": ["video"], "append": True, "password_lock": True},
    {"name": "there", "home": "/srv/h/moved", "move_home": True},
    {"name": "there", "home": "/srv/h/very/deep", "move_home": True},
    {"name": "there", "state": "absent", "remove": True},
    {"name": "there", "state": "absent"},
]


@pytest.mark.parametrize("args", USERS, ids=lambda a: "-".join(str(v) for v in list(a.values())[:2]))
def test_an_account_settles_and_is_undone(inside: Agent, box: Sandbox, args: dict[str, object]) -> None:
    box.run(
        "userdel -rf there 2>/dev/null; mkdir -p /srv/h; useradd -m -u 4000 -c old -G audio,dialout -s /bin/bash there;"
        f"echo 'there:{HASH}x' | chpasswd -e; echo data >/home/there/file; chmod 640 /home/there/file;"
        "chown there /home/there/file; echo From >/var/mail/there; chown there /var/mail/there;"
        "cp /home/there/file /home/there/tool; chown 4242 /home/there/tool; chmod 4755 /home/there/tool;"
        "usermod --add-subuids 700000-700999 there; mkdir -p /home/leftover; echo data >/home/leftover/file;"
        "getent group leftover >/dev/null || groupadd leftover"
    )
    before = accounts(box)
    looked = inside.look("user", **args)
    assert looked.ok, looked.msg
    assert looked.plan
    assert HASH not in repr((looked.plan, looked.state, looked.result)), "a hash only travels to be put back"
    applied = inside.apply("user", looked.before, **args)
    assert applied.ok, applied.msg
    assert HASH not in repr(applied)
    again = inside.look("user", **args)
    assert not again.plan, again.plan
    for _ in range(2):
        undone = inside.undo("user", looked.before, **args)
        assert undone.ok, undone.msg
        assert proof.differences(looked.state, undone.state, user.VOLATILE) == []
        assert accounts(box) == before


def test_an_account_that_could_not_be_made_leaves_nothing(inside: Agent, box: Sandbox) -> None:
    args: dict[str, object] = {"name": "second-root", "uid": 0, "home": "/srv/h/very/deep"}
    box.run("mkdir -p /srv/h")
    before = accounts(box)
    looked = inside.look("user", **args)
    applied = inside.apply("user", looked.before, **args)
    assert (applied.ok, applied.kind) == (False, "failed"), applied.msg
    assert inside.undo("user", looked.before, **args).ok
    assert accounts(box) == before


def test_an_account_that_is_as_it_should_be_is_left_alone(inside: Agent) -> None:
    assert not inside.look("user", name="root", shell="/bin/bash", uid=0, home="/root", group="0").plan
    assert not inside.look("user", name="nobody-of-that-name", state="absent").plan
    assert not inside.look("user", name="root", password=HASH, update_password="on_create").plan


def names(box: Sandbox) -> set[str]:
    return set(
        box.run("dpkg-query -W -f '${Package} ${db:Status-Abbrev} ${Version}\\n'; ls /etc/*-rb.conf || :").splitlines()
    )


PACKAGES: list[tuple[str, dict[str, object]]] = [
    ("", {"name": "alpha-rb"}),
    ("", {"name": "alpha-rb=1.0"}),
    ("alpha-rb=1.0 beta-rb", {"name": "alpha-rb", "state": "latest"}),
    ("alpha-rb=2.0 beta-rb", {"name": "alpha-rb=1.0"}),
    ("alpha-rb=2.0", {"name": ["beta-rb", "alpha-rb=1.0"]}),  # beta-rb is there as a dependency, and stays one
    ("alpha-rb=2.0 beta-rb", {"name": ["beta-rb"], "state": "absent"}),
    ("alpha-rb=1.0 beta-rb", {"name": ["alpha-rb"], "state": "absent", "purge": True}),
]


@pytest.mark.parametrize(("ground", "args"), PACKAGES, ids=lambda v: str(v)[:40])
def test_packages_settle_and_are_undone(inside: Agent, box: Sandbox, ground: str, args: dict[str, object]) -> None:
    # The mark of a package that dpkg alone removed stays behind, and apt forgets it when it installs the package again.
    box.run("dpkg -i /srv/repo/alpha-rb_1.0_all.deb /srv/repo/beta-rb_1.0_all.deb; apt-mark auto alpha-rb")
    box.run("dpkg --purge --force-depends alpha-rb beta-rb")
    if ground:
        box.run(f"apt-get install -y {ground} >/dev/null 2>&1")
    before = names(box)
    looked = inside.look("package", **args)
    assert looked.ok, looked.msg
    assert looked.plan
    applied = inside.apply("package", looked.before, **args)
    assert applied.ok, (applied.msg, applied.result)
    assert applied.result["changed_packages"]
    assert not inside.look("package", **args).plan
    for _ in range(2):
        undone = inside.undo("package", looked.before, **args)
        assert undone.ok, (undone.msg, undone.result)
        assert proof.differences(looked.state, undone.state, getattr(package, "VOLATILE", ())) == []
        assert names(box) == before


def test_a_package_that_nobody_has(inside: Agent) -> None:
    reply = inside.do("package", name="no-such-package-anywhere")
    assert (reply.ok, reply.kind) == (False, "not-found"), reply.msg


KEYED: list[dict[str, object]] = [
    {"name": "there", "generate_ssh_key": True, "ssh_key_type": "ed25519", "ssh_key_passphrase": "pass phrase"},
    {"name": "fresh", "generate_ssh_key": True, "ssh_key_type": "ed25519", "ssh_key_file": ".ssh/id_app"},
    {"name": "there", "expires": 2000000000.0, "password_expire_max": 90, "password_expire_warn": 3},
    {"name": "there", "expires": -1},
    {"name": "bare", "create_home": True},
]


@pytest.mark.parametrize("args", KEYED, ids=lambda a: "-".join(list(a)[:2]))
def test_keys_homes_and_ages_settle_and_are_undone(inside: Agent, box: Sandbox, args: dict[str, object]) -> None:
    box.run(
        "for n in there bare fresh; do userdel -rf $n 2>/dev/null || :; done; mkdir -p /srv/h;"
        "useradd -m -u 4000 there; chage -E 20000 there; useradd -M -u 4001 bare"
    )
    before = accounts(box)
    looked = inside.look("user", **args)
    assert looked.ok, looked.msg
    assert looked.plan
    applied = inside.apply("user", looked.before, **args)
    assert applied.ok, applied.msg
    if "generate_ssh_key" in args:
        assert str(applied.result["ssh_public_key"]).startswith("ssh-ed25519 ")
        assert "256 SHA256:" in str(applied.result["ssh_fingerprint"])
        assert "PRIVATE" not in repr(applied) + repr(looked.state)
    if args.get("ssh_key_passphrase"):
        path = applied.result["ssh_key_file"]
        assert box.run(f"ssh-keygen -y -P 'pass phrase' -f {path}; ! ssh-keygen -y -P '' -f {path} 2>/dev/null")
        assert box.run(f"stat -c %U:%a {path}").strip() == "there:600"
    assert not inside.look("user", **args).plan
    for _ in range(2):
        undone = inside.undo("user", looked.before, **args)
        assert undone.ok, undone.msg
        assert proof.differences(looked.state, undone.state, user.VOLATILE) == []
        assert accounts(box) == before


def test_what_apt_can_besides_names(inside: Agent, box: Sandbox) -> None:
    box.run("dpkg --purge --force-depends alpha-rb beta-rb >/dev/null 2>&1 || :")
    policy = box.run("cat /usr/sbin/policy-rc.d 2>/dev/null || :")
    deb: dict[str, object] = {"deb": "/srv/repo/beta-rb_1.0_all.deb", "policy_rc_d": 101}
    assert inside.do("apt", **deb).result["changed_packages"] == {"beta-rb": "1.0"}
    assert not inside.look("apt", **deb).plan
    assert not inside.look("apt", name="alpha-rb", only_upgrade=True).plan
    told = inside.do("apt", name="alpha-rb=1.*", update_cache=True, cache_valid_time=86400)
    assert told.result["changed_packages"] == {"alpha-rb": "1.0"}
    assert int(str(told.result["cache_update_time"])) > 0
    assert not inside.look("apt", name=["alpha-rb=1.*", "beta-*"]).plan
    assert not inside.look("apt", name="alpha-rb>=1.0").plan
    upgraded = inside.look("apt", upgrade="dist")
    assert [(c["subject"], c["before"], c["after"]) for c in upgraded.plan] == [("alpha-rb", "1.0", "2.0")]
    assert inside.apply("apt", upgraded.before, upgrade="dist").ok
    assert not inside.look("apt", upgrade="dist").plan
    down = inside.do("apt", name="alpha-rb=1.0")
    assert "owngrade" in down.msg
    assert inside.do("apt", name="alpha-rb=1.0", allow_downgrade=True).ok
    assert inside.undo("apt", upgraded.before, upgrade="dist").ok
    box.run("apt-mark auto beta-rb")
    gone = inside.do("apt", name="alpha-rb", state="absent", autoremove=True, purge=True)
    assert gone.result["changed_packages"] == {"alpha-rb": None, "beta-rb": None}
    assert not inside.look("apt", autoremove=True).plan
    assert box.run("cat /usr/sbin/policy-rc.d 2>/dev/null || :") == policy
    assert "get_url" in inside.look("apt", deb="https://x.test/a.deb").msg


def test_the_packages_are_listed(inside: Agent) -> None:
    packages = inside.probe("package_facts").result["ansible_facts"]["packages"]  # type: ignore[index]
    (dpkg,) = packages["dpkg"]
    assert (dpkg["name"], dpkg["source"]) == ("dpkg", "apt")
    assert dpkg["version"]
    assert inside.probe("package_facts", manager="apk").kind == "unsupported"


def test_entries_of_a_database(inside: Agent) -> None:
    told = inside.probe("getent", database="passwd", key="root").result["ansible_facts"]
    assert told["getent_passwd"]["root"][1] == "0"  # type: ignore[index]
    assert inside.probe("getent", database="passwd", key="nobody-of-that-name").kind == "not-found"
    none = inside.probe("getent", database="group", key="none-of-it", fail_key=False).result
    assert none["ansible_facts"] == {"getent_group": {"none-of-it": None}}
    assert "not known" in inside.probe("getent", database="nonsense").msg


def test_facts_under_the_names_of_setup(inside: Agent, box: Sandbox) -> None:
    box.run(
        "mkdir -p /etc/ansible/facts.d; cd /etc/ansible/facts.d; echo '{\"a\": [1]}' >one.fact;"
        "printf '[s]\\nk = v\\n' >two.fact; printf '#!/bin/sh\\necho 3\\n' >three.fact; chmod +x three.fact;"
        "echo nonsense >four.fact"
    )
    told = inside.probe("setup").result["ansible_facts"]
    assert isinstance(told, dict)
    assert told["ansible_os_family"] == "Debian"
    local = told["ansible_local"]
    assert (local["one"], local["two"], local["three"]) == ({"a": [1]}, {"s": {"k": "v"}}, 3)
    assert "neither JSON nor INI" in local["four"]
    few = inside.probe("setup", gather_subset=["min"], filter=["ansible_os_family", "distribution"]).result
    assert set(few["ansible_facts"]) == {"ansible_os_family", "ansible_distribution"}  # type: ignore[call-overload]
