"""Lines of a known_hosts file, as sshd(8) describes them under SSH_KNOWN_HOSTS FILE FORMAT."""

from playbook_engine.agent import failure


def parsed(line: str) -> "dict[str, str]":
    """{marker, host, type, key}, without the comment. Raises Failed where it is no such line."""
    words = line.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < 3:
        raise failure.Failed("%r is no line of a known_hosts file: host, type, key" % line.strip()[:80])
    return {"marker": marker, "host": words[0], "type": words[1], "key": words[2]}


def means(hosts: str, name: str) -> bool:
    """Whether the first field of a line is about a host: a name, a pattern, or the digest of a name."""
    if hosts.startswith("|1|"):
        import binascii

        try:
            _, _, salt, digest = hosts.split("|")
            return _digest(binascii.a2b_base64(salt), name) == binascii.a2b_base64(digest)
        except ValueError:
            return False
    found = False
    for pattern in hosts.lower().split(","):
        if pattern.startswith("!") and _like(name, pattern[1:]):
            return False
        found = found or _like(name, pattern)
    return found


def _like(name: str, pattern: str) -> bool:
    """ssh_config(5) knows `*` and `?`; brackets stand for themselves."""
    import fnmatch

    return name == pattern or fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _digest(salt: bytes, name: str) -> bytes:
    import hmac

    return hmac.new(salt, name.encode("utf-8"), "sha1").digest()


def hashed(line: str, name: str, salt: bytes) -> str:
    """The line with the host's name as a digest (ssh-keygen(1), -H)."""
    import binascii

    words = line.split()
    texts = [binascii.b2a_base64(each).decode().strip() for each in (salt, _digest(salt, name))]
    words[1 if words[0].startswith("@") else 0] = "|1|%s|%s" % tuple(texts)
    return " ".join(words)


def search(lines: "list[str]", name: str, key: str) -> "tuple[bool, int | None]":
    """Whether the very key is there, and the line that it is in, or that one of the same type for the host is in."""
    new = parsed(key)
    for at, line in enumerate(lines):
        if not _about(line, name):
            continue
        old = parsed(line)
        if old["marker"]:
            if old == new:
                return True, at
            continue
        if new["host"].startswith("|1|") and old["host"].startswith("|1|"):
            new["host"] = old["host"]  # the salt of a digest is no difference
        if old == new:
            return True, at
        if old["type"] == new["type"]:
            return False, at
    return False, None


def plain_line_of(line: str, name: str) -> bool:
    """Whether it is a key of the host, and no authority's and no revoked one."""
    return _about(line, name) and not parsed(line)["marker"]


def _about(line: str, name: str) -> bool:
    words = line.split()
    if not words or words[0].startswith("#") or len(words) < 3:
        return False
    hosts = words[1] if words[0].startswith("@") else words[0]
    return means(hosts, name) and len(words) >= (4 if words[0].startswith("@") else 3)
