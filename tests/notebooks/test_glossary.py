"""Each term of the glossary is emphasized where it is first used."""

import re

from tests.notebooks import course
from tests.notebooks.known_findings import expected

GLOSSARY = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", (course.FOLDER / "README.md").read_text(), re.MULTILINE)
TEXTS = {path.name[:2]: course.plain(course.prose(course.read(path))) for path in course.PATHS}


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
