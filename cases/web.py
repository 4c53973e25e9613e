"""The loopback web server that the cases of `uri` and `get_url` ask."""

from __future__ import annotations

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

HELLO = b"hello world\n"
SUMS = (
    b"ecf701f727d9e2d77c4aa49ac6fbbcc997278aca010bddeeb961c10cf54d435a  other.txt\n"
    b"a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447  hello.txt\n"
)
PAGES: dict[str, tuple[int, bytes, str, dict[str, str]]] = {
    "/named": (200, b"named\n", "text/plain", {"Content-Disposition": 'attachment; filename="server-name.txt"'}),
    "/sums.txt": (200, SUMS, "text/plain", {}),
    "/data.json": (200, b'{"name": "web", "ports": [80, 443], "up": true, "none": null}', "application/json", {}),
    "/bad.json": (200, b'{"name": ', "application/json", {}),
    "/text.json": (200, b'{"a": 1}', "text/plain", {}),
    "/redirect": (302, b"", "text/plain", {"Location": "/hello.txt"}),
    "/redirect-post": (302, b"", "text/plain", {"Location": "/echo"}),
    "/redirect307": (307, b"", "text/plain", {"Location": "/echo"}),
    "/loop": (302, b"", "text/plain", {"Location": "/loop"}),
    "/cookie": (200, b"ok\n", "text/plain", {"Set-Cookie": "sid=abc123; Path=/"}),
}
"""Status, body, type, headers."""


class Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        pass

    def _say(self, status: int, body: bytes, kind: str = "text/plain", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        sent = {**(headers or {}), "Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        if path in PAGES:
            return self._say(*PAGES[path])
        if path == "/hello.txt":
            if self.headers.get("If-Modified-Since"):
                return self._say(304, b"")
            return self._say(200, HELLO, headers={"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"})
        if path == "/echo":
            return self._say(200, json.dumps(self._heard(body, query)).encode(), "application/json")
        if path.startswith("/status/"):
            return self._say(int(path.rpartition("/")[2]), b"status\n")
        if path == "/auth":
            known = "Basic " + base64.b64encode(b"user:pass word").decode()
            if self.headers.get("Authorization") == known:
                return self._say(200, b"welcome\n")
            return self._say(401, b"denied\n", headers={"WWW-Authenticate": 'Basic realm="t"'})
        return self._say(404, b"not found\n")

    def _heard(self, body: bytes, query: str) -> dict[str, object]:
        given = {"content_type": "Content-Type", "x_test": "X-Test", "accept": "Accept", "auth": "Authorization"}
        said = {key: self.headers.get(name) for key, name in given.items()}
        return {"method": self.command, "body": body.decode("utf-8", "replace"), "query": query, **said}


for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"):
    setattr(Pages, f"do_{method}", Pages.answer)


def served() -> str:
    """The address of a server that ends with this process."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"
