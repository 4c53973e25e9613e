"""What is known to be secret before a run begins: it is masked wherever anything is written."""

from __future__ import annotations

from collections.abc import Mapping

from playbook_engine.app.wiring import App
from playbook_engine.model.plan import Plan
from playbook_engine.model.secret import Secret
from playbook_engine.model.vaulted import Vaulted
from playbook_engine.templating.secrets import secrets_in


def hide_secrets(app: App, plan: Plan) -> None:
    """Whatever is known to be secret before the run: passwords of the inventory, secret parameters."""
    for host in (*plan.hosts, *plan.others.values()):
        for secret in (host.connection.password, host.connection.become_password):
            if secret is not None:
                app.redactor.add(secret.reveal())
        for text in secrets_in(dict(host.variables)):
            app.redactor.add(text)
    for text in secrets_in(dict(plan.variables)):
        app.redactor.add(text)
    for param in plan.runbook.params:
        if param.secret:
            for text in _texts(plan.variables.get(param.name, param.default)):
                app.redactor.add(text)


def _texts(value: object) -> list[str]:
    """Every text inside a secret value, and each line of it: a key comes back line by line."""
    if isinstance(value, Mapping):
        return [t for v in value.values() for t in _texts(v)]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in _texts(v)]
    if isinstance(value, Secret):
        value = value.reveal()
    if value is None or isinstance(value, bool | Vaulted):
        return []
    return [str(value), *str(value).splitlines()]
