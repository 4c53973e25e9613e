"""What is set, and where: settings file < environment < flags, and below them all what Ansible's own file says.

The file is the first of RUNBOOK_CONFIG, ./runbook.toml, ~/.config/runbook/config.toml (XDG_CONFIG_HOME) and
/etc/runbook/config.toml. Of Ansible's it is the first of ANSIBLE_CONFIG, ./ansible.cfg, ~/.ansible.cfg and
/etc/ansible/ansible.cfg. A folder that everybody may write to is not trusted with either.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from playbook_engine.app.key_place import place
from playbook_engine.app.setting import BY_NAME, SETTINGS, TRUE, Said, Setting
from playbook_engine.model.errors import UsageError

OURS, ANSIBLES = "runbook.toml", "ansible.cfg"


class Configuration:
    """The values of all settings. `warnings` is what a person should hear."""

    def __init__(self, said: Mapping[str, Said], files: tuple[str, ...] = (), warnings: tuple[str, ...] = ()) -> None:
        self._said = said
        self.files = files
        self.warnings = warnings

    def said(self, name: str) -> Said:
        return self._said.get(name) or Said(value=BY_NAME[name].empty())

    def text(self, name: str) -> str:
        return str(self.said(name).value or "")

    def words(self, name: str) -> tuple[str, ...]:
        value = self.said(name).value
        assert isinstance(value, tuple), name
        return value

    def count(self, name: str) -> int | None:
        value = self.said(name).value
        assert value is None or isinstance(value, int), name
        return value

    def flag(self, name: str) -> bool:
        return bool(self.said(name).value)


def configured(environ: Mapping[str, str], folder: Path | None = None) -> Configuration:
    """From the environment, and the files that count for a command started in `folder`; without one, from no file.

    Raises UsageError: a key that is none, a value of another type, with file and line.
    """
    warnings: list[str] = []
    ours = _our_file(environ, folder, warnings) if folder is not None else None
    theirs = _ansibles_file(environ, folder, warnings) if folder is not None else None
    said: dict[str, Said] = {}
    if theirs is not None:
        from playbook_engine.app.ansible_cfg import read

        said.update(read(theirs))
    if ours is not None:
        said.update(_toml(ours))
    for name, word in (("ANSIBLE_FORCE_COLOR", "always"), ("ANSIBLE_NOCOLOR", "never")):
        if environ.get(name, "").strip().lower() in TRUE:
            said["color"] = Said(value=word, origin=name)
    for setting in SETTINGS:
        if (found := _variable(setting, environ)) is not None:
            said[setting.name] = found
    return Configuration(said, tuple(str(f) for f in (ours, theirs) if f is not None), tuple(warnings))


def _variable(setting: Setting, environ: Mapping[str, str]) -> Said | None:
    """Our own variable, else Ansible's. An empty one says nothing."""
    for name in (setting.variable, *setting.environment):
        if environ.get(name, "").strip():
            try:
                return Said(value=setting.of_text(environ[name]), origin=name)
            except ValueError as error:
                raise UsageError(
                    f"{name} is {environ[name]!r}, and has to be {error}", advice=f"unset {name} for the default"
                ) from None
    return None


def _our_file(environ: Mapping[str, str], folder: Path, warnings: list[str]) -> Path | None:
    if named := environ.get("RUNBOOK_CONFIG"):
        file = Path(named).expanduser()
        if not file.is_file():
            raise UsageError(
                f"RUNBOOK_CONFIG names {named!r}, and there is no such file", advice="unset it, or mend it"
            )
        return file
    home = environ.get("HOME")
    base = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    beyond = [Path(base) / "runbook" / "config.toml"] if base else []
    return _first(folder, OURS, [*beyond, Path("/etc/runbook/config.toml")], warnings)


def _ansibles_file(environ: Mapping[str, str], folder: Path, warnings: list[str]) -> Path | None:
    beyond = [Path(environ["HOME"]) / ".ansible.cfg"] if environ.get("HOME") else []
    beyond.append(Path("/etc/ansible/ansible.cfg"))
    if named := environ.get("ANSIBLE_CONFIG"):
        file = Path(named).expanduser()
        file = file / ANSIBLES if file.is_dir() else file
        if os.access(file, os.R_OK):
            return file
    return _first(folder, ANSIBLES, beyond, warnings)


def _first(folder: Path, name: str, beyond: list[Path], warnings: list[str]) -> Path | None:
    """Somebody else may have put a file into a folder that everybody may write to: it would say which key is used."""
    beside = folder / name
    if os.path.exists(beside):
        if not os.stat(folder).st_mode & stat.S_IWOTH:
            return beside
        warnings.append(
            f"{beside} is left out: everybody may write to its folder (chmod o-w {folder}, or name it in "
            f"{'RUNBOOK_CONFIG' if name == OURS else 'ANSIBLE_CONFIG'})"
        )
    return next((file for file in beyond if os.access(file, os.R_OK) and file.is_file()), None)


def _toml(file: Path) -> Iterator[tuple[str, Said]]:
    import tomllib

    try:
        text = file.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is no valid TOML: {error}", advice='a line is `name = "value"`') from None
    base = file.absolute().parent
    for name, value in found.items():
        where = place(file, text, name)
        setting = BY_NAME.get(name)
        if setting is None:
            from playbook_engine.inventory.suggestions import did_you_mean

            near = did_you_mean(name, BY_NAME) or "`runbook settings` lists them all"
            raise UsageError(f"there is no setting {name!r}", advice=near, where=where)
        try:
            yield name, Said(value=setting.of_toml(value, base), origin=f"{file}:{where.line}")
        except ValueError as error:
            raise UsageError(f"{name} is {value!r}, and has to be {error}", where=where) from None
