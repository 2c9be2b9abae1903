"""Sentences are short, and each term of the glossary is emphasized where it is first used."""

import re

import pytest

from tests.notebooks import course, reading
from tests.notebooks.known_findings import expected

AVERAGE, LONGEST = 14, 45  # words in a sentence; plain English recommends 15 to 20 on average
GLOSSARY = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", (course.FOLDER / "README.md").read_text(), re.MULTILINE)
TEXTS = {path.name[:2]: course.plain(course.prose(course.read(path))) for path in course.PATHS}


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_sentences_are_short(path):
    written = course.prose(course.read(path))
    assert reading.average(written) <= AVERAGE
    assert [sentence for sentence in reading.sentences(written) if reading.words(sentence) > LONGEST] == []


def first(pattern: str) -> str:
    """The first notebook with this pattern, or an empty string."""
    return next((number for number, text in TEXTS.items() if re.search(pattern, text, re.IGNORECASE)), "")


def test_a_glossary_term_is_emphasized_in_the_notebook_that_uses_it_first():
    late = set()
    for term, _ in GLOSSARY:
        used, introduced = first(rf"\b{term}s?\b"), first(rf"\*[^*]*\b{term}s?\b[^*]*\*")
        assert used, f"no notebook uses the word {term}"
        if used != introduced:
            late.add(f"{used} {term}")
    expected("glossary", late)


def test_the_glossary_is_sorted():
    terms = [term.lower() for term, _ in GLOSSARY]
    assert len(terms) > 20
    assert terms == sorted(set(terms))


@pytest.mark.parametrize(
    ("markdown", "lengths"),
    [
        ("One two three. Four five!", [3, 2]),
        ("# A heading\n\nOne two,\nthree four.", [4]),
        ("| a | table |\n|---|---|\n| of | words |\n\nOne.", [1]),
        ("- one two\n- three\n\n```bash\nnot a word\n```", [2, 1]),
        ("See `docker push x` now. `aws` says **yes.** And no.", [3, 3, 2]),
        ("It has 64 MB, e.g. more.", [5]),
    ],
)
def test_sentences_are_split_correctly(markdown, lengths):
    assert [reading.words(sentence) for sentence in reading.sentences(markdown)] == lengths
