"""Arguments for the actions that change files, drawn by hypothesis: some already hold, some hold in part, some cannot.

`{d}` is the directory of the world, `{file}`, `{last file}` and `{link}` are in it where it has such; `{url}` is a web
server that answers `/claim/TEXT` with TEXT.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile

from hypothesis import strategies as st
from worlds import CONTENTS, NAMES, TARGETS

Args = dict[str, object]

PATHS = st.sampled_from(
    ["{file}", "{last file}", "{link}"] * 3
    + [f"{{d}}/{name}" for name in NAMES] + ["{d}/new", "{d}/t/new", "{d}/x/y/z"]
)  # fmt: skip
INTO = st.sampled_from(["{d}/x/y/", "{d}/t/", "{d}/t", "{d}/d ir"])
SOURCES = st.sampled_from(["f", "g", "a", "sub", "{d}/f"])
MODE = st.sampled_from(
    ["0644", "0600", "4755", "2751", "1777", "0000", "u=rwX,g=rX,o=", "g+s,u+s", "a+w", "-x", "u-w,+t"]
)
OWNER = st.sampled_from(["0", "1", "12345", "54321", "root", "daemon", "nobody-of-that-name"])
VALIDATE = st.sampled_from(["true %s", "test -s %s", "grep -q alpha %s", "false %s"])
FLAG = st.booleans()


def some(needed: dict[str, st.SearchStrategy[object]], **perhaps: st.SearchStrategy[object]) -> st.SearchStrategy[Args]:
    """Arguments that are given, and those that are given or not."""
    return st.fixed_dictionaries(needed, optional=perhaps)


def attributes(**more: st.SearchStrategy[object]) -> dict[str, st.SearchStrategy[object]]:
    """What every action that makes files understands."""
    return {"mode": MODE, "owner": OWNER, "group": OWNER, **more}


WRITING = attributes(validate=VALIDATE, backup=FLAG)

COPY = (
    some({"dest": PATHS, "content": CONTENTS}, force=FLAG, follow=FLAG, **WRITING)
    | some({"dest": INTO, "src": SOURCES, "content": CONTENTS}, force=FLAG, **WRITING)
    | some(
        {"dest": PATHS | INTO, "src": PATHS, "remote_src": st.just(True)},
        **{**WRITING, "follow": FLAG, "mode": MODE | st.just("preserve")},
    )
)  # fmt: skip
TEMPLATE = some({"dest": PATHS | INTO, "src": st.just("a.j2"), "content": CONTENTS}, force=FLAG, follow=FLAG, **WRITING)

TIME = st.sampled_from(["now", "preserve", "202001010000.00", "197001010000.01", "soon"])
FILE = (
    some({"path": PATHS, "state": st.just("absent")})
    | some({"path": PATHS, "state": st.just("directory")}, recurse=FLAG, follow=FLAG, **attributes())
    | some({"path": PATHS}, follow=FLAG, **attributes(state=st.just("file")))
    | some({"path": PATHS, "state": st.just("touch")}, access_time=TIME, modification_time=TIME, follow=FLAG,
           **attributes())
    | some({"path": PATHS, "state": st.sampled_from(["link", "hard"])}, force=st.sampled_from([True, True, False]),
           src=st.sampled_from(TARGETS) | PATHS, follow=FLAG, **attributes())
)  # fmt: skip

LINE = st.sampled_from(["alpha", "beta = 3", "", "new line", "grün", "with\\1group", "two\nlines", "tail\n", "\udcff"])
PATTERN = st.sampled_from(["^beta", "alpha", "^$", "(be)ta", "no such", ".*", "(", "\\s", "ü"])
WHERE = st.sampled_from(["EOF", "BOF", "^beta", "alpha", "no such", "["])
LINEINFILE = some(
    {"path": PATHS}, line=LINE, regexp=PATTERN, state=st.sampled_from(["present", "present", "absent"]), backrefs=FLAG,
    create=FLAG, firstmatch=FLAG, insertafter=WHERE, **WRITING,
) | some(
    {"path": PATHS, "line": LINE}, search_string=LINE, insertbefore=WHERE, create=st.just(True), **WRITING,
)  # fmt: skip

REPLACE = some(
    {"path": PATHS, "regexp": PATTERN},
    replace=st.sampled_from(["x", "", "\\1", "\\g<0>\\g<0>", "\\9", "ü", "b\nc"]),
    after=PATTERN, before=PATTERN, **WRITING,
    encoding=st.sampled_from(["utf-8", "utf-8", "latin-1", "ascii", "utf-16", "no-such"]),
)  # fmt: skip

TOLD = ("alpha", "other", "")
SUMS = [f"{kind}:{hashlib.new(kind, text.encode()).hexdigest()}" for kind in ("sha256", "md5") for text in TOLD]
GET_URL = some(
    {"url": st.sampled_from([f"{{url}}/claim/{t}" for t in TOLD] + ["{url}/status/404", "{url}/file", "{url}/reset"]),
     "dest": PATHS | INTO},
    checksum=st.sampled_from([*SUMS, "sha256:00", "crc:1"]), force=FLAG, **attributes(backup=FLAG),
)  # fmt: skip

MARK = st.sampled_from(["# {mark} OURS", "alpha {mark}", "same", "{mark}"])
BLOCKINFILE = some(
    {"path": PATHS}, block=LINE, marker=MARK, state=st.sampled_from(["present", "present", "absent"]), create=FLAG,
    insertafter=WHERE, append_newline=FLAG, prepend_newline=FLAG, **WRITING,
) | some({"path": PATHS, "block": LINE}, insertbefore=WHERE, create=st.just(True), **WRITING)  # fmt: skip

NAME = st.sampled_from(["beta", "alpha", "new", "a.b"])
INI_FILE = some(
    {"path": PATHS}, section=NAME, option=NAME, value=st.sampled_from(["2", "3", ""]), exclusive=FLAG, create=FLAG,
    state=st.sampled_from(["present", "present", "absent"]), allow_no_value=FLAG, no_extra_spaces=FLAG, follow=FLAG,
    ignore_spaces=FLAG, modify_inactive_option=FLAG, **WRITING,
) | some({"path": PATHS, "option": NAME, "values": st.lists(NAME, max_size=3)}, section=NAME, **WRITING)  # fmt: skip

ASSEMBLE = some(
    {"src": st.sampled_from(["{d}", "{d}/t", "{d}/t/sub", "{d}/d ir"]), "dest": PATHS},
    delimiter=st.sampled_from(["---", "a\\n"]), regexp=PATTERN, ignore_hidden=FLAG, **WRITING,
)  # fmt: skip

TREE = st.lists(
    st.sampled_from(
        [["a", "file", "0640", b"alpha\n"], ["b", "file", "0755", b""], ["l", "link", "", "a"],
         ["sub", "directory", "0750", ""]]
    ),
    unique_by=lambda entry: entry[0],
)  # fmt: skip
COPY_TREE = some(
    {"dest": INTO, "src": st.sampled_from(["/x/t", "/x/t/", "/x/new"]), "tree": TREE},
    force=FLAG, directory_mode=MODE, **WRITING,
)  # fmt: skip


def _archives() -> list[bytes]:
    """A tar archive, plain and compressed, and a zip archive; all have files where a world may have something."""
    found = []
    names = {"t/a": b"alpha\n", "f": b"from the archive", "t/sub/c": b"", "new/deep/er": b"x"}
    for kind in ("w", "w:gz"):
        held = io.BytesIO()
        with tarfile.open(fileobj=held, mode=kind) as made:  # type: ignore[call-overload]
            for name, text in names.items():
                info = tarfile.TarInfo(name)
                info.size, info.mode, info.mtime = len(text), 0o640, 1_000_000_000
                made.addfile(info, io.BytesIO(text))
        found.append(held.getvalue())
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as zipped:
        for name, text in names.items():
            zipped.writestr(zipfile.ZipInfo(name, (2001, 9, 9, 1, 46, 40)), text)
    return [*found, held.getvalue()]


UNARCHIVE = some(
    {"src": st.just("x"), "dest": st.sampled_from(["{d}", "{d}/t", "{d}/d ir"]),
     "content": st.sampled_from([*_archives(), b"no archive"])},
    keep_newer=FLAG, include=st.just(["t/a"]), exclude=st.just(["f"]), **attributes(),
)  # fmt: skip

FILE_ARGS: dict[str, st.SearchStrategy[Args]] = {
    "copy": COPY | COPY_TREE, "template": TEMPLATE, "file": FILE, "lineinfile": LINEINFILE, "replace": REPLACE,
    "get_url": GET_URL, "blockinfile": BLOCKINFILE, "ini_file": INI_FILE, "assemble": ASSEMBLE, "unarchive": UNARCHIVE,
}  # fmt: skip
"""The actions whose whole state is files."""
