"""Python package versions and requirements (PEP 440, PEP 508), as far as deciding "is this installed already" needs.

pip has the last word when something is installed; this only avoids starting it.
"""

VERSION = (
    r"(?i)v?(?:(\d+)!)?(\d+(?:\.\d+)*)"
    r"(?:[-_.]?(a|alpha|b|beta|c|rc|pre|preview)[-_.]?(\d*))?"
    r"(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?"
    r"(?:[-_.]?(dev)[-_.]?(\d*))?"
    r"(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?"
)
REQUIREMENT = r"(?s)\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(.*)"
CLAUSE = r"\s*(===|==|~=|!=|<=|>=|<|>)\s*([^\s,;]+)\s*"
PRE = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
LAST = (1 << 62,)


def normal(name: str) -> str:
    """A project's name in the one spelling that counts (PEP 503)."""
    import re

    return re.sub(r"[-_.]+", "-", name).lower()


class Requirement(object):
    """`name[extra] >=1,<2 ; marker`. `clauses` is a list of (operator, version); `opaque` for what cannot be judged."""

    def __init__(self, text: str) -> None:
        import re

        self.text = text.strip()
        bare, _, self.marker = self.text.partition(";")
        match = re.fullmatch(REQUIREMENT, bare.strip())
        rest = match.group(2).strip().strip("()") if match else ""
        self.name = normal(match.group(1)) if match else ""
        self.clauses = [(op, version) for op, version in re.findall(CLAUSE, rest)]
        self.opaque = match is None or bool(rest and not re.fullmatch("(?:%s,?)+" % CLAUSE, rest))
        if rest.startswith("@"):
            self.opaque = False  # an address: any version of the name will do once it is there
            self.clauses = []

    def met(self, version: "str | None") -> bool:
        """Whether an installed version (None: not installed) satisfies it."""
        return version is not None and all(holds(version, op, wanted) for op, wanted in self.clauses)


def holds(version: str, op: str, wanted: str) -> bool:
    """One clause. A version that PEP 440 does not know is compared as text."""
    if op == "===":
        return version == wanted
    if wanted.endswith(".*") and op in ("==", "!="):
        prefix = _release(wanted[:-2])
        same = _padded(_release(version), len(prefix)) == prefix and _epoch(version) == _epoch(wanted[:-2])
        return same == (op == "==")
    here, there = key(version), key(wanted)
    if here is None or there is None:
        return (version == wanted) == (op in ("==", "<=", ">=", "~="))
    if "+" not in wanted:
        here = here[:-1] + ((),)  # a local label counts only when it is asked for
        there = there[:-1] + ((),)
    if op == "~=":
        prefix = _release(wanted)[:-1]
        return here >= there and _padded(_release(version), len(prefix)) == prefix
    return {
        "==": here == there,
        "!=": here != there,
        "<=": here <= there,
        ">=": here >= there,
        "<": here < there,
        ">": here > there,
    }[op]


def key(version: str) -> "tuple | None":
    """What versions are ordered by; None when PEP 440 does not know it."""
    import re

    match = re.fullmatch(VERSION, version.strip())
    if match is None:
        return None
    epoch, release, pre, pre_n, post_bare, post, post_n, dev, dev_n, local = match.groups()
    numbers = [int(n) for n in release.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    after = LAST if pre is None and (dev is None or post or post_bare) else (-1,)
    before = (PRE[pre.lower()], int(pre_n or 0)) if pre else after
    posted = int(post_bare or post_n or 0) if post or post_bare else -1
    developed = int(dev_n or 0) if dev else LAST[0]
    labels = tuple((1, int(p), "") if p.isdigit() else (0, 0, p.lower()) for p in re.split("[-_.]", local or "") if p)
    return int(epoch or 0), tuple(numbers), before, posted, developed, labels


def _release(version: str) -> "tuple[int, ...]":
    import re

    match = re.fullmatch(VERSION, version.strip())
    return tuple(int(n) for n in match.group(2).split(".")) if match else ()


def _epoch(version: str) -> int:
    import re

    match = re.fullmatch(VERSION, version.strip())
    return int(match.group(1) or 0) if match else 0


def _padded(release: "tuple[int, ...]", length: int) -> "tuple[int, ...]":
    return (release + (0,) * length)[:length]


MARKER = r"""\s*(\w+|'[^']*'|"[^"]*")\s*(===|==|~=|!=|<=|>=|<|>|not\s+in|in)\s*(\w+|'[^']*'|"[^"]*")\s*"""


def applies(marker: str, environment: "dict[str, str]") -> "bool | None":
    """Whether an environment marker holds; None when it is more than comparisons joined by `and` and `or`."""
    import re

    if not marker.strip():
        return True
    if "(" in marker:
        return None
    verdicts = []
    for part in re.split(r"\bor\b", marker):
        terms = [re.fullmatch(MARKER, term) for term in re.split(r"\band\b", part)]
        if any(term is None for term in terms):
            return None
        verdicts.append(all(_term(term.groups(), environment) for term in terms if term))
    return any(verdicts)


def _term(term: "tuple", environment: "dict[str, str]") -> bool:
    left, op, right = term
    one, other = (side[1:-1] if side[0] in "'\"" else environment.get(side, "") for side in (left, right))
    if op.endswith("in"):
        return (one in other) == (op == "in")
    if "version" in (left + right):
        return holds(one, op, other)
    return {"==": one == other, "!=": one != other}.get(op, False)
