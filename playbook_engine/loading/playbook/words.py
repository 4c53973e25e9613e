"""The keywords of playbooks: which are carried out, which are understood and need nothing, which cannot be, and why."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.catalog import catalog

SHARED = frozenset(
    {"name", "when", "tags", "vars", "become", "become_user", "become_method", "environment", "no_log",
     "ignore_errors", "ignore_unreachable", "delegate_to", "run_once", "check_mode", "diff", "throttle"}
)  # fmt: skip
"""What a task says, and a block, a role or a play for all of theirs."""
TASK = SHARED | frozenset(
    {"loop", "loop_control", "register", "until", "retries", "delay", "timeout", "changed_when", "failed_when",
     "async", "poll", "delegate_facts", "notify", "listen", "args", "action", "local_action", "connection",
     "module_defaults"}
)  # fmt: skip
BLOCK = SHARED | frozenset({"block", "rescue", "always", "module_defaults", "notify", "timeout"})
PLAY = (SHARED - {"when", "delegate_to"}) | frozenset(
    {"hosts", "gather_facts", "gather_subset", "gather_timeout", "vars_files", "vars_prompt", "roles", "pre_tasks",
     "tasks", "post_tasks", "handlers", "serial", "strategy", "order", "max_fail_percentage", "any_errors_fatal",
     "force_handlers", "remote_user", "port", "connection", "module_defaults", "timeout"}
)  # fmt: skip
QUIET = frozenset({"collections", "debugger", "become_exe", "fact_path"})
"""Understood: nothing has to be done for them here."""
CANNOT: Mapping[str, str] = {
    "become_flags": "set ansible_become_method in the inventory",
    "remote_user": "say it for the play, or ansible_user in the inventory",
    "port": "say it for the play, or ansible_port in the inventory",
    "any_errors_fatal": "say it for the play",
    "first_available_file": "write with_first_found",
}
"""What only a person can translate."""

LOOPS = frozenset(
    {"items", "list", "dict", "fileglob", "sequence", "together", "nested", "cartesian", "subelements",
     "indexed_items", "flattened", "random_choice", "first_found", "lines", "file", "env", "vars", "varnames",
     "csvfile", "ini", "inventory_hostnames", "password", "pipe", "template", "unvault"}
)  # fmt: skip
"""`with_…`: the lookups that they name."""
ONE_TERM = frozenset({"dict", "sequence"})
"""Lookups that take what is written as it is; the others take each entry of it."""

INCLUDES = frozenset({"include_tasks", "import_tasks", "include_role", "import_role"})
STRATEGIES: Mapping[str, str] = {
    "linear": "linear", "free": "free", "host_pinned": "free", "debug": "linear",
}  # fmt: skip
ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")


def plain(key: str) -> str:
    """A word without its collection."""
    return catalog.plain(key)
