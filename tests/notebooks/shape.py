"""The order of a notebook's cells: ``python -m tests.notebooks.shape [NN… | FILE…]`` prints what differs from it.

Title, *Know this already?*, the cell that connects, numbered sections, exercises, three questions, key points, *Going
deeper* if there is one, and *Next*.
"""

import re
import sys
from pathlib import Path

from tests.notebooks import course

LAST = ["Exercises", "Check yourself", "Key points", "Going deeper", "Next"]
EXERCISES = {"00": (1, 1), "10": (2, 3), "11": (2, 3), "12": (2, 3), "13": (2, 3), "15": (1, 20)}
KINDS = ("You will", "You need", "It creates")
QUESTIONS, KEY_POINTS, NEXT_LINES = 3, 5, 2


def main(arguments: list[str]) -> int:
    """Print the findings; 1 if there are any."""
    found = [f"{path.name}: {fault}" for path in course.named(arguments) for fault in faults(path)]
    print("\n".join(found) or "shape: no findings")
    return int(bool(found))


def faults(path: Path) -> list[str]:
    """What differs from the shape of a notebook."""
    notebook, number = course.read(path), path.name[:2]
    if len(notebook.cells) < 4:
        return ["it has fewer than four cells"]
    return [
        *title(notebook.cells[0], number),
        *fast_track(notebook.cells[1], number),
        *connecting(notebook.cells[2], number),
        *headings(notebook),
        *exercises(notebook, number),
        *ending(notebook),
    ]


def title(cell, number: str) -> list[str]:
    """What is wrong with the first cell."""
    text = cell.source
    part = next(name for name, numbers in course.PARTS.items() if number in numbers)
    strip = re.compile(rf"!\[Notebook {number} of 00 to 15: [^\]]+\.\]\(img/strip-{number}\.svg\)")
    lines = bullets(text)
    promise = [line for line in text.splitlines()[1:] if line.strip()][:1]
    return wrong(
        (re.match(rf"# {number} · \S", text), f"the title is not “# {number} · …”"),
        (promise and re.fullmatch(r"[A-Z].*[.]", promise[0]), "one sentence that promises follows the title"),
        (re.search(rf"^\*\*\d+ minutes\*\* · {part}$", text, re.M), f"no line “**N minutes** · {part}”"),
        (strip.search(text), f"no strip ![Notebook {number} of 00 to 15: ….](img/strip-{number}.svg)"),
        (3 <= len(lines) <= 5, "three to five lines after the strip"),
        *((any(line.startswith(f"**{kind}**") for line in lines), f"no line “- **{kind}** …”") for kind in KINDS),
    )


def fast_track(cell, number: str) -> list[str]:
    """What is wrong with *Know this already?*."""
    text, following = cell.source, f"{int(number) + 1:02}_"
    return wrong(
        (text.startswith("## Know this already?\n"), "the second cell is not “## Know this already?”"),
        (re.search(rf"Exercise {number}\.\d", text), "it does not name the exercise"),
        (re.search(r"\]\(#[^)]+\)", text), "it does not link to the exercise by an anchor"),
        (number == "15" or f"]({following}" in text, "it does not link to the next notebook"),
    )


def connecting(cell, number: str) -> list[str]:
    """What is wrong with the cell that connects."""
    return wrong(
        (cell.cell_type == "code" and "connect()" in cell.source, "the third cell does not connect"),
        (f'catch_up("{number}")' in cell.source, f'the third cell does not call lab.catch_up("{number}")'),
    )


def headings(notebook) -> list[str]:
    """What is wrong with the order of the sections."""
    written = "\n".join(course.without_fences(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    found = re.findall(r"^## (.+)$", written, re.MULTILINE)
    numbers = [int(match[1]) for heading in found if (match := re.match(r"(\d+)\. ", heading))]
    last = [heading for heading in found if heading in LAST]
    required = [heading for heading in LAST if heading in last or heading != "Going deeper"]
    return wrong(
        (numbers and numbers == list(range(1, len(numbers) + 1)), "the sections are not numbered 1, 2, 3, …"),
        (last == required, f"the last headings are {last}, not {required}"),
        ("What can go wrong" not in found, "“What can go wrong” belongs to helpers/data/troubles.json"),
    )


def exercises(notebook, number: str) -> list[str]:
    """What is wrong with the exercises."""
    parts: dict[str, list] = {}
    for section, cell, _ in course.sections(notebook):
        if section.startswith("Exercise "):
            parts.setdefault(section.split()[1], []).append(cell)
    least, most = EXERCISES.get(number, (2, 2))
    found = wrong(
        (
            list(parts) == [f"{number}.{each}" for each in range(1, len(parts) + 1)],
            "exercises are not numbered in order",
        ),
        (least <= len(parts) <= most, f"{len(parts)} exercises, not {least} to {most}"),
        (
            not "04" <= number <= "14" or any(f'prepare("{name}")' in text(cells) for name, cells in parts.items()),
            "no exercise prepares something broken",
        ),
    )
    for name, cells in parts.items():
        solved = any("solution" in course.tags(cell) and "<details>" in cell.source for cell in cells)
        found += wrong(
            (f'check("{name}"' in text(cells), f"exercise {name} has no check"),
            (solved or number == "15", f"exercise {name} has no folded solution with the tag solution"),
            (
                any("exercise" in course.tags(cell) for cell in cells),
                f"exercise {name} has no cell with the tag exercise",
            ),
        )
    return found


def ending(notebook) -> list[str]:
    """What is wrong with the questions, the key points, *Going deeper* and *Next*."""
    below: dict[str, str] = {}
    for section, cell, part in course.sections(notebook):
        if cell.cell_type == "markdown":
            below[section] = f"{below.get(section, '')}\n{part}"
    asked = len(re.findall("<summary>", below.get("Check yourself", "")))
    deeper, following = (lines(below.get(name, "")) for name in ("Going deeper", "Next"))
    return wrong(
        (asked == QUESTIONS, f"{asked} questions, not {QUESTIONS}"),
        (1 <= len(bullets(below.get("Key points", ""))) <= KEY_POINTS, f"one to {KEY_POINTS} key points"),
        (not deeper or "optional" in deeper[0].lower(), "the first line of “Going deeper” does not say optional"),
        (1 <= len(following) <= NEXT_LINES, "“Next” has one or two lines"),
    )


def wrong(*rules: tuple[object, str]) -> list[str]:
    """The sentences of the rules that do not hold."""
    return [sentence for holds, sentence in rules if not holds]


def bullets(text: str) -> list[str]:
    """The items of the lists in *text*."""
    return re.findall(r"^- (.+(?:\n  .+)*)", text, re.MULTILINE)


def lines(section: str) -> list[str]:
    """The lines of a section without its heading and empty lines."""
    return [line for line in section.splitlines() if line.strip() and not line.startswith("#")]


def text(cells: list) -> str:
    """The sources of *cells*."""
    return "\n".join(cell.source for cell in cells)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
