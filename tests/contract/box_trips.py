"""States and arguments for accounts, packages, services and Python environments, drawn by hypothesis."""

from __future__ import annotations

from box_grounds import Account, Packages
from file_trips import Args, some
from hypothesis import strategies as st
from worlds import Node, World

FLAG = st.booleans()
HASH = "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"
GROUPS = ("audio", "video", "dialout")
HOMES = ("/home/worker", "/srv/h/worker", "/srv/h/deep/er/worker")
SHELLS = ("/bin/sh", "/bin/bash", "/usr/sbin/nologin")
COMMENTS = ("", "Worker", "Grün, Room 7,,", "with $odd 'quotes'")

DAYS = st.sampled_from(["", "0", "7", "19000", "99999"])
AGES = st.tuples(st.sampled_from(["", "0", "19000"]), DAYS, DAYS, DAYS, DAYS, DAYS, st.just(""))
NODES = st.sampled_from(
    [
        ("notes", Node(kind="file", content=b"\x00\xff", mode=0o640, owner=(4000, 100))),
        ("tool", Node(kind="file", content=b"x", mode=0o4755, owner=(4000, 4000))),
        ("foreign", Node(kind="file", content=b"root's", mode=0o600, owner=(0, 0))),
        ("link", Node(kind="link", target="notes", owner=(4000, 4000))),
        ("d", Node(kind="directory", mode=0o2750, owner=(4000, 4000), xattr=(("user.note", b"x"),))),
        ("pipe", Node(kind="fifo", mode=0o600, owner=(4000, 4000))),
    ]
)
HOME = st.lists(NODES, max_size=4, unique_by=lambda pair: pair[0]).map(lambda pairs: World(nodes=tuple(pairs)))

ACCOUNTS = st.builds(
    Account, there=st.sampled_from([True, True, True, False]), uid=st.just(4000), own_group=FLAG,
    primary=st.sampled_from(["", "", "users"]), comment=st.sampled_from(COMMENTS), home=st.sampled_from(HOMES[:2]),
    shell=st.sampled_from(SHELLS), groups=st.lists(st.sampled_from(GROUPS), max_size=3, unique=True).map(tuple),
    password=st.sampled_from([HASH, f"!{HASH}", "!", "*", ""]), ages=AGES, world=st.none() | HOME,
    mail=st.none() | st.just(b"From x\n"), subordinate=st.none() | st.sampled_from([(100000, 65536), (300000, 1000)]),
)  # fmt: skip

USER = some(
    {"name": st.just("worker")}, state=st.just("present"), uid=st.sampled_from([4000, 4242, 0]),
    group=st.sampled_from(["users", "worker", "100", "no-such-group"]),
    groups=st.lists(st.sampled_from((*GROUPS, "no-such-group")), max_size=2, unique=True), append=FLAG,
    comment=st.sampled_from((*COMMENTS, "a:b")), home=st.sampled_from(HOMES), create_home=FLAG, move_home=FLAG,
    shell=st.sampled_from(SHELLS), system=FLAG, password=st.sampled_from([HASH, "!", "*"]),
    update_password=st.sampled_from(["always", "on_create"]), password_lock=FLAG,
    expires=st.sampled_from([-1.0, 0.0, 2e9]), password_expire_max=st.sampled_from([30, 99999]),
    generate_ssh_key=FLAG, ssh_key_type=st.just("ed25519"), force=FLAG, skeleton=st.just("/etc/default"),
) | some({"name": st.just("worker"), "state": st.just("absent")}, remove=FLAG)  # fmt: skip

INSTALLED = st.sampled_from(list(Packages.STATES))
NAMES = st.lists(
    st.sampled_from(["alpha-rb", "alpha-rb=1.0", "beta-rb", "gamma-rb", "no-such-rb"]), min_size=1, max_size=2,
    unique_by=lambda text: text.partition("=")[0],
)  # fmt: skip
# Without `purge`: configuration that it deletes comes back as the package ships it, which docs/reliability.md says.
PACKAGE: st.SearchStrategy[Args] = some(
    {"name": NAMES}, state=st.sampled_from(["present", "latest", "absent", "absent"]), update_cache=FLAG
)

SUPERVISED = st.tuples(st.just(True), FLAG, FLAG) | st.just((False, False, False))
TURN = st.sampled_from(["restarted", "stopped", "started", "reloaded"])
APP = st.sampled_from(["app", "app", "app", "ghost"])
SERVICE: st.SearchStrategy[Args] = some({"name": APP, "state": TURN}, enabled=FLAG) | some(
    {"name": APP, "enabled": FLAG}, state=TURN
)

ENVIRONMENT = st.tuples(
    st.sampled_from([None, (), ("beta==1.0",), ("alpha==1.0", "beta==1.5"), ("alpha==2.0", "beta==1.0")]), FLAG
)
PIP: st.SearchStrategy[Args] = some(
    {"name": st.lists(st.sampled_from(["alpha==1.0", "alpha", "alpha>=2", "beta", "beta==1.5", "no-such-package"]),
                      min_size=1, max_size=2, unique_by=lambda text: text[0]),
     "virtualenv": st.just("{venv}"), "no_index": st.just(True), "find_links": st.just(["{wheels}"])},
    state=st.sampled_from(["present", "latest", "absent", "forcereinstall"]),
    extra_args=st.sampled_from(["--no-deps", "--no-compile"]),
)  # fmt: skip
