"""The short names of what lint finds. They are stable: comments in runbooks and other programs go by them."""

from __future__ import annotations

from collections.abc import Mapping

FATAL: Mapping[str, str] = {
    "bad-yaml": "The file is no YAML, or says something in two ways.",
    "bad-template": "A template or a condition does not compile.",
    "unknown-key": "A key that nothing knows.",
    "unknown-argument": "An argument that the action does not take.",
    "unknown-action": "A module of a playbook that there is no action for.",
    "unknown-handler": "A `notify` that no handler answers to.",
    "unknown-result": "A value of a result that is one letter beside one that the action tells.",
    "undefined-variable": "A name that neither the runbook, the inventory given nor the engine defines.",
    "missing-key": "A key that has to be there.",
    "missing-action": "A step or probe that does nothing.",
    "missing-argument": "An argument that the action needs.",
    "missing-parameter": "A parameter that an import needs and nobody gives.",
    "missing-rollback": "A change that cannot be taken back, and the step does not say so.",
    "missing-file": "A file that a step places and that is not there.",
    "exclusive-arguments": "Two arguments of which one excludes the other.",
    "wrong-type": "A value of another type than belongs there.",
    "wrong-value": "A value that is none of those allowed, or out of bounds.",
    "not-carried-out": "A word that is known, and that this version does not carry out.",
    "inventory": "An inventory, a pattern, a limit.",
    "vault": "Something encrypted that does not open.",
    "invalid": "Anything else that keeps the file from loading.",
    "not-drilled": "With `--max-age`: no drill has passed since.",
}
"""What keeps a runbook from loading or running: an error always, which no comment silences."""

ADVISED: Mapping[str, str] = {
    "unreachable-step": "A step that never runs: after `fail` or `meta: end_host` without `when`, or `when: false`.",
    "unused-handler": "A handler that nobody notifies.",
    "idle-notify": "A step that never changes anything, and notifies a handler all the same.",
    "needless-rescue": "A `rescue` of a block in which nothing can fail.",
    "unused-variable": "A parameter, variable, fact or registered result that nothing uses.",
    "placeholder": "`TODO`, `FIXME`, `CHANGEME`, `<your-name>`, `example.com`, a blank to be judged: left in a value.",
    "dangerous-command": "A command that destroys more than is meant, or cuts off whoever runs it.",
    "unquoted-host-text": "Text from a host in a shell command, without `quote`: what it holds would be executed.",
    "secret-in-shell": "A secret in the text of a command: `ps` shows it to everybody on the host.",
    "ignore-without-reason": "A `# runbook: ignore=` that gives no reason, or names a code that cannot be ignored.",
    "useless-ignore": "A `# runbook: ignore=` of something that is not found there.",
}
"""What lint advises of a runbook that loads: `# runbook: ignore=CODE reason` silences it."""
