"""What is sent to a host: the agent's core when a session opens, an action's modules with its first call."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import marshal
import re
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Hashable, Iterable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import playbook_engine
from playbook_engine.agent import boot
from playbook_engine.model.errors import NotFound

PACKAGE = "playbook_engine.agent"
CORE, BOOT = f"{PACKAGE}.serve", f"{PACKAGE}.boot"
ROOT = Path(playbook_engine.__file__).parent
OF_THE_LOCK = frozenset({"lock", "recall"})
"""Operations that are no action's."""
# Not ast.parse: CPython's conversion of trees counts its depth for all threads together, and hosts are threads; it then
# says "AST constructor recursion depth mismatch" (python/cpython#106905).
IMPORT = re.compile(rf"^[ \t]*from ({re.escape(PACKAGE)}[\w.]*) import (?:\(([^)]*)\)|([^\n#]*))", re.MULTILINE)
AGENT_MARK, SOURCE_MARK, SHELL_MARK = b"RUNBOOK-AGENT\n", b"RUNBOOK-SOURCE\n", b"RUNBOOK-SH\n"
"""What the far side became: an agent, one that waits for the sources of its modules, or a plain sh."""


Given = ParamSpec("Given")
Made = TypeVar("Made")


def once(make: Callable[Given, Made]) -> Callable[Given, Made]:
    """What `make` gives is made once, also where many threads ask at the same time.

    `functools.cache` would let each of them make its own, and two of the same code need not be of one length: marshal
    notes which objects are shared. A host was then told of one and sent the other.
    """
    known: dict[Hashable, Made] = {}
    lock = threading.Lock()

    @wraps(make)
    def remembered(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        key = (args, *kwargs.items())
        try:
            return known[key]
        except KeyError:
            with lock:
                if key not in known:
                    known[key] = make(*args, **kwargs)
            return known[key]

    return remembered


def _path(name: str) -> Path:
    """The file of an agent module. Raises NotFound."""
    path = ROOT.joinpath(*name.removeprefix("playbook_engine.").split(".")).with_suffix(".py")
    if not path.is_file():
        raise NotFound(f"there is no agent module {name}")
    return path


@once
def source(name: str) -> str:
    """The source of an agent module, by its full name."""
    return _path(name).read_text(encoding="utf-8")


@once
def needs(name: str) -> tuple[str, ...]:
    """The agent modules that `name` imports, itself last: the order in which a host can load them."""
    found: list[str] = []
    _collect(name, found, set())
    return tuple(found)


def _collect(name: str, found: list[str], seen: set[str]) -> None:
    if name in seen or name == BOOT:
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


@once
def code(name: str) -> bytes:
    """An agent module compiled for the Python that runs here, compressed: what costs a host of the same Python least.

    Taken out of the file that Python itself keeps beside the source (PEP 552), where it is up to date.
    """
    path = _path(name)
    found = kept(path)
    if found is None:
        loader = importlib.machinery.SourceFileLoader(name, str(path))
        found = marshal.dumps(loader.get_code(name))  # which also keeps it, where it can write
    return zlib.compress(found, 1)


def kept(path: Path) -> bytes | None:
    """The marshalled code that Python keeps of a source file; None where there is none, or it is of another time."""
    try:
        there = path.stat()
        data = Path(importlib.util.cache_from_source(str(path))).read_bytes()
    except (OSError, NotImplementedError):
        return None
    stamp = b"\0\0\0\0" + struct.pack("<II", int(there.st_mtime) & 0xFFFFFFFF, there.st_size & 0xFFFFFFFF)
    return data[16:] if data[:16] == importlib.util.MAGIC_NUMBER + stamp else None


@once
def core(*, compiled: bool) -> tuple[bytes, bytes]:
    """What a session starts with: boot, and the modules of `serve`."""
    modules = b"".join(b"%s %d\n%s" % (n.encode(), len(c), c) for n, c in _contents(needs(CORE), compiled))
    return dict(_contents([BOOT], compiled))[BOOT], modules


def _contents(names: Iterable[str], compiled: bool) -> list[tuple[str, bytes]]:
    return [(name, code(name) if compiled else source(name).encode()) for name in names]


def modules(op: str, action: str, already: set[str], *, compiled: bool) -> list[tuple[str, str | bytes]]:
    """(name, content) of what a host still lacks for a call; the caller adds the names to `already` once sent."""
    wanted = f"{PACKAGE}.lock" if op in OF_THE_LOCK else f"{PACKAGE}.actions.{action}"
    return [(name, code(name) if compiled else source(name)) for name in needs(wanted) if name not in already]


STAGE0 = """\
import os,sys
def take(n):
 b=bytes()
 while len(b)<n:
  c=os.read(0,n-len(b))
  if not c:sys.exit(1)
  b+=c
 return b
b=take({first})
if sys.version_info<{oldest}:
 os.write(1,b"RUNBOOK-SH\\n");os.execl("/bin/sh","sh")
try:
 import marshal,zlib
 k=sys.implementation.cache_tag+sys.modules["_frozen_importlib_external"].MAGIC_NUMBER.hex()=="{python}"
except Exception:k=False
g=dict(__name__="__boot__")
os.write(1,b"RUNBOOK-AGENT\\n" if k else b"RUNBOOK-SOURCE\\n")
if k:exec(marshal.loads(zlib.decompress(b[:{compiled}])),g);b=b[{compiled}:]
else:b=take({sources});exec(compile(b[:{source}],"<agent>/boot.py","exec"),g);b=b[{source}:]
g["start"](b,k)"""
"""What a host's Python is started with: it takes in the compiled code, and asks for the sources if that is
of no use to it. Compiled code fits where the tag and the magic number are the same (PEP 3147, PEP 552)."""


def stage0(python: str | None) -> str:
    """The command line that turns a login shell into an agent, or into a plain sh where there is no Python 3.6.

    Whatever it becomes has swallowed exactly the bytes of `first()` and said so with a mark; so the payload can follow
    the command at once, without waiting for an answer. No single quote may stand in it.
    """
    program = STAGE0.format(
        first=len(first()), oldest=boot.OLDEST, compiled=len(core(compiled=True)[0]), sources=len(sources()),
        source=len(core(compiled=False)[0]),
        python=f"{sys.implementation.cache_tag}{importlib.util.MAGIC_NUMBER.hex()}",
    )  # fmt: skip
    program = re.sub(r'(["\\$`])', r"\\\1", program)  # as it stands between double quotes
    candidates = [python] if python else ["python3", "/usr/libexec/platform-python", *_versions()]
    tries = "".join(f'{_usable(p)} && exec {p} -I -S -c "$P"\n' for p in candidates)
    swallow = f"head -c {len(first())} >/dev/null\necho RUNBOOK-SH\nexec sh"
    return f"/bin/sh -c 'P=\"{program}\"\n{tries}{swallow}'"


@once
def first() -> bytes:
    """The bytes that follow the command: boot and the core, compiled."""
    return b"".join(core(compiled=True))


@once
def sources() -> bytes:
    """The same as source: what a Python of another version asks for."""
    return b"".join(core(compiled=False))


def _usable(python: str) -> str:
    """A shell condition. Python 2 and 3.3 do not know -I; who is not called python3 is asked, which costs a start."""
    known = python.rpartition("/")[2].startswith("python3") or python.endswith("platform-python")
    return f"command -v {python} >/dev/null 2>&1" if known else f'{python} -I -c "" >/dev/null 2>&1'


def _versions() -> list[str]:
    return [f"python3.{minor}" for minor in range(14, boot.OLDEST[1] - 1, -1)]
