"""Wait until the host can be worked with. Carried out by the engine (`engine/reaching.py`)."""

SPEC = {
    "name": "wait_for_connection",
    "kind": "control",
    "summary": "Wait until the host can be reached",
    "doc": "A connection that has died is made anew: for hosts that are being made, or have been booted in another "
    "way than by `reboot`. In check mode nobody waits.",
    "params": {
        "timeout": {"type": "duration", "default": 600, "doc": "In all."},
        "delay": {"type": "duration", "default": 0, "doc": "Before the first try."},
        "sleep": {"type": "duration", "default": 1, "doc": "Understood: the next try follows the last."},
        "connect_timeout": {"type": "duration", "default": 5, "doc": "The connection's own setting counts."},
    },
    "returns": {"elapsed": "seconds"},
    "examples": "wait_for_connection: {timeout: 5m}",
}


def observe(args: "dict") -> "dict":
    return {"elapsed": args.get("elapsed") or 0}
