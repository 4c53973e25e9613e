"""Filters between values and their JSON or YAML text."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from playbook_engine.model.secret import Secret
from playbook_engine.templating import limits

try:
    from yaml import CSafeDumper as Dumper
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeDumper as Dumper  # type: ignore[assignment]
    from yaml import SafeLoader as Loader  # type: ignore[assignment]


def plain_tree(value: object) -> Any:
    """A copy made of what JSON and YAML know: tuples and iterators as lists, dates as text."""
    if isinstance(value, Mapping):
        return {key: plain_tree(item) for key, item in value.items()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, list | tuple | set | frozenset | Iterator) or hasattr(value, "__iter__"):
        return [plain_tree(item) for item in limits.budget().counted(value)]
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Secret):
        return value.reveal()
    return str(value)


def to_json(value: object, indent: int | None = None, sort_keys: bool = False, **options: Any) -> str:
    limits.check_width(indent)
    options.pop("vault_to_text", None)
    options.pop("preprocess_unsafe", None)
    tree = plain_tree(value)
    return json.dumps(_text_keys(tree) if sort_keys else tree, indent=indent, sort_keys=sort_keys, **options)


def _text_keys(value: Any) -> Any:
    """Keys as JSON spells them, so that keys of several types have an order."""
    if isinstance(value, dict):
        return {k if isinstance(k, str) else json.dumps(k): _text_keys(item) for k, item in value.items()}
    return [_text_keys(item) for item in value] if isinstance(value, list) else value


def to_nice_json(value: object, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    options["separators"] = (",", ": ")
    return to_json(value, indent=indent, sort_keys=sort_keys, **options)


def to_yaml(value: object, default_flow_style: bool | None = None, **options: Any) -> str:
    limits.check_width(options.get("indent"))
    options.pop("vault_behavior", None)
    text = yaml.dump(
        plain_tree(value), Dumper=Dumper, allow_unicode=True, default_flow_style=default_flow_style, **options
    )
    return str(text)


def to_nice_yaml(value: object, indent: int = 4, **options: Any) -> str:
    return to_yaml(value, default_flow_style=options.pop("default_flow_style", False), indent=indent, **options)


def from_json(value: object, **options: Any) -> object:
    if not isinstance(value, str):
        raise TypeError(f"from_json wants text, not {type(value).__name__}")
    return json.loads(value, **options)


def from_yaml(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return yaml.load(value, Loader=Loader)
    except yaml.YAMLError as exc:
        raise ValueError(f"from_yaml: {exc}") from None


def from_yaml_all(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return list(yaml.load_all(value, Loader=Loader))
    except yaml.YAMLError as exc:
        raise ValueError(f"from_yaml_all: {exc}") from None


FILTERS: dict[str, Callable[..., object]] = {
    "to_json": to_json,
    "to_nice_json": to_nice_json,
    "to_yaml": to_yaml,
    "to_nice_yaml": to_nice_yaml,
    "from_json": from_json,
    "from_yaml": from_yaml,
    "from_yaml_all": from_yaml_all,
}
