"""The learner's progress: ``from helpers.exercises import progress``, then ``progress.show()`` in any cell.

An exercise is done when its check printed ✔; a claim is shown when a cell with its tag has run. Both are kept in one
small file in the state folder, because the last notebook deletes everything in the registry. The file never leaves the
machine, and ``ecr-lab reset`` deletes it. ``helpers.room.sharing`` has what a learner can share with a teacher.
"""

import contextlib
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

from helpers import course, state_file
from helpers.room import sharing
from helpers.show.tables import table_lines

from .state_file import PROGRESS as FILE

ALL_DONE = "everything is done"
COLUMNS = ("notebook", "cells", "exercises", "claims")

_current: course.Notebook | None = None  # the notebook that this kernel runs


def show() -> None:
    """Print which notebooks, exercises and claims are done, and where to continue; in Jupyter with links."""
    notebooks, noted = course.notebooks(), _read()
    rows = [_row(notebook, noted) for notebook in notebooks]
    exercises = {number for notebook in notebooks for number in notebook.exercises()}
    shown = {claim for notebook in notebooks for claim in course.claims(_run(notebook, noted))}
    sums = [
        f"exercises: {len(exercises & noted['exercises'].keys())} of {len(exercises)}",
        f"claims: {len(shown)} of {len(course.all_claims())}",
    ]
    where = _where_to_continue(notebooks, noted)
    if not _in_jupyter():
        print(_text(rows, sums, where))
        return
    from IPython.display import display

    display({"text/plain": _text(rows, sums, where), "text/markdown": _markdown(rows, sums, where)}, raw=True)


def done(number: str) -> bool:
    """Whether the check of this exercise has ever printed ✔."""
    return number in _read()["exercises"]


def reset(notebook: str = "") -> None:
    """Delete the progress of this notebook (``"08"``), or of all; the registry does not change."""

    def delete(noted: dict) -> None:
        for kind in ("cells", "exercises"):
            noted[kind] = {name: was for name, was in noted[kind].items() if notebook and name[:2] != notebook}
        if noted["last"] == notebook or not notebook:
            noted["last"] = ""

    _change(delete)
    print(f"✔ progress deleted: {f'notebook {notebook}' if notebook else 'all notebooks'}")


def begin(notebook: str) -> None:
    """Count the cells that this kernel runs from now on as those of this notebook."""
    global _current
    new = _current is None
    _current = course.notebook(notebook)
    sharing.note_notebook(notebook)
    if _in_jupyter() and new:
        from IPython import get_ipython

        get_ipython().events.register("post_run_cell", _after_cell)


def note_exercise(number: str) -> None:
    """Note that the check of this exercise printed ✔, unless it is noted already."""
    _change(lambda noted: noted["exercises"].setdefault(number, _now()))


def _after_cell(result) -> None:
    """Note a cell of the notebook that has run; cells that the learner adds are not noted."""
    found = _current.find(getattr(result.info, "cell_id", None), result.info.raw_cell) if _current else []
    ran = [cell.id for cell in found if result.success or "raises-exception" in cell.tags]
    if _current and ran:
        _change(lambda noted: _note_cells(noted, _current.number, ran))


def _note_cells(noted: dict, number: str, ids: list[str]) -> None:
    noted["last"] = number
    noted["cells"][number] = dict.fromkeys(ids, _now()) | noted["cells"].get(number, {})


# What is shown ---


def _row(notebook: course.Notebook, noted: dict) -> tuple[course.Notebook, str, str, str]:
    """The notebook, and what is done of its cells, exercises and claims."""
    exercises = notebook.exercises()
    right = sum(number in noted["exercises"] for number in exercises)
    ran = _run(notebook, noted)
    cells = f"{len(ran)} of {len(notebook.to_run())}"
    return notebook, cells, f"{right} of {len(exercises)}", " ".join(course.claims(ran)) or "–"


def _run(notebook: course.Notebook, noted: dict) -> list[course.Cell]:
    return [cell for cell in notebook.to_run() if cell.id in noted["cells"].get(notebook.number, {})]


def _where_to_continue(notebooks: list[course.Notebook], noted: dict) -> tuple[course.Notebook, str] | None:
    """The notebook and heading of the first cell not done: in the notebook of the last run, else in any."""
    last = [notebook for notebook in notebooks if notebook.number == noted["last"]]
    for notebook in last + notebooks:
        ran = _run(notebook, noted)
        for cell in notebook.cells:
            not_right = any(number not in noted["exercises"] for number in cell.checks())
            if not_right or ("exercise" not in cell.tags and cell not in ran):
                return notebook, cell.heading
    return None


def _text(rows: list, sums: list[str], where: tuple | None) -> str:
    table = table_lines([(notebook.title, *done) for notebook, *done in rows], COLUMNS)
    next_cell = f"{where[0].name} § {where[1]}" if where else ALL_DONE
    return "\n".join([*table, "", *sums, f"continue: {next_cell}"])


def _markdown(rows: list, sums: list[str], where: tuple | None) -> str:
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---|---|---|"]
    for notebook, cells, exercises, claims in rows:
        lines.append(f"| [{notebook.title}]({notebook.name}) | {cells} | {exercises} | {claims} |")
    next_cell = f"[{where[0].title} § {where[1]}]({where[0].name}#{_anchor(where[1])})" if where else ALL_DONE
    return "\n".join([*lines, "", f"{' · '.join(sums)} · continue: {next_cell}"])


def _anchor(heading: str) -> str:
    """The heading's anchor in JupyterLab and on GitHub."""
    return quote(heading.replace("`", "").replace(" ", "-"), safe="")


# The file ---


def _change(change: Callable[[dict], object]) -> None:
    """Change the file. An error is ignored: the lesson continues."""
    with contextlib.suppress(OSError), state_file.locked(FILE):
        noted = _read()
        change(noted)
        state_file.write(FILE, noted)


def _read() -> dict:
    """The content of the file; empty if it is missing or damaged."""
    return state_file.read(FILE, _is_valid) or _empty()


def _is_valid(found: object) -> bool:
    if not isinstance(found, dict) or any(type(found.get(name)) is not type(was) for name, was in _empty().items()):
        return False
    return all(isinstance(cells, dict) for cells in found["cells"].values())


def _empty() -> dict:
    return {"last": "", "cells": {}, "exercises": {}}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _in_jupyter() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return get_ipython() is not None
