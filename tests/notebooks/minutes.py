"""How long a notebook takes: ``python -m tests.notebooks.minutes [NN… | FILE…]`` prints stated and measured minutes.

The measure: prose at 200 words a minute; code and outputs at 100; the run time of the cells; 4 minutes for each
exercise (12 for one of the capstone), which cover all between its heading and the next heading. Folded answers and
*Going deeper* are not counted. A notebook states the measure rounded up to a whole minute.
``python -m tests.notebooks.minutes run [NN…]`` runs these notebooks and stores their seconds first.
"""

import json
import math
import os
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple

from helpers import show
from tests.notebooks import clean_state, course

PROSE, CODE = 200, 100  # words a minute
EXERCISE = 4  # minutes
LONG = {"15": 3}  # an exercise of this notebook takes as long as so many others
CORE_PATH = ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "14")
CORE_MINUTES = 160  # for the core path, as stated
SLACK = 1  # minutes by which the run time may vary before the stated minutes must change
UNKNOWN = 15  # seconds of a notebook that was not measured yet: the maximum
SECONDS = Path(__file__).with_name("seconds.json")


class Measure(NamedTuple):
    """What the minutes are made of: words of prose, words of code and outputs, exercises, and seconds of run time."""

    prose: int
    code: int
    exercises: int
    seconds: int

    @property
    def minutes(self) -> float:
        """The minutes of a learner who reads, runs and solves everything that is counted."""
        return self.prose / PROSE + self.code / CODE + self.exercises * EXERCISE + self.seconds / 60


def main(arguments: list[str]) -> int:
    """Run the named notebooks, then print the table; 1 if stated minutes are wrong."""
    if arguments[:1] == ["run"]:
        arguments = arguments[1:]
        run(arguments)
    rows, wrong = [], 0
    for path in course.named(arguments):
        measure, stated = measured(path), course.minutes(course.read(path))
        fix = "" if is_kept(stated, measure.minutes) else f"state {math.ceil(measure.minutes)}"
        rows.append((path.stem, *measure, f"{measure.minutes:.1f}", stated, fix))
        wrong += bool(fix)
    show.table(rows, ["notebook", "prose", "code", "exercises", "seconds", "minutes", "stated", ""])
    return int(wrong > 0)


def run(numbers: list[str]) -> None:
    """Run these notebooks from a clean state and store how many seconds their cells took."""
    os.environ |= {"ECR_TUTORIAL_STATE": str(clean_state.FOLDER), "ECR_TUTORIAL_PORT": clean_state.PORT}
    taken = seconds()
    for path in course.named(numbers):
        clean_state.make()
        begun = time.monotonic()
        course.run(course.read(path))
        taken[path.name[:2]] = round(time.monotonic() - begun)
    clean_state.leave()
    SECONDS.write_text(json.dumps(dict(sorted(taken.items())), indent=2) + "\n")


def seconds() -> dict[str, int]:
    """The stored run time of each notebook, by its number."""
    return json.loads(SECONDS.read_text())


def measured(path: Path) -> Measure:
    """What the notebook at *path* takes."""
    return measure(course.read(path), seconds().get(path.name[:2], UNKNOWN))


def measure(notebook, seconds: int) -> Measure:
    """What *notebook* takes when its cells run for *seconds*."""
    prose = code = exercises = 0
    for section, cell, text in course.sections(notebook):
        if section == "Going deeper" or "solution" in course.tags(cell):
            continue
        if is_exercise(section):
            if cell.cell_type == "markdown" and (heading := re.match(r"### Exercise (\d\d)", text)):
                exercises += LONG.get(heading[1], 1)
        elif cell.cell_type == "markdown":
            visible = course.unfolded(text)
            prose += words(course.plain(visible))
            code += sum(map(words, course.fences(visible)))
        else:
            code += words(cell.source) + sum(map(words, course.shown(cell)))
    return Measure(prose, code, exercises, seconds)


def is_exercise(section: str) -> bool:
    """Whether a section's time is that of an exercise."""
    return section.startswith("Exercise ")


def words(text: str) -> int:
    """How many words with a letter or digit *text* has."""
    return sum(any(map(str.isalnum, word)) for word in text.split())


def is_kept(stated: int, minutes: float) -> bool:
    """Whether the stated minutes are right, with a tolerance of one minute."""
    return math.ceil(minutes - SLACK) <= stated <= math.ceil(minutes + SLACK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
