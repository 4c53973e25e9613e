"""What every tool is given to do, as data, and a look at whether it was done.

`checks`: ten trivial commands. `repair`: 20 steps: 2 directories, 5 files, 3 lines of a file, 10 commands. A step is
(kind, ...): ("cmd", shell), ("dir", path), ("file", path, content), ("line", path, line).
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

Step = tuple[str, ...]


def steps(workload: str, root: Path, host: str) -> list[Step]:
    if workload == "one":
        return [("cmd", "true")]
    if workload == "checks":
        return [("cmd", "true" if n % 2 else "test -d /") for n in range(10)]
    base = f"{root}/{host}"
    found: list[Step] = [("cmd", "test -d /"), ("dir", f"{base}/app"), ("dir", f"{base}/app/conf.d")]
    found += [("cmd", "true")] * 4
    found += [("file", f"{base}/app/conf.d/{n}.conf", _content(host, n)) for n in range(5)]
    found += [("line", f"{base}/app/settings.ini", f"option_{n} = {host}") for n in range(3)]
    return [*found, *([("cmd", "test -d /")] * 5)]


def _content(host: str, number: int) -> str:
    return f"# file {number} of {host}\n" + "".join(f"key_{number}_{k} = value {k * 7}\n" for k in range(1, 12))


def shell(step: Step) -> str:
    """One line of sh that does a step, once."""
    kind, *rest = step
    quoted = [shlex.quote(each) for each in rest]
    if kind == "cmd":
        return rest[0]
    if kind == "dir":
        return f"[ -d {quoted[0]} ] || mkdir -p {quoted[0]}"
    if kind == "file":
        path, content, beside = quoted[0], quoted[1], shlex.quote(rest[0] + ".new")
        write = f"{{ printf %s {content} > {beside} && mv {beside} {path}; }}"
        return f"printf %s {content} | cmp -s - {path} || {write}"
    return f"grep -qxF {quoted[1]} {quoted[0]} 2>/dev/null || echo {quoted[1]} >> {quoted[0]}"


def wipe(root: Path, hosts: list[str]) -> None:
    for host in hosts:
        shutil.rmtree(root / host, ignore_errors=True)


def missing(workload: str, root: Path, hosts: list[str]) -> list[str]:
    """What was not done. The hosts share this machine's disk."""
    found: list[str] = []
    for host in hosts if workload == "repair" else ():
        lines: dict[str, list[str]] = {}
        for kind, *rest in steps(workload, root, host):
            path = Path(rest[0])
            if kind == "line":
                lines.setdefault(rest[0], []).append(rest[1])
            elif (kind == "dir" and not path.is_dir()) or (kind == "file" and _text(path) != rest[1]):
                found.append(str(path))
        found += [path for path, wanted in lines.items() if _text(Path(path)).split("\n")[:-1] != wanted]
    return found


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
