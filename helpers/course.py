"""The notebooks as data: the cells, exercises and claims of each.

It uses only the standard library, because every cell that runs is looked up here.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from helpers import settings

FOLDER = settings.PROJECT / "notebooks"
DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Cell:
    """A code cell: its id, source, tags, and the heading above it."""

    id: str
    source: str
    tags: tuple[str, ...]
    heading: str

    def checks(self) -> list[str]:
        """The numbers of the exercises that it checks."""
        return re.findall(r'check\("(\d\d\.\d)"', self.source)


@dataclass(frozen=True)
class Notebook:
    """One notebook of the course."""

    number: str
    title: str
    name: str
    cells: tuple[Cell, ...]

    def to_run(self) -> list[Cell]:
        """The cells to run unchanged; the learner writes those of the exercises."""
        return [cell for cell in self.cells if "exercise" not in cell.tags]

    def exercises(self) -> list[str]:
        """The numbers of its exercises, in order."""
        return [number for cell in self.cells for number in cell.checks()]

    def find(self, cell_id: str | None, source: str) -> list[Cell]:
        """The cell that ran: by its id, which JupyterLab sends, else by its text; empty if there is none."""
        by_id = [cell for cell in self.cells if cell_id and cell.id == cell_id]
        return by_id or [cell for cell in self.cells if cell.source.strip() == source.strip()]


def claims(cells: list[Cell]) -> list[str]:
    """The claims that these cells show, in order."""
    tags = [tag for cell in cells for tag in cell.tags if tag.startswith("claim:")]
    return list(dict.fromkeys(tag.removeprefix("claim:") for tag in tags))


def all_claims() -> list[dict]:
    """The course's claims, each with its ``key`` (``"C1"``) and its ``notebooks``."""
    return data("claims.json")["claims"]


@cache
def data(name: str) -> dict:
    """A data file of the course: ``data("quotas.json")``."""
    return json.loads((DATA / name).read_text())


def notebooks() -> list[Notebook]:
    """All notebooks, in order, without those that cannot be read."""
    return [notebook for path in sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")) if (notebook := _read(path))]


def notebook(number: str) -> Notebook | None:
    """The notebook of this number, or None."""
    return next((_read(path) for path in FOLDER.glob(f"{number}_*.ipynb")), None)


def _read(path: Path) -> Notebook | None:
    try:
        cells = json.loads(path.read_text())["cells"]
    except (OSError, ValueError, KeyError):  # a learner may have damaged it; the others still count
        return None
    title = re.search(r"^# (.+)", "".join(cells[0]["source"])) if cells else None
    return Notebook(path.name[:2], title[1] if title else path.stem, path.name, tuple(_code(cells)))


def _code(cells: list[dict]) -> Iterator[Cell]:
    heading = ""
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            yield Cell(cell.get("id", ""), source, tuple(cell["metadata"].get("tags", ())), heading)
        elif cell["cell_type"] == "markdown":
            text = re.sub(r"^```.*?^```", "", source, flags=re.DOTALL | re.MULTILINE)
            heading = ([heading, *re.findall(r"^#+ (.+)$", text, re.MULTILINE)])[-1]
