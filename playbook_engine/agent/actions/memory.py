"""How much memory is used, of what: a percentage without its denominator says nothing."""

from playbook_engine.agent import failure, plausible, processes, procfs, reach, web
from playbook_engine.agent.actions import facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HERE = "psutil"

SPEC = {
    "name": "memory",
    "kind": "probe",
    "summary": "Memory of the host, of a control group, of a process and of a JavaScript heap",
    "doc": "Each figure names what it is a part of. heapTotal is no limit: V8 grows it on demand, so 96 % of it is no "
    "finding; `heap.judged` is only true against heap_size_limit.",
    "params": dict(
        processes.PARAMS,
        url={"type": "str", "doc": "An address whose JSON body tells of the heap."},
        heap_used_path={"type": "str", "doc": "Where in it the bytes used are."},
        heap_total_path={"type": "str", "doc": "Where heapTotal is."},
        heap_limit_path={"type": "str", "doc": "Where heap_size_limit is."},
        heap_unit={"type": "str", "default": "bytes", "choices": ["bytes", "KB", "MB"], "doc": "Of these numbers."},
        timeout={"type": "duration", "default": 10, "doc": "For the request."},
    ),
    "returns": {
        "total_bytes": "MemTotal",
        "available_bytes": "MemAvailable: what can be had without swapping",
        "used_percent": "what is not available, of MemTotal",
        "swap_total_bytes": "",
        "swap_used_bytes": "",
        "oom_kills": "since boot; null when the kernel does not count them",
        "process": "pids, rss_bytes, percent and `of`: the control group's limit, else MemTotal; null: not asked. "
        "Without such a process rss_bytes and percent are null",
        "cgroup": "path, limit_bytes, usage_bytes, percent, oom_kills; null without a limit",
        "heap": "used_bytes, of_bytes, of, percent, judged; null when not asked",
    },
    "examples": "memory: {match: trader/server.js}",
}

UNITS = {"bytes": 1, "KB": 1024, "MB": 1 << 20}


def observe(args: "dict") -> "dict":
    info = facts.meminfo()
    if not info.get("MemTotal"):
        raise failure.Unmeasured("/proc/meminfo cannot be read")
    told = _host(info["MemTotal"], info.get("MemAvailable", info.get("MemFree", 0)))
    told["swap_total_bytes"] = info.get("SwapTotal", 0)
    told["swap_used_bytes"] = info.get("SwapTotal", 0) - info.get("SwapFree", 0)
    pids = processes.find(args) if processes.asked(args) else None
    resident = {pid: int(procfs.status(pid).get("VmRSS", "0").split()[0]) * 1024 for pid in pids or ()}
    return _whole(args, told, pids, resident)


def observe_here(args: "dict", psutil: "Any") -> "dict":
    """The same on the controller's own machine, in its process, with psutil."""
    virtual, swap = psutil.virtual_memory(), psutil.swap_memory()
    told = _host(virtual.total, virtual.available)
    told.update(swap_total_bytes=swap.total, swap_used_bytes=swap.used)
    pids = processes.find(args) if processes.asked(args) else None
    resident = {}
    for pid in pids or ():
        try:
            resident[pid] = psutil.Process(pid).memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return _whole(args, told, pids, resident)


def _host(total: int, available: int) -> "dict":
    return {
        "total_bytes": total,
        "available_bytes": available,
        "used_percent": _percent(total - available, total),
        "oom_kills": _counter(procfs.read("/proc/vmstat"), "oom_kill"),
    }


def _whole(args: "dict", told: "dict", pids: "list[int] | None", resident: "dict[int, int]") -> "dict":
    told.update(process=None, cgroup=None, heap=None)
    if pids is not None:
        told["cgroup"] = cgroup(pids[0]) if pids else None
        limit = told["cgroup"]["limit_bytes"] if told["cgroup"] else told["total_bytes"]
        # Nothing of a process that is not there is no small amount: it is not measured.
        rss = sum(resident.values()) if resident else None
        told["process"] = {
            "pids": sorted(resident),
            "rss_bytes": rss,
            "percent": None if rss is None else _percent(rss, limit),
            "of": "the control group's limit" if told["cgroup"] else "MemTotal",
        }
    if args["url"]:
        told["heap"] = _heap(args)
    return told


def _percent(part: int, whole: int) -> "float | None":
    return round(100.0 * part / whole, 1) if whole else None


def _counter(text: str, name: str) -> "int | None":
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == name:
            return int(words[1])
    return None


def cgroup(pid: int) -> "dict | None":
    """The nearest memory limit above a process (control groups, version 2 or 1); None when there is none."""
    for line in procfs.read("/proc/%d/cgroup" % pid).splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            found = _limited("/sys/fs/cgroup", path, "memory.max", "memory.current", "memory.events")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.oom_control")
            found = _limited("/sys/fs/cgroup/memory", path, *names)
        else:
            continue
        if found:
            return found
    return None


def _limited(base: str, path: str, limit: str, usage: str, events: str) -> "dict | None":
    parts = [part for part in path.split("/") if part and part != ".."]
    while True:
        folder = "/".join([base] + parts)
        said = procfs.read("%s/%s" % (folder, limit)).strip()
        if said.isdigit() and int(said) < 1 << 60:  # version 1 says "no limit" with a very large number
            used = int(procfs.read("%s/%s" % (folder, usage)).strip() or 0)
            return {
                "path": "/" + "/".join(parts),
                "limit_bytes": int(said),
                "usage_bytes": used,
                "percent": _percent(used, int(said)),
                "oom_kills": _counter(procfs.read("%s/%s" % (folder, events)), "oom_kill"),
            }
        if not parts:
            return None
        parts.pop()


def _heap(args: "dict") -> "dict":
    """What a JavaScript process says of its heap, with the denominator by its name."""
    told: "dict" = {"used_bytes": None, "of_bytes": None, "of": None, "percent": None, "judged": False, "error": ""}
    try:
        body = web.ask(web.Request(args["url"], timeout=args["timeout"])).json()
    except reach.Unreached as error:
        return dict(told, error=error.msg)
    scale = UNITS[args["heap_unit"]]
    found = {}
    for key in ("used", "total", "limit"):
        path = args["heap_%s_path" % key]
        try:
            value = plausible.at(body, path) if path else None
        except KeyError:
            value = None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found[key] = int(value * scale)
    if "used" not in found:
        return dict(told, error="the answer has no number at %s" % args["heap_used_path"])
    of = "heap_size_limit" if "limit" in found else "heapTotal" if "total" in found else None
    size = found.get("limit", found.get("total"))
    return {
        "used_bytes": found["used"],
        "of_bytes": size,
        "of": of,
        "percent": _percent(found["used"], size or 0),
        "judged": of == "heap_size_limit",
        "error": "" if of != "heapTotal" else "heapTotal is not a limit: V8 grows it on demand",
    }
