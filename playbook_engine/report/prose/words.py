"""Words: phrases to look for, and whether two phrases name the same thing whatever the endings and the order."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+){0,8}")
_STOP_WORDS = """
a an the of for to in on at by with and or is are was were be been has have had do does did it its this that these those
all any each every some still now just very more most our their we they i as from into up out when if once than then no
not will would should can could must may after before while via per again currently new
"""
_STOP = frozenset(_STOP_WORDS.split())
_ENDINGS = re.compile(
    r"(?:ifications?|ifying|ified|ifies|ify)$|(?:izations?|izing|ized|izes|ize)$|(?:ations?|ating|ated|ates|ate)$"
    r"|(?:ments?|ingly|ings?|edly|ed|ies|es|s|e|y|ly|ions?|or|er|ers|ors)$"
)


def phrase(alternatives: str) -> re.Pattern[str]:
    """Any of these (separated by `|`) as whole words, whatever their case."""
    return re.compile(rf"\b(?:{alternatives})\b", re.I)


def stem(word: str) -> str:
    """`verified`, `verification` and `verify` are one; at least three letters stay."""
    word = word.lower()
    while (found := _ENDINGS.search(word)) and found.start() >= 3:
        word = word[: found.start()]
        if len(word) > 4 and word[-1] == word[-2]:
            word = word[:-1]
    return word


_GENERIC_WORDS = """
issue problem bug error failure service system server application platform host status state general overall current
check work thing item task component feature
"""
GENERIC = frozenset(stem(word) for word in _GENERIC_WORDS.split())
"""Stems that many things have in common, so that sharing one of them shows nothing."""


def ordered_stems(text: str) -> tuple[str, ...]:
    """In their order, each once."""
    words = _WORD.findall(text[:400])
    return tuple(dict.fromkeys(stem(w) for w in words if w.lower() not in _STOP and not w.isdigit()))


def stems(text: str) -> frozenset[str]:
    return frozenset(ordered_stems(text))


def subject(text: str) -> frozenset[str]:
    """What a phrase is about: its stems without the generic ones."""
    return stems(text) - GENERIC
