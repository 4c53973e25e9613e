"""Ask a web service, as Ansible's `uri`: the answer is the result, and another status than expected is a failure."""

import os

from playbook_engine.agent import atomic, failure, filestate, hashes, reach, web

SPEC = {
    "name": "uri",
    "kind": "probe",
    "summary": "Ask a web service; fail unless the status is as expected",
    "doc": "`http` measures and never fails; `uri` is for calling an interface. Other methods than GET and HEAD may "
    "change something on the other side, which nothing here can take back.",
    "touches": "whatever the service does with a request; a file that `dest` writes is not taken back (get_url's is)",
    "params": dict(
        {
            "url": {"type": "str", "required": True, "doc": "http or https."},
            "method": {"type": "str", "default": "GET", "doc": ""},
            "status_code": {"type": "list[int]", "default": [200], "doc": "What counts as success."},
            "return_content": {"type": "bool", "default": False, "doc": "The body as `content`; JSON is there anyway."},
            "headers": {"type": "dict", "doc": "Sent with the request."},
            "body": {"type": "raw", "doc": "Text, or a mapping for `body_format`."},
            "body_format": {
                "type": "str",
                "default": "raw",
                "choices": ["form-multipart", "form-urlencoded", "json", "raw"],
                "doc": "What is made of the body, and its Content-Type.",
            },
            "src": {"type": "path", "local": "file", "doc": "A file that is sent as the body."},
            "content": {"type": "content", "internal": True, "doc": "What the controller read of it."},
            "remote_src": {"type": "bool", "default": False, "doc": "`src` is on the host already."},
            "dest": {"type": "path", "doc": "Write the body here; into it, where it is a directory."},
            "creates": {"type": "path", "doc": "A path: when it is there, nothing is asked."},
            "removes": {"type": "path", "doc": "A path: when it is not there, nothing is asked."},
            "unix_socket": {"type": "path", "doc": "Ask through this socket instead of a port."},
            "follow_redirects": {
                "type": "str",
                "default": "safe",
                "choices": ["all", "none", "no", "safe", "urllib2", "yes"],
                "doc": "`safe`: those of GET and HEAD; `urllib2`: also of POST, which becomes GET.",
            },
            "timeout": {"type": "duration", "default": 30, "doc": ""},
            "validate_certs": {"type": "bool", "default": True, "doc": ""},
            "ca_path": {"type": "path", "doc": "Certificates to trust instead of the host's."},
            "url_username": {"type": "str", "aliases": ["user"], "doc": "Basic authentication."},
            "url_password": {"type": "str", "secret": True, "aliases": ["password"], "doc": "Basic authentication."},
            "force_basic_auth": {"type": "bool", "default": False, "doc": "Sent at once, not only when asked for."},
        },
        **web.PARAMS,
        **filestate.PARAMS,
    ),
    "free_form": "url",
    "returns": {
        "status": "or -1",
        "url": "after redirects",
        "redirected": "",
        "json": "where the body is JSON",
        "cookies": "and `cookies_string`",
        "path": "with `dest`: the file",
        "content": "with `return_content`",
        "content_type": "and every other header, in lower case with underscores",
        "elapsed": "seconds",
    },
    "examples": "uri: {url: http://127.0.0.1:8080/api/flush, method: POST, status_code: [200, 202]}",
}

REDIRECTS = {"yes": "all", "no": "none"}
FORM = "application/x-www-form-urlencoded"
JSON = ("json", "javascript")  # subtypes of what is read as JSON, also behind a `+`


def observe(args: "dict") -> "dict":
    import time

    for key, there in (("creates", True), ("removes", False)):
        if args[key] is not None and os.path.exists(args[key]) == there:
            return {"stdout": "skipped, since '%s' %s" % (args[key], "exists" if there else "does not exist")}
    method = args["method"].upper()
    if not method.isalpha():
        raise failure.Failed("the method %r is no single word such as GET or POST" % args["method"])
    wanted = args["status_code"]
    began = time.monotonic()
    try:
        body, headers = encoded(args)
        answer = asked(dict(args, method=method), headers, body)
    except reach.Unreached as error:
        told = {"status": -1, "url": web.shown(args["url"]), "redirected": False}
        told["elapsed"] = int(time.monotonic() - began)
        if args["return_content"]:
            told["content"] = ""
        if -1 in wanted:
            return dict(told, msg=error.msg)
        said = "Status code was -1 and not %s: Request failed: %s" % (wanted, error.msg)
        raise failure.Failed(said, "failed", dict(told, msg=said, error_kind=error.kind))
    told = _told(args, answer)
    told["elapsed"] = int(time.monotonic() - began)
    if _is_json(answer):
        document = answer.json()
        if document is not None or answer.text().strip() == "null":
            told["json"] = document
    if args["return_content"]:
        told["content"] = answer.text()
    if answer.status not in wanted:
        said = "Status code was %d and not %s: %s" % (answer.status, wanted, told["msg"])
        raise failure.Failed(said, "failed", dict(told, msg=said))
    if answer.status // 100 != 2 and "content" not in told and not _is_json(answer):
        told["body"] = answer.text()
    if args["dest"] is not None:
        told.update(_kept(args, answer))
    return told


def _told(args: "dict", answer: "web.Answer") -> "dict":
    """The headers, with underscores, and what stands in the first line of the answer.

    As Ansible says it, an answer that is an error is told under the address that was asked, without cookies.
    """
    told: "dict" = {name.replace("-", "_"): value for name, value in answer.headers.items()}
    url = web.shown(args["url"])
    told.update(status=answer.status, url=url, redirected=False, reason=answer.reason)
    told["msg"] = "HTTP Error %d: %s" % (answer.status, answer.reason)
    if answer.status // 100 == 2:
        told.update(url=answer.url, redirected=answer.url != url)
        told["msg"] = "OK (%s bytes)" % answer.headers.get("content-length", "unknown")
        told.update(cookies=dict(answer.cookies), cookies_string="; ".join("%s=%s" % pair for pair in answer.cookies))
    if "location" in told:
        from urllib.parse import urljoin

        told["location"] = urljoin(url, told["location"])
    return told


def _is_json(answer: "web.Answer") -> bool:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind.rpartition("/")[2].rpartition("+")[2] in JSON


def _kept(args: "dict", answer: "web.Answer") -> "dict":
    """The body written to `dest`, unless it is there already."""
    path = args["dest"]
    if os.path.isdir(path):
        from urllib.parse import unquote, urlsplit

        name = unquote(os.path.basename(urlsplit(answer.url).path.rstrip("/")))
        path = os.path.join(path, answer.filename() or os.path.basename(name) or "index.html")
    state = filestate.observe(path)
    if state["type"] == "directory":
        raise failure.Failed("%s is a directory" % path)
    differs = state["type"] != "file" or state["sha256"] != hashes.of(answer.body)
    asked_for = filestate.wanted(args, state if state["type"] == "file" else {"type": "absent"})
    if differs:
        old: "dict" = state if state["type"] == "file" else {"mode": filestate.default_mode()}
        atomic.write(path, answer.body, int(old["mode"], 8), old.get("uid", -1), old.get("gid", -1), old.get("xattr"))
    filestate.set_attributes(path, asked_for)
    # As in Ansible, a file that was asked for counts as changed also when it was the same before.
    return dict(filestate.told(filestate.observe(path)), path=path, changed=True)


def encoded(args: "dict") -> "tuple[bytes | None, dict[str, str]]":
    """The body's bytes and the headers that go with it. Raises Failed, and Unreached for what cannot be sent."""
    body, headers = args["body"], {str(k): v for k, v in (args["headers"] or {}).items()}
    unfit = [name for name, value in headers.items() if not isinstance(value, (str, int))]
    if unfit:
        raise reach.Unreached("protocol", "the header %s is neither text nor a number" % unfit[0])
    kind = {"json": "application/json", "form-urlencoded": FORM}.get(args["body_format"])
    if args["body_format"] == "form-multipart":
        from playbook_engine.agent import multipart

        kind, body = multipart.encoded(body)
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    elif args["body_format"] == "json" and not isinstance(body, str):
        import json

        body = json.dumps(body)
    elif args["body_format"] == "form-urlencoded" and isinstance(body, (dict, list, tuple)):
        body = _form(body)
    if args["src"] is not None:
        if args["body"] is not None:
            raise failure.Failed("body and src exclude one another")
        body = _source(args)
    if body is not None and not isinstance(body, (str, bytes)):
        raise reach.Unreached("protocol", "the body is no text: body_format says what is to be made of a mapping")
    kind = kind or (FORM if body is not None else None)  # what Ansible's client says of any body
    if kind and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = kind
    return body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body, headers


def _source(args: "dict") -> bytes:
    """The file that is sent as the body."""
    if not args["remote_src"]:
        sent: bytes = args["content"]
        return sent
    with open(args["src"], "rb") as handle:
        return handle.read()


def _form(body: "dict | list | tuple") -> str:
    """A form; several values of one name are a list, of which None is left out."""
    from urllib.parse import urlencode

    pairs = []
    try:
        for key, values in body.items() if isinstance(body, dict) else body:
            for value in values if isinstance(values, (dict, list, tuple)) else [values]:
                pairs += [(str(key), str(value))] * (value is not None)
    except (TypeError, ValueError):
        raise failure.Failed("a form is a mapping, or a list of [name, value]: %r is neither" % (body,))
    return urlencode(pairs)


def asked(args: "dict", headers: "dict", body: "bytes | None", sink: "object" = None) -> "web.Answer":
    """The answer; a password is sent when the server asks for it, or at once if it is to be. Raises Unreached."""
    url, user = web.credentials(args["url"])
    if args["url_username"]:
        user = (args["url_username"], args["url_password"] or "")
    redirects = REDIRECTS.get(args["follow_redirects"], args["follow_redirects"])

    def request(with_user: bool) -> "web.Answer":
        return web.ask(
            web.Request(
                url,
                args["method"],
                headers,
                body,
                args["timeout"],
                args["validate_certs"],
                args["ca_path"],
                redirects,
                user if with_user else None,
                sink,  # type: ignore[arg-type]
                args,
            )
        )

    answer = request(args["force_basic_auth"])
    if answer.status == 401 and user and not args["force_basic_auth"]:
        answer = request(True)
    return answer
