"""Does a Redis answer, and does it still take writes: one that answers PING on a full disk refuses them."""

from playbook_engine.agent import latency, reach, resp, web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HERE = "redis"

SPEC = {
    "name": "redis",
    "kind": "probe",
    "summary": "PING, a written and read marker, INFO: persistence, memory, role, latency",
    "doc": "Refused connections, wrong passwords and refused writes (MISCONF, READONLY, OOM) are measurements.",
    "touches": "sets a key of its own that expires after ten seconds, reads it and deletes it",
    "params": {
        "host": {"type": "str", "default": "127.0.0.1", "doc": "Name or address."},
        "port": {"type": "int", "default": 6379, "doc": ""},
        "unix_socket": {"type": "path", "doc": "A socket instead of host and port."},
        "username": {"type": "str", "doc": "For ACLs (Redis 6)."},
        "password": {"type": "str", "secret": True, "doc": ""},
        "db": {"type": "int", "default": 0, "doc": "Database number."},
        "tls": {"type": "bool", "default": False, "doc": "Speak TLS."},
        "validate_certs": {"type": "bool", "default": True, "doc": "With `tls`: verify the certificate."},
        "timeout": {"type": "duration", "default": 5, "doc": "For connecting and for each answer."},
        "samples": {"type": "int", "default": 10, "doc": "How many times the marker is written and read."},
        "write": {"type": "bool", "default": True, "doc": "Write the marker; else only PING is measured."},
    },
    "returns": {
        "reachable": "it speaks Redis",
        "authenticated": "",
        "ping": "",
        "write_ok": "the marker was set, read back and deleted; null when not tried",
        "error": "and `error_kind`: refused, timeout, auth, misconf, readonly, oom, loading …",
        "version": "",
        "role": "master or slave",
        "master_link_status": "of a replica",
        "used_memory_bytes": "",
        "maxmemory_bytes": "0: no limit",
        "memory_percent": "of maxmemory; null without a limit",
        "evicted_keys": "",
        "rdb_last_bgsave_status": "",
        "aof_enabled": "",
        "aof_last_write_status": "",
        "uptime_seconds": "",
        "p50_ms": "and the other percentiles of one SET, GET and DEL (of a PING with `write: false`)",
    },
    "examples": "redis: {port: 6379, samples: 50}",
}

TEXTS = {"version": "redis_version", "role": "role", "master_link_status": "master_link_status"}
TEXTS.update((k, k) for k in ("maxmemory_policy", "rdb_last_bgsave_status", "aof_last_write_status"))
NUMBERS = {"used_memory_bytes": "used_memory", "maxmemory_bytes": "maxmemory", "uptime_seconds": "uptime_in_seconds"}
NUMBERS.update((k, k) for k in ("evicted_keys", "connected_clients", "connected_slaves"))
CODES = {  # redis-py takes the code off the text and makes a class of it
    "AuthenticationError": "NOAUTH",
    "AuthenticationWrongNumberOfArgsError": "NOAUTH",
    "AuthorizationError": "NOPERM",
    "NoPermissionError": "NOPERM",
    "ReadOnlyError": "READONLY",
    "OutOfMemoryError": "OOM",
    "BusyLoadingError": "LOADING",
    "MasterDownError": "MASTERDOWN",
}
KINDS = ("noauth", "wrongpass", "noperm", "misconf", "readonly", "oom", "loading", "masterdown", "clusterdown")


def observe(args: "dict") -> "dict":
    return measure(args, Plain)


def observe_here(args: "dict", redis: "Any") -> "dict":
    """The same on the controller's own machine, in its process, with redis-py."""

    class Ours(object):
        """redis-py's client behind the three methods that are needed."""

        def __init__(self, args: "dict") -> None:
            secure = {"ssl": True, "ssl_cert_reqs": "required" if args["validate_certs"] else "none"}
            self.it = redis.Redis(
                host=args["host"],
                port=args["port"],
                unix_socket_path=args["unix_socket"],
                db=args["db"],
                username=args["username"],
                password=args["password"],
                socket_timeout=args["timeout"],
                socket_connect_timeout=args["timeout"],
                decode_responses=True,
                protocol=2,
                retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),  # a probe measures; the engine retries
                **(secure if args["tls"] else {}),
            )

        def ping(self) -> object:
            return self._safe(self.it.ping)

        def marker(self, key: str, value: str) -> bool:
            self._safe(lambda: self.it.set(key, value, px=10000))
            back = self._safe(lambda: self.it.get(key))
            self._safe(lambda: self.it.delete(key))
            return back == value

        def info(self) -> "dict[str, str]":
            return {str(k): str(v) for k, v in self._safe(self.it.info).items()}

        def close(self) -> None:
            self.it.close()

        def _safe(self, do: "Any") -> "Any":
            try:
                return do()
            except redis.exceptions.TimeoutError:
                raise reach.Unreached("timeout", "%s: timed out" % where(args))
            except redis.exceptions.RedisError as error:
                code = CODES.get(type(error).__name__)
                if code or isinstance(error, redis.exceptions.ResponseError):
                    raise resp.Refused("%s %s" % (code, error) if code else str(error))
                inner = error.__cause__ or error.__context__
                raise reach.of(inner if isinstance(inner, OSError) else error, where(args))

    return measure(args, Ours)


def where(args: "dict") -> str:
    return str(args["unix_socket"] or "%s:%d" % (args["host"], args["port"]))


class Plain(object):
    """The agent's own client behind the three methods that are needed."""

    def __init__(self, args: "dict") -> None:
        self.it = resp.Client(_socket(args), where(args))
        if args["password"] is not None:
            user = [args["username"]] if args["username"] else []
            self.it.call("AUTH", *(user + [args["password"]]))
        if args["db"]:
            self.it.call("SELECT", str(args["db"]))

    def ping(self) -> object:
        return self.it.call("PING")

    def marker(self, key: str, value: str) -> bool:
        self.it.call("SET", key, value, "PX", "10000")
        back = self.it.call("GET", key)
        self.it.call("DEL", key)
        return back == value

    def info(self) -> "dict[str, str]":
        pairs = (line.partition(":") for line in str(self.it.call("INFO")).splitlines())
        return {key: value for key, colon, value in pairs if colon}

    def close(self) -> None:
        self.it.close()


def _socket(args: "dict") -> "Any":
    import socket

    if args["unix_socket"]:
        it = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        it.settimeout(args["timeout"])
        try:
            it.connect(args["unix_socket"])
        except OSError as error:
            it.close()
            raise reach.of(error, args["unix_socket"])
        return it
    plain = reach.connect(args["host"], args["port"], args["timeout"])
    if not args["tls"]:
        return plain
    try:
        return web.context(args["validate_certs"], None).wrap_socket(plain, server_hostname=args["host"])
    except OSError as error:
        plain.close()
        raise reach.of(error, where(args))


def measure(args: "dict", connect: "Any") -> "dict":
    """Asks through a client and says what it means."""
    told: "dict" = {"reachable": False, "authenticated": False, "ping": False, "error": "", "error_kind": ""}
    told.update(write_ok=False if args["write"] else None, loading=None, aof_enabled=None, memory_percent=None)
    told.update(dict.fromkeys(list(TEXTS) + list(NUMBERS)))
    told.update(latency.summary([]))
    client = None
    try:
        client = connect(args)
        told["reachable"] = bool(client.ping())
        told.update(authenticated=True, ping=True)
        _describe(client.info(), told)
        _time(client, args, told)
    except resp.Refused as error:
        _refused(str(error), told)
    except reach.Unreached as error:
        told.update(error=error.msg, error_kind=error.kind)
    finally:
        if client is not None:
            client.close()
    return told


def _refused(said: str, told: "dict") -> None:
    word = said.split(" ")[0].lower()
    kind = "auth" if word in ("noauth", "wrongpass", "noperm") or "password" in said else word
    told.update(reachable=True, error=said, error_kind=kind if kind == "auth" or word in KINDS else "failed")
    told["authenticated"] = told["authenticated"] or kind != "auth"
    if kind == "loading":
        told["loading"] = True


def _describe(info: "dict[str, str]", told: "dict") -> None:
    told.update((key, info.get(field)) for key, field in TEXTS.items())
    told.update((key, int(info[field])) for key, field in NUMBERS.items() if info.get(field, "").isdigit())
    told.update(loading=info.get("loading") == "1", aof_enabled=info.get("aof_enabled") == "1")
    if told["maxmemory_bytes"]:
        told["memory_percent"] = round(100.0 * told["used_memory_bytes"] / told["maxmemory_bytes"], 1)


def _time(client: "Any", args: "dict", told: "dict") -> None:
    import os
    import time

    times = []
    token = "".join("%02x" % byte for byte in bytearray(os.urandom(8)))
    good = True
    for number in range(max(args["samples"], 1)):
        began = time.monotonic()
        if args["write"]:
            good = client.marker("runbook:probe:%s" % token, "%s:%d" % (token, number)) and good
        else:
            client.ping()
        times.append((time.monotonic() - began) * 1000)
    told.update(latency.summary(times))
    if args["write"]:
        told["write_ok"] = good
