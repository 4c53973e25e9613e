"""`copy: src=app.conf dest=/etc/app.conf` and `command: make install chdir=/src`: Ansible's short form of arguments."""

from __future__ import annotations

import re
import shlex

from playbook_engine.catalog.spec import ActionSpec

PAIR = re.compile(r"""(?<!\S)(\w+)=((?:"(?:[^"\\]|\\.)*"|'[^']*'|\{\{.*?\}\}|\S)*)""", re.DOTALL)


def parse(text: str, spec: ActionSpec) -> dict[str, object]:
    """The arguments in a one-line text. Raises ValueError when it is neither key=value nor the action's free form."""
    if spec.free_form and not _only_pairs(text, spec):
        return _free(text, spec)
    args: dict[str, object] = {}
    for key, value in PAIR.findall(text):
        if key in args:
            raise ValueError(f"{spec.name}: {key} is given twice")
        args[key] = _unquote(value)
    rest = PAIR.sub("", text).strip()
    if rest:
        wanted = f"key=value pairs ({', '.join(n for n, p in spec.params.items() if not p.internal)})"
        raise ValueError(f"{spec.name} takes {wanted}, not {rest!r}")
    return args


def _only_pairs(text: str, spec: ActionSpec) -> bool:
    pairs = PAIR.findall(text)
    return bool(pairs) and not PAIR.sub("", text).strip() and all(spec.canonical(key) for key, _ in pairs)


def _free(text: str, spec: ActionSpec) -> dict[str, object]:
    """A command keeps its words; only known options such as chdir= and creates= are taken out, as Ansible does."""
    args: dict[str, object] = {}

    def take(match: re.Match[str]) -> str:
        name = spec.canonical(match[1])
        if name is None or name == spec.free_form or spec.params[name].type in ("list[str]", "dict"):
            return match[0]
        args[name] = _unquote(match[2])
        return ""

    assert spec.free_form is not None
    args[spec.free_form] = PAIR.sub(take, text).strip()
    return args


def _unquote(value: str) -> str:
    if value[:1] not in ("'", '"'):
        return value
    try:
        parts = shlex.split(value)
    except ValueError:
        raise ValueError(f"the quotes of {value} do not match") from None
    return parts[0] if len(parts) == 1 else value
