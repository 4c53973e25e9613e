"""Download a file: checked before it takes the place of the old one."""

import os

from playbook_engine.agent import atomic, failure, filestate, reach, web
from playbook_engine.agent.actions import uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

VOLATILE = filestate.VOLATILE + ("right", "status_code")  # what the other side says is no state of this host

FORCE = {
    "type": "bool",
    "default": False,
    "aliases": ["thirsty"],
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
            "url": {"type": "str", "required": True, "doc": "http or https."},
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
        "checksum_src": "SHA-1 of what was downloaded",
        "sha256": "",
        "size": "bytes",
        "status_code": "of the download",
        "backup_file": "",
    },
    "examples": "get_url: {url: https://files.example.test/app.tgz, dest: /opt/app.tgz, checksum: 'sha256:…'}",
}

ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")


def observe(args: "dict") -> "dict":
    if args["tmp_dest"] is not None and not os.path.isdir(args["tmp_dest"]):
        raise failure.Failed("tmp_dest %s is no directory" % args["tmp_dest"])
    path, headed = target(args)
    state = filestate.observe(path)
    if state["type"] not in ("absent", "file", "link"):
        raise failure.Failed("%s is a %s: refusing to replace it" % (state["path"], state["type"]))
    wanted = _checksum(args)
    state["wanted"] = wanted
    there = state["type"] == "file"
    if wanted and there and (not args["force"] or filestate.digest_of(path, wanted[0]) == wanted[1]):
        state["right"] = filestate.digest_of(path, wanted[0]) == wanted[1]
    elif there:
        total = Digests()
        since = {} if args["force"] or headed else {"If-Modified-Since": _http_date(state["mtime"])}
        state["status_code"] = _download(dict(args, headers=dict(args["headers"] or {}, **since)), total.feed)
        state["right"] = state["status_code"] == 304 or total.sha256.hexdigest() == state["sha256"]
    else:
        state["right"] = False
        if not headed:
            _head(args)
    return state


def _head(args: "dict") -> "web.Answer | None":
    """What the other side says of the file without sending it; None where it does not answer such questions.

    Raises Failed for one that it does not have.
    """
    try:
        answer = _answer(args, "HEAD", None)
    except failure.Failed as error:
        if isinstance(error.result, dict) and error.result.get("status_code") in (405, 501):
            return None
        raise
    return answer


def _http_date(seconds: float) -> str:
    """A time as HTTP writes it (RFC 9110), whatever the locale."""
    import time

    at = time.gmtime(seconds)
    day, month = (
        "MonTueWedThuFriSatSun"[at.tm_wday * 3 :][:3],
        "JanFebMarAprMayJunJulAugSepOctNovDec"[at.tm_mon * 3 - 3 :][:3],
    )
    return "%s, %02d %s %s" % (day, at.tm_mday, month, time.strftime("%Y %H:%M:%S GMT", at))


def target(args: "dict") -> "tuple[str, bool]":
    """The file that is really written, and whether the other side was asked for its name."""
    dest: str = args["dest"]
    into = dest.endswith("/") or os.path.isdir(dest)
    if into:
        from urllib.parse import unquote, urlsplit

        answer = _head(args)
        name = answer.filename() if answer else ""
        url = answer.url if answer else args["url"]
        dest = os.path.join(dest, name or os.path.basename(unquote(urlsplit(url).path)) or "index.html")
    return os.path.realpath(dest) if os.path.islink(dest) else dest, into


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
    """The digest of our file from a file of checksums, as sha256sum(1) writes them."""
    from urllib.parse import urlsplit

    heard: "list[bytes]" = []
    _download(dict(args, url=address), heard.append)
    name = os.path.basename(urlsplit(args["url"]).path)
    lines = [line.split(None, 1) for line in b"".join(heard).decode("utf-8", "replace").splitlines() if line.strip()]
    if len(lines) == 1 and len(lines[0]) == 1:
        return lines[0][0]
    for words in lines:
        if len(words) == 2 and words[1].lstrip("*./").strip() == name:
            return words[0]
    raise failure.Failed("%s has no checksum for %s" % (address, name), "not-found")


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

    def verify(self, url: str) -> None:
        """Raises Failed when what came is not what was wanted."""
        if self.wanted and self.asked and self.asked.hexdigest() != self.wanted[1]:
            got = self.asked.hexdigest()
            said = "the checksum of %s is %s:%s, not %s" % (url, self.wanted[0], got, self.wanted[1])
            raise failure.Failed(said, "checksum")


def _download(args: "dict", sink: "Callable[[bytes], None]") -> int:
    """Sends the body to `sink` in pieces; the status. Raises Failed."""
    return _answer(args, "GET", sink).status


def _answer(args: "dict", method: str, sink: "Callable[[bytes], None] | None") -> "web.Answer":
    """Raises Failed when there is none, or it says no."""
    whole = dict(args, method=method, follow_redirects="all")
    try:
        answer = uri.asked(whole, dict(args["headers"] or {}), None, sink)
    except reach.Unreached as error:
        raise failure.Failed("Request failed: %s" % error.msg, "failed", {"url": args["url"], "error_kind": error.kind})
    if answer.status // 100 != 2 and answer.status != 304:
        said = "Request failed: status %d: %s" % (answer.status, answer.reason)
        told = {"status_code": answer.status, "url": args["url"], "dest": args["dest"], "response": answer.reason}
        raise failure.Failed(said, "failed", told)
    return answer


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
    if before["right"] or before["type"] != "file":
        return before
    kept = filestate.keep(before, limit)
    if args["backup"]:
        kept = dict(kept, backup_file=filestate.backup_of(before["path"]))
    return kept


def apply(args: "dict", before: "dict") -> "dict":
    path, there = before["path"], before["type"] == "file"
    base = before if there else dict(before, mode=filestate.default_mode())
    asked = filestate.wanted(args, base)
    told: "dict" = {"url": args["url"]}
    if not before["right"]:
        total = Digests(before["wanted"])

        def fill(pour: "Callable[[bytes], None]") -> None:
            def sink(piece: bytes) -> None:
                total.feed(piece)
                pour(piece)

            told["status_code"] = _download(args, sink)

        if before.get("backup_file"):
            with open(path, "rb") as old:
                atomic.write(before["backup_file"], old.read(), int(before["mode"], 8), before["uid"], before["gid"])
        mode = int(asked.get("mode") or base["mode"], 8)
        uid, gid = asked.get("uid", before.get("uid", -1)), asked.get("gid", before.get("gid", -1))
        atomic.write(path, fill, mode, uid, gid, before.get("xattr"), lambda _: total.verify(args["url"]))
        told.update(checksum_src=total.sha1.hexdigest(), backup_file=before.get("backup_file"))
        told["msg"] = "OK (%d bytes)" % os.stat(path).st_size
    else:
        filestate.set_attributes(path, asked)
    return dict(result(args, filestate.observe(path)), **told)


def undo(args: "dict", before: "dict") -> "dict":
    filestate.put_back(before)
    if before.get("backup_file") and os.path.lexists(before["backup_file"]):
        os.unlink(before["backup_file"])
    return {"dest": before["path"]}


def result(args: "dict", state: "dict") -> "dict":
    told = dict(filestate.told(state), dest=state["path"], url=args["url"])
    return dict(told, status_code=state["status_code"]) if state.get("right") and "status_code" in state else told
