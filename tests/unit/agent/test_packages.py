"""Versions and names of RPM and Alpine packages. What rpm and apk say here was written by hand, in the form that rpm
4.18 and apk 2.14 give it."""

from __future__ import annotations

import pytest

from playbook_engine.agent import packages_apk, packages_apt, packages_dnf

RPM_QA = """gpg-pubkey (none) 0:fd431d51-4ae0493b
bash x86_64 0:5.1.8-9.el9
vim-minimal x86_64 2:8.2.2637-20.el9
kernel-core x86_64 0:5.14.0-427.el9
python3-libs x86_64 0:3.9.18-3.el9
"""
INSTALLED = packages_dnf.rows(RPM_QA)


def test_keys_are_no_packages() -> None:
    assert INSTALLED["vim-minimal.x86_64"] == "2:8.2.2637-20.el9"
    assert len(INSTALLED) == 4


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("bash", ["bash.x86_64"]),
        ("bash.x86_64", ["bash.x86_64"]),
        ("bash.i686", []),
        ("bash-5.1.8", ["bash.x86_64"]),
        ("bash-5.1.8-9.el9", ["bash.x86_64"]),
        ("bash-5.1.8-9.el9.x86_64", ["bash.x86_64"]),
        ("bash-5.2", []),
        ("vim-minimal-2:8.2.2637-20.el9", ["vim-minimal.x86_64"]),
        ("2:vim-minimal-8.2.2637-20.el9", ["vim-minimal.x86_64"]),
        ("python3-*", ["python3-libs.x86_64"]),
        ("python3-libs >= 3.9", ["python3-libs.x86_64"]),
        ("python3-libs >= 3.10", []),
        ("python3-libs < 3.10", ["python3-libs.x86_64"]),
        ("python3-libs = 3.9.18", ["python3-libs.x86_64"]),
        ("kernel", []),
    ],
)
def test_what_a_name_means(spec: str, found: list[str]) -> None:
    assert packages_dnf.matching(spec, INSTALLED) == found


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0", "1.0.1"), ("1.9", "1.10"), ("1.0~rc1", "1.0"), ("1.0", "1.0^git1"), ("1.0^git1", "1.0.1"),
        ("1.0-1", "1.0-2"), ("1.0a", "1.0b"), ("1.0.a", "1.0.1"), ("2", "10"), ("1.0-9.el9", "1.0-10.el9"),
    ],
)  # fmt: skip
def test_which_version_is_newer(older: str, newer: str) -> None:
    assert packages_dnf.newer(newer, older)
    assert not packages_dnf.newer(older, newer)
    assert not packages_dnf.newer(older, older)


DATABASE = """C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=
P:alpine-baselayout
V:3.6.5-r0
A:x86_64
F:dev

C:Q1XmNy6W3Y1g=
P:musl
V:1.2.5-r0
"""


def test_the_database_of_apk() -> None:
    assert packages_apk.database(DATABASE) == {"alpine-baselayout": "3.6.5-r0", "musl": "1.2.5-r0"}


@pytest.mark.parametrize("text", ["curl", "curl=8.5.0-r0", "curl>=8", "curl~8.5", "curl@edge", "curl=~8"])
def test_the_name_in_what_is_asked_of_apk(text: str) -> None:
    assert packages_apk.bare(text) == "curl"


SIMULATED = """(1/3) Upgrading musl (1.2.4-r2 -> 1.2.5-r0)
(2/3) Installing libcurl (8.9.0-r0)
(3/3) Purging oldlib (1.0-r1)
OK: 12 MiB in 20 packages
"""


def test_what_apk_says_that_it_would_do() -> None:
    found = [(c["subject"], c["before"], c["after"]) for c in packages_apk.transaction(SIMULATED)]
    assert found == [("musl", "1.2.4-r2", "1.2.5-r0"), ("libcurl", None, "8.9.0-r0"), ("oldlib", "1.0-r1", "absent")]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("curl", ("curl", "", "")), ("curl=7.88.*", ("curl", "=", "7.88.*")), ("curl >= 7", ("curl", ">=", "7")),
        ("libc6:i386=2.36", ("libc6:i386", "=", "2.36")),
    ],
)  # fmt: skip
def test_what_is_asked_of_apt(text: str, parts: tuple[str, str, str]) -> None:
    assert packages_apt.split(text) == parts
