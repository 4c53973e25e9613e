"""What leaves the state folder as a bundle, what does not, and what is said of a journal that is not whole."""

from __future__ import annotations

import base64
import io
import json
import re
import tarfile
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from evidence_attacks import Loose
from forked_cli import Ended, ForkedCli
from memory_bench import Bench, MemoryApp

from playbook_engine.app import evidence
from playbook_engine.app.runs import take_back
from playbook_engine.journal.evidence.keys import KeyRing, key_ring
from playbook_engine.journal.evidence.verify import Verdict, verify
from playbook_engine.journal.files import FileStore
from playbook_engine.model.errors import JournalError, NotFound, UsageError
from playbook_engine.model.events import DrillStarted, StepFinished, StepStarted
from playbook_engine.model.plan import Options
from playbook_engine.report.bundle_verdict import show
from playbook_engine.report.terminal import Paper

SECRET = "correct-horse-battery"
TEXT = f"""\
name: page
params:
  token: {{type: str, secret: true, default: {SECRET}}}
steps:
  - {{name: a, copy: {{content: "new {{{{ token }}}}", dest: /a}}}}
"""
BEFORE = b"what was there before"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.host("h1", files={"/a": BEFORE * 4000})
    return bench


class Fixed:
    """A clock that stands."""

    def utc(self) -> str:
        return "2026-11-25T10:00:00.000Z"

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None: ...


def files(bundle: Path) -> dict[str, bytes]:
    """With tar alone, as an auditor reads it."""
    with tarfile.open(bundle) as archive:
        return {m.name: (archive.extractfile(m) or io.BytesIO()).read() for m in archive.getmembers()}


def records(bundle: Path, run: str) -> list[dict[str, object]]:
    lines = files(bundle)[f"runs/{run}/records.jsonl"].splitlines()
    return [json.loads(line)["record"] for line in lines]


def public(app: MemoryApp) -> KeyRing:
    return KeyRing(public=(evidence.installation_key(app).public,))


def verified(app: MemoryApp, names: list[str], out: Path, *, carried: bool = False) -> Verdict:
    evidence.give(app, names, out, carried=carried)
    return verify(io.BytesIO(out.read_bytes()), public(app))


def test_the_same_journal_at_the_same_time_makes_the_same_bytes(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(TEXT)
    made = []
    for name in ("one", "two"):
        app = MemoryApp(tmp_path / "state", list(bench.hosts.values()))
        app.clock = Fixed()  # type: ignore[assignment]
        evidence.give(app, [done.end.run], tmp_path / name, carried=True)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    assert b'"at": "2026-11-25T10:00:00.000Z"' in made[0]


def test_what_may_be_secret_is_left_out_counted_named_and_kept_as_a_digest(bench: Bench, tmp_path: Path) -> None:
    run = bench.run(TEXT).end.run
    app = MemoryApp(tmp_path / "state", [])
    evidence.give(app, [run], tmp_path / "bundle")
    whole = (tmp_path / "bundle").read_bytes()
    for hidden in (SECRET, BEFORE.decode(), base64.b64encode(BEFORE).decode()[:20]):
        assert hidden.encode() not in whole
    (intended,) = (r for r in records(tmp_path / "bundle", run) if r["e"] == "ChangeIntended")
    assert intended["sealed"]["fields"] == ["args", "before"]  # type: ignore[index]
    line = next(t for t in app.store.folder(run).joinpath("journal").read_text().splitlines() if "ChangeIntended" in t)
    assert intended["sealed"]["sha256"] == json.loads(line.split(" ", 3)[3])["blob"]  # type: ignore[index]
    assert {"args", "before", "plan", "variables"} & intended.keys() == set()
    found = verify(io.BytesIO(whole), public(app)).journals[0].sealed["fields"]
    assert {"before": 1, "args": 1, "plan": 1}.items() <= dict(found).items()  # type: ignore[call-overload]
    assert [name for name in files(tmp_path / "bundle") if "/blobs/" in name] == []


def test_sealed_values_are_carried_encrypted_and_a_key_to_verify_does_not_open_them(
    bench: Bench, tmp_path: Path
) -> None:
    run = bench.run(TEXT).end.run
    app = MemoryApp(tmp_path / "state", [])
    assert verified(app, [run], tmp_path / "bundle", carried=True).holds
    blobs = {n: c for n, c in files(tmp_path / "bundle").items() if "/blobs/" in n}
    (key,) = evidence.chain_keys(app, [run])
    raw = app.store.raw(run)
    assert len({key.secret, raw.key.chain, raw.key.cipher}) == 3
    assert len(blobs) >= 4
    sealing = [r for r in records(tmp_path / "bundle", run)[:-1] if "sealed" in r]
    events = {r["sealed"]["sha256"]: r["e"] for r in sealing}  # type: ignore[index]
    for name, content in blobs.items():
        assert BEFORE not in content
        label = str(events[name.rpartition("/")[2]]).encode()
        assert raw.key.open(content, label), "whoever has the journal's own key still reads them"
        with pytest.raises(InvalidTag):
            AESGCM(key.secret).decrypt(content[:12], content[12:], label)


def test_a_secret_that_became_known_later_is_masked_in_what_leaves(bench: Bench, tmp_path: Path) -> None:
    store = bench.run(TEXT).app.store
    journal = store.resume(store.runs()[0])
    journal.append(StepFinished(host="h1", step="s9", name="x", action="command", outcome="ok", message=f"is {SECRET}"))
    journal.close()
    run = store.runs()[0]
    path = store.folder(run) / "journal"
    assert "********" in path.read_text(), "the application that knew it masked it"
    plain = FileStore(tmp_path / "state", Fixed(), type(bench.run(TEXT).app.redactor)())
    late = plain.resume(run)
    late.append(StepStarted(host="h1", step="s9", name=f"it is {SECRET}", action="command"))
    late.close()
    assert SECRET in path.read_text()
    evidence.give(MemoryApp(tmp_path / "state", []), [run], tmp_path / "bundle")
    assert SECRET.encode() not in (tmp_path / "bundle").read_bytes()


def test_after_a_run_come_its_rollbacks_and_reports_rest_on_nothing_else(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(TEXT)
    undo = take_back(done.app, done.end.run, Options(), (), (), "rollback").run
    found = verified(done.app, [done.end.run], tmp_path / "bundle")
    assert [j.journal for j in found.journals] == [f"runs/{done.end.run}", f"runs/{undo}"]
    assert found.holds
    report = files(tmp_path / "bundle")[f"runs/{done.end.run}/reports/run.md"].decode()
    assert f"restored by {undo}".replace("-", "") in report.replace("-", "").replace("\\", "")


def test_an_audit_is_compared_only_with_one_that_is_in_the_bundle(bench: Bench, tmp_path: Path) -> None:
    text = TEXT + "checks:\n  - {name: c, stat: {path: /a}, expect: result.exists}\n"
    one, two = (bench.run(text, kind="audit").end.run for _ in range(2))
    app = MemoryApp(tmp_path / "state", list(bench.hosts.values()))
    for names, before in (([two], None), ([one, two], one)):
        out = tmp_path / f"bundle{len(names)}"
        evidence.give(app, names, out)
        told = json.loads(files(out)[f"runs/{two}/reports/audit.json"])["before"]
        assert (told and told["run"]) == before


# ---------------------------------------------------------------- not as it should be


def test_a_run_that_goes_on_is_said_to_be_open_and_its_later_bundle_has_another_head(
    bench: Bench, tmp_path: Path
) -> None:
    done = bench.run(TEXT)
    journal = done.app.store.resume(done.end.run)
    begun = verified(done.app, [done.end.run], tmp_path / "begun")
    assert (begun.holds, begun.open) == (True, True), "somebody has gone on with what was closed"
    journal.append(StepStarted(host="h1", step="s9", name="later", action="command"))
    found = verified(done.app, [done.end.run], tmp_path / "early")
    assert (found.holds, found.open, found.journals[0].state) == (True, True, "open")
    journal.close()
    final = verified(done.app, [done.end.run], tmp_path / "final")
    assert (final.holds, final.open) == (True, False)
    assert final.manifest is not None
    with (tmp_path / "early").open("rb") as early:
        assert not verify(early, public(done.app), final.manifest.head).holds


def break_byte(folder: Path) -> None:
    path = folder / "journal"
    path.write_bytes(path.read_bytes().replace(b'"outcome":"changed"', b'"outcome":"skipped"'))


def cut_tail(folder: Path) -> None:
    path = folder / "journal"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def tear_tail(folder: Path) -> None:
    path = folder / "journal"
    path.write_bytes(path.read_bytes()[:-10])


def lose_blob(folder: Path) -> None:
    for path in (folder / "blobs").iterdir():
        path.unlink()


def change_blob(folder: Path) -> None:
    for path in (folder / "blobs").iterdir():
        path.write_bytes(b"x" + path.read_bytes())


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (break_byte, "its checksum does not fit"), (cut_tail, "has no end"), (tear_tail, "was torn"),
        (lose_blob, "blob .* is missing"), (change_blob, "its content is not what its name says"),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)  # fmt: skip
@pytest.mark.parametrize("carried", [False, True], ids=["left out", "carried"])
def test_a_journal_that_was_damaged_is_exported_as_such_and_never_green(
    bench: Bench, tmp_path: Path, damage: object, says: str, carried: bool
) -> None:
    done = bench.run(TEXT)
    damage(done.app.store.folder(done.end.run))  # type: ignore[operator]
    app = MemoryApp(tmp_path / "state", [])
    found = verified(app, [done.end.run], tmp_path / "bundle", carried=carried)
    assert not found.holds
    (fault,) = found.faults
    assert re.search(says, fault)
    chains = {key.journal: key for key in evidence.chain_keys(app, [done.end.run])}
    assert not verify(io.BytesIO((tmp_path / "bundle").read_bytes()), KeyRing(chains=chains)).holds


def test_another_runs_journal_under_this_runs_name_is_said(bench: Bench, tmp_path: Path) -> None:
    one, two = bench.run(TEXT), bench.run(TEXT)
    here, there = one.app.store.folder(one.end.run), one.app.store.folder(two.end.run)
    for name in ("journal", "key"):
        (here / name).write_bytes((there / name).read_bytes())
    app, says = (
        MemoryApp(tmp_path / "state", []),
        f"it is the journal of {two.end.run}, under the name of {one.end.run}",
    )
    (made,) = evidence.give(app, [one.end.run], tmp_path / "bundle").journals
    assert made.damage == [says], "whoever exports it is told"
    found = verify(io.BytesIO((tmp_path / "bundle").read_bytes()), public(app))
    assert any(says in fault for fault in found.faults)


def test_without_its_key_nothing_can_be_said_of_a_journal(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(TEXT)
    (done.app.store.folder(done.end.run) / "key").unlink()
    with pytest.raises(JournalError, match=r"the key of .* cannot be read"):
        evidence.give(done.app, [done.end.run], tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


# ------------------------------------------------------------------------- names


def test_a_journal_of_any_kind_can_be_exported(bench: Bench, tmp_path: Path) -> None:
    app = bench.run(TEXT).app
    drill = app.journals()["drills"].create("20261125-drill")
    drill.append(DrillStarted(drill="20261125-drill", kind="lab", scenario="full disk"))
    drill.close()
    for name in ("20261125-drill", "drills/20261125-drill", "drill"):
        out = tmp_path / name.replace("/", "-")
        found = verified(app, [name, "last"], out)
        assert found.holds
        assert [j.journal for j in found.journals] == ["drills/20261125-drill", f"runs/{app.store.runs()[0]}"]
    with pytest.raises(NotFound, match="there are no journals of the kind 'drill'"):
        evidence.chosen(app, ["drill/x"])
    with pytest.raises(NotFound, match="there is no run 'nothing'"):
        evidence.chosen(app, ["nothing"])
    app.journals()["incidents"].create("20261125-drill").close()
    with pytest.raises(NotFound, match="means several journals: drills/20261125-drill, incidents/20261125-drill"):
        evidence.chosen(app, ["20261125-drill"])


def test_nothing_is_overwritten(bench: Bench, tmp_path: Path) -> None:
    done = bench.run(TEXT)
    (tmp_path / "bundle").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        evidence.give(done.app, [done.end.run], tmp_path / "bundle")
    with pytest.raises(UsageError, match="is there already"):
        evidence.write_key(tmp_path / "bundle", "key")
    with pytest.raises(JournalError, match="cannot be written"):
        evidence.give(done.app, [done.end.run], tmp_path / "no" / "bundle")
    assert (tmp_path / "bundle").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


# -------------------------------------------------------------------------- keys


def test_the_key_of_an_installation_is_made_once_and_is_its_owners(bench: Bench, tmp_path: Path) -> None:
    app = bench.run(TEXT).app
    first = evidence.installation_key(app).public
    path = tmp_path / "state" / evidence.SIGNING_KEY
    assert path.stat().st_mode & 0o777 == 0o600
    assert evidence.installation_key(app).public == first
    with pytest.raises(UsageError, match="holds a private key"):
        key_ring([path])
    path.write_text("not a key")
    with pytest.raises(JournalError, match="is damaged"):
        evidence.installation_key(app)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no new key"), ("runbook-evidence-key 1 runs/x 12", "a line that is no key"), ("ü", "it is no text"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no Ed25519 public key"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(UsageError, match=says):
        key_ring([tmp_path / "key"])
    with pytest.raises(UsageError, match="cannot be read"):
        key_ring([tmp_path / "none"])


# ---------------------------------------------------------------------- as typed


def test_a_bundle_is_verified_with_nothing_but_itself_and_a_key(bench: Bench, tmp_path: Path) -> None:
    run = bench.run(TEXT).end.run
    here, there = tmp_path / "state", tmp_path / "auditor"
    there.mkdir()
    with ForkedCli() as cli:

        def typed(*words: str, state: Path) -> Ended:
            return cli.run("evidence", *words, cwd=tmp_path, env={"RUNBOOK_STATE": str(state)})

        made = typed("export", run, "-o", "auditor/bundle.tar", state=here)
        assert made.code == 0, made.err
        head = next(line.split()[1] for line in made.out.splitlines() if line.startswith("head "))
        typed("key", "--public", "-o", "auditor/public.pem", state=here)
        typed("key", run, "-o", "auditor/run.key", state=here)
        assert {p.name: p.stat().st_mode & 0o777 for p in there.iterdir()} == {
            "bundle.tar": 0o600, "public.pem": 0o600, "run.key": 0o600
        }  # fmt: skip
        assert typed("key", run, state=here).out == (there / "run.key").read_text()
        here.rename(tmp_path / "gone")
        nowhere = tmp_path / "nowhere"
        for key in ("public.pem", "run.key"):
            found = typed("verify", "auditor/bundle.tar", "--key-file", f"auditor/{key}", "--head", head, state=nowhere)
            assert (found.code, found.err) == (0, "")
            assert found.out.startswith("auditor/bundle.tar: holds\n")
        assert not nowhere.exists()
        told = json.loads(
            typed("verify", "auditor/bundle.tar", "--key-file", "auditor/run.key", "--json", state=nowhere).out
        )
        assert (told["holds"], told["open"], told["head"], told["faults"]) == (True, False, head, [])
        assert told["journals"][0]["state"] == "closed"
        data = (there / "bundle.tar").read_bytes()
        (there / "bundle.tar").write_bytes(data.replace(b'"outcome":"changed"', b'"outcome":"skipped"'))
        bad = typed("verify", "auditor/bundle.tar", "--key-file", "auditor/public.pem", state=nowhere)
        assert bad.code == 1
        assert "does not hold" in bad.out
        assert "was changed or moved" in bad.out
        assert typed("verify", "nothing", "--key-file", "auditor/public.pem", state=nowhere).code == 1
        assert typed("key", state=nowhere).code == 5


def test_what_a_bundle_says_is_shown_as_data(bench: Bench, tmp_path: Path) -> None:
    """Names in a bundle that nobody has signed may hold what a terminal obeys."""
    done = bench.run(TEXT)
    evidence.give(done.app, [done.end.run], tmp_path / "bundle")
    loose = Loose((tmp_path / "bundle").read_bytes())
    manifest = loose.parts["manifest.json"].replace(b'"tester"', b'"\\u001b[2Jtester"')
    data = loose.having({"manifest.json": manifest, "\x1b[2J": b""}).packed()
    sheet = Paper(colour=False, width=200)
    show(sheet, "bundle", verify(io.BytesIO(data), public(done.app)))
    assert "tester" in sheet.text()
    assert "\x1b" not in sheet.text()
