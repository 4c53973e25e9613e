"""Packages of the distribution, whatever manages them here: there, gone, or of a version."""

from playbook_engine.agent import packages

SPEC = {
    "name": "package",
    "kind": "state",
    "summary": "Install or remove packages of the distribution",
    "doc": "With what manages packages here: apt, dnf (or yum) or apk; others are refused. Names are the "
    "distribution's own. Without questions; changed configuration files stay.",
    "params": {
        "name": {
            "type": "list[str]",
            "required": True,
            "aliases": ["pkg"],
            "doc": "Packages, as in `curl` or `curl=7.88`.",
        },
        "state": {
            "type": "str",
            "default": "present",
            "choices": ["absent", "installed", "latest", "present", "removed"],
            "doc": "`latest`: what the package lists offer now.",
        },
        "use": {"type": "str", "default": "auto", "doc": "The manager: apt, dnf, yum or apk."},
        "update_cache": {"type": "bool", "default": False, "doc": "Fetch the package lists first."},
        "cache_valid_time": {"type": "duration", "default": 0, "doc": "Not if they are younger than this."},
        "install_recommends": {"type": "bool", "default": False, "doc": "What is recommended, too."},
        "purge": {"type": "bool", "default": False, "doc": "With `absent`: configuration files too."},
        "lock_timeout": {"type": "duration", "default": 60, "doc": "How long to wait for another apt."},
        "environment": {"type": "dict", "internal": True, "doc": "From the step's `environment`: proxies, say."},
    },
    "undo": packages.UNDO,
    "returns": packages.RETURNS,
    "examples": "package: {name: [redis-server, python3-venv]}",
}


def observe(args: "dict") -> "dict":
    return packages.observe(args)


def plan(args: "dict", before: "dict") -> "list[dict]":
    return packages.plan(before)


def apply(args: "dict", before: "dict") -> "dict":
    return packages.apply(args, before)


def undo(args: "dict", before: "dict") -> "dict":
    return packages.undo(args, before)


def result(args: "dict", state: "dict") -> "dict":
    return packages.result(args, state)
