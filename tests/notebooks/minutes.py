"""How long a notebook takes: ``python -m tests.notebooks.minutes`` prints the stated and the measured minutes.

The measure is the time to read the text at 200 words a minute (without folded solutions and code), plus the run time
of the cells. Exercises are not included. A notebook states the measure rounded up to five minutes.
``python -m tests.notebooks.minutes run 03 08`` runs these notebooks (all if none is named) and stores their seconds.
"""

import json
import math
import os
import sys
import time
from pathlib import Path

from helpers import show
from tests.notebooks import clean_state, course

WORDS_A_MINUTE = 200
STEP = 5  # minutes; stated minutes are a multiple of it
SLACK = 1  # minutes by which an edit may change the measure before the stated minutes must change
UNKNOWN = 15  # seconds of a notebook that was not measured yet: the maximum
SECONDS = Path(__file__).with_name("seconds.json")


def main(arguments: list[str]) -> None:
    """Run the named notebooks, then print the table."""
    if arguments[:1] == ["run"]:
        run(arguments[1:])
    rows = []
    for path in course.PATHS:
        notebook = course.read(path)
        stated = course.minutes(notebook)
        fix = "" if is_kept(stated, measured(path)) else f"state {rounded(measured(path))}"
        rows.append((path.stem, words(notebook), seconds().get(path.name[:2]), f"{measured(path):.1f}", stated, fix))
    show.table(rows, ["notebook", "words", "seconds", "minutes", "stated", ""])


def run(numbers: list[str]) -> None:
    """Run these notebooks from a clean state and store how many seconds their cells took."""
    os.environ |= {"ECR_TUTORIAL_STATE": str(clean_state.FOLDER), "ECR_TUTORIAL_PORT": clean_state.PORT}
    taken = seconds()
    for path in course.PATHS:
        if not numbers or path.name[:2] in numbers:
            clean_state.make()
            begun = time.monotonic()
            course.run(course.read(path))
            taken[path.name[:2]] = round(time.monotonic() - begun)
    clean_state.leave()
    SECONDS.write_text(json.dumps(dict(sorted(taken.items())), indent=2) + "\n")


def seconds() -> dict[str, int]:
    """The stored run time of each notebook, by its number."""
    return json.loads(SECONDS.read_text())


def words(notebook) -> int:
    """How many words the text has."""
    return sum(any(map(str.isalnum, word)) for word in course.plain(course.prose(notebook)).split())


def measured(path: Path) -> float:
    """Minutes to read and run the notebook."""
    return words(course.read(path)) / WORDS_A_MINUTE + seconds().get(path.name[:2], UNKNOWN) / 60


def rounded(minutes: float) -> int:
    """The minutes that a notebook states."""
    return STEP * math.ceil(minutes / STEP)


def is_kept(stated: int, minutes: float) -> bool:
    """Whether the stated minutes are right, with a tolerance of one minute."""
    return rounded(minutes - SLACK) <= stated <= rounded(minutes + SLACK)


if __name__ == "__main__":
    main(sys.argv[1:])
