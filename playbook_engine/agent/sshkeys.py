"""Public keys, one a line: options, type, body, comment (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""

from playbook_engine.agent import failure

TYPES = ("ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-", "rsa-sha2-")


def lines(text: str) -> "list[str]":
    """The lines that are neither empty nor comments."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def parsed(line: str) -> "dict[str, str]":
    """{options, type, body, comment}. Raises Failed where there is no key in the line."""
    found = maybe(line)
    if found is None:
        raise failure.Failed("this is no public key: %r" % line[:80])
    return found


def maybe(line: str) -> "dict[str, str] | None":
    """The same; None for a comment, an empty line, and what is no key."""
    rest = line.strip()
    if not rest or rest.startswith("#"):
        return None
    options = ""
    if not rest.startswith(TYPES):
        options, rest = _options(rest)
    words = rest.split(None, 2)
    if len(words) < 2 or not words[0].startswith(TYPES):
        return None
    return {"options": options, "type": words[0], "body": words[1], "comment": words[2] if len(words) > 2 else ""}


def _options(text: str) -> "tuple[str, str]":
    """What stands before the first blank that is not in quotes, and what stands behind it."""
    quoted = False
    for at, char in enumerate(text):
        if char == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif char in " \t" and not quoted:
            return text[:at], text[at:].lstrip()
    return text, ""


def same(one: "dict[str, str]", other: "dict[str, str]") -> bool:
    return (one["type"], one["body"]) == (other["type"], other["body"])


def written(key: "dict[str, str]") -> str:
    return " ".join(key[part] for part in ("options", "type", "body", "comment") if key[part])
