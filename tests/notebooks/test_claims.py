"""Every claim of the notebooks that are here has a cell that shows it, and the table says where."""

import re

from . import course

# Which claims each notebook must show (the course's plan).
CLAIMS = {
    "00": ["C15", "C16", "C18", "C30"],
    "01": ["C1", "C2", "C3", "C4", "C5"],
    "02": ["C6", "C7", "C8", "C9", "C10", "C11", "C12", "C13", "C14"],
    "03": ["C10", "C16", "C17"],
    "04": ["C9", "C19", "C20", "C21"],
    "05": ["C22", "C23"],
    "06": ["C24"],
    "07": ["C25"],
    "08": ["C26"],
    "09": ["C27"],
    "11": ["C20"],
    "13": ["C11"],
    "14": ["C13", "C14", "C28", "C29"],
}


def shown() -> dict[str, set[str]]:
    """The claims tagged on code cells that printed something, by notebook."""
    found: dict[str, set[str]] = {}
    for path in course.PATHS:
        for cell in course.code(course.read(path)):
            for tag in course.tags(cell):
                if tag.startswith("claim:") and any(text.strip() for text in course.texts(cell)):
                    found.setdefault(path.name[:2], set()).add(tag.removeprefix("claim:"))
    return found


def test_every_claim_has_its_cell():
    there = shown()
    for number, claims in CLAIMS.items():
        assert set(claims) <= there.get(number, set()), f"notebook {number} shows {sorted(there.get(number, set()))}"


def test_the_table_names_every_claim_and_its_notebook():
    table = (course.FOLDER / "README.md").read_text()
    for number, claims in CLAIMS.items():
        for claim in claims:
            row = next((line for line in table.splitlines() if re.match(rf"\| {claim} \|", line)), "")
            assert f"({next(p.name for p in course.PATHS if p.name.startswith(number))})" in row, claim


def test_a_tag_names_a_claim_that_exists():
    known = {f"C{number}" for number in range(1, 31)}
    assert set().union(*shown().values()) <= known
