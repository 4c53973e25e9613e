"""Filters on lists and mappings."""

from __future__ import annotations

import itertools
import random as random_module
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from jinja2.filters import do_unique
from jinja2.runtime import Undefined

from playbook_engine.templating import limits


def _items(value: object, name: str) -> list[Any]:
    """The elements of a list-like value; of text its letters, as in Ansible."""
    if not isinstance(value, Iterable):
        raise TypeError(f"{name} wants a list, not {type(value).__name__}")
    return value if isinstance(value, list) else list(limits.budget().counted(value))


def _mapping(value: object, name: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} wants a mapping, not {type(value).__name__}")
    return value


def combine(*terms: object, recursive: bool = False, list_merge: str = "replace") -> dict[Any, Any]:
    """Merge mappings, the later winning. `list_merge`: replace keep append prepend append_rp prepend_rp."""
    if list_merge not in ("replace", "keep", "append", "prepend", "append_rp", "prepend_rp"):
        raise ValueError(f"combine knows no list_merge {list_merge!r}")
    flat = flatten(list(terms), levels=1)
    result: dict[Any, Any] = {}
    for term in flat:
        result = _merged(result, _mapping(term, "combine"), recursive, list_merge)
    return result


def _merged(low: Mapping[Any, Any], high: Mapping[Any, Any], deep: bool, lists: str) -> dict[Any, Any]:
    limits.budget().spend(len(low) + len(high))
    result = dict(low)
    for key, value in high.items():
        old = result.get(key)
        if deep and isinstance(old, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(old, value, deep, lists)
        elif key in result and isinstance(old, list) and isinstance(value, list):
            result[key] = _merged_lists(old, value, lists)
        else:
            result[key] = value
    return result


def _merged_lists(low: list[Any], high: list[Any], how: str) -> list[Any]:
    match how:
        case "keep":
            return low
        case "append":
            return low + high
        case "prepend":
            return high + low
        case "append_rp":
            return [item for item in low if item not in high] + high
        case "prepend_rp":
            return high + [item for item in low if item not in high]
        case _:
            return high


def dict2items(value: object, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    return [{key_name: k, value_name: v} for k, v in _mapping(value, "dict2items").items()]


def items2dict(value: object, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    for item in _items(value, "items2dict"):
        entry = _mapping(item, "items2dict")
        for name in (key_name, value_name):
            if name not in entry:
                raise ValueError(f"items2dict: an item has no {name!r}: {dict(entry)!r}")
        made[entry[key_name]] = entry[value_name]
    return made


def rekey_on_member(data: object, key: str, duplicates: str = "error") -> dict[Any, Any]:
    if duplicates not in ("error", "overwrite"):
        raise ValueError("rekey_on_member: duplicates is 'error' or 'overwrite'")
    entries = list(data.values()) if isinstance(data, Mapping) else _items(data, "rekey_on_member")
    made: dict[Any, Any] = {}
    for entry in entries:
        name = _mapping(entry, "rekey_on_member").get(key)
        if name is None:
            raise ValueError(f"rekey_on_member: an entry has no {key!r}")
        if name in made and duplicates == "error":
            raise ValueError(f"rekey_on_member: {name!r} occurs twice")
        made[name] = entry
    return made


NUMBERS = (int, float, type(None))


def _arranged(items: Iterable[Any]) -> list[Any]:
    """A set of text has another order in each process: sort it, so that a run can be repeated."""
    found = list(items)
    if all(isinstance(item, NUMBERS) for item in found):
        return found
    try:
        return sorted(found)
    except TypeError:
        return found


def _both(left: object, right: object, name: str) -> tuple[list[Any], list[Any], bool]:
    a, b = _items(left, name), _items(right, name)
    hashable = all(isinstance(i, Hashable) for i in itertools.chain(a, b))
    if not hashable:
        limits.budget().spend(len(a) * len(b))
    return a, b, hashable


def _distinct(items: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def union(left: object, right: object) -> list[Any]:
    a, b, hashable = _both(left, right, "union")
    return _arranged(set(a) | set(b)) if hashable else _distinct([*a, *b])


def intersect(left: object, right: object) -> list[Any]:
    a, b, hashable = _both(left, right, "intersect")
    if hashable:
        return _arranged(set(a) & set(b))
    return _distinct(i for i in a if i in b)


def difference(left: object, right: object) -> list[Any]:
    a, b, hashable = _both(left, right, "difference")
    if hashable:
        return _arranged(set(a) - set(b))
    return _distinct(i for i in a if i not in b)


def symmetric_difference(left: object, right: object) -> list[Any]:
    a, b, hashable = _both(left, right, "symmetric_difference")
    if hashable:
        return _arranged(set(a) ^ set(b))
    both = intersect(a, b)
    return [i for i in union(a, b) if i not in both]


def unique(environment: Any, value: object, case_sensitive: bool | None = None, attribute: Any = None) -> list[Any]:
    items = _items(value, "unique")
    try:
        return list(do_unique(environment, items, bool(case_sensitive), attribute))
    except TypeError:  # what cannot be hashed is compared one by one
        if case_sensitive is False or attribute is not None:
            raise
    limits.budget().spend(len(items) * len(items) // 2)
    return _distinct(items)


unique.jinja_pass_arg = do_unique.jinja_pass_arg  # type: ignore[attr-defined]


def flatten(value: object, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    made: list[Any] = []
    for item in _items(value, "flatten"):
        if skip_nulls and item in (None, "None", "null"):
            continue
        if isinstance(item, list | tuple) or (isinstance(item, Iterator) and not isinstance(item, str)):
            if levels is None:
                made.extend(flatten(item, None, skip_nulls))
            elif levels >= 1:
                made.extend(flatten(item, levels - 1, skip_nulls))
            else:
                made.append(item)
        else:
            made.append(item)
    return made


def subelements(value: object, subelements: str | list[str], skip_missing: bool = False) -> list[Any]:
    """Pairs of each element and each item of a list inside it."""
    elements = list(value.values()) if isinstance(value, Mapping) else _items(value, "subelements")
    path = subelements.split(".") if isinstance(subelements, str) else subelements
    pairs: list[Any] = []
    for element in elements:
        found: Any = element
        for step in path:
            if not isinstance(found, Mapping) or step not in found:
                if skip_missing:
                    found = []
                    break
                raise KeyError(f"{step} (subelements)")
            found = found[step]
        if not isinstance(found, list):
            raise TypeError(f"subelements: {'.'.join(path)!r} is a {type(found).__name__}, not a list")
        limits.budget().spend(len(found))
        pairs.extend([element, item] for item in found)
    return pairs


def parted(elements: Any = None, key: Any = None, flags: Any = None) -> list[Any]:
    """The lookup `subelements`: the same pairs, where each element comes without the list. What was skipped by a step
    has none."""
    if not isinstance(elements, list | dict) or not isinstance(key, str) or not isinstance(flags, dict | None):
        raise ValueError("the lookup `subelements` wants a list or mapping, a key, and perhaps {skip_missing: true}")
    if isinstance(elements, dict):
        elements = [] if elements.get("skipped", False) is not False else list(elements.values())
    skip_missing = str((flags or {}).get("skip_missing", False)).lower() in ("true", "yes", "on", "1")
    *above, last = key.split(".")
    pairs: list[Any] = []
    for element in elements:
        if _mapping(element, "subelements").get("skipped", False) is not False:
            continue
        whole = found = dict(element)
        for step in above:
            inner = found.get(step)
            if not isinstance(inner, Mapping):
                break
            found[step] = found = dict(inner)
        else:
            if last in found:
                items = found.pop(last)
                if not isinstance(items, list):
                    raise TypeError(f"subelements: {key!r} is a {type(items).__name__}, not a list")
                limits.budget().spend(len(items))
                pairs.extend([whole, item] for item in items)
                continue
        if not skip_missing:
            raise KeyError(f"{key} (subelements)")
    return pairs


def extract(environment: Any, item: Any, container: Any, morekeys: Any = None) -> object:
    keys = [item]
    if morekeys is not None:
        keys += morekeys if isinstance(morekeys, list) else [morekeys]
    value = container
    for key in keys:
        value = environment.getitem(value, key)
        if isinstance(value, Undefined):
            return value
    return value


extract.jinja_pass_arg = do_unique.jinja_pass_arg  # type: ignore[attr-defined]


def zipped(*lists: Any) -> Iterator[list[Any]]:
    return map(list, zip(*lists, strict=False))


def zipped_longest(*lists: Any, fillvalue: object = None) -> Iterator[list[Any]]:
    return map(list, itertools.zip_longest(*lists, fillvalue=fillvalue))


def product(*lists: Any, repeat: int = 1) -> Iterator[list[Any]]:
    limits.check_width(repeat)
    return map(list, itertools.product(*lists, repeat=repeat))


def permutations(value: Any, *length: int) -> Iterator[list[Any]]:
    return map(list, itertools.permutations(value, *length))


def combinations(value: Any, length: int) -> Iterator[list[Any]]:
    return map(list, itertools.combinations(value, length))


def _source(seed: object) -> random_module.Random:
    return random_module.Random() if seed is None else random_module.Random(seed)  # type: ignore[arg-type]


def random(value: Any, start: int | None = None, step: int | None = None, seed: object = None) -> object:
    """A random number below the value, or a random element; the same one for the same `seed`."""
    source = _source(seed)
    if isinstance(value, int):
        return source.randrange(start or 0, value, step or 1)
    if start or step:
        raise ValueError("random: start and step are for numbers")
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise TypeError(f"random wants a number or a list, not {type(value).__name__}")
    return source.choice(value if isinstance(value, Sequence) else list(value))


def shuffle(value: Any, seed: object = None) -> list[Any]:
    items = list(value)
    _source(seed).shuffle(items)
    return items


FILTERS: dict[str, Callable[..., object]] = {
    "combine": combine,
    "dict2items": dict2items,
    "items2dict": items2dict,
    "rekey_on_member": rekey_on_member,
    "union": union,
    "intersect": intersect,
    "difference": difference,
    "symmetric_difference": symmetric_difference,
    "unique": unique,
    "flatten": flatten,
    "subelements": subelements,
    "extract": extract,
    "zip": zipped,
    "zip_longest": zipped_longest,
    "product": product,
    "permutations": permutations,
    "combinations": combinations,
    "random": random,
    "shuffle": shuffle,
}
