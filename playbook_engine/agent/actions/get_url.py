"""Download a file: checked before it takes the place of the old one."""

import os

from playbook_engine.agent import atomic, failure, filestate, reach, web
from playbook_engine.agent.actions import uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

VOLATILE = filestate.VOLATILE + ("right", "said")  # what the other side says is no state of this host

FORCE = {
    "type": "bool",
    "default": False,
    "doc": "Download what is there already, and compare.",
}

SPEC = {
    "name": "get_url",
    "kind": "state",
    "summary": "Download a file to the host",
    "doc": "Give a `checksum`: a file that is there and right is then left alone without asking anybody. Without one "
    "it is downloaded again when the other side has a newer one, and with `force` always, to compare.",
    "params": dict(
        {
            "url": {"type": "str", "required": True, "doc": "http or https; `file://`, a file of the host."},
            "dest": {"type": "path", "required": True, "doc": "A file; or a directory, for the name in the address."},
            "checksum": {"type": "str", "doc": "`sha256:HEX`, or `sha256:ADDRESS` of a file with checksums."},
            "tmp_dest": {"type": "path", "doc": "Taken; the new file is always made beside the old one."},
            "backup": {"type": "bool", "default": False, "doc": "Leave the old content beside it."},
            "headers": {"type": "dict", "doc": "Sent with the request."},
            "timeout": {"type": "duration", "default": 30, "doc": "For connecting and each wait for bytes."},
            "validate_certs": {"type": "bool", "default": True, "doc": ""},
            "ca_path": {"type": "path", "doc": "Certificates to trust instead of the host's."},
            "url_username": {"type": "str", "aliases": ["username"], "doc": "Basic authentication."},
            "url_password": {"type": "str", "secret": True, "aliases": ["password"], "doc": ""},
            "force_basic_auth": {"type": "bool", "default": False, "doc": "Sent at once, not only when asked for."},
        },
        **dict(web.PARAMS, force=FORCE),
        **filestate.PARAMS,
    ),
    "undo": "content, mode, owner, extended attributes as before; what was absent is removed",
    "returns": {
        "dest": "",
        "url": "",
        "checksum_src": "SHA-1 of what was downloaded; in check mode that is nothing",
        "checksum_dest": "SHA-1 of the file before",
        "md5sum": "",
        "msg": "",
        "sha256": "",
        "size": "bytes",
        "status_code": "of the download",
        "backup_file": "",
    },
    "examples": "get_url: {url: https://files.example.test/app.tgz, dest: /opt/app.tgz, checksum: 'sha256:…'}",
}

ALGORITHMS = (
    "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512", "blake2b",
    "blake2s",
)  # fmt: skip
NOTHING = "da39a3ee5e6b4b0d3255bfef95601890afd80709"  # the SHA-1 of no bytes: check mode asks for the head only


def observe(args: "dict") -> "dict":
    if args["tmp_dest"] is not None and not os.path.isdir(args["tmp_dest"]):
        raise failure.Failed("tmp_dest %s is no directory" % args["tmp_dest"])
    dest, headed = target(args)
    state = filestate.observe(dest)
    old = filestate.observe(os.path.realpath(dest)) if state["type"] == "link" else state
    if old["type"] not in ("absent", "file"):
        raise failure.Failed("%s is a %s: refusing to replace it" % (dest, old["type"]))
    wanted = _checksum(args)
    right, said = False, {}
    if old["type"] != "file":
        answer = headed or _head(args)
        said = {"msg": _said(answer), "checksum_dest": None} if answer else {}
    elif wanted and not args["force"]:
        right = filestate.digest_of(dest, wanted[0]) == wanted[1]
        said = {"msg": "file already exists", "checksum_dest": None, "checksum_src": None}
    if old["type"] == "file" and not right:
        right, said = _compared(args, old, wanted, headed is not None)
    # A file behind a link is right as it is; one that is not is left alone, and the link gives way to the new one.
    return dict(old if right else state, dest=dest, right=right, said=said, wanted=wanted)


def _compared(args: "dict", old: "dict", wanted: "list[str] | None", headed: bool) -> "tuple[bool, dict]":
    """Whether the file that is there is what would be downloaded, and what is told of the answer."""
    total = Digests(wanted)
    unconditional = args["force"] or headed or wanted
    since = {} if unconditional else {"If-Modified-Since": _http_date(old["mtime"])}
    answer = _answer(dict(args, headers=dict(args["headers"] or {}, **since)), "GET", total.feed)
    if answer.status == 304:
        return True, {"msg": "HTTP Error 304: Not Modified", "status_code": 304}
    right = total.sha256.hexdigest() == old["sha256"] and total.right()
    here = filestate.digest_of(old["path"], "sha1")
    said = {"msg": _said(answer), "checksum_dest": here}
    return right, dict(said, checksum_src=here, status_code=_status(args, answer)) if right else said


def _status(args: "dict", answer: "web.Answer") -> "int | None":
    return None if args["url"].startswith("file:") else answer.status


def _said(answer: "web.Answer") -> str:
    return "OK (%s bytes)" % answer.headers.get("content-length", "unknown")


def _head(args: "dict") -> "web.Answer | None":
    """What the other side says of the file without sending it; None where it does not answer such questions.

    Raises Failed for one that it does not have.
    """
    try:
        return _answer(args, "HEAD", None)
    except failure.Failed as error:
        if isinstance(error.result, dict) and error.result.get("status_code") in (405, 501):
            return None
        raise


def _http_date(seconds: float) -> str:
    """A time as HTTP writes it (RFC 9110), whatever the locale."""
    import time

    at = time.gmtime(seconds)
    day, month = (
        "MonTueWedThuFriSatSun"[at.tm_wday * 3 :][:3],
        "JanFebMarAprMayJunJulAugSepOctNovDec"[at.tm_mon * 3 - 3 :][:3],
    )
    return "%s, %02d %s %s" % (day, at.tm_mday, month, time.strftime("%Y %H:%M:%S GMT", at))


def target(args: "dict") -> "tuple[str, web.Answer | None]":
    """The file that is meant, and what the other side said when it had to be asked for its name."""
    dest: str = args["dest"]
    answer = None
    if dest.endswith("/") or os.path.isdir(dest):
        from urllib.parse import urlsplit

        answer = _head(args)
        name = answer.filename() if answer else ""
        dest = os.path.join(dest, name or os.path.basename(urlsplit(answer.url if answer else args["url"]).path))
        dest += "index.html" * dest.endswith("/")
    return dest, answer


def _checksum(args: "dict") -> "list[str] | None":
    """[algorithm, digest in lower case] of the argument `checksum`. Raises Failed."""
    if not args["checksum"]:
        return None
    kind, _, value = args["checksum"].partition(":")
    kind = kind.strip().lower()
    if kind not in ALGORITHMS or not value.strip():
        raise failure.Failed("checksum is ALGORITHM:DIGEST with one of %s" % ", ".join(ALGORITHMS))
    if "://" in value:
        value = _listed(args, value.strip())
    value = "".join(c for c in value if c.isalnum()).lower()
    if any(c not in "0123456789abcdef" for c in value):
        raise failure.Failed("checksum: %r is no hexadecimal digest" % value)
    return [kind, value]


def _listed(args: "dict", address: str) -> str:
    """The digest of our file from a file of checksums, as sha256sum(1) or md5(1) of BSD write them."""
    from urllib.parse import urlsplit

    heard: "list[bytes]" = []
    _answer(dict(args, url=address), "GET", heard.append)
    name = os.path.basename(urlsplit(args["url"]).path) or "index.html"
    lines = [line.strip() for line in b"".join(heard).decode("utf-8", "replace").splitlines() if line.strip()]
    if len(lines) == 1 and len(lines[0].split()) == 1:
        return lines[0]
    for line in lines:
        digest, _, path = line.partition(" ")
        if ") = " in line:  # SHA256 (name) = digest
            path, _, digest = line.partition("(")[2].rpartition(") = ")
        if path.lstrip(" *./") == name:
            return digest
    raise failure.Failed("%s has no checksum for %s" % (web.shown(address), name), "not-found")


class Digests(object):
    """The digests of what flows through; `wanted` is [algorithm, digest] or None."""

    def __init__(self, wanted: "list[str] | None" = None) -> None:
        import hashlib

        self.wanted = wanted
        self.sha1, self.sha256 = hashlib.sha1(), hashlib.sha256()
        self.asked = hashlib.new(wanted[0]) if wanted else None

    def feed(self, piece: bytes) -> None:
        for one in (self.sha1, self.sha256, self.asked):
            if one is not None:
                one.update(piece)

    def right(self) -> bool:
        """Whether what came is what was wanted."""
        return not self.wanted or self.asked is None or self.asked.hexdigest() == self.wanted[1]

    def verify(self, url: str) -> None:
        """Raises Failed when it is not."""
        if self.wanted and self.asked and not self.right():
            got = self.asked.hexdigest()
            said = "the checksum of %s is %s:%s, not %s" % (url, self.wanted[0], got, self.wanted[1])
            raise failure.Failed(said, "checksum")


def _answer(args: "dict", method: str, sink: "Callable[[bytes], None] | None") -> "web.Answer":
    """The answer, its body sent to `sink` in pieces. Raises Failed when there is none, or it is not the file."""
    url = web.shown(args["url"])
    try:
        if args["url"].startswith("file:"):
            return _local(args["url"], sink)
        headers = dict(args["headers"] or {})
        answer = uri.asked(dict(args, method=method, follow_redirects="urllib2"), headers, None, sink)
    except reach.Unreached as error:
        raise failure.Failed("Request failed: %s" % error.msg, "failed", {"url": url, "error_kind": error.kind})
    if answer.status != 200 and (answer.status != 304 or "If-Modified-Since" not in headers):
        said = "Request failed: status %d: %s" % (answer.status, answer.reason)
        response = "HTTP Error %d: %s" % (answer.status, answer.reason)
        if answer.status // 100 == 2:
            response = _said(answer)
        told = {"status_code": answer.status, "url": url, "dest": args["dest"], "response": response}
        raise failure.Failed(said, "failed", told)
    return answer


def _local(url: str, sink: "Callable[[bytes], None] | None") -> "web.Answer":
    """A file of this host as an answer (RFC 8089). Raises Unreached."""
    from urllib.parse import unquote, urlsplit

    split = urlsplit(url)
    if split.netloc not in ("", "localhost"):
        raise reach.Unreached("protocol", "%s is on another host" % url)
    try:
        with open(unquote(split.path), "rb") as handle:
            size = os.fstat(handle.fileno()).st_size
            for piece in iter(lambda: handle.read(1 << 16), b"") if sink else ():
                sink(piece)  # type: ignore[misc]
    except OSError as error:
        raise reach.Unreached("refused", "%s: %s" % (url, error.strerror))
    return web.Answer(url, 200, "OK", {"content-length": str(size)}, b"")


def plan(args: "dict", before: "dict") -> "list[dict]":
    path = before["path"]
    found: "list[dict]" = []
    if not before["right"]:
        was = "%s bytes" % before["size"] if before["type"] == "file" else before["type"]
        after = "%s:%s" % tuple(before["wanted"]) if before["wanted"] else args["url"]
        found.append({"path": path, "aspect": "content", "before": was, "after": after})
    if before["type"] == "file":
        found += filestate.changes(path, before, filestate.wanted(args, before))
    return found


def keep(args: "dict", before: "dict", limit: "int | None") -> "dict":
    if before["right"] or before["type"] == "absent":
        return before
    kept = filestate.keep(before, limit)
    if args["backup"] and os.path.isfile(before["path"]):
        kept = dict(kept, backup_file=filestate.backup_of(before["path"]))
    return kept


def apply(args: "dict", before: "dict") -> "dict":
    path, said = before["path"], before["said"]
    if before["right"]:
        filestate.set_attributes(path, filestate.wanted(args, before))
        if "status_code" not in said:
            said = dict(said, msg="file already exists but file attributes changed")
        return result(args, dict(filestate.observe(path), dest=before["dest"], right=True, said=said))
    old = filestate.observe(os.path.realpath(path)) if before["type"] == "link" else before
    base = old if old["type"] == "file" else dict(old, mode=filestate.default_mode())
    asked = filestate.wanted(args, base)
    total = Digests(before["wanted"])
    told: "dict" = {"url": web.shown(args["url"]), "dest": before["dest"], "checksum_dest": None}
    if old["type"] == "file":
        told["checksum_dest"] = filestate.digest_of(path, "sha1")

    def fill(pour: "Callable[[bytes], None]") -> None:
        def sink(piece: bytes) -> None:
            total.feed(piece)
            pour(piece)

        answer = _answer(args, "GET", sink)
        told.update(status_code=_status(args, answer), msg=_said(answer))

    if before.get("backup_file"):
        with open(path, "rb") as handle:
            atomic.write(before["backup_file"], handle.read(), int(old["mode"], 8), old["uid"], old["gid"])
    mode = int(asked.get("mode") or base["mode"], 8)
    uid, gid = asked.get("uid", old.get("uid", -1)), asked.get("gid", old.get("gid", -1))
    atomic.write(path, fill, mode, uid, gid, old.get("xattr"), lambda _: total.verify(told["url"]))
    told.update(checksum_src=total.sha1.hexdigest(), md5sum=_md5(path), backup_file=before.get("backup_file"))
    return dict(filestate.told(filestate.observe(path)), **told)


def _md5(path: str) -> "str | None":
    try:
        return filestate.digest_of(path, "md5")
    except ValueError:  # forbidden on hosts with FIPS
        return None


def undo(args: "dict", before: "dict") -> "dict":
    filestate.put_back(before)
    if before.get("backup_file") and os.path.lexists(before["backup_file"]):
        os.unlink(before["backup_file"])
    return {"dest": before["path"]}


def result(args: "dict", state: "dict") -> "dict":
    """Of a file that is right, or of what would be done."""
    told: "dict" = dict(state["said"], dest=state["dest"], url=web.shown(args["url"]))
    if os.path.exists(state["dest"]):
        told.update(filestate.told(filestate.observe(state["dest"], digest=False)))
    if not state["right"]:
        return dict(told, checksum_src=NOTHING)
    if "sha256" in state:
        told["sha256"] = state["sha256"]
    if told.get("status_code", 304) != 304:
        told["md5sum"] = _md5(state["path"])
    return told
