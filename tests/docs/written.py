"""The documents, and the text of the notebooks."""

import re
from collections.abc import Iterator
from pathlib import Path

from helpers import settings
from tests.notebooks import course

FOLDERS = (".", "deploy", "docs", "docs/slides", "notebooks", "sandbox")
DOCUMENTS = sorted(path for folder in FOLDERS for path in (settings.PROJECT / folder).glob("*.md"))
CODE = ("helpers", "sandbox/ecr_sandbox")
CELL = "```text\n(a cell with code)\n```"


def texts() -> Iterator[tuple[str, str]]:
    """``(name, markdown)`` of each document and notebook; a placeholder replaces each code cell."""
    for path in DOCUMENTS:
        yield str(path.relative_to(settings.PROJECT)), path.read_text()
    for path in course.PATHS:
        parts = [cell.source if cell.cell_type == "markdown" else CELL for cell in course.read(path).cells]
        yield str(path.relative_to(settings.PROJECT)), "\n\n".join(parts) + "\n"


def sources() -> Iterator[tuple[str, str]]:
    """``(name, text)`` of all files that may link to a web page: documents, data and code."""
    yield from texts()
    for path in sorted(path for folder in CODE for path in Path(settings.PROJECT, folder).rglob("*")):
        if path.suffix in (".py", ".json"):
            yield str(path.relative_to(settings.PROJECT)), path.read_text()


def words(markdown: str) -> Iterator[str]:
    """The words of *markdown* without code, addresses, and names in capitals or CamelCase."""
    text = re.sub(r"`[^`\n]+`|<code>.*?</code>|https?://[^\s)]+|\[[^\]]*\.ipynb\]", " ", markdown, flags=re.DOTALL)
    for word in re.findall(r"[\w./@-]*\w(?:['’][a-z]+)?", course.plain(text)):
        for part in re.split(r"[-/]", re.sub(r"['’]s?$|n['’]t$", "", word)):
            if re.fullmatch(r"[A-Z]?[a-z]{2,}", part):
                yield part
