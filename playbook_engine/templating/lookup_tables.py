"""The lookups `csvfile` and `ini`: values out of files of the controller.

Source: their pages in Ansible's documentation; checked against ansible-core 2.19.
"""

from __future__ import annotations

import configparser
import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

from playbook_engine.templating import keyvalues
from playbook_engine.templating.tests import as_word

CSV: Mapping[str, Any] = {
    "file": "ansible.csv", "delimiter": "TAB", "col": 1, "keycol": 0, "default": None, "encoding": "utf-8",
}  # fmt: skip
INI: Mapping[str, Any] = {
    "file": "ansible.ini", "section": "global", "type": "ini", "re": False, "default": "", "encoding": "utf-8",
    "case_sensitive": False, "allow_no_value": False, "allow_none": False, "interpolation": True,
}  # fmt: skip
PROPERTIES = "java_properties"
"""The section that a file without any is put into."""

Read = Callable[[str, str], str]
"""(name, encoding) -> the text of the file."""


def csvfile(terms: list[Any], given: Mapping[str, Any], read: Read) -> list[Any]:
    """Of the first row that has a term in `keycol`, what it has in `col`; else the default, or nothing."""
    if not terms:
        raise ValueError("the lookup `csvfile` wants a key")
    asked = _with(CSV, given, "csvfile")
    made: list[Any] = []
    for term in terms:
        key, pairs = keyvalues.split(str(term))
        if not key:
            raise ValueError("the lookup `csvfile` wants a key")
        asked = _with(asked, pairs, "csvfile")
        delimiter = "\t" if asked["delimiter"] == "TAB" else str(asked["delimiter"])
        found = asked["default"]
        for row in csv.reader(io.StringIO(read(str(asked["file"]), str(asked["encoding"])), ""), delimiter=delimiter):
            if row and row[int(asked["keycol"])] == key:
                found = row[int(asked["col"])]
                break
        if found is not None:
            made += found if isinstance(found, list) else [found]
    return made


def ini(terms: list[Any], given: Mapping[str, Any], read: Read) -> list[Any]:
    """The values of keys in a section; with `re`, of all keys that match from their beginning."""
    asked = _with(INI, given, "ini")
    made: list[Any] = []
    for term in terms:
        key, pairs = keyvalues.split(str(term))
        if not key:
            raise ValueError("the lookup `ini` wants a key")
        asked = _with(asked, pairs, "ini")
        made += _values(key if pairs else str(term), asked, read)
    return made


def _values(key: str, asked: Mapping[str, Any], read: Read) -> list[Any]:
    text, section = read(str(asked["file"]), str(asked["encoding"])), str(asked["section"])
    if asked["type"] == "properties":
        text, section = f"[{PROPERTIES}]\n{text}", PROPERTIES
    elif asked["type"] != "ini":
        raise ValueError(f"the type of a file is ini or properties, not {asked['type']!r}")
    parser = configparser.ConfigParser(
        allow_no_value=bool(as_word(asked["allow_no_value"]) or as_word(asked["allow_none"])),
        interpolation=configparser.BasicInterpolation() if as_word(asked["interpolation"]) else None,
    )
    if as_word(asked["case_sensitive"]):
        parser.optionxform = str  # type: ignore[assignment,method-assign]
    found: Any
    try:
        parser.read_string(text, str(asked["file"]))
        if as_word(asked["re"]):
            return [value for name, value in parser.items(section) if re.match(key, name) and value is not None]
        found = parser.get(section, key)
    except configparser.NoOptionError:
        found = asked["default"]
    except configparser.Error as error:
        raise ValueError(f"{asked['file']}: {error}") from None
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _with(known: Mapping[str, Any], given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if unknown := given.keys() - known.keys():
        raise ValueError(f"the lookup `{name}` has no {min(unknown)!r}; it has {', '.join(known)}")
    return {**known, **given}
