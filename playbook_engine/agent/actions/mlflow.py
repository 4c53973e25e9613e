"""Does MLflow track: not "is there a page", but a run that is written, read back and deleted.

"fetch failed" can mean five things; `state` tells them apart: not-listening, listening-unhealthy, up-but-write-fails,
verified. The REST interface is MLflow's public one (/health since 1.11, /version, /api/2.0/mlflow/…).
"""

from playbook_engine.agent import reach, web

SPEC = {
    "name": "mlflow",
    "kind": "probe",
    "summary": "Health, version, a run written and read back, a model registered",
    "doc": "Everything the probe makes has a name of its own and is deleted again; MLflow keeps deleted runs in its "
    "trash until `mlflow gc`.",
    "touches": "creates an experiment, a run with a metric and a parameter, and a registered model; deletes all three",
    "params": {
        "url": {"type": "str", "default": "http://127.0.0.1:5000", "doc": "The tracking server."},
        "username": {"type": "str", "doc": "Basic authentication."},
        "password": {"type": "str", "secret": True, "doc": ""},
        "token": {"type": "str", "secret": True, "doc": "A bearer token instead."},
        "timeout": {"type": "duration", "default": 10, "doc": "For each request."},
        "registry": {"type": "bool", "default": True, "doc": "Register a model too."},
        "validate_certs": {"type": "bool", "default": True, "doc": "With https."},
    },
    "free_form": "url",
    "returns": {
        "state": "not-listening, listening-unhealthy, up-but-write-fails or verified",
        "reachable": "",
        "healthy": "/health said OK",
        "version": "",
        "run_read_back": "the metric and the parameter came back as they were written",
        "registry_ok": "a model was registered, read and deleted; null when not tried",
        "cleaned": "everything that was made is deleted",
        "step": "the first step that did not work",
        "error": "",
        "write_ms": "from creating the experiment to reading the run",
    },
    "examples": "mlflow: {url: http://127.0.0.1:5000}",
}


class Wrong(Exception):
    """MLflow answered, and not as it should."""


class Server(object):
    """One tracking server. Methods raise Wrong and reach.Unreached."""

    def __init__(self, args: "dict") -> None:
        self.args = args
        self.base = args["url"].rstrip("/")

    def ask(self, method: str, path: str, body: "dict | None" = None) -> "web.Answer":
        import json

        args = self.args
        headers = {"Content-Type": "application/json"}
        if args["token"]:
            headers["Authorization"] = "Bearer " + args["token"]
        user = (args["username"], args["password"] or "") if args["username"] else None
        data = None if body is None else json.dumps(body).encode("utf-8")
        request = web.Request(
            self.base + path, method, headers, data, args["timeout"], args["validate_certs"], user=user
        )
        return web.ask(request)

    def call(self, method: str, path: str, body: "dict | None" = None) -> "dict":
        """One call of the REST interface; its answer as a mapping."""
        answer = self.ask(method, "/api/2.0/mlflow/" + path, body)
        said = answer.json()
        if answer.status != 200:
            why = said.get("message") if isinstance(said, dict) else answer.text()[:200]
            raise Wrong("%s: status %d: %s" % (path.split("?")[0], answer.status, why))
        if not isinstance(said, dict):
            raise Wrong("%s: the answer is no JSON: is this MLflow?" % path.split("?")[0])
        return said


def observe(args: "dict") -> "dict":
    told: "dict" = {"url": args["url"], "state": "not-listening", "reachable": False, "healthy": False, "version": None}
    told.update(run_read_back=False, registry_ok=False if args["registry"] else None, cleaned=True)
    told.update(step="connect", error="", write_ms=None)
    server = Server(args)
    try:
        told["step"] = "health"
        answer = server.ask("GET", "/health")
        told["reachable"] = True
        told["state"] = "listening-unhealthy"
        if answer.status != 200:
            return dict(told, error="/health: status %d: %s" % (answer.status, answer.text()[:200].strip()))
        told["healthy"] = True
        told["step"] = "version"
        version = server.ask("GET", "/version")
        told["version"] = version.text().strip()[:40] if version.status == 200 else None
        told["state"] = "up-but-write-fails"
        _write(server, told)
        told["state"], told["step"] = "verified", None
    except (Wrong, reach.Unreached) as error:
        told["error"] = str(error)
        if not told["reachable"]:
            told["step"] = "connect"
    return told


def _write(server: "Server", told: "dict") -> None:
    """The ladder from an experiment to a registered model; what was made is deleted, come what may."""
    import os
    import time

    token = "runbook-probe-" + "".join("%02x" % byte for byte in bytearray(os.urandom(6)))
    made: "list[tuple[str, str, dict]]" = []
    began = time.monotonic()
    try:
        told["step"] = "create an experiment"
        experiment = server.call("POST", "experiments/create", {"name": token})["experiment_id"]
        made.append(("POST", "experiments/delete", {"experiment_id": experiment}))
        told["step"] = "create a run"
        now = int(time.time() * 1000)
        asked = {"experiment_id": experiment, "start_time": now, "run_name": token}
        run = server.call("POST", "runs/create", asked)["run"]["info"]["run_id"]
        made.append(("POST", "runs/delete", {"run_id": run}))
        told["step"] = "log to the run"
        value = (now % 1000) / 8.0  # exact in binary, so that what comes back is equal or wrong
        metric = {"run_id": run, "key": "probe", "value": value, "timestamp": now, "step": 0}
        server.call("POST", "runs/log-metric", metric)
        server.call("POST", "runs/log-parameter", {"run_id": run, "key": "token", "value": token})
        server.call("POST", "runs/update", {"run_id": run, "status": "FINISHED", "end_time": now})
        told["step"] = "read the run back"
        _compare(server.call("GET", "runs/get?run_id=" + run)["run"], value, token)
        told["run_read_back"] = True
        told["write_ms"] = round((time.monotonic() - began) * 1000, 3)
        if server.args["registry"]:
            told["step"] = "register a model"
            server.call("POST", "registered-models/create", {"name": token})
            made.append(("DELETE", "registered-models/delete", {"name": token}))
            told["step"] = "read the model back"
            found = server.call("GET", "registered-models/get?name=" + token)["registered_model"]["name"]
            if found != token:
                raise Wrong("the registry gave %r for the model %r" % (found, token))
            told["registry_ok"] = True
        told["step"] = "delete"
    except (KeyError, TypeError) as error:
        raise Wrong("%s: the answer lacks %s" % (told["step"], error))
    finally:
        told["cleaned"] = _clean(server, made)


def _compare(run: "dict", value: float, token: str) -> None:
    data = run["data"]
    metrics = {one["key"]: float(one["value"]) for one in data.get("metrics", ())}
    params = {one["key"]: one["value"] for one in data.get("params", ())}
    if metrics.get("probe") != value or params.get("token") != token:
        raise Wrong("what was written came back otherwise: %s %s" % (metrics, params))


def _clean(server: "Server", made: "list[tuple[str, str, dict]]") -> bool:
    good = True
    for method, path, body in reversed(made):
        try:
            server.call(method, path, body)
        except (Wrong, reach.Unreached):
            good = False
    return good
