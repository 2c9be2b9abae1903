"""Checks the spelling: ``python -m tests.docs.spelling`` prints the unknown words and where they are used.

The dictionary is pyspellchecker's, which is American; words.txt has British forms and technical terms.
Names in CamelCase or in capitals and inline code are not checked.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from spellchecker import SpellChecker

from tests.docs import written

WORDS = Path(__file__).with_name("words.txt")


def main() -> None:
    """Print each unknown word and the texts that contain it."""
    for word, places in unknown(written.texts()).items():
        print(word, *sorted(places))


def unknown(texts: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The unknown words, with the names of the ``(name, markdown)`` texts that contain them."""
    places: dict[str, set[str]] = {}
    for name, markdown in texts:
        for word in written.words(markdown):
            places.setdefault(word.lower(), set()).add(name)
    not_found = dictionary().unknown(places) - set(own())
    return {word: places[word] for word in sorted(not_found)}


def own() -> list[str]:
    """The words in words.txt."""
    return WORDS.read_text().split()


@cache
def dictionary() -> SpellChecker:
    """The English dictionary; reading it takes a moment."""
    return SpellChecker(language="en")


if __name__ == "__main__":
    main()
