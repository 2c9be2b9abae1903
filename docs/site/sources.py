"""Writes the sources of the site: copies of the documents and notebooks, changed where a site is not a checkout."""

import json
import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = ("README.md", "notebooks/*.md", "docs/*.md", "sandbox/README.md")
NOTEBOOKS = ("notebooks/*.ipynb",)
FILES = ("notebooks/img/*.svg", "notebooks/solutions/*.py")  # shown in a page, or offered for download
LEFT_OUT = {"docs/links.md"}  # for maintainers
HOME = "README.md"  # becomes index.md, with the list of all pages

LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\(([^)\s]+)\)")
TERM = re.compile(r"^\| \*\*(.+?)\*\* \| (.+) \|$", re.MULTILINE)
HINT = """\
:::{{admonition}} Run this page
:class: tip run-it

This page shows stored outputs. To run its cells, type `make lab` in the project's folder and open `{path}`.
While the lab is running, you can [open it in the lab](http://localhost:8888/lab/tree/{path}).
:::
"""


def write(target: Path) -> None:
    """Write all sources into *target*; what did not change keeps its time, so that Sphinx does not read it again."""
    documents, notebooks, files = (_names(patterns) for patterns in (DOCUMENTS, NOTEBOOKS, FILES))
    there = documents | notebooks | files
    pages = {name: notebook(name, there).encode() for name in notebooks}
    pages |= {name: links((ROOT / name).read_text(), name, there).encode() for name in documents}
    pages["notebooks/README.md"], pages["notebooks/glossary.md"] = glossary(pages["notebooks/README.md"])
    pages["index.md"] = pages.pop(HOME) + Path(__file__).with_name("contents.md").read_bytes()
    pages |= {name: (ROOT / name).read_bytes() for name in files}
    for name, content in pages.items():
        _update(target / name, content)
    for path in target.rglob("*"):
        if path.is_file() and path.relative_to(target).as_posix() not in pages:
            path.unlink()


def notebook(name: str, there: set[str]) -> str:
    """The notebook *name* as JSON, with a hint how to run it after its title, and links as in `links`."""
    content = json.loads((ROOT / name).read_text())
    for cell in content["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = links("".join(cell["source"]), name, there)
    title = content["cells"][0]["source"]
    content["cells"][0]["source"] = f"{title}\n\n{HINT.format(path=name)}"
    return json.dumps(content, ensure_ascii=False)


def links(markdown: str, page: str, there: set[str]) -> str:
    """Change the links of *page*: a file that is not *there* becomes its name, an anchor of JupyterLab one of GitHub.

    JupyterLab keeps the capitals and the punctuation of a heading, GitHub and MyST do not. A link whose text is the
    path of a page gets the title of the page.
    """

    def change(link: re.Match[str]) -> str:
        text, address = link.groups()
        path, _, anchor = address.partition("#")
        if "://" in address:
            return link[0]
        file = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
        if file not in there:
            return text
        if file == HOME:
            path = path.replace("README.md", "index.md")
        if text == address:
            text = ""  # MyST puts the title of the page there
        anchor = re.sub(r"[^\w-]", "", anchor.lower())
        return f"[{text}]({path}{'#' + anchor if anchor else ''})"

    return LINK.sub(change, markdown)


def glossary(index: bytes) -> tuple[bytes, bytes]:
    """Split notebooks/README.md into itself without the table of terms, and a page with Sphinx's glossary."""
    text = index.decode()
    head, table = text.split("## Glossary\n\n")
    terms = "\n\n".join(f"{term}\n  {meaning}" for term, meaning in TERM.findall(table))
    page = f"# Glossary\n\n:::{{glossary}}\n{terms}\n:::\n"
    return f"{head}## Glossary\n\nThe [glossary](glossary.md) explains the terms.\n".encode(), page.encode()


def _names(patterns: tuple[str, ...]) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern)} - LEFT_OUT


def _update(path: Path, content: bytes) -> None:
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
