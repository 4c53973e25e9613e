"""The text of an entry of a playbook, as it is where it means the same in a runbook, else written anew.

What stays keeps its quotes, its order and its comments; of what is written anew the comments stand before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

from playbook_engine.loading.yaml_source import Document, Unsafe, Where, parse_yaml
from playbook_engine.model.errors import LoadError
from playbook_engine.templating.node import Template

FACTS = (
    "all_ipv4_addresses|all_ipv6_addresses|architecture|bios_date|bios_version|cmdline|date_time|default_ipv4|"
    "default_ipv6|devices|distribution|distribution_file_variety|distribution_major_version|distribution_release|"
    "distribution_version|dns|domain|effective_user_id|env|fips|form_factor|fqdn|hostname|hostnqn|interfaces|"
    "is_chroot|kernel|kernel_version|lsb|machine|machine_id|memfree_mb|memory_mb|memtotal_mb|mounts|nodename|os_family|"
    "pkg_mgr|processor|processor_cores|processor_count|processor_nproc|processor_threads_per_core|processor_vcpus|"
    "product_name|product_serial|product_uuid|product_version|python|python_version|real_user_id|selinux|"
    "selinux_python_present|service_mgr|swapfree_mb|swaptotal_mb|system|system_vendor|uptime_seconds|user_dir|"
    "user_gecos|user_gid|user_id|user_shell|user_uid|userspace_architecture|userspace_bits|virtualization_role|"
    "virtualization_type"
)
"""The facts that playbooks name as variables of their own."""
AS_VARIABLE = re.compile(rf"(?<![\w.'\"])ansible_({FACTS})(?!\w)")
AS_KEY = re.compile(rf"(hostvars\[[^\]]+\])(?:\.|\[['\"])ansible_({FACTS})(?:['\"]\])?(?!\w)")
WIDE = 100


class _Dumper(yaml.SafeDumper):
    """Block style, texts of several lines as they are."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value and not re.search(r"[ \t]\n", value) else None
    if style is None and not value.isprintable():
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Unsafe, lambda dumper, value: _text(dumper, raw(str(value))))


def raw(text: str) -> str:
    """Text that is no template, for a language in which braces are one."""
    return f"{{% raw %}}{text}{{% endraw %}}" if "{{" in text or "{%" in text else text


def dumped(value: object) -> list[str]:
    """A value as YAML 1.2 that YAML 1.1 reads alike, by lines."""
    text = yaml.dump(
        value, None, _Dumper, allow_unicode=True, sort_keys=False, default_flow_style=False, width=WIDE,
    )  # fmt: skip
    return text.rstrip("\n").split("\n")


def with_facts(text: str) -> str:
    """The same text with facts named by way of `ansible_facts`."""
    text = AS_KEY.sub(r"\1.ansible_facts.\2", text)
    return AS_VARIABLE.sub(r"ansible_facts.\1", text)


def indented(lines: list[str], by: int) -> list[str]:
    return [f"{' ' * by}{line}" if line.strip() else "" for line in lines]


class Source:
    """The lines of a file, as they belong to its entries."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._lines = document.text.split("\n")

    def span(self, path: Where, last: int) -> tuple[int, int]:
        """First and last line of a list's entry, or of a mapping's key with its value, numbered from 1. `last`: where
        what it stands in ends."""
        begin = self._document.at(path, key=True).line
        starts = {self._document.at(other, key=True).line for other in self._beside(path)}
        after = [line for line in starts if line > begin]
        end = min(after) - 1 if after else last
        while end > begin and self._loose(end):
            end -= 1
        return begin, end

    def _loose(self, number: int) -> bool:
        text = self._lines[number - 1].strip() if number <= len(self._lines) else ""
        return not text or text.startswith("#") or text in ("---", "...")

    def _beside(self, path: Where) -> list[Where]:
        mine = path[:-1]
        places = self._document.values if isinstance(path[-1], int) else self._document.keys
        return [p for p in places if len(p) == len(path) and p[:-1] == mine]

    def comments_before(self, line: int, floor: int = 0) -> list[str]:
        """The comment lines that stand right before a line."""
        found: list[str] = []
        number = line - 1
        while number > floor and self._lines[number - 1].strip().startswith("#"):
            found.insert(0, self._lines[number - 1].strip())
            number -= 1
        return found

    def comments_in(self, begin: int, end: int) -> list[str]:
        """The comments of these lines, those behind a value too."""
        return [said for line in self._lines[begin - 1 : end] if (said := _comment(line))]

    def text(self, begin: int, end: int, column: int) -> list[str]:
        """The lines of an entry, without what stands before its column."""
        lines = self._lines[begin - 1 : end]
        first = lines[0][column - 1 :]
        return [first, *(line[column - 1 :] if not line[: column - 1].strip() else line.lstrip() for line in lines[1:])]

    def kept(self, path: Where, want: Mapping[str, object], last: int) -> list[str] | None:
        """The mapping's own lines, when YAML 1.2 reads in them just what is wanted; else None."""
        begin, end = self.span(path, last)
        lines = self.text(begin, end, self._document.at(path).column)
        try:
            read = parse_yaml("\n".join(lines), self._document.file).value
        except LoadError:
            return None
        return lines if alike(read, want) else None


def _comment(line: str) -> str:
    """What `#` begins in a line, outside of quotes."""
    found = re.search(r"(?:^|\s)(#.*)$", line)
    if found is None or any(line[: found.start(1)].count(quote) % 2 for quote in "'\""):
        return ""
    return found[1].strip()


def alike(left: object, right: object) -> bool:
    """Equal, with their types, and mappings in the same order."""
    if isinstance(left, dict) and isinstance(right, Mapping):
        return list(left) == list(right) and all(alike(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(alike(a, b) for a, b in zip(left, right, strict=True))
    return type(left) is type(right) and left == right


def sources(value: object) -> object:
    """The value with its templates as they were written."""
    if isinstance(value, Template):
        return value.source
    if isinstance(value, Mapping):
        return {str(k): sources(v) for k, v in value.items()}
    return [sources(v) for v in value] if isinstance(value, list) else value
