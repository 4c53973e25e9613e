"""Ask a web service, as Ansible's `uri`: the answer is the result, and another status than expected is a failure."""

from playbook_engine.agent import failure, reach, web

SPEC = {
    "name": "uri",
    "kind": "probe",
    "summary": "Ask a web service; fail unless the status is as expected",
    "doc": "`http` measures and never fails; `uri` is for calling an interface. Other methods than GET and HEAD may "
    "change something on the other side, which nothing here can take back.",
    "touches": "whatever the service does with a request",
    "params": {
        "url": {"type": "str", "required": True, "doc": "http or https."},
        "method": {"type": "str", "default": "GET", "doc": ""},
        "status_code": {"type": "list[str]", "default": ["200"], "doc": "What counts as success."},
        "return_content": {"type": "bool", "default": False, "doc": "The body as `content`; JSON is there anyway."},
        "headers": {"type": "dict", "doc": "Sent with the request."},
        "body": {"type": "raw", "doc": "Text, or a mapping for `body_format`."},
        "body_format": {"type": "str", "default": "raw", "choices": ["form-urlencoded", "json", "raw"], "doc": ""},
        "follow_redirects": {
            "type": "str",
            "default": "safe",
            "choices": ["all", "none", "no", "safe", "urllib2", "yes"],
            "doc": "`safe`: those of GET and HEAD.",
        },
        "timeout": {"type": "duration", "default": 30, "doc": ""},
        "validate_certs": {"type": "bool", "default": True, "doc": ""},
        "ca_path": {"type": "path", "doc": "Certificates to trust instead of the host's."},
        "url_username": {"type": "str", "aliases": ["user"], "doc": "Basic authentication."},
        "url_password": {"type": "str", "secret": True, "aliases": ["password"], "doc": ""},
        "force_basic_auth": {"type": "bool", "default": False, "doc": "Sent at once, not only when asked for."},
    },
    "free_form": "url",
    "returns": {
        "status": "or -1",
        "url": "after redirects",
        "redirected": "",
        "json": "where the body is JSON",
        "content": "with `return_content`",
        "content_type": "and every other header, in lower case with underscores",
        "elapsed": "seconds",
    },
    "examples": "uri: {url: http://127.0.0.1:8080/api/flush, method: POST, status_code: [200, 202]}",
}

REDIRECTS = {"yes": "all", "urllib2": "safe", "no": "none"}


def observe(args: "dict") -> "dict":
    import time

    wanted = _statuses(args["status_code"])
    body, headers = encoded(args)
    began = time.monotonic()
    try:
        answer = asked(args, headers, body)
    except reach.Unreached as error:
        told = {"status": -1, "url": args["url"], "redirected": False, "elapsed": int(time.monotonic() - began)}
        if -1 in wanted:
            return dict(told, msg=error.msg)
        said = "Status code was -1 and not %s: %s" % (wanted, error.msg)
        raise failure.Failed(said, "failed", dict(told, msg=said, error_kind=error.kind))
    told = {name.replace("-", "_"): value for name, value in answer.headers.items()}
    told.update(status=answer.status, url=answer.url, redirected=answer.redirected, reason=answer.reason)
    told.update(elapsed=int(time.monotonic() - began), cookies={}, msg="OK (%d bytes)" % len(answer.body))
    document = answer.json() if "json" in answer.headers.get("content-type", "") else None
    if document is not None:
        told["json"] = document
    if args["return_content"]:
        told["content"] = answer.text()
    if answer.status not in wanted:
        said = "Status code was %d and not %s: %s" % (answer.status, wanted, answer.reason)
        raise failure.Failed(said, "failed", dict(told, msg=said, content=answer.text()[:65536]))
    return told


def _statuses(given: "list[str]") -> "list[int]":
    try:
        return [int(code) for item in given for code in str(item).split(",")]
    except ValueError:
        raise failure.Failed("status_code holds numbers, not %s" % given)


def encoded(args: "dict") -> "tuple[bytes | None, dict[str, str]]":
    """The body's bytes and the headers that go with it."""
    body, headers = args["body"], dict(args["headers"] or {})
    kinds = {"json": "application/json", "form-urlencoded": "application/x-www-form-urlencoded"}
    if body is None:
        return None, headers
    if args["body_format"] == "json":
        import json

        body = body if isinstance(body, str) else json.dumps(body)
    elif args["body_format"] == "form-urlencoded" and not isinstance(body, str):
        from urllib.parse import urlencode

        body = urlencode(body, doseq=True)
    elif not isinstance(body, (str, bytes)):
        raise failure.Failed("a body that is no text needs body_format: json or form-urlencoded")
    if args["body_format"] in kinds and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = kinds[args["body_format"]]
    return body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body, headers


def asked(args: "dict", headers: "dict", body: "bytes | None", sink: "object" = None) -> "web.Answer":
    """The answer; a password is sent when the server asks for it, or at once if it is to be. Raises Unreached."""
    user = (args["url_username"], args["url_password"] or "") if args["url_username"] else None
    redirects = REDIRECTS.get(args["follow_redirects"], args["follow_redirects"])

    def request(with_user: bool) -> "web.Answer":
        return web.ask(
            web.Request(
                args["url"],
                args["method"],
                headers,
                body,
                args["timeout"],
                args["validate_certs"],
                args["ca_path"],
                redirects,
                user if with_user else None,
                sink,  # type: ignore[arg-type]
            )
        )

    answer = request(args["force_basic_auth"])
    if answer.status == 401 and user and not args["force_basic_auth"]:
        answer = request(True)
    return answer
