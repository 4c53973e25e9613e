"""One behaviour for all transports: over ssh to a lab host, on this machine, with Python and without, and the fake."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from live_agents import complete
from live_hosts import Shop

from playbook_engine.model.errors import LinkLost, NoPython, Unreachable
from playbook_engine.model.host import ConnectionSpec, Host
from playbook_engine.transport.base import Call, Connection, Reply, Session, Transport
from playbook_engine.transport.known_hosts import KnownHosts
from playbook_engine.transport.local import LocalTransport
from playbook_engine.transport.openssh import OpenSshTransport
from playbook_engine.transport.scripted import MemoryHost, ScriptedTransport
from playbook_engine.transport.ssh import SshTransport

KINDS = ["ssh", "ssh-sh", "openssh", "openssh-sh", "local", "local-sh", "scripted"]
NOWHERE = "/no/python/here"


def call(op: str, action: str, /, timeout: float = 30, key: str = "", **args: object) -> Call:
    return Call(op=op, action=action, args=complete(action, args), timeout=timeout, key=key)


@dataclass
class Subject:
    """One transport with a host to reach, and what a test does to that host behind the transport's back."""

    kind: str
    transport: Transport
    host: Host
    folder: str
    memory: MemoryHost | None = None

    def __post_init__(self) -> None:
        self.connection: Connection = self.transport.connect(self.host)
        self.session: Session = self.connection.session()

    @property
    def python(self) -> bool:
        return not self.kind.endswith("-sh")

    def ask(self, *calls: Call) -> list[Reply]:
        return self.session.ask(calls)

    def prints(self, line: str, out: str) -> None:
        """Tells the fake what a command line prints that real hosts know by themselves."""
        if self.memory:
            self.memory.commands[line] = (0, out)

    def die(self) -> Call:
        """A call during which the far end dies."""
        if self.memory:
            self.memory.rules.append(lambda _: LinkLost("the far end died"))
        # The agent runs a command in a session of its own; a plain sh leads the one that its commands are in.
        leader = "$PPID" if self.python else "-$(cut -d' ' -f6 /proc/$$/stat)"
        return call("run", "shell", cmd=f"kill -9 {leader}")


@pytest.fixture(params=KINDS)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    made = subject_of(request.param, request, tmp_path)
    yield made
    made.connection.close()


@pytest.fixture(params=[k for k in KINDS if k != "scripted"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """Without the fake, for what takes processes."""
    made = subject_of(request.param, request, tmp_path)
    yield made
    made.connection.close()


@pytest.fixture(params=[k for k in KINDS if k.endswith("-sh")])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """Only those without Python."""
    made = subject_of(request.param, request, tmp_path)
    yield made
    made.connection.close()


def subject_of(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    python = NOWHERE if kind.endswith("-sh") else None
    if kind == "scripted":
        memory = MemoryHost(name="m1.test")
        return Subject(kind, ScriptedTransport([memory]), Host(name="m1.test"), "/srv", memory)
    if kind.startswith("local"):
        spec = ConnectionSpec(connection="local", python_interpreter=python)
        return Subject(kind, LocalTransport(), Host(name="localhost", connection=spec), str(tmp_path))
    shop: Shop = request.getfixturevalue("shop")
    host = shop.host("contract")
    transport: Transport = OpenSshTransport() if kind.startswith("openssh") else SshTransport(KnownHosts())
    return Subject(kind, transport, shop.spec(host, python_interpreter=python), "/root")


def test_hello_says_whether_there_is_python(subject: Subject) -> None:
    hello = subject.session.hello
    assert (hello.python is not None) == subject.python
    assert (hello.uid, bool(hello.pid), bool(hello.boot_id)) == (0 if subject.memory else os.geteuid(), True, True)
    assert subject.memory or abs(time.time() - (hello.time or 0)) < 30


def test_one_session_for_one_user(subject: Subject) -> None:
    assert subject.connection.session() is subject.session


def test_calls_are_answered_in_order(subject: Subject) -> None:
    replies = subject.ask(*(call("run", "command", cmd=f"echo {n}") for n in range(5)))
    assert [r.result["stdout"] for r in replies] in ([f"{n}" for n in range(5)], [f"{n}\n" for n in range(5)])
    assert all(r.ok and r.plan for r in replies)


def test_after_a_failed_call_the_rest_is_not_run(subject: Subject) -> None:
    replies = subject.ask(
        call("run", "shell", cmd="echo first"),
        call("run", "shell", cmd="exit 3"),
        call("run", "shell", cmd="echo third"),
    )
    assert [(r.ok, r.kind) for r in replies] == [(True, ""), (False, "failed"), (False, "not-run")]
    assert replies[1].result["rc"] == 3
    assert "status 3" in replies[1].msg
    assert subject.ask(call("run", "shell", cmd="echo next"))[0].ok, "the next frame begins anew"


def test_a_deadline_is_kept_and_named(subject: Subject) -> None:
    began = time.monotonic()
    (reply,) = subject.ask(call("run", "command", cmd="sleep 30", timeout=0.5))
    assert (reply.ok, reply.kind) == (False, "timeout")
    assert time.monotonic() - began < 8
    assert subject.ask(call("run", "shell", cmd="echo on"))[0].ok, "the session goes on"


def test_a_look_runs_nothing(subject: Subject) -> None:
    mark = f"{subject.folder}/mark"
    for op in ("peek", "look"):
        (reply,) = subject.ask(call(op, "shell", cmd=f"echo x > {mark}"))
        assert reply.ok
        assert reply.plan
    subject.prints(f"test -e {mark} || echo absent", "absent\n")
    (reply,) = subject.ask(call("run", "shell", cmd=f"test -e {mark} || echo absent"))
    assert str(reply.result["stdout"]).strip() == "absent"


def test_bytes_come_back_as_they_went(subject: Subject) -> None:
    content, path = bytes(range(256)) * 4096, f"{subject.folder}/binary"

    def copy(op: str, data: bytes, key: str) -> Call:
        args = {**complete("copy", {"dest": path, "content": "x"}), "content": data}
        return Call(op=op, action="copy", args=args, key=key, undo_limit=64 << 20)

    if not subject.python:
        with pytest.raises(NoPython, match=r"copy needs Python 3\.6") as caught:
            subject.ask(copy("look", content, "a"))
        assert "ansible_python_interpreter" in str(caught.value.advice)
        return
    made, applied, again = subject.ask(copy("look", content, "a"), copy("apply", content, "a"), copy("look", b"", "b"))
    assert made.plan
    assert applied.ok
    assert again.before is not None
    assert again.before["content"] == content
    undo = Call(op="undo", action="copy", args=copy("look", b"", "b").args, before=made.before)
    assert subject.ask(undo)[0].ok


def test_output_is_kept_as_it_was(subject: Subject) -> None:
    line = r"printf 'a\377\000\303\251z'"
    text = b"a\xff\x00\xc3\xa9z".decode("utf-8", "surrogateescape")
    subject.prints(line, text)
    (reply,) = subject.ask(call("run", "shell", cmd=line))
    assert reply.result["stdout"] == text
    assert str(reply.result["stdout"]).encode("utf-8", "surrogateescape") == b"a\xff\x00\xc3\xa9z"


def test_a_lost_link_is_said_and_stays_lost(subject: Subject) -> None:
    with pytest.raises(LinkLost):
        subject.ask(subject.die())
    with pytest.raises(LinkLost):
        subject.ask(call("run", "shell", cmd="echo still there"))


def test_closing_twice_is_nothing_special(subject: Subject) -> None:
    for _ in range(2):
        subject.session.close()
        subject.connection.close()
    with pytest.raises(LinkLost):
        subject.ask(call("run", "shell", cmd="echo after"))


@pytest.mark.parametrize(
    "transport",
    [SshTransport(KnownHosts()), OpenSshTransport(), ScriptedTransport([])],
    ids=["ssh", "openssh", "scripted"],
)
def test_who_cannot_be_reached_is_unreachable(transport: Transport) -> None:
    spec = ConnectionSpec(address="127.0.0.1", port=1, user="root")
    with pytest.raises(Unreachable, match=r"nowhere\.test") as caught:
        transport.connect(Host(name="nowhere.test", connection=spec))
    assert caught.value.exit_code == 4


# ---------------------------------------------------------------- what takes real processes


def test_a_background_child_that_holds_the_output_does_not_hold_us(real: Subject) -> None:
    began = time.monotonic()
    (reply,) = real.ask(call("run", "shell", cmd="(sleep 20; echo late) & echo now"))
    assert (str(reply.result["stdout"]).strip(), time.monotonic() - began < 15) == ("now", True)


def peak(work: Callable[[], Reply]) -> tuple[Reply, int]:
    """The reply, and by how much this process grew at most while it waited (bytes; proc(5), clear_refs and VmHWM)."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident("VmRSS")
    reply = work()
    return reply, _resident("VmHWM") - before


def _resident(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key + ":")) * 1024


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_output_is_capped_and_counted_and_memory_stays(real: Subject, stream: str) -> None:
    size = 64 << 20 if stream else 1 << 30
    line = f"{{ echo begin; yes | head -c {size}; echo end; }}{stream}"
    reply, grown = peak(lambda: real.ask(call("run", "shell", cmd=line, timeout=100))[0])
    name = "stderr" if stream else "stdout"
    text = str(reply.result[name])
    assert reply.result[f"{name}_bytes"] == size + len("begin\nend\n")
    assert (text.startswith("begin\ny\n"), text.strip().endswith("y\nend")) == (True, True)
    assert "bytes left out" in text
    assert len(text) < (1 << 20) + 100
    assert grown < 24 << 20, f"grew by {grown >> 20} MiB for {size >> 20} MiB of output"


def test_input_arrives_whole(real: Subject) -> None:
    text = "x" * (1 << 20) + "\n'\"$`\\ é\n"
    (reply,) = real.ask(call("run", "command", cmd="sha256sum", stdin=text, stdin_add_newline=False))
    import hashlib

    assert str(reply.result["stdout"]).split()[0] == hashlib.sha256(text.encode()).hexdigest()


def test_the_same_words_reach_the_command(real: Subject) -> None:
    words = ["printf", "%s|", "a b", "", "'", '"', "\\", "*", "$HOME", "~", "${RUNBOOK_NO_SUCH}", "é\n"]
    (reply,) = real.ask(call("run", "command", argv=words))
    home = str(real.ask(call("run", "shell", cmd="echo $HOME"))[0].result["stdout"]).strip()
    assert str(reply.result["stdout"]) == f"a b||'|\"|\\|*|{home}|{home}|${{RUNBOOK_NO_SUCH}}|é\n|"


def test_surroundings_of_a_command(real: Subject) -> None:
    args = {"chdir": real.folder, "environment": {"COLOUR": "dark 'red'"}, "cmd": 'echo "$COLOUR"; pwd -P'}
    (reply,) = real.ask(call("run", "shell", **args))
    assert str(reply.result["stdout"]).split("\n")[:2] == ["dark 'red'", real.folder]
    (reply,) = real.ask(call("run", "command", cmd="true", chdir="/no/such/folder"))
    assert (reply.ok, reply.kind) in ((False, "failed"), (False, "not-found"))
    (reply,) = real.ask(call("run", "command", cmd="no-such-program"))
    assert (reply.ok, reply.kind) == (False, "no-such-command")


def test_creates_and_removes(real: Subject) -> None:
    run = f"echo x >> {real.folder}/once"
    for _ in range(2):
        (reply,) = real.ask(call("run", "shell", cmd=run, creates=f"{real.folder}/on*"))
        assert reply.ok
    assert (bool(reply.plan), reply.state) == (False, {"done": f"'{real.folder}/on*' exists"})
    (reply,) = real.ask(call("run", "shell", cmd=f"cat {real.folder}/once; rm {real.folder}/once"))
    assert str(reply.result["stdout"]).strip() == "x"
    (reply,) = real.ask(call("run", "shell", cmd="exit 9", removes="once", chdir=real.folder))
    assert (reply.ok, bool(reply.plan)) == (True, False)


MOVING = {"memfree_mb", "uptime_seconds", "python", "used_bytes", "free_bytes", "used_inodes", "free_inodes", "atime"}


@pytest.mark.parametrize(
    "question",
    [
        call("probe", "facts"),
        call("probe", "disk_usage", path="/etc/nothing/here"),
        call("probe", "stat", path="/etc/passwd"),
        call("probe", "stat", path="~/.profile"),
        call("probe", "stat", path="/nothing/here"),
        call("probe", "stat", path="/bin/sh", follow=True),
    ],
    ids=lambda question: f"{question.action} {question.args.get('path', '')}",
)
def test_probes_agree(bare: Subject, question: Call) -> None:
    """What sh answers stands in the agent's answer with the same value."""
    spec = dataclasses.replace(bare.host.connection, python_interpreter="python3")
    whole = bare.transport.connect(dataclasses.replace(bare.host, connection=spec))
    try:
        (sh,), (full,) = bare.ask(question), whole.session().ask([question])
    finally:
        whole.close()
    assert sh.ok, sh.msg
    told, known = (next(iter(r.result.values())) if len(r.result) == 1 else r.result for r in (sh, full))
    assert isinstance(told, dict)
    assert isinstance(known, dict)
    for key in set(told) - MOVING:
        assert told[key] == (int(known[key]) if key in ("mtime", "ctime") else known[key]), key


def test_the_algorithms_that_are_offered(request: pytest.FixtureRequest) -> None:
    shop: Shop = request.getfixturevalue("shop")
    spec = shop.spec(shop.host("contract"))
    chosen = SshTransport(KnownHosts(), kex=["ecdh-sha2-nistp256"], ciphers=["aes256-ctr"]).connect(spec)
    try:
        assert chosen._transport.remote_cipher == "aes256-ctr"
        assert chosen._transport.get_security_options().kex == ("ecdh-sha2-nistp256",), "the only one to agree on"
    finally:
        chosen.close()
    usual = SshTransport(KnownHosts()).connect(spec)
    try:
        assert usual._transport.remote_cipher == "aes128-gcm@openssh.com"
    finally:
        usual.close()
    with pytest.raises(Unreachable, match="not known here"):
        SshTransport(KnownHosts(), kex=["rot13"]).connect(spec)
