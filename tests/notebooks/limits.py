"""How long a notebook may be: ``python -m tests.notebooks.limits [NN… | FILE…]`` prints its words and code cells.

Before its exercises a notebook has at most 1,800 words to read and 22 code cells. All Markdown of all notebooks
together, with exercises, questions, folded answers and *Going deeper*, has at most 36,000 words as ``wc -w`` counts.
"""

import sys
from pathlib import Path
from typing import NamedTuple

from helpers import show
from tests.notebooks import course, minutes

MAIN_WORDS, MAIN_CELLS, ALL_WORDS = 1800, 22, 36_000


class Size(NamedTuple):
    """Words and code cells before the exercises, and all words."""

    main_words: int
    main_cells: int
    words: int


def main(arguments: list[str]) -> int:
    """Print the sizes; 1 if a limit is exceeded."""
    sizes = {path.stem: size(course.read(path)) for path in course.named(arguments)}
    faults = {name: too_long(each) for name, each in sizes.items()}
    rows = [(name, *each, ", ".join(faults[name])) for name, each in sizes.items()]
    show.table(rows, ["notebook", "main words", "main cells", "all words", ""])
    total = all_words()
    print(f"all sixteen: {total} words ({ALL_WORDS} at most)")
    return int(any(faults.values()))


def size(notebook) -> Size:
    """The size of *notebook*."""
    words = cells = every = 0
    before = True
    for section, cell, text in course.sections(notebook):
        before = before and not section.startswith("Exercise")
        if cell.cell_type == "markdown":
            every += len(text.split())
            words += before and minutes.words(course.plain(course.unfolded(text)))
        else:
            cells += before
    return Size(words, cells, every)


def too_long(size: Size) -> list[str]:
    """The limits that a size exceeds."""
    found = []
    if size.main_words > MAIN_WORDS:
        found.append(f"{MAIN_WORDS} words at most")
    if size.main_cells > MAIN_CELLS:
        found.append(f"{MAIN_CELLS} cells at most")
    return found


def all_words(paths: list[Path] = course.PATHS) -> int:
    """The words of all these notebooks together."""
    return sum(size(course.read(path)).words for path in paths)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
