"""The notebooks as the tests read them."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from helpers import settings

CELL_TIMEOUT = 300  # seconds; a hang limit
FOLDER = settings.PROJECT / "notebooks"
PATHS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
PARTS = {  # of the course, with the number and title of each notebook
    "Part 1, concepts": {
        "00": "Start here",
        "01": "What is ECR",
        "02": "ECR and Docker Hub",
        "03": "Permissions",
    },
    "Part 2, step by step": {
        "04": "Create a repository",
        "05": "Authenticate Docker",
        "06": "Build the image",
        "07": "Tag the image",
        "08": "Push the image",
        "09": "Verify and run",
    },
    "Part 3, look after it": {
        "10": "Scan for vulnerabilities",
        "11": "Protect tags",
        "12": "Lifecycle and cost",
        "13": "Run it on AWS",
        "14": "Clean up",
        "15": "Capstone",
    },
}


def read(path: Path):
    """The notebook at *path*."""
    return nbformat.read(path, as_version=4)


def named(arguments: list[str]) -> list[Path]:
    """The files that the arguments of a command name: numbers of notebooks or paths; all notebooks without any."""
    numbers = [argument for argument in arguments if re.fullmatch(r"\d\d", argument)]
    files = [Path(argument) for argument in arguments if argument not in numbers]
    return [path for path in PATHS if path.name[:2] in numbers or not arguments] + files


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


def claims(notebook) -> Iterator[tuple[str, str]]:
    """``("C26", section)`` of each cell that is tagged with a claim and printed something, in the cells' order."""
    for section, cell, _ in sections(notebook):
        for tag in tags(cell):
            if tag.startswith("claim:") and any(text.strip() for text in texts(cell)):
                yield tag.removeprefix("claim:"), section


def sections(notebook) -> Iterator[tuple[str, nbformat.NotebookNode, str]]:
    """``(heading, cell, text)``: each cell with its heading; the heading's number is removed.

    A Markdown cell with several headings is split into parts.
    """
    section = ""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            yield section, cell, cell.source
            continue
        for part in re.split(r"^(?=#{2,} )", cell.source, flags=re.MULTILINE):
            if heading := re.match(r"#{2,} (?:\d+\. )?(.+)", part):
                section = heading[1]
            yield section, cell, part


def prose(notebook) -> str:
    """The text of the notebook, without the folded solutions."""
    written = (cell for cell in notebook.cells if cell.cell_type == "markdown" and "solution" not in tags(cell))
    return "\n\n".join(cell.source for cell in written)


def fences(markdown: str) -> list[str]:
    """The blocks of code in *markdown*."""
    return re.findall(r"^ *```[^\n]*\n(.*?)^ *```", markdown, flags=re.DOTALL | re.MULTILINE)


def unfolded(markdown: str) -> str:
    """What a reader sees of *markdown* before anything is unfolded: of ``<details>`` only the summary."""
    return re.sub(r"<details[^>]*>(?:\s*<summary>(.*?)</summary>)?.*?</details>", r"\1\n", markdown, flags=re.DOTALL)


def shown(cell) -> Iterator[str]:
    """What a code cell shows: each output once, as text; a picture has no text."""
    for output in cell.outputs:
        data = output.get("data", {})
        if any(kind.startswith("image/") for kind in data):
            continue
        for kind in ("text/html", "text/markdown", "text/plain"):
            if kind in data:
                yield plain(str(data[kind]))
                break
        yield from (output[name] for name in ("text", "evalue") if name in output)


def without_fences(markdown: str) -> str:
    """*markdown* without its blocks of code."""
    return re.sub(r"^( *)```.*?^ *```", "", markdown, flags=re.DOTALL | re.MULTILINE)


def plain(markdown: str) -> str:
    """The text of *markdown* on one line, without code blocks, pictures, addresses and tags."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", without_fences(markdown))
    text = re.sub(r"\]\([^)]*\)", "]", text)
    return " ".join(html.unescape(re.sub(r"<!--.*?-->|</?\w[^>]*>", " ", text, flags=re.DOTALL)).split())


def minutes(notebook) -> int:
    """The minutes that its first cell states."""
    return int(re.findall(r"(\d+) minutes", notebook.cells[0].source)[0])


def data(name: str) -> dict:
    """A data file of the helpers."""
    return json.loads((settings.PROJECT / "helpers" / "data" / name).read_text())


def links(markdown: str) -> list[str]:
    """The targets of links and pictures in *markdown*."""
    return re.findall(r"\]\(([^)\s]+)\)", markdown) + re.findall(r'(?:src|href)="([^"]+)"', markdown)


def run(notebook) -> None:
    """Run its cells in a kernel of its own and keep what they print; a cell that raises raises here."""
    where = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, timeout=CELL_TIMEOUT, kernel_name="python3", resources=where).execute()
