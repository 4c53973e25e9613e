"""Services to probe: small, real, on a free port of the loopback."""

from __future__ import annotations

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
    """/health /json/TEXT /status/N /echo /redirect /redirect-post /slow /reset /auth /file"""

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
