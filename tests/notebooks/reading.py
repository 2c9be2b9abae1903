"""How hard a text is to read, by the one measure that needs no theory: how long its sentences are."""

import re

from tests.notebooks import course


def sentences(markdown: str) -> list[str]:
    """The sentences of what is told, without headings, tables and code; an item of a list is one by itself."""
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*>]|\d+\.) )|<br>|</summary>", course.without_fences(markdown))
    found = []
    for block in blocks:
        if not re.match(r"\s*(#|\||!\[|\*\d+ minutes)", block):
            found += re.split(r"(?<=[.!?])[*_`)”\"]*\s+(?=[*_`(“\"]*[A-Z0-9`])", course.plain(block))
    return [sentence for sentence in found if words(sentence)]


def words(sentence: str) -> int:
    """How many words a sentence has; what is set as code is one word, however long."""
    return sum(any(map(str.isalpha, word)) for word in re.sub(r"`[^`]*`", "code", sentence).split())


def average(markdown: str) -> float:
    """Words in a sentence, on average."""
    found = sentences(markdown)
    return sum(map(words, found)) / len(found)
