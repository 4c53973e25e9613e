"""What the machine knows of one host, and the small decisions that every step and probe shares. No I/O."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import importlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from playbook_engine.agent.failure import Failed
from playbook_engine.catalog import catalog
from playbook_engine.catalog.spec import ActionSpec, ArgumentError, ParamSpec
from playbook_engine.engine.budget import UndoBudget
from playbook_engine.engine.commands import Connect, Program, ask, emit, now
from playbook_engine.engine.crowd import Crowd
from playbook_engine.engine.scope import Scope
from playbook_engine.model.errors import BecomeFailed, HostError, LoadError, TemplateError
from playbook_engine.model.events import ChangeIntended, FactsObserved, HostConnected
from playbook_engine.model.folder import unpacked
from playbook_engine.model.host import Host
from playbook_engine.model.plan import Options, Plan, file_key, file_kind
from playbook_engine.model.runbook import Step
from playbook_engine.model.source import SourcePos
from playbook_engine.templating.environment import OMIT, Templar, Template
from playbook_engine.templating.secrets import revealed, secrets_in
from playbook_engine.templating.syntax import Syntax
from playbook_engine.templating.wording import shown
from playbook_engine.transport.base import Become, Call, Hello, Reply

LOCALHOST = ("localhost", "127.0.0.1", "::1")
NAME = re.compile(r"""[A-Za-z_]\w*(?:\.\w+|\[(?:-?\d+|'[^'"\\]*'|"[^'"\\]*")\])*""", re.ASCII)
"""The name of a variable, or of a part of one: `hostvars['db1.test'].port`."""

ReadFile = Callable[[str, str, str], bytes]
"""(runbook file, kind as `file_kind` gives it, name) -> content; raises LoadError."""


class HostContext:
    """One host of one run."""

    def __init__(
        self,
        plan: Plan,
        host: Host,
        templar: Templar,
        read_file: ReadFile,
        hide: Callable[[str], None],
        budget: UndoBudget,
        crowd: Crowd | None = None,
    ) -> None:
        self.plan = plan
        self.boot_id = ""
        self.connected = False
        self.python: str | None = None
        self.host = host
        self.templar = templar
        self.options: Options = plan.options
        self._read_file = read_file
        self.hide = hide
        self.budget = budget
        self.crowd = crowd or Crowd()

    @property
    def number(self) -> int:
        """The host's place among those of the run."""
        return next((n for n, each in enumerate(self.plan.hosts) if each.name == self.host.name), 0)

    def connect(self, patience: float = 0.0) -> Program[None]:
        """Reaches the host, and says so. Raises HostError."""
        began = yield from now()
        hello: Hello = yield Connect(patience=patience)
        self.connected = True
        ended = yield from now()
        spec = self.host.connection
        self.boot_id, self.python = hello.boot_id, hello.python
        yield from emit(
            HostConnected(
                host=self.host.name, address=spec.address or self.host.name, user=spec.user or "",
                python=hello.python or "", boot_id=hello.boot_id, seconds=ended - began, clock_skew=hello.skew,
            )
        )  # fmt: skip

    def reach(self) -> Program[None]:
        """Reaches the host if nothing did before. Raises HostError."""
        if not self.connected:
            yield from self.connect()

    def facts(self, scope: Scope, *values: object, conditions: Iterable[str] = ()) -> Program[None]:
        """Gathers facts if something about to be rendered names them, once a host. Raises HostError."""
        if not scope.needs_facts(*values, conditions=conditions):
            return
        yield from self.reach()
        args = catalog.get("facts").complete({})
        (reply,) = yield from ask(self.host.name, None, Call(op="probe", action="facts", args=args, timeout=60))
        if not reply.ok:
            raise HostError(f"facts cannot be gathered: {reply.msg}")
        told = reply.result.get("ansible_facts")
        facts = dict(told) if isinstance(told, Mapping) else {}
        scope.gathered(facts)
        yield from emit(FactsObserved(host=self.host.name, facts=facts))

    def arguments(
        self, scope: Scope, spec: ActionSpec, args: Mapping[str, object], variables: Mapping[str, object]
    ) -> dict[str, object]:
        """The arguments as the host gets them. Raises TemplateError, ArgumentError, LoadError."""
        rendered = self.plain(self.templar.render(_authored(spec, args), variables))
        if not isinstance(rendered, Mapping):
            raise ArgumentError(f"{spec.name}: the arguments are no mapping: {rendered!r}")
        _only_names(spec, args, rendered)
        theirs = scope.runbook.play or self.plan.kind == "exec"  # values as Ansible takes them
        done = spec.complete(spec.eased(rendered) if theirs else rendered)
        for param in spec.params.values():
            if param.local and done.get(param.name) is not None and spec.reads_here(done):
                self._placed(scope, spec, param, done, variables)
            if param.secret and done.get(param.name):
                self.hide(str(done[param.name]))
        return done

    def _file(self, scope: Scope, kind: str, name: str) -> bytes:
        """A file of the controller: as the plan holds it, else beside the step's file, or the runbook's."""
        content = self.plan.files.get(file_key(scope.file, kind, name))
        if content is not None:
            return content
        try:
            return self._read_file(scope.file, kind, name)
        except LoadError:
            if scope.file == scope.runbook.file:
                raise
            return self._read_file(scope.runbook.file, kind, name)

    def environment(
        self, layers: Sequence[object], variables: Mapping[str, object], where: SourcePos | None
    ) -> dict[str, object]:
        """The environment of a program: each layer (a mapping, or a template that gives one) over those before it."""
        made: dict[str, object] = {}
        for layer in layers:
            given = self.plain(self.templar.render(layer, variables))
            if given is OMIT:
                continue
            for each in given if isinstance(given, list) else [given]:
                if not isinstance(each, Mapping):
                    raise TemplateError(f"environment: a mapping is expected, and this is {each!r}", where=where)
                made.update(each)
        return made

    def plain(self, value: object) -> object:
        """A value as the host needs it: secrets as their texts, which are masked from now on."""
        for text in set(secrets_in(value)):
            self.hide(text)
        return revealed(value)

    def _placed(
        self,
        scope: Scope,
        spec: ActionSpec,
        param: ParamSpec,
        done: dict[str, object],
        variables: Mapping[str, object],
    ) -> None:
        """Puts what the controller's file holds into the arguments. Raises TemplateError, LoadError."""
        name = param.file_named(done[param.name])
        if not name.strip():  # a template that gave nothing; the folder of the runbook would be taken for it
            raise ArgumentError(f"{spec.name}: {param.name} is empty: the name of a file is expected")
        if param.local == "folder":
            read = unpacked(self._file(scope, "folder", name))
            done["fragments"] = {
                entry[0]: entry[3] for entry in read if entry[1] == "file" and "/" not in str(entry[0])
            }
            return
        try:
            content = self._file(scope, file_kind(str(param.local), done), name)
        except LoadError:
            if "tree" not in spec.params:
                raise
            kind = "links" if done.get("local_follow") is False else "folder"
            try:
                done["tree"] = unpacked(self._file(scope, kind, name))
            except LoadError:
                pass
            else:
                return
            raise
        template = param.local == "template"
        done["content"] = self._rendered(scope, name, content, variables, done) if template else content
        if done.get("mode") == "preserve":
            done["mode"] = self._file(scope, f"{param.local}-mode", name).decode()

    def _rendered(
        self, scope: Scope, name: str, content: bytes, variables: Mapping[str, object], args: Mapping[str, object]
    ) -> bytes:
        def read(other: str) -> str | None:
            """A template that this one takes in: where templates are looked for, or beside it."""
            for place in dict.fromkeys((other, os.path.join(os.path.dirname(name), other))):
                with contextlib.suppress(LoadError):
                    return self._file(scope, "template", place).decode("utf-8", "surrogateescape")
            return None

        where = SourcePos(file=name, line=1)
        about: dict[str, object] = {
            "template_path": name, "template_destpath": args.get("dest"), "ansible_managed": "Ansible managed",
        }  # fmt: skip
        if b"template_" in content:
            about |= self._about(scope, name)
        text = self.templar.render_file(
            content.decode("utf-8", "surrogateescape"),
            {**about, **variables},
            where,
            syntax=Syntax.of(args, where),
            read=read,
        )
        encoding = str(args.get("output_encoding") or "utf-8")
        try:
            return text.encode(encoding, "surrogateescape")
        except (LookupError, UnicodeError) as error:
            raise TemplateError(f"the text cannot be written in {encoding}: {error}", where=where) from None

    def _about(self, scope: Scope, name: str) -> dict[str, object]:
        """What Ansible lets a template file say of itself, and of the machine and the moment."""
        told = json.loads(self._file(scope, "template-about", name))
        told |= {key: datetime.datetime.fromtimestamp(told[key]) for key in ("mtime", "run_date")}
        return {f"template_{key}": value for key, value in told.items()}

    def target(self, scope: Scope, delegate_to: object, variables: Mapping[str, object]) -> str:
        """The host where an action runs."""
        if delegate_to is None:
            return self.host.name
        given = self.templar.render(delegate_to, variables)
        if given is OMIT:
            return self.host.name
        name = str(self.plain(given))
        if self.plan.host(name) is None and name not in LOCALHOST:
            raise TemplateError(f"delegate_to names {name!r}, which is not in the inventory")
        return name

    def become(
        self, scope: Scope, become: bool | None, user: object, on: str, variables: Mapping[str, object],
        method: str | None = None,
    ) -> Become | None:  # fmt: skip
        """Whom to be there: the step's word, the runbook's, then the inventory's for the host itself."""
        target = self.plan.host(on)
        spec = target.connection if target else None
        wanted = become if become is not None else scope.runbook.become
        if wanted is None:
            wanted = bool(spec and spec.become)
        if not wanted:
            return None
        who = user if user is not None else scope.runbook.become_user
        name = spec.become_user if spec else "root"
        if who is not None:
            given = self.templar.render(who, variables)
            name = name if given is OMIT else str(self.plain(given))
        made = self.becoming(name, on)
        return dataclasses.replace(made, method=method) if made and method else made

    def becoming(self, user: str, on: str) -> Become | None:
        """How to be this user on a host; None for an empty name."""
        target = self.plan.host(on)
        if not user:
            return None
        if target is None:
            return Become(user=user)
        spec = target.connection
        if spec.locked and spec.become_password is None:
            raise BecomeFailed(f"cannot become {user}: {spec.locked}", advice="give the vault's password")
        return Become(user=user, method=spec.become_method, password=spec.become_password)

    def became(self, event: ChangeIntended, step: Step) -> Become | None:
        """How to be whom a step's change was made as."""
        made = self.becoming(event.become, event.on or event.host)
        return dataclasses.replace(made, method=step.become_method) if made and step.become_method else made

    def notified(self, step: Step, scope: Scope, variables: Mapping[str, object]) -> tuple[str, ...]:
        """The handlers that a step tells of what it has changed, by their names and topics as they are written.

        Raises TemplateError: a template in a name, or in a handler's, is run here, and may give one that is not there.
        """
        handlers = scope.runbook.handlers
        written = {name for handler in handlers for name in (handler.name, *handler.listen)}
        if written.issuperset(step.notify):
            return step.notify
        found: list[str] = []
        for each in step.notify:
            told = each if each in written else self._text(each, step, variables)
            for name in told if isinstance(told, list) else [told]:
                near = (
                    h.name for h in reversed(handlers) if "{{" in h.name and self._text(h.name, h, variables) == name
                )
                known = str(name) if name in written else next(near, None)
                if known is None:
                    there = ", ".join(h.name for h in handlers) or "none"
                    raise TemplateError(
                        f"it notifies {name!r}, and there is no handler of this name",
                        advice=f"the handlers here: {there}", where=step.where,
                    )  # fmt: skip
                found.append(known)
        return tuple(found)

    def _text(self, text: str, step: Step, variables: Mapping[str, object]) -> object:
        return self.templar.render(Template(source=text, where=step.where), variables)

    def control(self, action: str, args: Mapping[str, object], scope: Scope, variables: Mapping[str, object]) -> Reply:
        """assert, fail, debug, set_fact: evaluated here, no host is asked."""
        args = dict(args)
        if action == "assert":
            that = args.get("that") or []
            assert isinstance(that, list)
            args["that"] = [[str(text), self.templar.evaluate(str(text), variables)] for text in that]
        if action == "validate_argument_spec":
            spec, given = args.get("argument_spec"), args.get("provided_arguments")
            assert isinstance(spec, Mapping) and isinstance(given, Mapping)
            found = self.templar.render({name: variables[name] for name in spec if name in variables}, variables)
            assert isinstance(found, Mapping)
            args["provided_arguments"] = {**found, **given}
        if action == "debug" and args.get("var"):
            named = args["var"]
            if not isinstance(named, str):
                return Reply(ok=False, kind="failed", msg=f"debug: var is an expression, not {named!r}")
            theirs = scope.runbook.play or self.plan.kind == "exec"
            if theirs and not self.templar.evaluate_value(f"({named}) is defined", variables):
                # as Ansible has it; in a runbook it is an error
                whole = re.split(r"\W", named, maxsplit=1)[0]
                args["value"] = f"<< error 1 - {(named if whole in variables else whole)!r} is undefined >>"
            else:
                args["value"] = self.templar.evaluate_value(named, variables)
        try:
            return Reply(ok=True, result=catalog.module(action).observe(args))
        except Failed as error:
            result = error.result if isinstance(error.result, Mapping) else {}
            return Reply(ok=False, kind=error.kind, msg=error.msg, result=result)

    def registered(self, action: str, reply: Reply) -> dict[str, object]:
        """A reply as `register` sees it, with the keys that Ansible users expect."""
        result: dict[str, object] = dict(reply.result)
        result["failed"] = not reply.ok
        result.setdefault("changed", False)
        if reply.msg:
            result.setdefault("msg", reply.msg)
        if not reply.ok:
            result["kind"] = reply.kind
        for stream in ("stdout", "stderr"):
            if isinstance(result.get(stream), str):
                result[f"{stream}_lines"] = str(result[stream]).splitlines()
        module = catalog.module(action)
        if reply.ok and hasattr(module, "finish_here"):
            # What only the controller can read: the host fetches a certificate, cryptography understands it.
            reads = getattr(module, "READS", None)
            library = [importlib.import_module(reads)] if reads else []
            result.update(module.finish_here(result, *library))
        return result


def _authored(spec: ActionSpec, args: Mapping[str, object]) -> dict[str, object]:
    """The arguments whose templates are to be run: not those in conditions. A condition is an expression as its author
    wrote it; text that a template puts into it may come from a host, and would be evaluated with the rest."""
    kept = dict(args)
    for param in spec.params.values():
        if param.expression and param.type == "list" and param.name in kept:
            given = kept[param.name]
            conditions = given if isinstance(given, list | tuple) else [given]
            kept[param.name] = [each.source if isinstance(each, Template) else each for each in conditions]
    return kept


def _only_names(spec: ActionSpec, args: Mapping[str, object], rendered: Mapping[str, object]) -> None:
    """Raises ArgumentError for an expression that a template gave: it may say which variable is meant, and no more."""
    for param in spec.params.values():
        if param.expression and param.type != "list" and isinstance(args.get(param.name), Template):
            named = rendered.get(param.name)
            if not (isinstance(named, str) and NAME.fullmatch(named)):
                raise ArgumentError(
                    f"{spec.name}: {param.name}: a template gives the name of a variable, and this is {shown(named)}",
                    advice="write the expression itself, without {{ }}",
                )
