"""A directory of the controller as one value: its entries [name, kind, mode, content or link target], parents first."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

Entry = Sequence[object]


def packed(entries: Sequence[Entry]) -> bytes:
    """As bytes, which a plan can hold."""
    rows = [[n, k, m, base64.b64encode(d).decode() if isinstance(d, bytes) else d] for n, k, m, d in entries]
    return json.dumps(rows).encode()


def unpacked(data: bytes) -> list[list[object]]:
    return [[n, k, m, base64.b64decode(d) if k == "file" else d] for n, k, m, d in json.loads(data)]
