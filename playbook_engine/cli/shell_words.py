"""What is said to a shell that completes: words with their meanings, or that it should name files itself."""

from __future__ import annotations

Found = list[tuple[str, str]]
FILES = ":files"
"""A line that asks the shell for names of files."""


def split(line: str) -> list[str]:
    """The words of a line as a shell splits it; the last one may have an open quote, or be empty."""
    words, word, quote, escaped = [], "", "", False
    for char in line:
        if escaped:
            word, escaped = word + char, False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote, word = ("", word) if char == quote else (quote, word + char)
        elif char in "\"'":
            quote = char
        elif char in " \t\n":
            if word:
                words.append(word)
            word = ""
        else:
            word += char
    return [*words, word]
