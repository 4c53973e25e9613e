"""Markdown, plain text and HTML as statements with the lines of the file."""

from __future__ import annotations

import json

import pytest
from unit.report.prose.reports import document, found

from playbook_engine.model.errors import UsageError
from playbook_engine.report.prose.checker import check
from playbook_engine.report.prose.document import Document, Kind
from playbook_engine.report.prose.marks import Mark
from playbook_engine.report.prose.reading import read


def told(made: Document) -> list[tuple[int, str, str]]:
    return [(s.line, str(s.kind), s.text) for s in made.statements]


def test_the_parts_of_markdown() -> None:
    made = document(
        """
        Title
        =====

        A *paragraph* that is
        **wrapped**, with a [link](#E1) and `code`.
        **Key**: value  
        <!-- unseen
        ✅ unseen ❌ -->
        > quoted

        ```
        fenced
        ```
        | a | b |
        |---|---|
        | 1 | `x \\| y` |

        1. item
           - [x] nested
             goes on
        """  # noqa: W291
    )  # fmt: skip
    assert told(made) == [
        (1, "heading", "Title"),
        (4, "prose", "A paragraph that is wrapped, with a link and `code`."),
        (6, "prose", "Key: value"),
        (9, "quote", "quoted"),
        (12, "fenced", "fenced"),
        (16, "row", "1 | `x | y`"),
        (18, "item", "item"),
        (19, "item", "[x] nested goes on"),
    ]
    paragraph, pair, nested = made.statements[1], made.statements[2], made.statements[-1]
    assert paragraph.place_at(paragraph.text.index("wrapped")).line == 5
    assert paragraph.links == ("#E1",)
    assert "code" not in paragraph.said
    assert pair.pair == ("Key", "value")
    assert nested.mark is Mark.GOOD
    assert made.owner(nested) is made.statements[-2]


def test_a_line_before_a_list_heads_it() -> None:
    made = document("# T\n\nNext 30 minutes:\n\n- a\n\nafter the list\n\n- b")
    sections = {s.text: made.section_of(s).title for s in made.of(Kind.ITEM, Kind.PROSE)}
    assert sections == {"a": "Next 30 minutes:", "after the list": "T", "b": "T"}


def test_plain_text_with_underlined_headings() -> None:
    made = document("OPEN ALERTS\n-----------\n1. disk\nMORE:\nStatus: green", "shift.txt")
    assert told(made)[0] == (1, "heading", "OPEN ALERTS")
    assert made.statements[-1].pair == ("Status", "green")


def test_front_matter_is_fields_and_no_heading() -> None:
    made = document("---\ntitle: x\nstatus: done\n---\n\ntext")
    assert told(made) == [(2, "prose", "title: x"), (3, "prose", "status: done"), (6, "prose", "text")]


def test_the_parts_of_html() -> None:
    page = """
    <!DOCTYPE html><html><head><title>unseen</title><style>p { a: b }</style></head><body>
    <h1>Title</h1><script>var unseen = "<p>";</script>
    <p>one
    two <b>three</b> <code>x &lt; y</code> <a href="#E1">E1</a></p>
    <p hidden>unseen</p><div style="display: none">unseen</div>
    <ol><li>first<ul><li>nested</li></ul></li><li>second</ol>
    <dl><dt>Uptime</dt><dd>139 s</dd></dl>
    <table><tr><th>a</th><th>b</th></tr><tr id="E1"><td>1</td><td></td></tr></table>
    <pre>line
    other</pre>
    <blockquote>quoted</blockquote>
    """
    made = document(page, "x.html")
    assert told(made) == [
        (2, "heading", "Title"),
        (3, "prose", "one two three `x < y` E1"),
        (6, "item", "first"),
        (6, "item", "nested"),
        (6, "item", "second"),
        (7, "prose", "Uptime : 139 s"),
        (8, "row", "1"),
        (9, "fenced", "line"),
        (10, "fenced", "other"),
        (11, "quote", "quoted"),
    ]
    assert [s.number for s in made.of(Kind.ITEM)] == [1, None, 2]
    (row,) = made.of(Kind.ROW)
    assert (row.cells, row.header) == (("1", ""), ("a", "b"))
    assert made.evidenced(made.statements[1])


def test_a_link_to_nowhere_is_no_evidence() -> None:
    made = document("A [record](#E1), and [another](#E2). <a id='E2'></a>\n\nA [record](#E1).")
    assert [made.evidenced(s) for s in made.statements] == [True, False]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (json.dumps({"schema": "playbook-engine/audit-report/1"}).encode(), "a report of ours as JSON"),
        (b'[{"a": 1}]', "is JSON, and no prose"),
    ],
)
def test_json_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        read("x.json", data)
    assert raised.value.advice


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_ends_of_lines(encoding: str) -> None:
    text = "# T\r\n\r\n- ✅ a running ❌ FAILED\r- b"
    (finding,) = read_found(text.encode(encoding))
    assert finding == ("X3", 3)


def read_found(data: bytes) -> list[tuple[str, int]]:
    return [(f.rule.id, f.found.at.line) for f in check("x", read("x", data))]


def test_bytes_that_are_no_text_are_shown_escaped() -> None:
    (finding,) = check("x", read("x", "- ✅ a ".encode() + b"\xff\x1b[2J" + " ❌ FAILED".encode()))
    assert "\\xff\\x1b[2J" in finding.found.at.text


def test_html_without_a_suffix_is_known_by_its_beginning() -> None:
    assert found("<!doctype html>\n<ul><li>✅ a running ❌ FAILED", "report") == [("X3", 2, [])]
