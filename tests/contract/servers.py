"""Services to probe: small, real, on a free port of the loopback."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return int(it.getsockname()[1])


class Pages(BaseHTTPRequestHandler):
    """/health /json/TEXT /status/N /echo /redirect /redirect-post /slow /reset /auth /file /gzip /login /to/URL"""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _say(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, rest = self.path.lstrip("/").partition("/")
        if path == "health":
            self._say(200, json.dumps({"status": "ok", "db": {"ms": 1754070167750}, "uptime": 139}).encode())
        elif path == "claim":
            self._say(200, rest.encode())
        elif path == "status":
            self._say(int(rest), b"{}")
        elif path == "echo":
            told = {"method": self.command, "body": body.decode(), "headers": dict(self.headers.items())}
            self._say(200, json.dumps(told).encode())
        elif path == "redirect":
            self._say(302, b"", Location="/echo")
        elif path == "login":
            self._say(302, b"", Location="/echo", Set_Cookie="sid=abc; Path=/")
        elif path == "to":
            self._say(302, b"", Location=rest)
        elif path == "gzip":
            self._say(200, gzip.compress(b"hello world\n"), "text/plain", Content_Encoding="gzip")
        elif path == "slow":
            time.sleep(float(rest))
            self._say(200, b"{}")
        elif path == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
        elif path == "auth":
            good = self.headers.get("Authorization") == "Basic dXNlcjpwYXNzIHdvcmQ="
            self._say(200 if good else 401, b"{}", WWW_Authenticate='Basic realm="x"')
        elif path == "file":
            self._say(200, b"hello world\n", "text/plain", Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT")
        else:
            self._say(404, b"{}")

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _any  # noqa: N815


@contextmanager
def pages(wrap: object = None) -> Iterator[str]:
    """The address of a web server; `wrap` is an SSLContext for https."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if wrap is not None:
        server.socket = wrap.wrap_socket(server.socket, server_side=True)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http{'s' if wrap else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[int]:
    """A Redis on a free port."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *options]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.02)
        yield port
    finally:
        server.kill()
        server.wait()


class Tracking(BaseHTTPRequestHandler):
    """The part of MLflow's REST interface that its probe uses, in memory. `broken` names calls that answer 500."""

    protocol_version = "HTTP/1.1"
    broken: tuple[str, ...] = ()
    runs: dict[str, dict[str, object]]
    models: set[str]
    deleted: list[str]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def _any(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(data) if data else {}
        path, _, query = self.path.removeprefix("/api/2.0/mlflow/").lstrip("/").partition("?")
        if path in self.broken:
            self._say(500, json.dumps({"error_code": "INTERNAL_ERROR", "message": "database or disk is full"}))
        elif path in ("health", "version"):
            self._say(200, {"health": "OK", "version": "3.17.2"}[path])
        else:
            self._say(200, json.dumps(self._call(path, body, query.partition("=")[2])))

    def _call(self, path: str, body: dict[str, object], wanted: str) -> dict[str, object]:
        match path:
            case "experiments/create":
                return {"experiment_id": "7"}
            case "runs/create":
                self.runs["r1"] = {"metrics": [], "params": []}
                return {"run": {"info": {"run_id": "r1"}}}
            case "runs/log-metric" | "runs/log-parameter":
                kind = "metrics" if path.endswith("metric") else "params"
                self.runs[str(body["run_id"])][kind].append({"key": body["key"], "value": body["value"]})  # type: ignore[attr-defined]
            case "runs/get":
                return {"run": {"data": self.runs[wanted]}}
            case "registered-models/create":
                self.models.add(str(body["name"]))
            case "registered-models/get":
                return {"registered_model": {"name": wanted if wanted in self.models else None}}
            case _ if path.endswith("/delete"):
                self.deleted.append(path)
        return {}

    do_GET = do_POST = do_DELETE = _any  # noqa: N815


@contextmanager
def tracking(*broken: str) -> Iterator[tuple[str, type[Tracking]]]:
    """A tracking server's address, and the class that remembers what was asked of it."""
    ours = type("Ours", (Tracking,), {"broken": broken, "runs": {}, "models": set(), "deleted": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), ours)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", ours
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
