"""What is sent to a host: the agent's core when a session opens, an action's modules with its first call."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from playbook_engine.agent import boot
from playbook_engine.model.errors import NotFound

PACKAGE = "playbook_engine.agent"
CORE = f"{PACKAGE}.serve"
OF_THE_LOCK = frozenset({"lock", "recall"})
"""Operations that are no action's."""
# Not ast.parse: CPython's conversion of trees counts its depth for all threads together, and hosts are threads; it then
# says "AST constructor recursion depth mismatch" (python/cpython#106905).
IMPORT = re.compile(rf"^[ \t]*from ({re.escape(PACKAGE)}[\w.]*) import (?:\(([^)]*)\)|([^\n#]*))", re.MULTILINE)
AGENT_MARK, SHELL_MARK = b"RUNBOOK-AGENT\n", b"RUNBOOK-SH\n"


@cache
def source(name: str) -> str:
    """The source of an agent module, by its full name, as it is sent."""
    *folders, leaf = name.removeprefix("playbook_engine.").split(".")
    path = resources.files("playbook_engine").joinpath(*folders, f"{leaf}.py")
    if not path.is_file():
        raise NotFound(f"there is no agent module {name}")
    return path.read_text(encoding="utf-8")


@cache
def needs(name: str) -> tuple[str, ...]:
    """The agent modules that `name` imports, itself last: the order in which a host can load them."""
    found: list[str] = []
    _collect(name, found, set())
    return tuple(found)


def _collect(name: str, found: list[str], seen: set[str]) -> None:
    if name in seen or name == f"{PACKAGE}.boot":
        return
    seen.add(name)
    for module, inside, plain in IMPORT.findall(source(name)):
        if module in (PACKAGE, f"{PACKAGE}.actions"):
            for word in (inside or plain).split(","):
                if word.strip():
                    _collect(f"{module}.{word.split()[0]}", found, seen)
        else:
            _collect(module, found, seen)
    found.append(name)


@cache
def core() -> bytes:
    """Everything that a session starts with: boot's source and the modules of serve."""
    modules = b"".join(_entry(name) for name in needs(CORE))
    return modules + b"\n"


def _entry(name: str) -> bytes:
    text = source(name).encode()
    return b"%s %d\n%s" % (name.encode(), len(text), text)


def modules(op: str, action: str, already: set[str]) -> list[tuple[str, str]]:
    """(name, source) of what a host still lacks for a call; the caller adds the names to `already` once sent."""
    wanted = f"{PACKAGE}.lock" if op in OF_THE_LOCK else f"{PACKAGE}.actions.{action}"
    return [(name, source(name)) for name in needs(wanted) if name not in already]


def stage0(python: str | None, cached: bool = True) -> str:
    """The command line that turns a login shell into an agent, or into a plain sh where there is no Python 3.6.

    Whatever it becomes has swallowed exactly the bytes of `first()` and said so with a mark; so the payload can follow
    the command at once, without waiting for an answer. No single quote may stand in it.
    """
    size = len(first()) - len(core())
    program = (
        "import os,sys\n"
        "def take(n):\n"
        " b=bytes()\n"
        " while len(b)<n:\n"
        "  c=os.read(0,n-len(b))\n"
        "  if not c:sys.exit(1)\n"
        "  b+=c\n"
        " return b\n"
        f"s=take({size})\n"
        f"if sys.version_info<{boot.OLDEST!r}:\n"
        f" take({len(core())})\n"
        ' os.write(1,b\\"RUNBOOK-SH\\\\n\\");os.execl(\\"/bin/sh\\",\\"sh\\")\n'
        'os.write(1,b\\"RUNBOOK-AGENT\\\\n\\")\n'
        'exec(compile(s,\\"<agent>/boot.py\\",\\"exec\\"),{\\"__name__\\":\\"__boot__\\"})'
    )
    candidates = [python] if python else ["python3", "/usr/libexec/platform-python", *_versions()]
    tries = "".join(f'{_usable(p)} && exec {p} -I -S -c "$P"\n' for p in candidates)
    swallow = f"head -c {len(first())} >/dev/null\necho RUNBOOK-SH\nexec sh"
    return f"/bin/sh -c 'P=\"{program}\"\n{tries}{swallow}'"


@cache
def first() -> bytes:
    """The bytes that follow the command: boot's source, then the core."""
    return source(f"{PACKAGE}.boot").encode() + core()


def _usable(python: str) -> str:
    """A shell condition. Python 2 and 3.3 do not know -I; who is not called python3 is asked, which costs a start."""
    known = python.rpartition("/")[2].startswith("python3") or python.endswith("platform-python")
    return f"command -v {python} >/dev/null 2>&1" if known else f'{python} -I -c "" >/dev/null 2>&1'


def _versions() -> list[str]:
    return [f"python3.{minor}" for minor in range(14, boot.OLDEST[1] - 1, -1)]
