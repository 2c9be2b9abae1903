"""How long a notebook takes: ``python -m tests.notebooks.minutes`` prints what is promised beside what is measured.

The measure: what is written to be read (solutions stay folded, code is not counted) at 200 words a minute, and the run
time of its cells. Exercises take as long as the learner likes. The promise is the measure rounded up to five minutes.
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
STEP = 5  # minutes; a promise is a multiple of it
SLACK = 1  # minutes that an edit may add or take before the promise has to change
UNKNOWN = 15  # seconds of a notebook that was not measured yet: the most that one may take
SECONDS = Path(__file__).with_name("seconds.json")


def main(asked: list[str]) -> None:
    """Print the table, after running what is to be run."""
    if asked[:1] == ["run"]:
        run(asked[1:])
    rows = []
    for path in course.PATHS:
        notebook = course.read(path)
        promised = course.minutes(notebook)
        says = "" if is_kept(promised, measured(path)) else f"say {rounded(measured(path))}"
        rows.append((path.stem, words(notebook), seconds().get(path.name[:2]), f"{measured(path):.1f}", promised, says))
    show.table(rows, ["notebook", "words", "seconds", "minutes", "promised", ""])


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
    """How many words there are to read."""
    return sum(any(map(str.isalnum, word)) for word in course.plain(course.prose(notebook)).split())


def measured(path: Path) -> float:
    """Minutes to read and run the notebook."""
    return words(course.read(path)) / WORDS_A_MINUTE + seconds().get(path.name[:2], UNKNOWN) / 60


def rounded(minutes: float) -> int:
    """What a notebook that takes so long has to promise."""
    return STEP * math.ceil(minutes / STEP)


def is_kept(promised: int, minutes: float) -> bool:
    """Whether the promise is right, give or take a minute at its borders."""
    return rounded(minutes - SLACK) <= promised <= rounded(minutes + SLACK)


if __name__ == "__main__":
    main(sys.argv[1:])
