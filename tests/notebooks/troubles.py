"""Writes notebooks/troubleshooting.md from helpers/data/troubles.json: ``python -m tests.notebooks.troubles``.

The messages, causes and fixes come from the data. The last column comes from the notebooks: the sections whose cells
print the message, else the notebook that explains it.
"""

from functools import cache
from pathlib import Path

from tests.notebooks import course

PAGE = course.FOLDER / "troubleshooting.md"

HEAD = """\
# Troubleshooting

Search this page for a part of your message. The AWS CLI writes `aws: [ERROR]:` before its messages, and Docker 29
writes `error from registry:` before those of a registry, so leave these words out. Run `ecr-lab doctor` first: it
checks Python, Docker, the port, the clock and the AWS CLI, and shows how to fix what is missing.
"""

TABLE = """
## {title}

| message | cause | fix | seen in |
|---|---|---|---|
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page() -> str:
    """The page, as Markdown."""
    return HEAD + "".join(TABLE.format(**topic) + "".join(map(_row, topic["troubles"])) for topic in topics())


def topics() -> list[dict]:
    """Each topic of the data: ``title`` and ``troubles``."""
    return course.data("troubles.json")["topics"]


def shown(trouble: dict) -> dict[Path, str]:
    """The notebooks with a cell that prints the message, each with the section of the first such cell."""
    found: dict[Path, str] = {}
    for path, section, text in _printed():
        if _says(trouble, text):
            found.setdefault(path, section)
    return found


@cache
def _printed() -> list[tuple[Path, str, str]]:
    """The notebook, the section and the printed text of each code cell."""
    return [
        (path, section, " ".join(" ".join(course.texts(cell)).split()))
        for path in course.PATHS
        for section, cell, _ in course.sections(course.read(path))
        if cell.cell_type == "code"
    ]


def _row(trouble: dict) -> str:
    seen = "; ".join(f"[{path.stem[:2]}]({path.name}) § {section}" for path, section in shown(trouble).items())
    cells = [f"`{trouble['message']}`", trouble["cause"], trouble["fix"], seen or _explained(trouble)]
    return " | ".join(["", *(cell.replace("|", r"\|") for cell in cells), ""]).strip() + "\n"


def _explained(trouble: dict) -> str:
    [path] = [path for path in course.PATHS if path.name.startswith(trouble["notebook"])]
    return f"about [{path.stem[:2]}]({path.name})"


def _says(trouble: dict, text: str) -> bool:
    about_another = any(part in text for part in trouble.get("unlike", []))
    return any(part in text for part in trouble["says"]) and not about_another


if __name__ == "__main__":
    main()
