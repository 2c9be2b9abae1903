"""A learner who does an exercise in the console, as its text says."""

import json
import re

from helpers import settings
from helpers.exercises import checks

WAIT = 60_000  # milliseconds for what a page shows; a limit for hangs
LABEL = re.compile(r"\*([^*]+)\*")


def text(number: str) -> str:
    """What the notebook's exercise says about the console."""
    [file] = (settings.PROJECT / "notebooks").glob(f"{number[:2]}_*.ipynb")
    cells = ["".join(cell["source"]) for cell in json.loads(file.read_text())["cells"]]
    [cell] = [each for each in cells if f"### Exercise {number} " in each]
    [said] = [line for line in cell.splitlines() if "console" in line]
    return said


class Learner:
    """A learner with a browser, who clicks what the text of an exercise names in italics."""

    def __init__(self, page, number: str):
        self.page, self.number = page, number
        self.named = set(LABEL.findall(text(number)))

    def knows(self, label: str) -> str:
        assert label in self.named, f"the exercise does not name {label}, but {self.named}"
        return label

    def open(self, path: str) -> None:
        self.page.goto(path)

    def press(self, label: str, name: str | None = None) -> None:
        """Click the button or link with this label; *name* is what a screen reader reads of it."""
        name = name or self.knows(label)
        found = self.page.get_by_role("button", name=name, exact=True).or_(
            self.page.get_by_role("link", name=name, exact=True)
        )
        found.click()

    def write(self, label: str, value: str) -> None:
        self.page.get_by_role("textbox", name=label, exact=True).fill(value)

    def sees(self, said: str) -> None:
        self.page.get_by_text(said).first.wait_for()

    def sees_status(self, status: str) -> None:
        self.page.get_by_role("cell", name=status, exact=True).wait_for()

    def is_done(self) -> None:
        done, line = checks.verdict(self.number)
        assert done, line
