"""Debian's packages: there, gone, of a version, upgraded."""

from playbook_engine.agent import packages

SPEC = {
    "name": "apt",
    "kind": "state",
    "summary": "Install, upgrade or remove Debian packages",
    "doc": "With apt-get, without questions. A package is taken with its version (`curl=7.88.*`, `curl>=7.88`), its "
    "architecture, or by a pattern (`redis-*`). Lists are fetched when something is to be installed, when `latest` or "
    "`upgrade` asks for the newest, or when nothing else is asked for; those of the last minute count as fetched.",
    "params": {
        "name": {"type": "list[str]", "aliases": ["package", "pkg"], "doc": "Packages, with versions or patterns."},
        "state": {
            "type": "str",
            "default": "present",
            "choices": ["absent", "build-dep", "fixed", "installed", "latest", "present", "removed"],
            "doc": "`build-dep`: what building them needs; `fixed`: what broken dependencies need.",
        },
        "update_cache": {"type": "bool", "aliases": ["update-cache"], "doc": "Fetch the package lists first."},
        "cache_valid_time": {
            "type": "int",
            "default": 0,
            "doc": "Fetch them if they are older than so many seconds; asks for `update_cache`.",
        },
        "update_cache_retries": {"type": "int", "default": 5, "doc": "How often that is tried."},
        "update_cache_retry_max_delay": {"type": "int", "default": 12, "doc": "Seconds between tries, at most."},
        "purge": {"type": "bool", "default": False, "doc": "With `absent`: configuration files too."},
        "default_release": {"type": "str", "aliases": ["default-release"], "doc": "As in bookworm-backports."},
        "install_recommends": {
            "type": "bool",
            "aliases": ["install-recommends"],
            "doc": "What is recommended, too; else as apt is configured.",
        },
        "force": {
            "type": "bool",
            "default": False,
            "doc": "Downgrade, take what is not signed, remove what is essential.",
        },
        "allow_unauthenticated": {
            "type": "bool",
            "default": False,
            "aliases": ["allow-unauthenticated"],
            "doc": "Take what is not signed.",
        },
        "allow_downgrade": {
            "type": "bool",
            "default": False,
            "aliases": ["allow-downgrade", "allow_downgrades", "allow-downgrades"],
            "doc": "Go back to an older version.",
        },
        "allow_change_held_packages": {"type": "bool", "default": False, "doc": "Change what is held."},
        "upgrade": {
            "type": "str",
            "default": "no",
            "choices": ["dist", "full", "no", "safe", "yes"],
            "doc": "All that is installed: `safe` and `yes` add and remove nothing; `dist` and `full` do.",
        },
        "dpkg_options": {
            "type": "str",
            "default": "force-confdef,force-confold",
            "doc": "Of dpkg, with commas between them.",
        },
        "deb": {"type": "path", "doc": "A package in a file on the host."},
        "autoremove": {
            "type": "bool",
            "default": False,
            "doc": "What nothing needs any longer, too; alone: just that.",
        },
        "autoclean": {"type": "bool", "default": False, "doc": "Packages in the cache that no list offers any longer."},
        "clean": {"type": "bool", "default": False, "doc": "All packages in the cache."},
        "policy_rc_d": {"type": "int", "doc": "What /usr/sbin/policy-rc.d answers meanwhile; 101: start nothing."},
        "only_upgrade": {"type": "bool", "default": False, "doc": "What is not installed is not installed."},
        "fail_on_autoremove": {"type": "bool", "default": False, "doc": "Fail rather than remove anything."},
        "force_apt_get": {"type": "bool", "default": False, "doc": "apt-get is what is used in any case."},
        "auto_install_module_deps": {"type": "bool", "default": True, "doc": "Nothing is needed for it."},
        "lock_timeout": {"type": "int", "default": 60, "doc": "Seconds to wait for another apt."},
        "environment": {"type": "dict", "internal": True, "doc": "From the step's `environment`: proxies, say."},
    },
    "undo": packages.UNDO,
    "returns": dict(packages.RETURNS, cache_updated="", cache_update_time="seconds of the epoch"),
    "examples": "apt: {name: [redis-server, curl=7.88.*], update_cache: true, cache_valid_time: 3600}",
}


def observe(args: "dict") -> "dict":
    return packages.observe(args, "apt")


def plan(args: "dict", before: "dict") -> "list[dict]":
    return packages.plan(before)


def apply(args: "dict", before: "dict") -> "dict":
    return packages.apply(args, before)


def undo(args: "dict", before: "dict") -> "dict":
    return packages.undo(args, before)


def result(args: "dict", state: "dict") -> "dict":
    return packages.result(args, state)
