"""RPM packages: there, gone, of a version, upgraded."""

from playbook_engine.agent import packages

SPEC = {
    "name": "dnf",
    "kind": "state",
    "summary": "Install, upgrade or remove RPM packages",
    "doc": "With dnf, dnf5 or yum, whichever is here, without questions. A package is taken by name, NAME.ARCH, "
    "NAME-VERSION, `NAME >= VERSION`, a pattern, or a file on the host. Groups and modules (`@…`) are refused.",
    "params": {
        "name": {"type": "list[str]", "aliases": ["pkg"], "doc": "Packages; `*` with `latest`: all."},
        "state": {
            "type": "str",
            "choices": ["absent", "installed", "latest", "present", "removed"],
            "doc": "`present`, unless `autoremove` asks for `absent`.",
        },
        "use_backend": {
            "type": "str",
            "default": "auto",
            "choices": ["auto", "dnf", "dnf4", "dnf5", "yum", "yum4"],
            "doc": "What is here is used.",
        },
        "enablerepo": {"type": "list[str]", "doc": "Repositories that are switched on for this."},
        "disablerepo": {"type": "list[str]", "doc": "Repositories that are switched off for this."},
        "exclude": {"type": "list[str]", "doc": "Packages that are left alone."},
        "enable_plugin": {"type": "list[str]", "doc": ""},
        "disable_plugin": {"type": "list[str]", "doc": ""},
        "conf_file": {"type": "path", "doc": "dnf's configuration."},
        "installroot": {"type": "path", "default": "/", "doc": "The system that is meant."},
        "releasever": {"type": "str", "doc": "The release that packages are taken of."},
        "disable_excludes": {"type": "str", "doc": "all, main, or a repository's name."},
        "download_dir": {"type": "path", "doc": "Where `download_only` puts packages."},
        "autoremove": {
            "type": "bool",
            "default": False,
            "doc": "What nothing needs any longer, too; alone: just that.",
        },
        "disable_gpg_check": {"type": "bool", "default": False, "doc": "Take what is not signed."},
        "skip_broken": {"type": "bool", "default": False, "doc": "Leave out what has broken dependencies."},
        "update_cache": {
            "type": "bool",
            "default": False,
            "aliases": ["expire-cache"],
            "doc": "Fetch the package lists first.",
        },
        "update_only": {
            "type": "bool",
            "default": False,
            "doc": "With `latest`: what is not installed is not installed.",
        },
        "security": {"type": "bool", "default": False, "doc": "With `latest`: only what repairs a hole."},
        "bugfix": {"type": "bool", "default": False, "doc": "With `latest`: only what repairs a fault."},
        "allow_downgrade": {"type": "bool", "default": False, "doc": "Go back to an older version."},
        "allowerasing": {"type": "bool", "default": False, "doc": "Remove what is in the way."},
        "download_only": {"type": "bool", "default": False, "doc": "Fetch, and install nothing."},
        "cacheonly": {"type": "bool", "default": False, "doc": "Fetch nothing."},
        "install_weak_deps": {"type": "bool", "default": True, "doc": "What is recommended, too."},
        "install_repoquery": {"type": "bool", "default": True, "doc": "Nothing is needed for it."},
        "best": {"type": "bool", "doc": "The newest, or nothing."},
        "nobest": {"type": "bool", "doc": "An older one, where the newest cannot be."},
        "sslverify": {"type": "bool", "default": True, "doc": "Check the certificates of repositories."},
        "validate_certs": {"type": "bool", "default": True, "doc": "The same."},
        "lock_timeout": {"type": "int", "default": 30, "doc": "Seconds to wait for another dnf."},
        "environment": {"type": "dict", "internal": True, "doc": "From the step's `environment`: proxies, say."},
    },
    "undo": packages.UNDO,
    "returns": packages.RETURNS,
    "examples": "dnf: {name: [redis, python3 >= 3.9], state: latest}",
}


def observe(args: "dict") -> "dict":
    return packages.observe(args, "dnf")


def plan(args: "dict", before: "dict") -> "list[dict]":
    return packages.plan(before)


def apply(args: "dict", before: "dict") -> "dict":
    return packages.apply(args, before)


def undo(args: "dict", before: "dict") -> "dict":
    return packages.undo(args, before)


def result(args: "dict", state: "dict") -> "dict":
    return packages.result(args, state)
