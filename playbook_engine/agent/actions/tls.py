"""The certificate and the protocol of a TLS service. The host fetches; the controller reads the certificate."""

from playbook_engine.agent import reach, web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

READS = "cryptography.x509"

SPEC = {
    "name": "tls",
    "kind": "probe",
    "summary": "Fetch a service's certificate: expiry, names, trust, protocol",
    "doc": "The certificate is taken whether or not it can be trusted; `trusted` says what the host's own trust makes "
    "of it. Expiry is reckoned on the controller.",
    "params": {
        "host": {"type": "str", "default": "127.0.0.1", "doc": "Name or address."},
        "port": {"type": "int", "default": 443, "doc": ""},
        "server_name": {"type": "str", "doc": "The name asked for (SNI) and looked for in it; else `host`."},
        "ca_path": {"type": "path", "doc": "Certificates to trust instead of the host's."},
        "timeout": {"type": "duration", "default": 10, "doc": ""},
    },
    "returns": {
        "reachable": "a certificate was shown",
        "error": "and `error_kind`",
        "protocol": "TLSv1.3",
        "cipher": "",
        "pem": "the certificate",
        "trusted": "by this host, for this name, now; `trust_error` says why not",
        "not_before": "ISO 8601",
        "not_after": "ISO 8601",
        "days_left": "negative when expired",
        "subject": "",
        "issuer": "",
        "san": "names and addresses it is for",
        "self_signed": "",
        "key": "algorithm and bits",
        "fingerprint": "SHA-256",
    },
    "examples": "tls: {host: api.example.test}",
}


def observe(args: "dict") -> "dict":
    name = args["server_name"] or args["host"]
    told: "dict" = {"host": args["host"], "port": args["port"], "server_name": name, "reachable": False}
    told.update(error="", error_kind="", protocol=None, cipher=None, pem=None, trusted=False, trust_error="")
    try:
        _handshake(args, name, False, told)
        told["reachable"] = True
    except reach.Unreached as error:
        told.update(error=error.msg, error_kind=error.kind)
        return told
    try:
        _handshake(args, name, True, {})
        told["trusted"] = True
    except reach.Unreached as error:
        told["trust_error"] = error.msg
    return told


def _handshake(args: "dict", name: str, verify: bool, told: "dict") -> None:
    import ssl

    plain = reach.connect(args["host"], args["port"], args["timeout"])
    try:
        with web.context(verify, args["ca_path"] if verify else None).wrap_socket(plain, server_hostname=name) as it:
            cipher = it.cipher()
            told.update(protocol=it.version(), cipher=cipher[0] if cipher else None)
            told["pem"] = ssl.DER_cert_to_PEM_cert(it.getpeercert(True) or b"")
    except (OSError, ValueError) as error:
        reason = getattr(error, "verify_message", None)
        known = reach.of(error, "%s:%d" % (args["host"], args["port"]))
        raise reach.Unreached(known.kind, "%s (%s)" % (known.msg, reason) if reason else known.msg)
    finally:
        plain.close()


def finish_here(result: "dict", x509: "Any" = None) -> "dict":
    """On the controller: what the certificate says, read with the library that READS names."""
    if not result.get("pem") or x509 is None:
        return result
    from datetime import datetime, timezone

    cert = x509.load_pem_x509_certificate(result["pem"].encode("ascii"))
    after, key = cert.not_valid_after_utc, cert.public_key()
    return dict(
        result,
        not_before=cert.not_valid_before_utc.isoformat(),
        not_after=after.isoformat(),
        days_left=round((after - datetime.now(timezone.utc)).total_seconds() / 86400, 2),
        subject=cert.subject.rfc4514_string(),
        issuer=cert.issuer.rfc4514_string(),
        serial="%x" % cert.serial_number,
        san=_names(cert, x509),
        self_signed=_self_signed(cert),
        key={"algorithm": _algorithm(key), "bits": getattr(key, "key_size", None)},
        fingerprint=_fingerprint(result["pem"]),
    )


def _names(cert: "Any", x509: "Any") -> "list[str]":
    try:
        found = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in found]


def _self_signed(cert: "Any") -> bool:
    if cert.issuer != cert.subject:
        return False
    try:
        cert.verify_directly_issued_by(cert)
    except Exception:  # a signature that does not fit, or an algorithm that is not known: not signed by itself
        return False
    return True


def _algorithm(key: "Any") -> str:
    """rsa, ec, ed25519 …, from the name of the key's class."""
    name = type(key).__name__.lower().strip("_").replace("publickey", "")
    return {"ellipticcurve": "ec"}.get(name, name)


def _fingerprint(pem: str) -> str:
    import hashlib
    import ssl

    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
