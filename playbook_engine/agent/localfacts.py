"""Facts of the host's own making: files NAME.fact that hold JSON or INI, or programs that print it."""

import os

from playbook_engine.agent import failure, process

FOLDER = "/etc/ansible/facts.d"
PATIENCE = 10
"""Seconds for each file that is a program."""


def read(folder: str, timeout: int) -> "dict":
    """{NAME: facts}. What cannot be read is told in the place of its facts."""
    found: "dict" = {}
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".fact"))
    except OSError:
        return found
    for name in names:
        path = os.path.join(folder, name)
        try:
            if os.access(path, os.X_OK) and os.path.isfile(path):
                ran = process.run(["timeout", str(timeout), path])
                text = ran["stdout"]
                if ran["rc"] != 0:
                    found[name[:-5]] = "error: %s ended with status %s" % (path, ran["rc"])
                    continue
            else:
                with open(path, encoding="utf-8", errors="surrogateescape") as handle:
                    text = handle.read(1 << 20)
        except (OSError, failure.Failed) as error:
            found[name[:-5]] = "error: %s" % error
            continue
        found[name[:-5]] = _parsed(text, path)
    return found


def _parsed(text: str, path: str) -> object:
    import json

    try:
        return json.loads(text)
    except ValueError:
        pass
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        return "error: %s is neither JSON nor INI: %s" % (path, str(error).splitlines()[0])
    return {section: dict(parser.items(section)) for section in parser.sections()}
