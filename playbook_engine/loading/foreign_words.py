"""Words that people bring along from Ansible and that have another name here: what to write instead."""

from __future__ import annotations

from collections.abc import Mapping

IMPORT = "a runbook takes another in with import_runbook: its name, and params: for it"
STEPS = "write the steps under steps:"
INVENTORY = "the inventory says how hosts are reached"

ANSIBLE: Mapping[str, str] = {
    "tasks": STEPS,
    "pre_tasks": "looks before the first change go under preconditions:, steps under steps:",
    "post_tasks": "looks after the last change go under checks:, steps under steps:",
    "roles": IMPORT,
    "include_tasks": IMPORT,
    "import_tasks": IMPORT,
    "include_role": IMPORT,
    "import_role": IMPORT,
    "import_playbook": IMPORT,
    "include": IMPORT,
    "gather_facts": "leave it out: facts are gathered when ansible_facts is first named",
    "connection": f"{INVENTORY}: ansible_connection",
    "remote_user": f"{INVENTORY}: ansible_user",
    "port": f"{INVENTORY}: ansible_port",
    "any_errors_fatal": "write max_fail_percentage: 0",
    "collections": "leave it out: actions have plain names",
    "args": "write the arguments under the action itself",
    "action": "write the name of the action as the key: copy: {...}",
    "local_action": "write the action, and delegate_to: localhost",
    "become_flags": f"{INVENTORY}: ansible_become_method",
    "ignore_unreachable": "a host that cannot be reached is stopped and told: it is never ignored",
    "loop_var": "it stands under loop_control:",
    "success_criteria": "write checks:",
    "validate": "write checks:",
    "pre_checks": "write preconditions:",
    "post_checks": "write checks:",
    "verify": "write checks:",
    "undo": "write rollback: with steps",
    **{
        f"with_{name}": "write loop: with a list"
        for name in ("items", "list", "dict", "fileglob", "sequence", "together", "nested", "subelements")
    },
}
