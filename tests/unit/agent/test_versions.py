"""Versions and requirements: the order of PEP 440's own examples, and what satisfies what."""

from __future__ import annotations

import random

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from playbook_engine.agent import versions

ORDERED = [
    "1.dev0",
    "1.0.dev456",
    "1.0a1",
    "1.0a2.dev456",
    "1.0a12.dev456",
    "1.0a12",
    "1.0b1.dev456",
    "1.0b2",
    "1.0b2.post345.dev456",
    "1.0b2.post345",
    "1.0rc1.dev456",
    "1.0rc1",
    "1.0",
    "1.0+abc.5",
    "1.0+abc.7",
    "1.0+5",
    "1.0.post456.dev34",
    "1.0.post456",
    "1.0.15",
    "1.1.dev1",
    "1!0.5",
]


def test_versions_are_ordered_as_pep_440_orders_them() -> None:
    assert sorted(random.Random(1).sample(ORDERED, len(ORDERED)), key=lambda v: versions.key(v) or ()) == ORDERED
    assert sorted(ORDERED, key=Version) == ORDERED, "packaging agrees"


@pytest.mark.parametrize("op", ["==", "!=", "<=", ">=", "<", ">", "~="])
@pytest.mark.parametrize("wanted", ["1.0", "1.0.post456", "1.0b2", "1.1.dev1", "2.0"])
def test_clauses_agree_with_packaging(op: str, wanted: str) -> None:
    specifier = SpecifierSet(op + wanted, prereleases=True)
    for version in ORDERED:
        # PEP 440 keeps post and local releases of V out of `>V`, and pre-releases out of `<V`.
        if op in "<>" and Version(Version(version).base_version) == Version(Version(wanted).base_version):
            continue
        assert versions.holds(version, op, wanted) == specifier.contains(version), (version, op, wanted)


@pytest.mark.parametrize(
    ("text", "name", "version", "met"),
    [
        ("mlflow==3.17.2", "mlflow", "3.17.2", True),
        ("mlflow==3.17.2", "mlflow", "3.17.1", False),
        ("mlflow==3.17.2", "mlflow", None, False),
        ("MLflow_Skinny[extras] >= 3, < 4", "mlflow-skinny", "3.1", True),
        ("a (>=1,<2)", "a", "2.0", False),
        ("a==1.*", "a", "1.9.9", True),
        ("a!=1.*", "a", "1.9", False),
        ("a~=1.4.2", "a", "1.4.9", True),
        ("a~=1.4.2", "a", "1.5", False),
        ("a", "a", "0.1.dev3", True),
        ("a @ https://files.test/a.whl", "a", "7", True),
        ("a===weird", "a", "weird", True),
        ("a>1 ; python_version < '3'", "a", "2", True),
    ],
)
def test_requirements(text: str, name: str, version: str | None, met: bool) -> None:
    requirement = versions.Requirement(text)
    assert requirement.name == name
    assert not requirement.opaque
    assert requirement.met(version) is met


@pytest.mark.parametrize(
    ("marker", "verdict"),
    [
        ("", True),
        ("python_version >= '3.8'", True),
        ("python_version < '3.10'", False),
        ("sys_platform == 'win32' or os_name == 'posix'", True),
        ("sys_platform == 'linux' and python_version < \"3\"", False),
        ("'linux' in sys_platform", True),
        ("(python_version < '3') or os_name == 'posix'", None),
    ],
)
def test_markers(marker: str, verdict: bool | None) -> None:
    here = {"python_version": "3.11", "sys_platform": "linux", "os_name": "posix"}
    assert versions.applies(marker, here) is verdict
