"""Writes what notebooks/README.md and README.md say about the notebooks: claims, minutes, and what goes wrong where.

``make tables`` (or ``python -m tests.notebooks.tables``) writes it; ``test_tables.py`` fails when it is out of date.
The words come from helpers/data/claims.json and troubles.json, the places from the cells: their tags, what they print
and what they say.
"""

import html
import re
from collections.abc import Callable

from helpers import settings
from tests.notebooks import course

README = settings.PROJECT / "README.md"
INDEX = course.FOLDER / "README.md"

CLAIMS_HEAD = """\
| claim | what it says | where | how it is shown |
|---|---|---|---|
"""

TROUBLES_HEAD = """\
| what you read | why | met in | told in |
|---|---|---|---|
"""


def main() -> None:
    """Write both files anew."""
    for path, written in texts().items():
        path.write_text(written)


def texts() -> dict:
    """What README.md and notebooks/README.md have to say now."""
    index = _rows(INDEX.read_text(), "", _claims_and_minutes)
    for name, table in {"claims": claims(), "troubles": troubles()}.items():
        index = _between(index, name, table)
    return {INDEX: index, README: _rows(README.read_text(), "notebooks/", lambda path: str(_minutes(path)))}


def claims() -> str:
    """The table of claims: where each is shown, and how."""
    places: dict[str, list[str]] = {}
    for path in course.PATHS:
        found: dict[str, list[str]] = {}
        for claim, section in course.claims(course.read(path)):
            if section not in found.setdefault(claim, []):
                found[claim].append(section)
        for claim, sections in found.items():
            places.setdefault(claim, []).append(_place(path, sections))
    return CLAIMS_HEAD + "".join(
        f"| {each['key']} | {each['says']} | {'; '.join(places.get(each['key'], ['*not yet*']))} | {each['shown']} |\n"
        for each in course.data("claims.json")["claims"]
    )


def troubles() -> str:
    """The table of what goes wrong: the message, its cause, where a cell brings it about and where it is told."""
    rows = []
    for trouble in course.data("troubles.json")["troubles"]:
        met, told = found(trouble)
        rows.append(f"| `{trouble['message']}` | {trouble['why']} | {_places(met)} | {_places(told)} |\n")
    return TROUBLES_HEAD + "".join(rows)


def found(trouble: dict) -> tuple[dict, dict]:
    """Where a cell prints one of the trouble's messages, and where only the text has it: notebook -> section."""
    met: dict = {}
    told: dict = {}
    for path in course.PATHS:
        for section, cell, text in course.sections(course.read(path)):
            printed = course.texts(cell) if cell.cell_type == "code" else []
            if _says(trouble, " ".join(printed)):
                met.setdefault(path, section)
            elif cell.cell_type == "markdown" and _says(trouble, html.unescape(text)):
                told.setdefault(path, section)
    return met, {path: section for path, section in told.items() if path not in met}


def _says(trouble: dict, text: str) -> bool:
    text = " ".join(text.split())
    about_another = any(words in text for words in trouble.get("unlike", []))
    return any(words in text for words in trouble["says"]) and not about_another


def _places(found: dict) -> str:
    return "; ".join(_place(path, [section]) for path, section in found.items()) or "–"


def _place(path, sections: list[str]) -> str:
    return f"[{path.stem[:2]}]({path.name}) {', '.join(f'§ {section}' for section in sections)}"


def _claims_and_minutes(path) -> str:
    numbers = {int(claim.removeprefix("C")) for claim, _ in course.claims(course.read(path))}
    shown = " ".join(f"C{number}" for number in sorted(numbers)) or "all, by you"  # the capstone's cells show none
    return f"{shown} | {_minutes(path)}"


def _minutes(path) -> int:
    return course.minutes(course.read(path))


def _rows(text: str, folder: str, last: Callable) -> str:
    """*text* whose table rows on a notebook end in what *last* says of it."""
    for path in course.PATHS:
        ends = r" \| ".join(r"[^|\n]*" for _ in last(path).split(" | "))
        row = re.compile(rf"^(\| \[[^\n|]*\]\({folder}{path.name}\) \| [^|\n]* \| ){ends} \|$", re.MULTILINE)
        text = row.sub(lambda match, path=path: f"{match[1]}{last(path)} |", text)  # type: ignore[misc]
    return text


def _between(text: str, name: str, table: str) -> str:
    start, end = f"<!-- {name}: made by `make tables` -->\n", f"<!-- end of {name} -->"
    before, rest = text.split(start)
    return f"{before}{start}\n{table}\n{end}{rest.split(end, 1)[1]}"


if __name__ == "__main__":
    main()
