"""Rules for every notebook."""

import ast
import json
import re

import nbformat
import pytest

from helpers import settings
from tests.notebooks import course

SECRETS = re.compile(r"A(?:KIA|SIA)(?!IOSFODNN7EXAMPLE)[A-Z0-9]{16}|eyJ[\w-]{40,}|QVdTO[\w+/=]{40,}|password=\S{20,}")
MACHINE = re.compile(r"/(?:home|root|Users|tmp|work|var/lib|builds)/[\w.-]+")
IGNORED_CELLS_ALLOWED = 0

every_notebook = pytest.mark.parametrize("path", course.PATHS, ids=lambda path: path.stem)


def test_there_are_notebooks():
    assert {path.name[:2] for path in course.PATHS} >= {"00", "01", "02", "04"}


@every_notebook
def test_it_is_a_valid_notebook(path):
    nbformat.validate(course.read(path))


@every_notebook
def test_outputs_are_committed_so_that_nbval_compares_something(path):
    for number, cell in enumerate(course.code(course.read(path)), 1):
        assert cell.execution_count == number, f"cell {number} was not recorded in order: make record"


@every_notebook
def test_errors_occur_only_in_cells_tagged_for_them(path):
    for cell in course.code(course.read(path)):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        announced = "raises-exception" in course.tags(cell)
        assert bool(errors) == announced, cell.source


@every_notebook
def test_every_cell_prints_something(path):
    for cell in course.code(course.read(path)):
        assert any(text.strip() for text in course.texts(cell)) or "exercise" in course.tags(cell), (
            f"the cell prints nothing: {cell.source}"
        )


@every_notebook
def test_no_secret_and_no_machine_path(path):
    text = re.sub(r'"image/png": "[^"]+"', "", path.read_text())  # base64 can contain any word
    assert not SECRETS.findall(text)
    for everywhere in ("/tmp/demo", "/var/lib/apt/lists"):
        text = text.replace(everywhere, "")
    assert not MACHINE.findall(text)


@every_notebook
def test_cells_are_short_and_python_parses(path):
    for cell in course.code(course.read(path)):
        assert len(cell.source.splitlines()) <= 15, cell.source
        if not cell.source.startswith("%%"):
            ast.parse("\n".join(line for line in cell.source.splitlines() if not line.startswith("%")))


@every_notebook
def test_shell_cells_are_bash_or_live(path):
    for cell in course.code(course.read(path)):
        assert not re.search(r"^\s*!", cell.source, re.MULTILINE), "a line with ! runs on a terminal: use %%bash"


@every_notebook
def test_no_notebook_contains_a_script(path):
    assert "<script" not in path.read_text()


@every_notebook
def test_pictures_exist_and_have_an_alt_text(path):
    for cell in course.read(path).cells:
        for text, picture in re.findall(
            r"!\[([^\]]*)\]\(([^)]+)\)", cell.source if cell.cell_type == "markdown" else ""
        ):
            assert (course.FOLDER / picture).exists(), picture
            assert len(text) > 20, f"{picture} needs an alt text that describes it"


@every_notebook
def test_links_resolve(path):
    headings = re.findall(r"^#+ (.+)$", course.prose(course.read(path)), re.MULTILINE)
    anchors = {f"#{heading.replace(' ', '-')}" for heading in headings}  # as JupyterLab writes them
    for cell in course.read(path).cells:
        if cell.cell_type == "markdown":
            for link in course.links(cell.source):
                page = link.split("#")[0]
                there = link in anchors if link.startswith("#") else (course.FOLDER / page).exists()
                assert there or link.startswith(("http://", "https://")), link


@every_notebook
def test_ignored_and_skipped_cells_are_few_and_explained(path):
    ignored = [
        cell
        for cell in course.read(path).cells
        if {"nbval-ignore-output", "nbval-skip"} & set(course.tags(cell)) or "NBVAL_" in cell.source
    ]
    assert len(ignored) <= IGNORED_CELLS_ALLOWED


@every_notebook
def test_the_kernel_is_python3(path):
    assert json.loads(path.read_text())["metadata"]["kernelspec"]["name"] == "python3"


def test_no_notebook_contains_the_project_folder():
    for path in course.PATHS:
        assert str(settings.PROJECT) not in path.read_text()
