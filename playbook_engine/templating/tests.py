"""The tests that Ansible adds to Jinja's (`x is NAME`), by name."""

from __future__ import annotations

import math
import os
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from playbook_engine.model.secret import Secret
from playbook_engine.templating import versions
from playbook_engine.templating.filters.text import FALSE_WORDS, TRUE_WORDS
from playbook_engine.templating.sandbox import Locked, Missing


def _result(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"`is {name}` wants the registered result of a step, not {type(value).__name__}")
    return value


def failed(result: object) -> bool:
    return bool(_result(result, "failed").get("failed", False))


def succeeded(result: object) -> bool:
    return not failed(_result(result, "succeeded"))


def changed(result: object) -> bool:
    found = _result(result, "changed")
    if "changed" in found:
        return bool(found["changed"])
    items = found.get("results")
    return isinstance(items, list) and any(isinstance(i, Mapping) and i.get("changed", False) for i in items)


def skipped(result: object) -> bool:
    return bool(_result(result, "skipped").get("skipped", False))


def unreachable(result: object) -> bool:
    return bool(_result(result, "unreachable").get("unreachable", False))


def reachable(result: object) -> bool:
    return not unreachable(_result(result, "reachable"))


def timedout(result: object) -> bool:
    found = _result(result, "timedout").get("timedout")
    return bool(found) and bool(_result(found, "timedout").get("period"))


def started(result: object) -> bool:
    return bool(_result(result, "started").get("started", True))


def finished(result: object) -> bool:
    return bool(_result(result, "finished").get("finished", True))


def regex(
    value: object = "",
    pattern: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    match_type: str = "search",
) -> bool:
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    compiled = re.compile(pattern, flags)
    if match_type not in ("search", "match", "fullmatch"):
        raise ValueError("match_type is search, match or fullmatch")
    return getattr(compiled, match_type)(str(value)) is not None


def match(value: object, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return regex(value, pattern, ignorecase, multiline, "match")


def search(value: object, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return regex(value, pattern, ignorecase, multiline, "search")


def as_word(value: object) -> object:
    if isinstance(value, str):
        word = value.strip().lower()
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
    return value


def truthy(value: object, convert_bool: bool = False) -> bool:
    return bool(as_word(value) if convert_bool else value)


def falsy(value: object, convert_bool: bool = False) -> bool:
    return not truthy(value, convert_bool)


def every(values: Iterable[object]) -> bool:
    return all(values)


def some(values: Iterable[object]) -> bool:
    return any(values)


def subset(left: Any, right: Any) -> bool:
    return all(item in right for item in left)


def superset(left: Any, right: Any) -> bool:
    return subset(right, left)


def contains(container: Any, item: object) -> bool:
    return item in container


def nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def same_file(left: str, right: str) -> bool:
    return os.path.samefile(left, right)


def uri(value: str, schemes: list[str] | None = None) -> bool:
    """Whether it can be taken apart as a URI; nearly all text can, unless `schemes` are asked for."""
    try:
        scheme = urllib.parse.urlparse(value).scheme
    except (ValueError, AttributeError, TypeError):
        return False
    return schemes is None or scheme in schemes


def url(value: str, schemes: list[str] | None = None) -> bool:
    return uri(value, schemes) and bool(urllib.parse.urlparse(value).netloc)


def urn(value: str) -> bool:
    return uri(value, ["urn"])


def vault_encrypted(value: object) -> bool:
    """Whether a variable is an encrypted value. Its text, once it was put together, is text."""
    if isinstance(value, Missing) and not isinstance(value, Locked):
        value.fail()
    return isinstance(value, Secret | Locked)


def vaulted_file(path: str) -> bool:
    with open(path, "rb") as handle:
        return handle.read(15) == b"$ANSIBLE_VAULT;"


TESTS: dict[str, Callable[..., object]] = {
    "failed": failed, "failure": failed,
    "succeeded": succeeded, "success": succeeded, "successful": succeeded,
    "changed": changed, "change": changed,
    "skipped": skipped, "skip": skipped,
    "reachable": reachable, "unreachable": unreachable,
    "timedout": timedout, "started": started, "finished": finished,
    "match": match, "search": search, "regex": regex,
    "version": versions.compare, "version_compare": versions.compare,
    "truthy": truthy, "falsy": falsy,
    "all": every, "any": some,
    "subset": subset, "issubset": subset, "superset": superset, "issuperset": superset,
    "contains": contains,
    "nan": nan, "isnan": nan,
    "exists": os.path.exists, "file": os.path.isfile, "is_file": os.path.isfile,
    "directory": os.path.isdir, "is_dir": os.path.isdir,
    "link": os.path.islink, "is_link": os.path.islink, "link_exists": os.path.lexists,
    "mount": os.path.ismount, "is_mount": os.path.ismount,
    "abs": os.path.isabs, "is_abs": os.path.isabs,
    "same_file": same_file, "is_same_file": same_file,
    "vault_encrypted": vault_encrypted, "vaulted_file": vaulted_file,
    "uri": uri, "url": url, "urn": urn,
}  # fmt: skip
