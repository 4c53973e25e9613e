"""HTTP as the probes and downloads need it: every phase timed on the monotonic clock, no proxy, no hidden retries."""

import time

from playbook_engine.agent import reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    import http.client
    import socket
    import ssl
    from collections.abc import Callable, Iterable, Iterator

REDIRECTS = (301, 302, 303, 307, 308)
MOST = 10  # redirects that are followed
LIMIT = 16 << 20  # bytes of an answer that are kept in memory


PARAMS = {
    "http_agent": {"type": "str", "default": "runbook", "doc": "The User-Agent."},
    "force": {"type": "bool", "default": False, "doc": "No answer out of a cache."},
    "use_proxy": {"type": "bool", "default": True, "doc": "Taken; requests are made directly, proxies are not used."},
    "use_netrc": {"type": "bool", "default": True, "doc": "Taken; passwords are not looked up in ~/.netrc."},
    "use_gssapi": {"type": "bool", "default": False, "doc": "Taken when false."},
    "unredirected_headers": {"type": "list[str]", "default": [], "doc": "Headers that are not sent after a redirect."},
    "decompress": {"type": "bool", "default": True, "doc": "An answer that came gzipped is unpacked."},
    "ciphers": {"type": "list[str]", "doc": "TLS ciphers, as OpenSSL names them."},
    "client_cert": {"type": "path", "doc": "A certificate to show, PEM."},
    "client_key": {"type": "path", "doc": "Its key, unless that is in the same file."},
}
"""What every action that asks a web service takes, as Ansible's do."""


class Request(object):
    """What to ask, and how far to trust. `verify` False accepts any certificate; `sink` takes the body in pieces.

    `more`: arguments of those in PARAMS, and `unix_socket`.
    """

    def __init__(
        self,
        url: str,
        method: str = "GET",
        headers: "dict | None" = None,
        body: "bytes | None" = None,
        timeout: float = 10.0,
        verify: bool = True,
        ca_path: "str | None" = None,
        redirects: str = "none",
        user: "tuple[str, str] | None" = None,
        sink: "Callable[[bytes], None] | None" = None,
        more: "dict | None" = None,
    ) -> None:
        self.more = more or {}
        self.url, self.method, self.body, self.timeout = url, method.upper(), body, timeout
        self.headers = {"User-Agent": self.more.get("http_agent") or "runbook", "Accept-Encoding": "identity"}
        if self.more.get("force"):
            self.headers["Cache-Control"] = "no-cache"
        for name, value in (headers or {}).items():
            self.drop([str(name)])
            self.headers[str(name)] = str(value)
        self.verify, self.ca_path, self.redirects, self.sink = verify, ca_path, redirects, sink
        if user:
            import base64

            pair = ("%s:%s" % user).encode("utf-8")
            self.drop(["Authorization"])
            self.headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")

    def drop(self, names: "Iterable[str]") -> None:
        """These headers, however they are written, are not sent."""
        gone = {name.lower() for name in names}
        self.headers = {k: v for k, v in self.headers.items() if k.lower() not in gone}


class Answer(object):
    """What came back. Milliseconds: `first_byte_ms` counts from the request, `total_ms` from the connecting."""

    def __init__(self, url: str, status: int, reason: str, headers: "dict[str, str]", body: bytes) -> None:
        self.url, self.status, self.reason, self.headers, self.body = url, status, reason, headers, body
        self.connect_ms: "float | None" = None
        self.first_byte_ms = self.total_ms = 0.0
        self.redirected = False
        self.set_cookie: "list[str]" = []
        self.cookies: "list[tuple[str, str]]" = []  # name and value of those that are set by now

    def text(self) -> str:
        kind = self.headers.get("content-type", "")
        charset = kind.partition("charset=")[2].split(";")[0].strip("\"' ") or "utf-8"
        try:
            return self.body.decode(charset, "surrogateescape")
        except LookupError:
            return self.body.decode("utf-8", "surrogateescape")

    def filename(self) -> str:
        """The name that Content-Disposition gives (RFC 6266), without directories; empty where there is none."""
        for part in self.headers.get("content-disposition", "").split(";")[1:]:
            name, _, value = part.strip().partition("=")
            if name.strip().lower() == "filename":
                return value.strip().strip("\"'").replace("\\", "/").rpartition("/")[2]
        return ""

    def json(self) -> object:
        """The body as JSON, or None when it is none."""
        import json

        try:
            return json.loads(self.text())
        except ValueError:
            return None


def ask(request: "Request") -> "Answer":
    """Asks, following redirects as far as the request allows; a circle ends with its last answer. Raises Unreached.

    `redirects`: all; safe, those of GET and HEAD; urllib2, also of POST, as Python's urllib does; or none.
    """
    from urllib.parse import urljoin

    method, url, body = request.method, request.url, request.body
    cookies = Cookies()
    for _ in range(MOST + 1):
        answer = _once(request, method, url, body, cookies.header(url))
        cookies.learn(url, answer.set_cookie)
        answer.cookies = cookies.pairs()
        answer.redirected = url != request.url
        target = answer.headers.get("location")
        if answer.status not in REDIRECTS or not target or not _followed(request.redirects, method, answer.status):
            return answer
        before, url = url, urljoin(url, target).replace(" ", "%20")
        request.drop(request.more.get("unredirected_headers") or ())
        if parts(url)[:3] != parts(before)[:3]:
            request.drop(["Authorization", "Cookie"])  # they were for the other place
        if answer.status not in (307, 308):  # RFC 9110, 15.4, as browsers read it
            body = None
            request.drop(["Content-Type", "Content-Length", "Transfer-Encoding"])
            if (answer.status in (302, 303) and method != "HEAD") or (answer.status == 301 and method == "POST"):
                method = "GET"
    return answer


def _followed(redirects: str, method: str, status: int) -> bool:
    if redirects == "urllib2" and method == "POST":
        return status in (301, 302, 303)
    return redirects == "all" or (redirects in ("safe", "urllib2") and method in ("GET", "HEAD"))


class Cookies(object):
    """What the answers have set so far (RFC 6265), by Python's own rules; loaded when one sets any."""

    def __init__(self) -> None:
        self._jar: "object" = None

    def learn(self, url: str, lines: "list[str]") -> None:
        if not lines:
            return
        import http.cookiejar
        from email.message import Message
        from urllib.request import Request as Asked

        self._jar = self._jar or http.cookiejar.CookieJar()
        said = Message()
        for line in lines:
            said["Set-Cookie"] = line

        class Response(object):
            def info(self) -> "Message":
                return said

        self._jar.extract_cookies(Response(), Asked(url))  # type: ignore[attr-defined]

    def header(self, url: str) -> "str | None":
        if self._jar is None:
            return None
        from urllib.request import Request as Asked

        asked = Asked(url)
        self._jar.add_cookie_header(asked)  # type: ignore[attr-defined]
        return asked.get_header("Cookie")

    def pairs(self) -> "list[tuple[str, str]]":
        return [(one.name, one.value) for one in self._jar or ()]  # type: ignore[attr-defined]


def credentials(url: str) -> "tuple[str, tuple[str, str] | None]":
    """An address without the user and password in it, and those; None where there are none."""
    from urllib.parse import unquote, urlsplit

    try:
        split = urlsplit(url)
    except ValueError:  # `ask` says so
        return url, None
    who, found, host = split.netloc.rpartition("@")
    if not found:
        return url, None
    user, _, password = who.partition(":")
    return split._replace(netloc=host).geturl(), (unquote(user), unquote(password))


def shown(url: str) -> str:
    """An address as it may be seen: user and password in it as asterisks."""
    plain, user = credentials(url)
    if user is None:
        return url
    mask = "****:****@" if user[1] else "****@"
    return plain.replace("//", "//" + mask, 1)


def parts(url: str) -> "tuple[str, str, int, str]":
    """(scheme, host, port, path with query) of an http or https address. Raises reach.Unreached."""
    from urllib.parse import urlsplit

    try:
        split = urlsplit(url)
        port = split.port or (443 if split.scheme == "https" else 80)
    except ValueError as error:
        raise reach.Unreached("protocol", "%s: %s" % (url, error))
    if split.scheme not in ("http", "https") or not split.hostname:
        raise reach.Unreached("protocol", "%r is no http or https address" % url)
    path = (split.path or "/") + ("?" + split.query if split.query else "")
    return split.scheme, split.hostname, port, path


def context(verify: bool, ca_path: "str | None", more: "dict | None" = None) -> "ssl.SSLContext":
    """`more`: as for a Request."""
    import ssl

    if verify:
        found = ssl.create_default_context(cafile=ca_path)
    else:
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        found.check_hostname = False
        found.verify_mode = ssl.CERT_NONE
    if more and more.get("ciphers"):
        found.set_ciphers(":".join(more["ciphers"]))
    if more and more.get("client_cert"):
        found.load_cert_chain(more["client_cert"], more.get("client_key"))
    return found


def _once(request: "Request", method: str, url: str, body: "bytes | None", cookie: "str | None") -> "Answer":
    import http.client

    scheme, host, port, path = parts(url)
    where = "%s:%d" % (host, port)
    began = time.monotonic()
    plain = http.client.HTTPConnection(host, port, timeout=request.timeout)
    try:
        plain.sock = _socket(request, host, port)
        if scheme == "https":
            trust = context(request.verify, request.ca_path, request.more)
            plain.sock = trust.wrap_socket(plain.sock, server_hostname=host)
        connected = time.monotonic()
        headers = dict(request.headers)
        if cookie:
            headers.setdefault("Cookie", cookie)
        if port != (443 if scheme == "https" else 80):
            named = "%s:%d" % (host if ":" not in host else "[%s]" % host, port)
            headers = dict({"Host": named} if not any(name.lower() == "host" for name in headers) else {}, **headers)
        plain.request(method, path, body=body, headers=headers)
        response = plain.getresponse()
        first = time.monotonic()
        data = _body(response, request)
        done = time.monotonic()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise reach.of(error, where)
    finally:
        plain.close()
    answer = Answer(url, response.status, response.reason, _headers(response.getheaders()), data)
    answer.set_cookie = [value for name, value in response.getheaders() if name.lower() == "set-cookie"]
    answer.connect_ms = (connected - began) * 1000
    answer.first_byte_ms = (first - connected) * 1000
    answer.total_ms = (done - began) * 1000
    return answer


def _socket(request: "Request", host: str, port: int) -> "socket.socket":
    """Connected. Raises Unreached, OSError."""
    path = request.more.get("unix_socket")
    if path is None:
        return reach.connect(host, port, request.timeout)
    import socket

    it = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    it.settimeout(request.timeout)
    it.connect(path)
    return it


def _headers(pairs: "list[tuple[str, str]]") -> "dict[str, str]":
    found: "dict[str, str]" = {}
    for name, value in pairs:
        key = name.lower()
        found[key] = "%s, %s" % (found[key], value) if key in found else value
    return found


def _body(response: "http.client.HTTPResponse", request: "Request") -> bytes:
    good = response.status // 100 == 2
    pieces = iter(lambda: response.read(1 << 16), b"")
    if good and request.more.get("decompress") and response.getheader("Content-Encoding", "").lower() == "gzip":
        pieces = _unpacked(pieces)
    kept = bytearray()
    for piece in pieces:
        if request.sink is not None and good:
            request.sink(piece)
        else:
            kept += piece
            if len(kept) >= LIMIT:
                break
    return bytes(kept[:LIMIT])


def _unpacked(pieces: "Iterator[bytes]") -> "Iterator[bytes]":
    """What came gzipped. Raises ValueError."""
    import zlib

    inside = zlib.decompressobj(31)  # with the header of gzip
    try:
        for piece in pieces:
            yield inside.decompress(piece)
    except zlib.error as error:
        raise ValueError(str(error))
