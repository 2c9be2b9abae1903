"""Writes the tables of notebooks/README.md and README.md: claims and minutes.

``make tables`` (or ``python -m tests.notebooks.tables``) writes it; ``test_tables.py`` fails when it is out of date.
The texts come from helpers/data/claims.json, the places from the tags of the cells.
"""

import re
from collections.abc import Callable

from helpers import settings
from tests.notebooks import course

README = settings.PROJECT / "README.md"
INDEX = course.FOLDER / "README.md"

CLAIMS_HEAD = """\
| claim | statement | where | how it is shown |
|---|---|---|---|
"""


def main() -> None:
    """Write both files."""
    for path, written in texts().items():
        path.write_text(written)


def texts() -> dict:
    """The new content of README.md and notebooks/README.md."""
    index = _between(_rows(INDEX.read_text(), "", _claims_and_minutes), "claims", claims())
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


def _place(path, sections: list[str]) -> str:
    return f"[{path.stem[:2]}]({path.name}) {', '.join(f'§ {section}' for section in sections)}"


def _claims_and_minutes(path) -> str:
    numbers = {int(claim.removeprefix("C")) for claim, _ in course.claims(course.read(path))}
    shown = " ".join(f"C{number}" for number in sorted(numbers)) or "all, by you"  # the capstone's cells show none
    return f"{shown} | {_minutes(path)}"


def _minutes(path) -> int:
    return course.minutes(course.read(path))


def _rows(text: str, folder: str, last: Callable) -> str:
    """*text* with the last cells of each notebook's table row replaced by the result of *last*."""
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
