"""Every notebook has the same shape."""

import copy

import nbformat
import pytest

from tests.notebooks import course, shape

MARKDOWN, CODE = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell


@pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)
def test_a_notebook_has_the_shape(path):
    assert shape.faults(path) == []


def tagged(cell, tag: str):
    cell.metadata["tags"] = [tag]
    return cell


def exercise(name: str, preparing: str) -> list:
    return [
        MARKDOWN(f"### Exercise {name} · Try"),
        CODE(preparing),
        tagged(CODE("# your turn"), "exercise"),
        CODE(f'check("{name}")'),
        tagged(MARKDOWN("<details><summary>Solution</summary>x</details>"), "solution"),
    ]


def right() -> list:
    """The cells of a notebook 04 with the right shape."""
    return [
        MARKDOWN(
            "# 04 · Create a repository\n\nYou create a repository.\n\n**13 minutes** · Part 2, step by step\n\n"
            "![Notebook 04 of 00 to 15: create a repository.](img/strip-04.svg)\n\n"
            "- **You will** create one\n- **You need** Docker\n- **It creates** a repository"
        ),
        MARKDOWN("## Know this already?\n\nDo [Exercise 04.2](#x). Go on to [05](05_authenticate_docker.ipynb)."),
        CODE('lab = connect()\nlab.catch_up("04")'),
        MARKDOWN("## 1. First"),
        MARKDOWN("## 2. Second"),
        MARKDOWN("## Exercises"),
        *exercise("04.1", "x = 1"),
        *exercise("04.2", 'prepare("04.2")'),
        MARKDOWN("## Check yourself\n\n" + "<details><summary>Which?</summary>x</details>\n" * 3),
        MARKDOWN("## Key points\n\n- one\n- two"),
        MARKDOWN("## Going deeper\n\nThis section is optional."),
        MARKDOWN("## Next\n\n[05](05_authenticate_docker.ipynb)"),
    ]


def faults(cells: list, tmp_path) -> list[str]:
    path = tmp_path / "04_create_a_repository.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=copy.deepcopy(cells)), path)
    return shape.faults(path)


def test_the_right_shape_has_no_faults(tmp_path):
    assert faults(right(), tmp_path) == []


def test_going_deeper_can_be_left_out(tmp_path):
    assert faults([*right()[:-2], right()[-1]], tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# 04 ·", "# Create", "the title"),
        ("You create a repository.", "what you do", "one sentence that promises"),
        ("**13 minutes**", "*13 minutes*", "no line “**N minutes**"),
        ("step by step", "concepts", "Part 2"),
        ("strip-04", "way-04", "no strip"),
        ("- **You need** Docker\n", "", "You need"),
        ("## Know this already?", "## Before", "the second cell"),
        ("[Exercise 04.2](#x)", "it", "name the exercise"),
        ("](#x)", "](x)", "by an anchor"),
        ("Go on to [05](05_", "Go on to [06](06_", "link to the next notebook"),
        ("connect()", "None", "does not connect"),
        ('catch_up("04")', 'catch_up("05")', "catch_up"),
        ("## 2. Second", "## 3. Second", "not numbered 1, 2, 3"),
        ("## 2. Second", "## What can go wrong", "troubles.json"),
        ("## Key points", "## Points", "last headings"),
        ("### Exercise 04.2", "### Exercise 04.3", "not numbered in order"),
        ('prepare("04.2")', "pass", "something broken"),
        ('check("04.1")', "pass", "no check"),
        ("<summary>Which?</summary>", "Which?", "0 questions"),
        ("- one\n- two", "none", "key points"),
        ("This section is optional.", "More.", "optional"),
        ("[05](05_authenticate_docker.ipynb)", "a\n\nb\n\nc", "one or two lines"),
    ],
)
def test_a_deviation_is_found(old, new, fault, tmp_path):
    cells = right()
    for cell in cells:
        cell.source = cell.source.replace(old, new)
    assert fault in "\n".join(faults(cells, tmp_path))


@pytest.mark.parametrize(("tag", "fault"), [("solution", "no folded solution"), ("exercise", "with the tag exercise")])
def test_a_missing_tag_is_found(tag, fault, tmp_path):
    cells = right()
    for cell in cells:
        cell.metadata["tags"] = [each for each in course.tags(cell) if each != tag]
    assert fault in "\n".join(faults(cells, tmp_path))


def test_a_third_exercise_is_found(tmp_path):
    cells = right()
    cells[-4:-4] = exercise("04.3", "pass")
    assert "3 exercises" in "\n".join(faults(cells, tmp_path))
