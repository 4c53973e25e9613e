"""The records of a journal in a bundle: a keyed hash chain with a closing record, one line of JSON for each link.

A line is `{"seq":N,"hash":H,"mac":M,"record":{…}}`. H is the SHA-256 of the hash before it and the record's text as it
stands there; the first follows the SHA-256 of the journal's name. M is the HMAC-SHA256 of H under the journal's key.
The hashes alone find damage; with the last of them signed they find everything. A MAC holds its record by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from playbook_engine.journal.evidence.keys import ChainKey

FRAME = re.compile(rb'\{"seq":([1-9]\d{0,17}),"hash":"([0-9a-f]{64})","mac":"([0-9a-f]{64})","record":(\{.*\})\}\n')
CLOSING = "Closing"
NAMED = {"RunStarted": "run", "EscalationOpened": "escalation", "DrillStarted": "drill"}
"""The field of a first record that says which journal it begins."""


def start(journal: str) -> bytes:
    """What the first record follows: a chain belongs to one name."""
    return hashlib.sha256(b"runbook evidence 1\n" + journal.encode()).digest()


class Chain:
    """Writes the links of one journal."""

    def __init__(self, key: ChainKey) -> None:
        self._key = key
        self._seq = 0
        self._hash = start(key.journal)

    @property
    def head(self) -> str:
        """The hash of the last link, in hexadecimal."""
        return self._hash.hex()

    def add(self, record: Mapping[str, object]) -> bytes:
        """The next line."""
        text = json.dumps(record, separators=(",", ":")).encode("ascii")
        self._seq += 1
        self._hash = hashlib.sha256(self._hash + text).digest()
        mac = self._key.mac(self._hash).encode()
        return b'{"seq":%d,"hash":"%s","mac":"%s","record":%s}\n' % (self._seq, self.head.encode(), mac, text)


@dataclass(slots=True, kw_only=True)
class Followed:
    """What a chain turned out to be. `records` are without the closing one, `head` is the hash of the last good link.

    `sealed`: the SHA-256 of the sealed values that its records name. `fault` is empty where every link is good.
    """

    records: int = 0
    head: str = ""
    first: str = ""
    last: str = ""
    closing: Mapping[str, object] | None = None
    sealed: set[str] = field(default_factory=set)
    fault: str = ""


def follow(journal: str, lines: Iterable[bytes], key: ChainKey | None) -> Followed:
    """Follows the links to the end, or to the first that is not good. Without a key the MACs are not looked at."""
    found, before = Followed(), start(journal)
    coming = iter(lines)
    for seen, line in enumerate(coming, 1):
        match = FRAME.fullmatch(line)
        if found.closing is not None:
            found.fault = "something stands behind the closing record"
        elif match is None:
            cut = "is cut off: it has no end" if not line.endswith(b"\n") else "is damaged: it is no record"
            found.fault = f"record {seen} {cut}"
        elif int(match[1]) != seen:
            found.fault = _order(int(match[1]), seen, coming)
        else:
            found.fault = _link(found, journal, match, before, key)
            before = bytes.fromhex(match[2].decode())
        if found.fault:
            for _ in coming:  # whoever reads the file wants its digest, too
                pass
            return found
    if found.closing is None:
        found.fault = f"its end is cut off: no closing record follows record {found.records}"
    return found


def _link(found: Followed, journal: str, match: re.Match[bytes], before: bytes, key: ChainKey | None) -> str:
    """Takes a line in, or says why not."""
    number, text = int(match[1]), match[4]
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return f"record {number} is damaged: it is no JSON"
    if number == 1 and (why := misnamed(journal, record)):
        return why
    here = hashlib.sha256(before + text).hexdigest()
    if here != match[2].decode():
        return f"record {number} was changed or moved: its hash does not follow from the one before"
    if key is not None and not hmac.compare_digest(key.mac(bytes.fromhex(here)), match[3].decode()):
        what = "the closing record" if record.get("e") == CLOSING else f"record {number}"
        return f"{what} was not written with the key {key.id}: it was made by somebody else, or for another journal"
    found.head = here
    if record.get("e") == CLOSING:
        found.closing = record
        said = record.get("records")
        return (
            "" if said == found.records else f"the closing record speaks of {said} records, and there are {number - 1}"
        )
    found.records = number
    found.last = str(record.get("at", ""))
    found.first = found.first or found.last
    sealed = record.get("sealed")
    if isinstance(sealed, dict) and isinstance(digest := sealed.get("sha256"), str):
        found.sealed.add(digest)
    return ""


def _order(number: int, place: int, rest: Iterator[bytes]) -> str:
    """What happened where a record has the number of another place."""
    if number < place:
        return f"record {number} stands twice: once more behind record {place - 1}"
    later = {int(match[1]) for line in rest if (match := FRAME.fullmatch(line))}
    if place in later:
        return f"records are out of order: record {number} stands where record {place} belongs"
    missing = f"record {place} is" if number == place + 1 else f"records {place} to {number - 1} are"
    return f"{missing} missing: record {number} {f'follows record {place - 1}' if place > 1 else 'is the first'}"


def misnamed(journal: str, first: Mapping[str, object]) -> str:
    """What is wrong with a journal whose first record says that it is another one; empty where nothing is."""
    name = first.get(NAMED.get(str(first.get("e")), ""))
    own = journal.partition("/")[2]
    return f"it is the journal of {name}, under the name of {own}" if isinstance(name, str) and name != own else ""
