"""Ansible's own settings file, as far as it says what a setting of ours says too. Everything else in it is passed over.

The format is that of configparser with `;` for comments at the end of a line, as ansible-core reads it.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from pathlib import Path

from playbook_engine.app.key_place import place
from playbook_engine.app.setting import SETTINGS, TRUE, Said
from playbook_engine.model.errors import UsageError


def read(file: Path) -> Iterator[tuple[str, Said]]:
    """What the file says, by the names of our settings. Raises UsageError with file and line."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    try:
        text = file.read_text(encoding="utf-8")
        parser.read_string(text, str(file))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text") from None
    except configparser.Error as error:
        raise UsageError(f"{file} is no valid ini file: {str(error).splitlines()[0]}") from None
    base = file.absolute().parent
    for setting in SETTINGS:
        for section, _, key in (name.partition(".") for name in setting.cfg):
            if not (value := parser.get(section, key, fallback="").strip()):
                continue
            where = place(file, text, key, section)
            try:
                value = value.replace("{{CWD}}", str(Path.cwd()))
                yield setting.name, Said(value=setting.of_text(unquoted(value), base), origin=f"{file}:{where.line}")
            except ValueError as error:
                raise UsageError(f"{key} is {value!r}, and has to be {error}", where=where) from None
    yield from _colours(parser, file, text)


def _colours(parser: configparser.RawConfigParser, file: Path, text: str) -> Iterator[tuple[str, Said]]:
    """Two flags of Ansible's are one setting of ours."""
    for key, word in (("force_color", "always"), ("nocolor", "never")):
        if parser.get("defaults", key, fallback="").strip().lower() in TRUE:
            yield "color", Said(value=word, origin=f"{file}:{place(file, text, key, 'defaults').line}")


def unquoted(text: str) -> str:
    """`"web"` is `web`."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
