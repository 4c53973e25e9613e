"""States and arguments for crontabs, mounts, kernel parameters, names, units, repositories and packages, drawn by
hypothesis."""

from __future__ import annotations

from file_trips import Args, some
from hypothesis import strategies as st
from system_grounds import Machine, Rpms

FLAG = st.booleans()
PRESENT = st.sampled_from(["present", "present", "absent"])

CRON_TEXTS = st.sampled_from(
    [
        None, "", "MAILTO=\"root\"\n#Ansible: backup\n0 2 * * * /opt/backup\n", "# mine\n0 2 * * * /opt/backup\n",
        "#Ansible: backup\n#0 2 * * * root /opt/backup\n\n", "5 * * * * root /opt/other", "A=1\nB=\"2\"\n",
    ]
)  # fmt: skip
CRONTABS = st.tuples(CRON_TEXTS, CRON_TEXTS)
TIMES = {"minute": st.sampled_from(["0", "*/5"]), "hour": st.sampled_from(["2", "*"])}
CRON: st.SearchStrategy[Args] = (
    some({"name": st.sampled_from(["backup", "other"]), "state": PRESENT, "job": st.sampled_from(["/opt/backup", "x"])},
         disabled=FLAG, backup=FLAG, **TIMES)
    | some({"name": st.just("backup"), "state": PRESENT, "job": st.just("/opt/backup"), "cron_file": st.just("job"),
            "user": st.just("root")}, disabled=FLAG, backup=FLAG, **TIMES)
    | some({"name": st.just("backup"), "state": PRESENT, "job": st.just("/opt/x"), "special_time": st.just("daily")})
    | some({"name": st.sampled_from(["A", "MAILTO", "NEW"]), "state": PRESENT, "env": st.just(True),
            "job": st.sampled_from(["1", "root"])}, insertafter=st.sampled_from(["A", "MAILTO"]))
)  # fmt: skip

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
HOSTS = st.sampled_from(["git.example.test", "[git.example.test]:2222"])
KNOWN_HOSTS: st.SearchStrategy[Args] = HOSTS.flatmap(
    lambda host: some(
        {"name": st.just(host), "path": st.sampled_from(["{file}", "{d}/new/known_hosts"]), "state": PRESENT,
         "key": st.sampled_from([f"{host} {KEY}", f"{host} {KEY}B me", f"{host} ssh-rsa AAAAB3N"])},
        hash_host=FLAG,
    )
) | some({"name": HOSTS, "path": st.sampled_from(["{file}", "{link}"]), "state": st.just("absent")})  # fmt: skip
AUTHORIZED_KEY: st.SearchStrategy[Args] = some(
    {"user": st.just("root"), "path": st.sampled_from(["{file}", "{d}/t/new/authorized_keys"]), "state": PRESENT,
     "key": st.sampled_from([KEY, f"{KEY} me@example.test", f"# two\n{KEY}\nssh-rsa AAAAB3N other", "alpha"])},
    exclusive=FLAG, manage_dir=FLAG, key_options=st.sampled_from(['from="192.0.2.1, 198.51.100.1",no-pty', "no-pty"]),
    comment=st.sampled_from(["other", ""]),
)  # fmt: skip

SYSCTL_TEXTS = st.sampled_from(
    [None, "", "net.ipv4.ip_forward=1\n", "# mine\nnet.ipv4.ip_forward = 0\nnet.ipv4.ip_default_ttl=65\n",
     "net/ipv4/ip_default_ttl=70\nnet.ipv4.ip_forward=0\nnet.ipv4.ip_forward=1"]
)  # fmt: skip
FSTABS = st.sampled_from(
    [
        None,
        "# none\n",
        "tmpfs /srv/mnt tmpfs size=1m 0 0\n",
        "/dev/no /x ext4 defaults 0 2\ntmpfs /srv/mnt tmpfs  defaults",
    ]
)
MOUNTED = st.sampled_from(
    ["", "", "mount -t tmpfs -o size=1m tmpfs /srv/mnt", "mount -t tmpfs -o ro,noexec other /srv/mnt",
     "mount --bind /srv/from /srv/mnt"]
)  # fmt: skip
NAMES = st.sampled_from([None, "box\n", "web1.example.test\n", "# a comment\nbox\n"])
MACHINES = st.builds(
    Machine, files=st.tuples(NAMES, FSTABS, SYSCTL_TEXTS),
    values=st.tuples(st.sampled_from("01"), st.sampled_from(["64", "70"]), st.sampled_from("01")),
    name=st.sampled_from(["box", "web1.example.test"]), mounted=MOUNTED, point=FLAG,
)  # fmt: skip
SYSCTL: st.SearchStrategy[Args] = some(
    {"name": st.sampled_from(["net.ipv4.ip_forward", "net.ipv4.ip_forward", "net.ipv4.ip_default_ttl", "net.no.such"]),
     "value": st.sampled_from(["1", "no", "70", "many"]), "sysctl_file": st.just("/etc/sysctl.d/t.conf"),
     "state": PRESENT}, reload=FLAG, sysctl_set=FLAG, ignoreerrors=FLAG,
)  # fmt: skip
HOSTNAME: st.SearchStrategy[Args] = some(
    {"name": st.sampled_from(["box", "web1.example.test", "other", "-bad-"])},
    use=st.sampled_from(["debian", "generic"]),
)
STATES = ["mounted", "present", "absent", "unmounted", "remounted", "ephemeral", "absent_from_fstab"]
MOUNT: st.SearchStrategy[Args] = some(
    {"path": st.sampled_from(["/srv/mnt", "/srv/mnt/"]), "src": st.just("tmpfs"), "fstype": st.just("tmpfs"),
     "state": st.sampled_from(STATES)},
    opts=st.sampled_from(["size=1m", "size=2m,noexec", "no-such-option"]), boot=FLAG, dump=st.just("1"),
) | some({"path": st.just("/srv/mnt"), "src": st.just("/srv/from"), "fstype": st.just("none"), "opts": st.just("bind"),
          "state": st.sampled_from(["mounted", "ephemeral"])})  # fmt: skip
COPIES = st.sampled_from(
    [None, ":", "git checkout -q v1", "git checkout -q dev; git checkout -q main; git reset -q --hard v1",
     "echo changed >f", "echo changed >f; git add f; rm f; echo x >f", "git remote set-url origin /elsewhere",
     "git checkout -q dev", "echo untracked >u; git reset -q --hard v1"]
)  # fmt: skip
GIT: st.SearchStrategy[Args] = some(
    {"repo": st.just("{origin}"), "dest": st.just("{copy}")},
    version=st.sampled_from(["HEAD", "main", "dev", "v1", "no-such"]), force=FLAG, update=FLAG, clone=FLAG,
    depth=st.just(1), single_branch=FLAG,
)  # fmt: skip

UNITS = st.tuples(FLAG, FLAG, FLAG)
SYSTEMD: st.SearchStrategy[Args] = some(
    {"name": st.sampled_from(["app", "app", "app.service", "ghost"])}, enabled=FLAG, masked=FLAG, daemon_reload=FLAG,
    state=st.sampled_from(["started", "stopped", "restarted", "reloaded"]),
)  # fmt: skip

RPMS = st.sampled_from(list(Rpms.STATES))
DNF: st.SearchStrategy[Args] = some(
    {"name": st.sampled_from([["alpha-rb"], ["alpha-rb-1.0"], ["beta-rb"], ["alpha-*"], ["alpha-rb >= 2"], ["none"]]),
     "state": st.sampled_from(["present", "latest", "absent", "absent"])}, allow_downgrade=FLAG,
)  # fmt: skip

OLD, NEW = ("alpha", "1.0-r0"), ("alpha", "2.0-r0")
BETA = ("beta", "1.0-r0")
ALPINE = st.sampled_from(
    [((), ()), ((BETA,), ("beta",)), ((OLD, BETA), ("alpha=1.0-r0",)), ((NEW, BETA), ("alpha",)),
     ((NEW, BETA), ("beta", "alpha"))]
)  # fmt: skip
APK: st.SearchStrategy[Args] = some(
    {"name": st.lists(st.sampled_from(["alpha", "alpha=1.0-r0", "beta", "none"]), min_size=1, max_size=2,
                      unique_by=lambda text: text.partition("=")[0]),
     "state": st.sampled_from(["present", "latest", "absent"])}, update_cache=FLAG,
)  # fmt: skip
APT: st.SearchStrategy[Args] = some(
    {"name": st.lists(st.sampled_from(["alpha-rb", "alpha-rb=1.*", "alpha-rb>=2.0", "beta-*", "gamma-rb"]), min_size=1,
                      max_size=2, unique_by=lambda text: text[:2])},
    state=st.sampled_from(["present", "latest", "absent", "absent"]), allow_downgrade=FLAG, autoremove=FLAG,
    only_upgrade=FLAG, update_cache=FLAG,
)  # fmt: skip
GROUP: st.SearchStrategy[Args] = some(
    {"name": st.sampled_from(["worker", "audio", "newgroup"])}, state=PRESENT, gid=st.sampled_from([4000, 4242, 0]),
    system=FLAG, non_unique=FLAG,
)  # fmt: skip
