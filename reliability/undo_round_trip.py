"""Promise: every change can be taken back. Random states and random arguments, applied through real agents and undone.

Equal is what docs/reliability.md says: content, mode, owner, link target, extended attributes and ACLs; accounts by
their aspects, packages by version, services by enabled and running. Files are tried under the newest and the oldest
Python of this machine; accounts, packages and services in a copy of this machine, under real useradd, apt-get, runit.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from reliability.figure import Figure

QUICK, SHORT = 300, 20  # trips of an action that takes milliseconds
SLOW = 60.0  # seconds for an action whose trips take seconds


def measure(short: bool) -> list[Figure]:
    from routes import ROUTES, reversible, try_out

    trips = changed = 0
    broken: list[str] = []
    left_out = [f"{action} (no route)" for action in sorted(reversible() - set(ROUTES))]
    for action, route in ROUTES.items():
        if route.missing:
            left_out.append(f"{action} (needs {route.missing})")
            continue
        quick = SHORT if short else QUICK
        examples = quick if route.cost < 1 else max(2, int((2 if short else SLOW) / route.cost))
        with tempfile.TemporaryDirectory() as work:
            for tried in try_out(action, examples, Path(work)):
                trips, changed = trips + tried.trips, changed + tried.changed
                if tried.failed:
                    broken.append(tried.action)
                    print(tried.failed)
    seen = f"{trips:,} round trips over {len(ROUTES)} actions, {changed:,} changed something: {len(broken)} differences"
    if broken:
        seen += f" ({', '.join(broken)})"
    if left_out:
        seen += f"; not tried: {', '.join(left_out)}"
    return [
        Figure(
            promise="every change can be taken back", what="any state, any arguments: applied, undone, compared",
            seen=seen, bar="100 %", holds=not broken and not left_out,
        )
    ]  # fmt: skip
