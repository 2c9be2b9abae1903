"""The notebooks as the tests read them."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from helpers import settings

CELL_TIMEOUT = 300  # seconds; a hang limit
FOLDER = settings.PROJECT / "notebooks"
PATHS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


def read(path: Path):
    """The notebook at *path*."""
    return nbformat.read(path, as_version=4)


def code(notebook) -> Iterator:
    """Its code cells."""
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def tags(cell) -> list[str]:
    """A cell's tags."""
    return cell.metadata.get("tags", [])


def texts(cell) -> Iterator[str]:
    """Every text that a code cell printed or showed."""
    for output in cell.outputs:
        yield from (output[name] for name in ("text", "evalue") if name in output)
        yield from (str(data) for kind, data in output.get("data", {}).items() if kind.startswith("text/"))


def links(markdown: str) -> list[str]:
    """The targets of links and pictures in *markdown*."""
    return re.findall(r"\]\(([^)\s]+)\)", markdown) + re.findall(r'(?:src|href)="([^"]+)"', markdown)


def run(notebook) -> None:
    """Run its cells in a kernel of its own and keep what they print; a cell that raises raises here."""
    where = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, timeout=CELL_TIMEOUT, kernel_name="python3", resources=where).execute()
