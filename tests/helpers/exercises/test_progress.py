"""Progress is noted while cells run and checks succeed, and shown with the next cell to run."""

import json
import threading

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import cli, course, lab, settings
from helpers.exercises import checks, progress

FIRST = [
    ("# 08 · Push", None),
    ("print('connected')", "a1"),
    ("## 1. Send `it`", None),
    ("print('sent')", "a2 claim:C26"),
    ("raise SystemError('as announced')", "a3 raises-exception claim:C2"),
    ("### Exercise 08.1", None),
    ("# your turn", "a4 exercise"),
    ("from helpers.exercises import check\ncheck('08.1')", "a5"),
    ('check("08.1")', "a6"),
]
SECOND = [("# 09 · Verify", None), ("print('there')", "b1 claim:C27"), ('check("09.1")', "b2")]


@pytest.fixture(autouse=True)
def two_notebooks(tmp_path, monkeypatch):
    """A course of two small notebooks, and no kernel that runs one of them yet."""
    monkeypatch.setattr(course, "FOLDER", tmp_path)
    monkeypatch.setattr(progress, "_current", None)
    for name, cells in {"08_push": FIRST, "09_verify": SECOND}.items():
        nbformat.write(made(cells), tmp_path / f"{name}.ipynb")


def made(cells) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook()
    for source, id_and_tags in cells:
        new = nbformat.v4.new_markdown_cell if id_and_tags is None else nbformat.v4.new_code_cell
        cell = new(source)
        if id_and_tags:
            cell.id, *cell.metadata["tags"] = id_and_tags.split()
        notebook.cells.append(cell)
    return notebook


@pytest.fixture
def shell():
    """IPython as it is in a kernel."""
    shell = InteractiveShell.instance()
    yield shell
    InteractiveShell.clear_instance()


def shown(capsys) -> list[str]:
    capsys.readouterr()
    progress.show()
    return capsys.readouterr().out.splitlines()


NOTHING = [
    "notebook     cells   exercises  claims",
    "───────────  ──────  ─────────  ──────",
    "08 · Push    0 of 5  0 of 1     –",
    "09 · Verify  0 of 2  0 of 1     –",
    "",
    "exercises: 0 of 2",
    "claims: 0 of 30",
    "continue: 08_push.ipynb § 08 · Push",
]


def test_a_new_learner_has_no_progress(capsys):
    assert shown(capsys) == NOTHING


def test_cells_that_ran_count_with_their_claims(shell, capsys):
    progress.begin("08")
    shell.run_cell("print('connected')")
    shell.run_cell("print('edited, but the same cell')", cell_id="a2")
    shell.run_cell("a cell of the learner's own", cell_id="mine")
    assert shown(capsys)[2:] == [
        "08 · Push    2 of 5  0 of 1     C26",
        "09 · Verify  0 of 2  0 of 1     –",
        "",
        "exercises: 0 of 2",
        "claims: 1 of 30",
        "continue: 08_push.ipynb § 1. Send `it`",
    ]


def test_without_a_cell_id_all_cells_with_the_same_source_count(shell, capsys):
    nbformat.write(made([("# 08", None), ("print(1)", "c1"), ("print(1)", "c2")]), course.FOLDER / "08_push.ipynb")
    progress.begin("08")
    shell.run_cell("print(1)", cell_id="unknown")
    assert "08           2 of 2  0 of 0     –" in shown(capsys)


def test_a_failed_cell_counts_only_if_the_failure_is_expected(shell, capsys):
    progress.begin("08")
    shell.run_cell("1 / 0", cell_id="a1")
    shell.run_cell("raise SystemError('as announced')")
    assert "08 · Push    1 of 5  0 of 1     C2" in shown(capsys)


def test_an_exercise_stays_done_after_its_check_passed_once(monkeypatch, capsys):
    right = [False]

    def does(_lab):
        if not right[0]:
            raise checks.NotYet("it is not there", "push it")
        return "it is there"

    checks.verdict("")
    monkeypatch.setattr(checks, "CHECKS", {"08.1": does})
    monkeypatch.setattr(lab, "_current", "the lab")
    checks.check("08.1")
    assert not progress.done("08.1")
    right[0] = True
    checks.check("08.1")
    assert progress.done("08.1")
    right[0] = False
    checks.check("08.1")
    assert "exercises: 1 of 2" in shown(capsys)


def test_continue_names_the_notebook_that_ran_last(shell, capsys):
    progress.begin("09")
    shell.run_cell("print('there')")
    assert shown(capsys)[-1] == "continue: 09_verify.ipynb § 09 · Verify"
    shell.run_cell('check("09.1")', cell_id="b2")
    assert shown(capsys)[-1] == "continue: 09_verify.ipynb § 09 · Verify"  # it ran, but the exercise is not done
    progress.note_exercise("09.1")
    shell.run_cell("pass", cell_id="b2")
    assert shown(capsys)[-1] == "continue: 08_push.ipynb § 08 · Push"


def test_the_progress_is_complete_when_everything_is_done(shell, capsys):
    for number, cells in {"08": FIRST, "09": SECOND}.items():
        progress.begin(number)
        for _, id_and_tags in cells:
            if id_and_tags:
                shell.run_cell("pass", cell_id=id_and_tags.split()[0])
        progress.note_exercise(f"{number}.1")
    assert shown(capsys)[2:] == [
        "08 · Push    5 of 5  1 of 1     C26 C2",
        "09 · Verify  2 of 2  1 of 1     C27",
        "",
        "exercises: 2 of 2",
        "claims: 3 of 30",
        "continue: everything is done",
    ]


def test_in_jupyter_the_progress_has_links(shell, monkeypatch):
    given = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: given.append(data))
    progress.begin("08")
    shell.run_cell("pass", cell_id="a1")
    progress.show()
    assert given[0]["text/plain"].splitlines()[0] == NOTHING[0]
    assert given[0]["text/markdown"].splitlines()[2:] == [
        "| [08 · Push](08_push.ipynb) | 1 of 5 | 0 of 1 | – |",
        "| [09 · Verify](09_verify.ipynb) | 0 of 2 | 0 of 1 | – |",
        "",
        "exercises: 0 of 2 · claims: 0 of 30 · continue: [08 · Push § 1. Send `it`](08_push.ipynb#1.-Send-it)",
    ]


def test_reset_deletes_the_progress_of_one_notebook_or_of_all(shell, capsys):
    for number in ("08", "09"):
        progress.begin(number)
        shell.run_cell("pass", cell_id={"08": "a1", "09": "b1"}[number])
        progress.note_exercise(f"{number}.1")
    progress.reset("08")
    assert "✔ progress deleted: notebook 08" in capsys.readouterr().out
    assert shown(capsys)[2:4] == ["08 · Push    0 of 5  0 of 1     –", "09 · Verify  1 of 2  1 of 1     C27"]
    progress.reset()
    assert "✔ progress deleted: all notebooks" in capsys.readouterr().out
    assert shown(capsys) == NOTHING


def test_ecr_lab_progress_prints_the_progress(capsys):
    cli.commands.main(["progress"], standalone_mode=False)
    assert capsys.readouterr().out.splitlines() == NOTHING


BROKEN = [
    "",
    "{",
    "[]",
    '{"last": 1, "cells": {}, "exercises": {}}',
    '{"last": "", "cells": {"08": []}, "exercises": {}}',
]


@pytest.mark.parametrize("content", BROKEN)
def test_a_damaged_progress_file_is_replaced(state, content, capsys):
    (state / progress.FILE).write_text(content)
    assert shown(capsys) == NOTHING
    progress.note_exercise("08.1")
    assert json.loads((state / progress.FILE).read_text())["exercises"].keys() == {"08.1"}


def test_a_state_folder_that_is_not_writable_is_ignored(monkeypatch, tmp_path, capsys):
    (tmp_path / "a file").touch()
    monkeypatch.setenv("ECR_TUTORIAL_STATE", str(tmp_path / "a file" / "below"))
    progress.note_exercise("08.1")
    assert shown(capsys) == NOTHING


def test_concurrent_kernels_lose_no_progress():
    threads = [threading.Thread(target=progress.note_exercise, args=(f"{number:02}.1",)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads((settings.state() / progress.FILE).read_text())["exercises"]) == 16


def test_a_damaged_notebook_is_left_out(capsys):
    (course.FOLDER / "08_push.ipynb").write_text("{")
    assert shown(capsys)[2:3] == ["09 · Verify  0 of 2  0 of 1     –"]
