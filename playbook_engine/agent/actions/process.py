"""Is a process there, since when, how large, and on which ports does it listen."""

from playbook_engine.agent import failure, filestate, processes, procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HERE = "psutil"

SPEC = {
    "name": "process",
    "kind": "probe",
    "summary": "Find processes by command line, name, number, user or port",
    "doc": "All given arguments must hold. A process that is not there is a measurement (`running` false).",
    "params": processes.PARAMS,
    "free_form": "match",
    "returns": {
        "running": "",
        "count": "",
        "pids": "",
        "uptime_seconds": "of the youngest; a crash loop looks like a fresh start",
        "rss_bytes": "of all together",
        "ports": "TCP ports that they listen on",
        "processes": "pid, ppid, name, command, user, state, uptime_seconds, rss_bytes, threads, cpu_seconds, ports",
    },
    "examples": "process: {match: trader/server.js, user: app}",
}


def observe(args: "dict") -> "dict":
    if not processes.asked(args):
        raise failure.Failed("process needs one of %s" % ", ".join(sorted(processes.PARAMS)))
    return summed([processes.tell(pid) for pid in processes.find(args)])


def observe_here(args: "dict", psutil: "Any") -> "dict":
    """The same on the controller's own machine, in its process, with psutil."""
    import time

    if not processes.asked(args):
        raise failure.Failed("process needs one of %s" % ", ".join(sorted(processes.PARAMS)))
    told: "list[dict | None]" = []
    for pid in processes.find(args):
        try:
            it = psutil.Process(pid)
            with it.oneshot():
                times = it.cpu_times()
                sockets = it.net_connections("tcp") if hasattr(it, "net_connections") else it.connections("tcp")
                told.append(
                    {
                        "pid": pid,
                        "ppid": it.ppid(),
                        "name": it.name()[:15],
                        "command": " ".join(it.cmdline()),
                        "user": filestate.name_of_uid(it.uids().real),
                        "state": (procfs.stat(pid) or {}).get("state"),
                        "uptime_seconds": round(max(time.time() - it.create_time(), 0.0), 2),
                        "rss_bytes": it.memory_info().rss,
                        "threads": it.num_threads(),
                        "cpu_seconds": round(times.user + times.system, 2),
                        "ports": sorted({s.laddr.port for s in sockets if s.status == psutil.CONN_LISTEN}),
                    }
                )
        except psutil.NoSuchProcess:
            continue
    return summed(told)


def summed(told: "list[dict | None]") -> "dict":
    found = [one for one in told if one is not None]
    return {
        "running": bool(found),
        "count": len(found),
        "pids": [one["pid"] for one in found],
        "uptime_seconds": min([one["uptime_seconds"] for one in found]) if found else None,
        "rss_bytes": sum(one["rss_bytes"] for one in found),
        "ports": sorted({port for one in found for port in one["ports"]}),
        "processes": found[:100],
    }
