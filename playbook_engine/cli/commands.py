"""The names of all commands, and what `runbook --help` says. Imports nothing: people wait for that."""

from __future__ import annotations

from collections.abc import Mapping

ABOUT = """Repair hosts by runbook: checked before, proved after, taken back when it fails.

\b
The first minute:
  runbook exec web1 -m copy -a 'src=app.conf dest=/etc/app.conf'
  runbook rollback last
"""

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("run", "Run a runbook on hosts"),
    "play": ("play", "Run an unmodified Ansible playbook"),
    "convert": ("convert", "Write an Ansible playbook as runbooks"),
    "plan": ("plan", "Say what a runbook would do, and save it for apply"),
    "apply": ("apply", "Do exactly what was planned, refusing if the hosts have moved"),
    "exec": ("exec", "One action now, journaled and undoable: exec HOST -m copy -a …"),
    "module": ("module", "One action on one host, answered as JSON under the keys of Ansible's module"),
    "resume": ("resume", "Go on with a run that died, was interrupted, or lost hosts"),
    "approve": ("approve", "Agree to what a run waits for, or not"),
    "pause": ("pause", "Hold a run that goes on, at its next steps"),
    "abort": ("pause", "Stop a run that goes on, at its next steps"),
    "handover": ("handover", "Give a run to a colleague on another machine, or take one"),
    "rollback": ("rollback", "Take back what a run changed"),
    "drill": ("drill", "Break a lab host, run the runbook, score it"),
    "ack": ("ack", "Take an escalation: nobody further up is woken"),
    "escalations": ("ack", "Who was told what, and who has answered"),
    "escalation": ("escalation", "Simulate a policy, look at an escalation, end it"),
    "audit": ("audit", "Run checks only and write the evidence report"),
    "audit-report": ("audit_report", "Say what contradicts what in a status report that a person wrote"),
    "report": ("report", "Render a run's reports: Markdown, HTML, JSON"),
    "incident": ("incident", "Gather what belongs to an incident, for its document"),
    "show": ("show", "One run: hosts, steps, evidence"),
    "diff": ("diff", "Two runs: what is different about them"),
    "evidence": ("evidence", "Runs in one file that an auditor can verify offline"),
    "history": ("history", "All runs"),
    "status": ("status", "Runs that are going on, or died"),
    "lint": ("lint", "Say what is wrong with runbooks before they run"),
    "docs": ("docs", "A runbook as the procedure a person could follow by hand"),
    "schema": ("schema", "JSON Schema of runbooks, for editors"),
    "actions": ("actions", "The actions and their arguments"),
    "doc": ("actions", "The same, as ansible-doc spells it"),
    "inventory": ("inventory", "The inventory as it is understood"),
    "vault": ("vault", "Encrypt, decrypt, view and edit files, as ansible-vault does"),
    "ssh-config": ("ssh_config", "What ssh's configuration says of a host"),
    "hosts": ("hosts", "The hosts that a pattern names"),
    "eval": ("eval", "Try a template or a condition"),
    "settings": ("settings", "What is set, and who says it"),
    "lab": ("lab", "Test hosts on this machine, whole or broken"),
    "completion": ("completion", "Commands, flags and names for the tab key of a shell"),
    "help": ("help", "What a command does, and what it takes"),
}
"""By command: its module in this folder, and what it does."""
