"""Does an HTTP service answer, with what, and how fast; and can what it says about itself be true."""

from playbook_engine.agent import latency, plausible, procfs, reach, web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SPEC = {
    "name": "http",
    "kind": "probe",
    "summary": "Ask an HTTP service: status, body, latency percentiles",
    "doc": "Refused, timed out and reset are measurements (`reachable` false, `status` -1). Numbers that the service "
    "publishes about itself are claims: one that cannot be true is `invalid`, not slow.",
    "params": {
        "url": {"type": "str", "required": True, "doc": "http or https."},
        "method": {"type": "str", "default": "GET", "doc": ""},
        "headers": {"type": "dict", "doc": "Sent with the request."},
        "body": {"type": "raw", "doc": "Text, or what is sent as JSON."},
        "timeout": {"type": "duration", "default": 10, "doc": "For each request: connecting, and each wait for bytes."},
        "samples": {"type": "int", "default": 1, "doc": "How many requests are measured."},
        "warmup": {"type": "int", "default": 0, "doc": "How many are made first and not counted."},
        "interval": {"type": "duration", "default": 0, "doc": "Between two requests."},
        "follow_redirects": {"type": "bool", "default": False, "doc": "Else a redirect is the answer."},
        "validate_certs": {"type": "bool", "default": True, "doc": "Refuse a certificate that cannot be verified."},
        "ca_path": {"type": "path", "doc": "Certificates to trust instead of the system's."},
        "username": {"type": "str", "doc": "Basic authentication."},
        "password": {"type": "str", "secret": True, "doc": "Basic authentication."},
        "json_path": {"type": "str", "doc": "Where in a JSON body `value` is taken from: `db.status`."},
        "duration_path": {"type": "str", "doc": "Where the body claims a duration."},
        "duration_unit": {"type": "str", "default": "ms", "choices": ["s", "ms", "us", "ns"], "doc": "Its unit."},
        "uptime_path": {"type": "str", "doc": "Where the body says for how many seconds the process has lived."},
        "cold_below": {"type": "duration", "default": 300, "doc": "A process younger than this is `cold`."},
    },
    "free_form": "url",
    "returns": {
        "reachable": "",
        "status": "or -1",
        "error": "and `error_kind`: refused, timeout, reset, dns, tls, closed, protocol",
        "headers": "names in lower case",
        "content": "the first 64 KiB of the body, as text",
        "json": "the body, where it is JSON",
        "value": "what is at `json_path`",
        "p50_ms": "and p95_ms, p99_ms, min_ms, max_ms, samples, clock: whole requests, with connecting",
        "connect_ms": "median; null when measured by requests, which does not tell",
        "first_byte_ms": "median, from the request to the head of the answer",
        "failed": "requests without an answer",
        "at": "this host's clock in the middle of the last request, seconds since 1970",
        "uptime_seconds": "of the process that answers, where it can be told",
        "cold": "whether that is less than `cold_below`; null when unknown",
        "claim": "raw, valid, ms, why: what the body claims at `duration_path`",
        "valid": "false when there is a claim that cannot be true",
    },
    "examples": "http: {url: http://127.0.0.1:3000/health, samples: 30, warmup: 5}",
}

HERE = "requests"
SHOWN = 65536


class Sample(object):
    """One request's outcome, whoever made it."""

    def __init__(self, answer: "web.Answer | None", error: "reach.Unreached | None", timed: bool = True) -> None:
        self.answer, self.error, self.timed = answer, error, timed


def observe(args: "dict") -> "dict":
    request = request_of(args)

    def fetch() -> "Sample":
        try:
            return Sample(web.ask(request), None)
        except reach.Unreached as error:
            return Sample(None, error)

    return measure(args, fetch)


def observe_here(args: "dict", requests: "Any") -> "dict":
    """The same on the controller's own machine, in its process, with the library that HERE names."""
    import time

    asked = request_of(args)

    def fetch() -> "Sample":
        session = requests.Session()  # one for each sample: a connection that is kept would not be measured
        session.trust_env = False  # no proxy from the environment, as on a host
        session.headers.clear()
        began = time.monotonic()
        try:
            response = session.request(
                asked.method,
                asked.url,
                data=asked.body,
                headers=asked.headers,
                timeout=asked.timeout,
                verify=(asked.ca_path or True) if asked.verify else False,
                allow_redirects=asked.redirects == "all",
                stream=True,
            )
            found = web.Answer(response.url, response.status_code, response.reason, {}, response.content)
            found.headers = {k.lower(): v for k, v in response.headers.items()}
            found.first_byte_ms = response.elapsed.total_seconds() * 1000
            found.total_ms = (time.monotonic() - began) * 1000
            return Sample(found, None)
        except requests.RequestException as error:
            return Sample(None, _unreached(error, asked.url))
        finally:
            session.close()

    return measure(args, fetch)


def _unreached(error: "Exception", url: str) -> "reach.Unreached":
    """What is at the bottom of a requests exception: the error of the socket, as `observe` sees it."""
    try:
        _, host, port, _ = web.parts(url)
    except reach.Unreached as unfit:  # no address at all: it is said as it is on a host
        return unfit
    seen: "list[BaseException]" = []
    left: "list[BaseException]" = [error]
    while left:
        one = left.pop()
        if one in seen:
            continue
        seen.append(one)
        inner = [one.__cause__, one.__context__, getattr(one, "reason", None)] + list(one.args)
        left += [item for item in inner if isinstance(item, BaseException)]
    kinds = [one for one in seen if isinstance(one, OSError) and (one.errno or "SSL" in type(one).__name__)]
    timeouts = [one for one in seen if "Timeout" in type(one).__name__]
    if timeouts:
        return reach.Unreached("timeout", "%s:%d: timed out" % (host, port))
    return reach.of(kinds[-1] if kinds else seen[-1], "%s:%d" % (host, port))  # type: ignore[arg-type]


def request_of(args: "dict") -> "web.Request":
    body, headers = args["body"], dict(args["headers"] or {})
    if body is not None and not isinstance(body, (str, bytes)):
        import json

        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    return web.Request(
        args["url"],
        args["method"],
        headers,
        body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body,
        args["timeout"],
        args["validate_certs"],
        args["ca_path"],
        "all" if args["follow_redirects"] else "none",
        (args["username"], args["password"] or "") if args["username"] else None,
    )


def measure(args: "dict", fetch: "Callable[[], Sample]") -> "dict":
    """Takes the samples and says what they mean."""
    import time

    taken: "list[Sample]" = []
    for number in range(args["warmup"] + max(args["samples"], 1)):
        if number and args["interval"]:
            time.sleep(args["interval"])
        sample = fetch()
        if number >= args["warmup"]:
            taken.append(sample)
    answers = [sample.answer for sample in taken if sample.answer is not None]
    errors = [sample.error for sample in taken if sample.error is not None]
    told: "dict" = {"url": args["url"], "reachable": bool(answers), "status": -1, "error": "", "error_kind": ""}
    if errors:
        told.update(error=errors[-1].msg, error_kind=errors[-1].kind)
    told.update(
        failed=len(errors), warmup=args["warmup"], headers={}, content="", content_length=None, json=None, value=None
    )
    told["at"] = None
    told.update(latency.summary([answer.total_ms for answer in answers]))
    told["connect_ms"] = latency.summary([a.connect_ms for a in answers if a.connect_ms is not None])["p50_ms"]
    told["first_byte_ms"] = latency.summary([a.first_byte_ms for a in answers])["p50_ms"]
    if answers:
        last = answers[-1]
        told.update(status=last.status, headers=last.headers, content=last.text()[:SHOWN], json=last.json())
        told["content_length"] = len(last.body)
        told["at"] = round(time.time() - last.total_ms / 2000, 3)  # the middle of the request: what a skew is held to
    told.update(_claims(args, told))
    return told


def _claims(args: "dict", told: "dict") -> "dict":
    """What the body says of itself, judged."""
    import time

    found: "dict" = {"claim": None, "valid": True, "uptime_seconds": _uptime(args, told)}
    up = found["uptime_seconds"]
    found["cold"] = None if up is None else up < args["cold_below"]
    if args["json_path"]:
        try:
            found["value"] = plausible.at(told["json"], args["json_path"])
        except KeyError:
            found["value"] = None
    if args["duration_path"] and told["reachable"]:
        try:
            claimed = plausible.at(told["json"], args["duration_path"])
            found["claim"] = plausible.duration(claimed, args["duration_unit"], time.time(), up)
        except KeyError:
            why = "the answer has nothing at %s" % args["duration_path"]
            found["claim"] = {"raw": None, "valid": False, "ms": None, "why": why}
        found["valid"] = found["claim"]["valid"]
    return found


def _uptime(args: "dict", told: "dict") -> "float | None":
    """For how long the process that answers has lived: from its own body, or from /proc where it runs here."""
    if not told["reachable"]:
        return None
    if args["uptime_path"]:
        try:
            said = plausible.at(told["json"], args["uptime_path"])
        except KeyError:
            return None
        return float(said) if isinstance(said, (int, float)) and not isinstance(said, bool) else None
    _, host, port, _ = web.parts(args["url"])
    if not (host.startswith("127.") or host in ("localhost", "::1")):
        return None
    ages = [age for age in (procfs.age(pid) for pid in procfs.listeners(port)) if age is not None]
    return max(ages) if ages else None
