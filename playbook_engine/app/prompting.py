"""`vars_prompt`: asking a person on the terminal for what nobody has given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from playbook_engine.app.wiring import App
from playbook_engine.model.errors import UsageError
from playbook_engine.model.runbook import Prompt


def asked(
    app: App, prompts: Sequence[Prompt], given: dict[str, object], ask: Callable[[str, bool], str] | None
) -> None:  # fmt: skip
    """Adds an answer to `given` for each prompt that has none. What is private is a secret from then on.

    Raises UsageError where nobody can be asked and there is no default.
    """
    for prompt in prompts:
        if prompt.name in given:
            continue
        if ask is None:
            if prompt.default is None:
                raise UsageError(
                    f"{prompt.name} is asked for, and nobody is at a terminal", advice=f"give it: -e {prompt.name}=…"
                )
            answer: object = prompt.default
        else:
            answer = _answer(prompt, ask)
        if prompt.private and answer not in (None, ""):
            app.redactor.add(str(answer))
        given[prompt.name] = answer


def _answer(prompt: Prompt, ask: Callable[[str, bool], str]) -> object:
    shown = f"{prompt.text} [{prompt.default}]" if prompt.default is not None and not prompt.private else prompt.text
    while True:
        said = ask(shown, prompt.private)
        if prompt.confirm and said and ask(f"{prompt.text}, once more", prompt.private) != said:
            continue
        return said if said else (prompt.default if prompt.default is not None else "")
