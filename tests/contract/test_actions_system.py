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
