"""Filters, tests and lookups: the answers are those of ansible-core 2.19."""

from __future__ import annotations

from pathlib import Path

import pytest

from playbook_engine.model.errors import TemplateError
from playbook_engine.templating.environment import Templar
from playbook_engine.templating.filters.passwords import sha_crypt

VARS: dict[str, object] = {
    "s": "Hello World",
    "n": None,
    "l": [3, 1, 2],
    "d": {"a": 1, "b": {"c": [10, 20]}},
    "users": [{"name": "ann", "tags": ["x"]}, {"name": "bob", "tags": []}, {"name": "cy", "tags": ["x", "y"]}],
    "ok": {"rc": 0, "changed": True, "failed": False, "stdout": "all good"},
    "bad": {"rc": 2, "failed": True, "changed": False},
}


@pytest.fixture(scope="module")
def templar() -> Templar:
    return Templar()


CASES: list[tuple[str, object]] = [
    # text
    ('{{ "it\'s" | quote }}', "'it'\"'\"'s'"),
    ("{{ n | quote }}", "''"),
    (r"{{ s | regex_replace('(H)(e)', '\2\1') }}", "eHllo World"),
    (r"{{ s | regex_search('(W)(o)', '\1', '\2') }}", ["W", "o"]),
    ("{{ s | regex_search('zz') }}", None),
    (r"{{ 'C:\dir\x.txt' | win_basename }}", "x.txt"),
    ("{{ 'a.b' | regex_escape }}", r"a\.b"),
    ("{{ 'a\n\nb' | comment }}", "#\n# a\n#\n# b\n#"),
    ("{{ 'a' | comment('cblock') }}", "/*\n *\n * a\n *\n */"),
    ("{{ 'naïve' | b64encode | b64decode }}", "naïve"),
    ("{{ 'http://u@h.test:81/p?q=1' | urlsplit('port') }}", 81),
    # what an output becomes
    ("x{{ n }}y", "xy"),
    ("{{ 'a' ~ n }}", "aNone"),
    ("x{{ (1, 2) }}", "x[1, 2]"),
    ("{{ l | map('string') | length }}", 3),
    ("{% if l %}{{ l }}{% endif %}", [3, 1, 2]),
    # collections
    ("{{ d | combine({'b': {'c': [30]}}, recursive=true, list_merge='append') }}", {"a": 1, "b": {"c": [10, 20, 30]}}),
    ("{{ d | combine({'b': 5}) }}", {"a": 1, "b": 5}),
    ("{{ {'a': 1} | dict2items | items2dict }}", {"a": 1}),
    ("{{ users | subelements('tags') | length }}", 3),
    ("{{ [1, [2, [3]]] | flatten(levels=1) }}", [1, 2, [3]]),
    ("{{ l | union([9]) }}", [1, 2, 3, 9]),
    ("{{ ['b', 'a', 'b'] | unique }}", ["b", "a"]),
    ("{{ [{'a': 1}, {'a': 1}] | unique }}", [{"a": 1}]),
    ("{{ ['c', 'b'] | map('extract', {'b': 1, 'c': 2}) }}", [2, 1]),
    ("{{ l | zip('abc') }}", [[3, "a"], [1, "b"], [2, "c"]]),
    ("{{ l | shuffle(seed='x') | sort }}", [1, 2, 3]),
    ("{{ 100 | random(seed='s') == 100 | random(seed='s') }}", True),
    # serial
    ("{{ d | to_json }}", '{"a": 1, "b": {"c": [10, 20]}}'),
    ("{{ {'b': 1, 'a': 'yes'} | to_nice_yaml }}", "a: 'yes'\nb: 1\n"),
    ("{{ 'a: [1, yes]' | from_yaml }}", {"a": [1, True]}),
    ("{{ '[1, null]' | from_json }}", [1, None]),
    # numbers
    ("{{ 1536 | human_readable }}", "1.50 KB"),
    ("{{ '1.5 GB' | human_to_bytes }}", 1610612736),
    ("{{ '1Mb' | human_to_bytes(isbits=true) }}", 1048576),
    ("{{ 'yes' | bool }}", True),
    ("{{ 'y' | bool }}", False),
    ("{{ 9 | root }}", 3.0),
    # dates, paths, hashes
    ("{{ '%Y-%m-%d' | strftime(86400, utc=true) }}", "1970-01-02"),
    ("{{ '2024-03-01 12:00:00' | to_datetime }}", "2024-03-01T12:00:00"),
    ("{{ '/etc/app/a.conf' | splitext }}", ["/etc/app/a", ".conf"]),
    ("{{ ['/a', 'b'] | path_join }}", "/a/b"),
    ("{{ s | hash('md5') }}", "b10a8db164e0754105b7a99be72e3fe5"),
    # tests
    ("{{ bad is failed and ok is changed and ok is not skipped }}", True),
    ("{{ '1.10.2' is version('1.9', '>') }}", True),
    ("{{ '1.2.3-rc.1' is version('1.2.3', '<', version_type='semver') }}", True),
    ("{{ '1.0.post1' is version('1.0', '>', version_type='pep440') }}", True),
    ("{{ s is match('World') }}", False),
    ("{{ s is search('World') }}", True),
    ("{{ [1] is subset([1, 2]) }}", True),
    ("{{ 'no' is falsy(convert_bool=true) }}", True),
    # lookups
    ("{{ lookup('dict', {'a': 1}) }}", {"key": "a", "value": 1}),
    ("{{ query('sequence', 'start=0 end=4 stride=2 format=w%02d') }}", ["w00", "w02", "w04"]),
    ("{{ query('nested', [1, 2], ['a']) }}", [[1, "a"], [2, "a"]]),
    ("{{ lookup('pipe', 'printf hi') }}", "hi"),
    ("{{ lookup('vars', 's') }}", "Hello World"),
    ("{{ lookup('first_found', ['/nonexistent', '/dev/null']) }}", "/dev/null"),
    ("{{ lookup('file', '/nonexistent', errors='ignore') }}", None),
    ("{{ lookup('password', '/dev/null length=12 chars=digits') | length }}", 12),
    ("{{ l | ansible.builtin.flatten }}", [3, 1, 2]),
    ("{{ missing | first | default('k') }}", "k"),
    ("{{ 'a,b,c' | split(sep=',', maxsplit=1) }}", ["a", "b,c"]),
    ("{{ 'l1' | comment(decoration='! ', prefix='', postfix='') }}", "! l1\n"),
    ("{{ true | ternary(1, missing) }}", 1),
    ("{{ missing | type_debug }}", "UndefinedMarker"),
    ("{{ [8, 1] | union([300]) }}", [8, 1, 300]),
    ("{{ [{'a': 1}, {'a': 1}] | unique(case_sensitive=true) }}", [{"a": 1}]),
    ("{{ 'pw' | vault('secret') | unvault('secret') == 'pw' }}", True),
    ("{{ 'pw' | vault('secret', vault_id='lbl') | regex_search('^.*') }}", "$ANSIBLE_VAULT;1.2;AES256;lbl"),
    ("{{ 'pw' | unvault('x') }}", "pw"),
    (
        "{{ 'pw' | password_hash('sha256', 'saltsalt') }}",
        "$5$rounds=535000$saltsalt$DV/wdBU9TkuhhcQfLffJ5EE3oF.grHgoEMJBmRv0tP2",
    ),
    ("{{ 'pw' | password_hash('md5', 'saltsalt') }}", "$1$saltsalt$6SNdNaZLKst2LlSm7oPPL1"),
    (
        "{{ 'pw' | password_hash('bcrypt', '1234567890123456789012', ident='2y') }}",
        "$2y$12$123456789012345678901ur8.t6rMyOWgNT79nPonFt8j1PTEo93G",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_gives(templar: Templar, text: str, expected: object) -> None:
    value = templar.render(templar.compile_value(text, None), VARS)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "{{ '{bad' | from_json }}",
        "{{ 'a: [' | from_yaml }}",
        "{{ l | dict2items }}",
        "{{ s is changed }}",
        "{{ 'xx' | human_to_bytes }}",
        "{{ {'timedout': true} is timedout }}",
        "{{ 'pw' | vault('secret') | unvault('wrong') }}",
        "{{ 'pw' | password_hash('sha512', 'saltsalt', rounds=10) }}",
        "{{ 5 | password_hash('sha512', 'saltsalt') }}",
        "{{ '10 mb' | human_to_bytes }}",
        "{{ '1.x' is version('1.0', '<', strict=true) }}",
        "{{ lookup('nosuch', 'x') }}",
        "{{ lookup('file', '/nonexistent') }}",
        "{{ lookup('pipe', 'exit 3') }}",
        "{{ query('sequence', 'end=3 foo=1') }}",
        "{{ range(3) }}",
        "{{ lookup }}",
        "{{ missing | mandatory('say it') }}",
    ],
)
def test_refuses(templar: Templar, text: str) -> None:
    with pytest.raises(TemplateError):
        templar.render(templar.compile_value(text, None), VARS)


def test_lookups_find_files_beside_the_runbook(tmp_path: Path) -> None:
    (tmp_path / "motd.j2").write_text(
        "#jinja2: trim_blocks:False\n{% if true %}\n{{ 'a\\tb' }} {{ who }}\n{% endif %}\n"
    )
    templar = Templar(search=[str(tmp_path)])
    value = templar.render(templar.compile_value("{{ lookup('template', 'motd.j2') }}", None), {"who": "x"})
    assert value == "\na\tb x\n"


def test_a_password_file_is_made_once_and_private(tmp_path: Path) -> None:
    templar = Templar()
    node = templar.compile_value(f"{{{{ lookup('password', '{tmp_path}/deep/pw length=8') }}}}", None)
    first = templar.render(node, {})
    assert first == templar.render(node, {})
    assert (tmp_path / "deep" / "pw").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("kind", "rounds", "salt", "expected"),
    [  # Drepper's vectors, as `openssl passwd -5/-6` gives them
        (
            "sha512", None, "saltstring",
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        ),
        (
            "sha512", 10000, "saltstringsaltst",
            "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/"
            "y3RnOaw5v.",
        ),
        ("sha256", None, "saltstring", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    ],
)  # fmt: skip
def test_sha_crypt(kind: str, rounds: int | None, salt: str, expected: str) -> None:
    assert sha_crypt(b"Hello world!", kind, salt, rounds) == expected
