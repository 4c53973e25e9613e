"""Alpine's packages: there, gone, of a version, upgraded."""

from playbook_engine.agent import packages

SPEC = {
    "name": "apk",
    "kind": "state",
    "summary": "Install, upgrade or remove Alpine packages",
    "doc": "What is asked for stands in /etc/apk/world, as apk writes it.",
    "params": {
        "name": {"type": "list[str]", "doc": "Packages, as in `curl`, `curl=8.5.0-r0` or `curl~8`."},
        "state": {
            "type": "str",
            "default": "present",
            "choices": ["absent", "installed", "latest", "present", "removed"],
            "doc": "`latest`: what the repositories offer now.",
        },
        "update_cache": {
            "type": "bool",
            "default": False,
            "aliases": ["update-cache"],
            "doc": "Fetch the package lists first.",
        },
        "upgrade": {"type": "bool", "default": False, "doc": "All that is installed."},
        "available": {"type": "bool", "default": False, "doc": "Take what the repositories have, even if it is older."},
        "no_cache": {"type": "bool", "default": False, "doc": "Keep no lists and no packages."},
        "repository": {"type": "list[str]", "doc": "More repositories, for this only."},
        "environment": {"type": "dict", "internal": True, "doc": "From the step's `environment`: proxies, say."},
    },
    "undo": packages.UNDO,
    "returns": packages.RETURNS,
    "examples": "apk: {name: [redis, curl], update_cache: true}",
}


def observe(args: "dict") -> "dict":
    return packages.observe(args, "apk")


def plan(args: "dict", before: "dict") -> "list[dict]":
    return packages.plan(before)


def apply(args: "dict", before: "dict") -> "dict":
    return packages.apply(args, before)


def undo(args: "dict", before: "dict") -> "dict":
    return packages.undo(args, before)


def result(args: "dict", state: "dict") -> "dict":
    return packages.result(args, state)
