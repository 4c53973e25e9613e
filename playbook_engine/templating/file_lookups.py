"""Lookups in files that are tables of values, and the lookup `password` with the file that it keeps."""

from __future__ import annotations

import configparser
import csv
import os
import random
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from playbook_engine.catalog.types import parse_bool
from playbook_engine.templating.filters import passwords

INI = {"file": "ansible.ini", "type": "ini", "section": "global", "default": "", "re": False, "encoding": "utf-8",
       "case_sensitive": False, "allow_no_value": False, "interpolation": True}  # fmt: skip
CSV = {"file": "ansible.csv", "delimiter": "TAB", "col": 1, "keycol": 0, "default": None, "encoding": "utf-8"}
PASSWORD = {"length": 20, "chars": ["ascii_letters", "digits", ".,:-_"], "encrypt": None, "ident": None, "seed": None}


def asked(
    name: str, known: Mapping[str, object], term: str, options: Mapping[str, object]
) -> tuple[str, dict[str, Any]]:
    """(what is looked for, the options) of a term that may hold options itself: `key section=a file=b`.

    Raises ValueError for an option that there is not.
    """
    words: list[str] = []
    own: dict[str, str] = {}
    for word in term.split():
        key, sign, value = word.partition("=")
        if sign and key in known:
            own[key] = value
        elif sign and words and key.isidentifier():
            raise ValueError(f"lookup {name} has no option {key!r}: there are {', '.join(known)}")
        elif own:
            raise ValueError(f"lookup {name}: {word!r} comes after the options, and is none")
        else:
            words.append(word)
    for key in options:
        if key not in known:
            raise ValueError(f"lookup {name} has no option {key!r}: there are {', '.join(known)}")
    return " ".join(words) if own else term, {**known, **options, **own}


def ini(path: str, key: str, given: Mapping[str, Any]) -> list[Any]:
    """The values of a key in a section; with `re` of all keys that it matches. Raises ValueError."""
    parser = configparser.ConfigParser(
        allow_no_value=parse_bool(given["allow_no_value"]),
        interpolation=configparser.BasicInterpolation() if parse_bool(given["interpolation"]) else None,
    )
    if parse_bool(given["case_sensitive"]):
        parser.optionxform = str  # type: ignore[assignment,method-assign]
    properties = given["type"] == "properties"
    section = "java_properties" if properties else str(given["section"])
    with open(path, encoding=given["encoding"]) as file:
        text = file.read()
    try:
        parser.read_string("[java_properties]\n" + text if properties else text)
        if parse_bool(given["re"]):
            import re

            return [value for name, value in parser.items(section) if re.match(key, name)]
        return [parser.get(section, key, fallback=given["default"]) if parser.has_section(section) else _none(section)]
    except configparser.Error as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0]}") from error


def _none(section: str) -> object:
    raise ValueError(f"there is no section {section!r}")


def csvfile(path: str, key: str, given: Mapping[str, Any]) -> list[Any]:
    """The column of the first row whose key column is this. Raises ValueError."""
    delimiter = "\t" if given["delimiter"] == "TAB" else str(given["delimiter"])
    with open(path, encoding=given["encoding"], newline="") as file:
        for row in csv.reader(file, delimiter=delimiter):
            try:
                if row and row[int(given["keycol"])] == key:
                    return [row[int(given["col"])]]
            except IndexError:
                raise ValueError(f"{path}: the row of {key!r} has {len(row)} columns only") from None
    return [] if given["default"] is None else [given["default"]]


def password(path: str, given: Mapping[str, Any]) -> str:
    """The password kept in a file on the controller (0600), made when it is not there; /dev/null keeps none.

    With `encrypt` its hash is given; the salt is kept too, so that it is the same hash each time. Raises ValueError.
    """
    sets = given["chars"]
    if isinstance(sets, str):
        sets = [","] * (",," in sets) + [each for each in sets.replace(",,", ",").split(",") if each]
    content = None if path == os.devnull else _read(path)
    if content is None:
        text, salt = _made(int(given["length"]), sets, given["seed"]), ""
    else:
        plain, _, rest = content.rpartition(" salt=")
        text, salt = (plain, rest.partition(" ident=")[0]) if plain or rest != content else (content, "")
    encrypt = given["encrypt"]
    if encrypt and not salt:
        size = {"md5_crypt": 8, "bcrypt": 22, "blowfish": 22}.get(str(encrypt), 16)
        salt = "".join(secrets.choice(passwords.ALPHABET) for _ in range(size))
        content = None
    if content is None and path != os.devnull:
        text = _kept(path, text, salt)
    if not encrypt:
        return text
    return passwords.password_hash(text, str(encrypt), salt=salt, ident=given["ident"])


def _made(length: int, sets: Sequence[str], seed: object) -> str:
    if seed is None:
        return passwords.random_password(length, list(sets))
    characters = passwords.characters(list(sets))
    chance = random.Random(seed)  # type: ignore[arg-type]  # the same text for the same seed, as Ansible makes it
    return "".join(chance.choice(characters) for _ in range(length))


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().rstrip("\n")
    except FileNotFoundError:
        return None


def _kept(path: str, text: str, salt: str) -> str:
    """Writes the file; where another host was faster, what stands there counts."""
    os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
    line = f"{text} salt={salt}\n" if salt else f"{text}\n"
    there = _read(path)
    if there is not None and not salt:
        return there
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if there is not None else os.O_EXCL)
    try:
        handle = os.open(path, flags, 0o600)
    except FileExistsError:
        return _read(path) or text
    with os.fdopen(handle, "w", encoding="utf-8") as new:
        new.write(line)
    return text
