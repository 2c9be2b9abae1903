"""Measures how long the sentences of a text are."""

import re

from tests.notebooks import course


def sentences(markdown: str) -> list[str]:
    """The sentences of a text, without headings, tables and code; each list item is a sentence."""
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*>]|\d+\.) )|<br>|</summary>", course.without_fences(markdown))
    found = []
    for block in blocks:
        if not re.match(r"\s*(#|\||!\[|\*\d+ minutes)", block):
            found += re.split(r"(?<=[.!?])[*_`)”\"]*\s+(?=[*_`(“\"]*[A-Z0-9`])", course.plain(block))
    return [sentence for sentence in found if words(sentence)]


def words(sentence: str) -> int:
    """How many words a sentence has; inline code counts as one word."""
    return sum(any(map(str.isalpha, word)) for word in re.sub(r"`[^`]*`", "code", sentence).split())


def average(markdown: str) -> float:
    """Words in a sentence, on average."""
    found = sentences(markdown)
    return sum(map(words, found)) / len(found)
