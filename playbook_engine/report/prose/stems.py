"""Whether two phrases name the same thing: their words without endings, order, and words that say nothing."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+){0,8}")
_STOP = frozenset(
    "a an the of for to in on at by with and or is are was were be been has have had do does did it its this that these"
    " those all any each every some still now just very more most our their we they i as from into up out when if once"
    " than then no not will would should can could must may after before while via per again currently new".split()
)
_ENDINGS = re.compile(
    r"(?:ifications?|ifying|ified|ifies|ify)$|(?:izations?|izing|ized|izes|ize)$|(?:ations?|ating|ated|ates|ate)$"
    r"|(?:ments?|ingly|ings?|edly|ed|ies|es|s|e|y|ly|ions?|or|er|ers|ors)$"
)
GENERIC = frozenset(
    "issu problem bug error servic system server app applic platform host statu state general overall current"
    " check work thing item task component featur".split()
)
"""Stems that many things have in common, so that sharing one of them shows nothing."""


def stem(word: str) -> str:
    """`verified`, `verification` and `verify` are one; at least three letters stay."""
    word = word.lower()
    found = _ENDINGS.search(word)
    if found and found.start() >= 3:
        cut = word[: found.start()]
        return cut[:-1] if len(cut) > 4 and cut[-1] == cut[-2] else cut
    return word


def ordered_stems(text: str) -> tuple[str, ...]:
    """In their order, each once."""
    words = _WORD.findall(text[:400])
    return tuple(dict.fromkeys(stem(w) for w in words if w.lower() not in _STOP and not w.isdigit()))


def stems(text: str) -> frozenset[str]:
    return frozenset(ordered_stems(text))


def subject(text: str) -> frozenset[str]:
    """What a phrase is about: its stems without the generic ones."""
    return stems(text) - GENERIC
