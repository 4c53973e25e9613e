"""Does a TCP port accept connections, and how fast."""

from playbook_engine.agent import latency, reach

SPEC = {
    "name": "tcp",
    "kind": "probe",
    "summary": "Connect to a TCP port",
    "doc": "Refused and timed out are measurements: `reachable` false and why.",
    "params": {
        "host": {"type": "str", "default": "127.0.0.1", "doc": "Name or address."},
        "port": {"type": "int", "required": True, "doc": ""},
        "timeout": {"type": "duration", "default": 5, "doc": "For each connection."},
        "samples": {"type": "int", "default": 1, "doc": "How many connections are measured."},
        "send": {"type": "str", "doc": "Text to say first."},
        "banner": {"type": "bool", "default": False, "doc": "Wait for what the service says, up to 1 KiB."},
    },
    "returns": {
        "reachable": "",
        "error": "and `error_kind`: refused, timeout, reset, dns, unreachable",
        "banner": "text",
        "p50_ms": "and the other percentiles of connecting",
        "failed": "connections that did not come about",
    },
    "examples": "tcp: {port: 5432}",
}


def observe(args: "dict") -> "dict":
    import time

    told: "dict" = {"host": args["host"], "port": args["port"], "banner": None, "error": "", "error_kind": ""}
    times, failed = [], 0
    for _ in range(max(args["samples"], 1)):
        began = time.monotonic()
        try:
            it = reach.connect(args["host"], args["port"], args["timeout"])
            times.append((time.monotonic() - began) * 1000)
            with it:
                if args["send"]:
                    it.sendall(args["send"].encode("utf-8", "surrogateescape"))
                if args["banner"]:
                    told["banner"] = it.recv(1024).decode("utf-8", "surrogateescape")
        except reach.Unreached as error:
            failed += 1
            told.update(error=error.msg, error_kind=error.kind)
        except OSError as error:  # it accepted, and then did not talk
            known = reach.of(error, "%s:%d" % (args["host"], args["port"]))
            told.update(error=known.msg, error_kind=known.kind)
    told.update(latency.summary(times), reachable=bool(times), failed=failed)
    return told
