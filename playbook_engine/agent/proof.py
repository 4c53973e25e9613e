"""Whether a rollback has put the state before back: two observations of one action, compared.

Pure, so that the controller proves with the same code that the contract suite uses.
"""


def differences(before: object, after: object, volatile: "tuple" = (), at: str = "") -> "list[str]":
    """Where two states differ, as dotted paths; empty means equal.

    `volatile` is the action's own VOLATILE: keys, at any depth, that a state tells but does not promise (times, process
    numbers). Keys that begin with `_` never count: they do not travel. A missing key is None.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        found: "list[str]" = []
        for key in sorted(set(before) | set(after), key=str):
            if str(key).startswith("_") or key in volatile:
                continue
            path = "%s.%s" % (at, key) if at else str(key)
            found.extend(differences(before.get(key), after.get(key), volatile, path))
        return found
    if isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        if len(before) != len(after):
            return [at]
        found = []
        for number in range(len(before)):
            found.extend(differences(before[number], after[number], volatile, "%s[%d]" % (at, number)))
        return found
    return [] if before == after else [at]
