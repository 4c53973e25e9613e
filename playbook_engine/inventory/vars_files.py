"""Files of variables: YAML 1.1 as Ansible reads it, positions kept for errors.

A `!vault` value stays encrypted until it is used. Of a file that is encrypted as a whole every text is a `Secret`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from playbook_engine.inventory.draft import Placed
from playbook_engine.model.errors import InventoryError, UsageError
from playbook_engine.model.secret import Secret
from playbook_engine.model.source import SourcePos
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating.environment import NO_VAULT, Opener, Templar
from playbook_engine.templating.node import Template, to_nodes

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

MAX_BYTES = 16 * 1024 * 1024
MAX_NODES = 500_000


class _Loader(_SafeLoader):
    """Builds values with their templates made into nodes at the place where they stand."""

    file = ""
    lines: list[str]
    secret = False
    placed = False

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        value = super().construct_object(node, deep=deep)
        if isinstance(value, str) and "{" in value:
            value = to_nodes(value, self.place(node))
        return kept_secret(value) if self.secret and isinstance(value, str | Template) else value

    def place(self, node: yaml.Node) -> SourcePos:
        mark = node.start_mark
        text = self.lines[mark.line] if mark.line < len(self.lines) else ""
        return SourcePos(file=self.file, line=mark.line + 1, column=mark.column + 1, text=text)


def _weigh(loader: _Loader, node: yaml.Node, known: dict[yaml.Node, int]) -> int:
    """How many values a node unfolds to. Aliases share nodes, so a short file may stand for a very long one."""
    if node in known:
        if known[node] == 0:
            raise InventoryError("a value contains itself", where=loader.place(node))
        return known[node]
    known[node] = 0
    weight = 1
    if isinstance(node, yaml.MappingNode):
        weight += sum(_weigh(loader, part, known) for pair in node.value for part in pair)
    elif isinstance(node, yaml.SequenceNode):
        weight += sum(_weigh(loader, item, known) for item in node.value)
    if weight > MAX_NODES:
        raise InventoryError(f"the file unfolds to more than {MAX_NODES} values", where=loader.place(node))
    known[node] = weight
    return weight


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> Any:
    loader.flatten_mapping(node)
    made: dict[Any, Any] = {}
    if loader.placed:
        made = Placed()
        made.places = {}
    yield made
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        try:
            hash(key)
        except TypeError:
            raise InventoryError(
                "a mapping or list cannot be a key",
                advice='quote values that begin with a brace: "{{ name }}"',
                where=loader.place(key_node),
            ) from None
        name = plain_key(key)
        made[name] = loader.construct_object(value_node, deep=True)
        if isinstance(made, Placed):
            made.places[name] = loader.place(key_node)


def plain_key(key: object) -> object:
    """What a mapping is asked for: names are no templates, and no secrets."""
    return key.source if isinstance(key, Template) else key.reveal() if isinstance(key, Secret) else key


def kept_secret(value: object) -> object:
    """A value of an encrypted file. Numbers stay numbers."""
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Template):
        return Template(source=value.source, where=value.where, secret=True)
    if isinstance(value, dict):
        return {key: kept_secret(item) for key, item in value.items()}
    return [kept_secret(item) for item in value] if isinstance(value, list) else value


def hide_all(value: object, opener: Opener, *, numbers: bool = True) -> None:
    """Tells the redactor of every text and number of an encrypted file; names of variables are no secrets."""
    if isinstance(value, Mapping):
        for item in value.values():
            hide_all(item, opener, numbers=numbers)
    elif isinstance(value, list):
        for item in value:
            hide_all(item, opener, numbers=numbers)
    elif isinstance(value, Secret):
        opener.hide(value.reveal())
    elif numbers and isinstance(value, int | float) and not isinstance(value, bool):
        opener.hide(str(value))


def _construct_vaulted(loader: _Loader, node: yaml.Node) -> Vaulted:
    if not isinstance(node, yaml.ScalarNode):
        raise InventoryError(
            "!vault stands before encrypted text",
            advice="`runbook vault encrypt_string` writes it",
            where=loader.place(node),
        )
    return Vaulted(ciphertext=str(node.value), where=loader.place(node))


def _construct_text(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
for _tag in ("!vault", "!vault-encrypted"):
    _Loader.add_constructor(_tag, _construct_vaulted)
for _tag in ("!unsafe", "tag:yaml.org,2002:value", "tag:yaml.org,2002:merge"):
    # `=` and `<<` as values are the text that they look like
    _Loader.add_constructor(_tag, _construct_text)


def read_yaml(text: str, file: str, *, secret: bool = False, placed: bool = False) -> object:
    """The one document in `text`; `secret` when it was encrypted, `placed` for mappings that know where their keys
    stand. Raises `InventoryError` with the place."""
    loader = _Loader(text)
    loader.file, loader.secret, loader.placed = file, secret, placed
    loader.lines = [] if secret else text.splitlines()  # an error shows its line
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _weigh(loader, node, {})
        return loader.construct_document(node)
    except RecursionError:
        raise InventoryError(f"{file} is nested too deeply") from None
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = None
        if mark is not None:
            line = loader.lines[mark.line] if mark.line < len(loader.lines) else ""
            where = SourcePos(file=file, line=mark.line + 1, column=mark.column + 1, text=line)
        raise InventoryError(f"this is no valid YAML: {exc.problem or exc}", where=where) from None
    except yaml.YAMLError as exc:
        raise InventoryError(f"{file} is no valid YAML: {exc}") from None
    finally:
        loader.dispose()


def read_text(path: str | Path, opener: Opener = NO_VAULT) -> tuple[str, bool]:
    """The text of a file, and whether it was encrypted. Raises InventoryError, VaultError."""
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise InventoryError(f"{path} is larger than {MAX_BYTES >> 20} MiB")
        data = Path(path).read_bytes()
        plain = opener.file(data, str(path))
        text = plain.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        return text, plain is not data
    except OSError as exc:
        raise InventoryError(f"{path} cannot be read: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise InventoryError(f"{path} is not UTF-8 text") from None


def read_vars_file(path: str | Path, opener: Opener = NO_VAULT, *, placed: bool = False) -> dict[str, object]:
    """The variables of a file. An empty file has none; anything but a mapping is an error."""
    text, secret = read_text(path, opener)
    found = read_vars(text, str(path), secret=secret, placed=placed)
    if secret:
        hide_all(found, opener)
    return found


def read_vars(text: str, path: str | Path, *, secret: bool = False, placed: bool = False) -> dict[str, object]:
    """The variables in the text of a file; `secret` when it was encrypted."""
    value = read_yaml(text, str(path), secret=secret, placed=placed)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InventoryError(
            f"a file of variables is a mapping, this is a {type(value).__name__}",
            where=SourcePos(file=str(path), line=1),
        )
    for key in value:
        if not isinstance(key, str):
            where = SourcePos(file=str(path), line=1)
            raise InventoryError(f"the name of a variable is text, not {key!r}", where=where)
    return value


def parse_extra_vars(texts: Sequence[str], templar: Templar) -> dict[str, object]:
    """The variables of `-e`: `k=v k2='a b'` (values are text), a JSON or YAML mapping, `@file`. The later wins.

    What an operator writes there may hold templates, like any author's text.
    """
    made: dict[str, object] = {}
    for values in extra_vars(texts, templar):
        made.update(values)
    return made


def extra_vars(texts: Sequence[str], templar: Templar, *, placed: bool = False) -> Iterator[dict[str, object]]:
    """What each `-e` says, in order."""
    for text in texts:
        text = text.strip()
        if text.startswith("@"):
            yield read_vars_file(text[1:], templar.vault, placed=placed)
        elif text[:1] in ("{", "["):
            value = read_yaml(text, "--extra-vars")
            if not isinstance(value, dict):
                raise UsageError(f"-e {text}: this is a {type(value).__name__}, not a mapping")
            yield value
        else:
            yield dict(_pairs(text, templar))


def _pairs(text: str, templar: Templar) -> Iterator[tuple[str, object]]:
    try:
        words = shlex.split(text)
    except ValueError as exc:
        raise UsageError(f"-e {text}: the quotes do not match ({exc})") from None
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise UsageError(f"-e {text}: {word!r} is not name=value", advice="also: -e '{\"a\": 1}' and -e @vars.yml")
        yield name, templar.compile_value(value, SourcePos(file=f"-e {name}", line=1, column=1, text=word))
