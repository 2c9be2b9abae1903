"""The course as it stands in notebooks/: what each notebook has to run, to show and to practise.

Read with nothing but the standard library, since each cell that runs is looked up here.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers import settings

FOLDER = settings.PROJECT / "notebooks"


@dataclass(frozen=True)
class Cell:
    """A cell with code: its id, its tags, and the heading it stands below, as it is written."""

    id: str
    source: str
    tags: tuple[str, ...]
    heading: str

    def checks(self) -> list[str]:
        """The exercises that it checks."""
        return re.findall(r'check\("(\d\d\.\d)"', self.source)


@dataclass(frozen=True)
class Notebook:
    """One notebook of the course."""

    number: str
    title: str
    name: str
    cells: tuple[Cell, ...]

    def to_run(self) -> list[Cell]:
        """The cells that are there to be run as they stand; those of the exercises are the learner's own."""
        return [cell for cell in self.cells if "exercise" not in cell.tags]

    def exercises(self) -> list[str]:
        """The numbers of its exercises, in their order."""
        return [number for cell in self.cells for number in cell.checks()]

    def find(self, cell_id: str | None, source: str) -> list[Cell]:
        """The cell that was run, by its id, which JupyterLab tells; else those with its text, none if it is no cell."""
        by_id = [cell for cell in self.cells if cell_id and cell.id == cell_id]
        return by_id or [cell for cell in self.cells if cell.source.strip() == source.strip()]


def claims(cells: list[Cell]) -> list[str]:
    """The claims that these cells show, in their order."""
    tags = [tag for cell in cells for tag in cell.tags if tag.startswith("claim:")]
    return list(dict.fromkeys(tag.removeprefix("claim:") for tag in tags))


def all_claims() -> list[str]:
    """The course's claims, ``["C1", …]``."""
    return [claim["key"] for claim in json.loads(_CLAIMS.read_text())["claims"]]


def notebooks() -> list[Notebook]:
    """The notebooks that are there, in their order; one that cannot be read is left out."""
    return [notebook for path in sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")) if (notebook := _read(path))]


def notebook(number: str) -> Notebook | None:
    """The notebook of this number, if it is there."""
    return next((_read(path) for path in FOLDER.glob(f"{number}_*.ipynb")), None)


_CLAIMS = Path(__file__).parent / "data" / "claims.json"


def _read(path: Path) -> Notebook | None:
    try:
        cells = json.loads(path.read_text())["cells"]
    except (OSError, ValueError, KeyError):  # a learner may have broken it; the others are there all the same
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
