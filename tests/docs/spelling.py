"""Looks each word up: ``python -m tests.docs.spelling`` prints those that no list knows, with where they stand.

The dictionary is pyspellchecker's, which is American; words.txt has the British forms and the words of the trade.
A name in CamelCase or in capitals, and whatever is set as code, is no word.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from spellchecker import SpellChecker

from tests.docs import written

WORDS = Path(__file__).with_name("words.txt")


def main() -> None:
    """Print each unknown word and the texts it stands in."""
    for word, places in unknown(written.texts()).items():
        print(word, *sorted(places))


def unknown(texts: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The words that no list knows, and in which of the ``(name, markdown)`` they stand."""
    places: dict[str, set[str]] = {}
    for name, markdown in texts:
        for word in written.words(markdown):
            places.setdefault(word.lower(), set()).add(name)
    strange = dictionary().unknown(places) - set(own())
    return {word: places[word] for word in sorted(strange)}


def own() -> list[str]:
    """The project's own words."""
    return WORDS.read_text().split()


@cache
def dictionary() -> SpellChecker:
    """The English dictionary; reading it takes a moment."""
    return SpellChecker(language="en")


if __name__ == "__main__":
    main()
