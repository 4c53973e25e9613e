"""The lookup `password`: a random password that is kept in a file of the controller.

The file holds the password in clear, and the salt once a hash was asked for: `PASSWORD salt=SALT ident=IDENT`, as
ansible-core 2.19 writes it. /dev/null keeps nothing.
"""

from __future__ import annotations

import os
import random
import string
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from playbook_engine.templating import keyvalues, limits
from playbook_engine.templating.filters import passwords

DEFAULTS: Mapping[str, Any] = {
    "length": 20, "chars": ["ascii_letters", "digits", ".,:-_"], "encrypt": None, "ident": None, "seed": None,
}  # fmt: skip
SETS = {name: text for name, text in vars(string).items() if isinstance(text, str) and not name.startswith("_")}
"""Sets of characters by their names in Python, such as `digits`."""

_writing = threading.Lock()


def password(term: str, given: Mapping[str, Any], folder: str = "") -> str:
    """The password of a term `FILE name=value…`, or its hash with `encrypt`; the file is looked for from `folder` on.

    Raises ValueError, OSError.
    """
    path, pairs = keyvalues.split(term)
    asked = {**DEFAULTS, **given, **pairs}
    if unknown := asked.keys() - DEFAULTS.keys():
        raise ValueError(f"the lookup `password` has no {min(unknown)!r}; it has {', '.join(DEFAULTS)}")
    encrypt, ident = asked["encrypt"], asked["ident"]
    path = os.path.abspath(os.path.join(folder, os.path.expanduser(path)))
    with _writing:
        kept = _read(path)
        text, salt, known = ("", None, None) if kept is None else _parts(kept)
        if kept is None:
            text = random_text(int(asked["length"]), _characters(asked["chars"]), asked["seed"])
        if known and ident and known != ident:
            raise ValueError(f"{path} was hashed as {known}, not as {ident}")
        ident = known or ident or ("2b" if encrypt == "bcrypt" else None)
        if encrypt and not salt:
            salt = passwords.random_salt(encrypt)
        made = passwords.encrypted(text, encrypt, salt, ident=ident) if encrypt else text
        whole = text + (f" salt={salt}" if salt else "") + (f" ident={ident}" if salt and ident else "")
        if path != os.devnull and whole != kept and (kept is None or encrypt):
            _write(path, whole, new=kept is None)
    return made


def _read(path: str) -> str | None:
    if path == os.devnull:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().rstrip()
    except FileNotFoundError:
        return None


def _parts(kept: str) -> tuple[str, str | None, str | None]:
    text, sign, rest = kept.rpartition(" salt=")
    if not sign or not rest:
        return (text if sign else kept), None, None
    salt, sign, ident = rest.rpartition(" ident=")
    return (text, salt, ident) if sign else (text, rest, None)


def _write(path: str, text: str, *, new: bool) -> None:
    """Whole or not at all, for the owner only. Of two that make a `new` one at once, the second fails."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    handle, made = tempfile.mkstemp(dir=folder)  # 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
        if new:
            os.link(made, path)
        else:
            os.replace(made, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(made)


def _characters(chosen: object) -> str:
    """Of names of sets and of characters themselves; `,,` in one text of them is a comma."""
    names = chosen
    if isinstance(chosen, str):
        names = [","] if ",," in chosen else []
        names += [name for name in chosen.replace(",,", ",").split(",") if name]
    if not isinstance(names, list):
        raise ValueError("`chars` is a list of sets of characters")
    return "".join(SETS.get(str(name), str(name)) for name in names).replace('"', "").replace("'", "")


def random_text(length: int, characters: str, seed: object = None) -> str:
    """Random text; the same for the same `seed`, which makes it as easy to guess as the seed is."""
    limits.check_width(length)
    if length > 0 and not characters:
        raise ValueError("a random password needs characters to choose from")
    source = random.SystemRandom() if seed is None else random.Random(seed)  # type: ignore[arg-type]
    return "".join(source.choice(characters) for _ in range(length))
