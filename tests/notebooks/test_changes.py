"""A changed output is reported in one line."""

import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from helpers import settings
from tests.notebooks.changes import what_changed


def stream(*lines: str, name: str = "stdout"):
    return new_output("stream", name=name, text="".join(f"{line}\n" for line in lines))


def shown(**data: str):
    return new_output("display_data", data={kind.replace("_", "/"): text for kind, text in data.items()})


# A run that does not use the tests' sandbox; with --unclean, it does not clean up an account either.
ENVIRONMENT = os.environ | {"ECR_TUTORIAL_TARGET": "aws", "ECR_TUTORIAL_KEEP_STATE": "1"}
BROKE = new_output("error", ename="ValueError", evalue="no such tag", traceback=[])


@pytest.mark.parametrize(
    ("stored", "printed", "line"),
    [
        ([stream("one", "two")], [stream("one", "two")], ""),
        ([stream("one", "two")], [stream("one"), stream("two")], ""),
        ([stream("id 17")], [stream("id 18")], ""),  # the pattern replaces it
        ([stream("one", "two")], [stream("one", "three")], "stdout, line 2: expected “two”, got “three”"),
        ([stream("one", "two")], [stream("one")], "stdout, line 2: expected “two”, got nothing more"),
        ([stream("one")], [stream("one", "two")], "stdout, line 2: expected nothing more, got “two”"),
        ([stream("one")], [], "no stdout came, expected “one”"),
        ([], [stream("oh", name="stderr")], "unexpected stderr: “oh”"),
        ([stream("one")], [stream("one"), BROKE], "it raised ValueError: no such tag"),
        ([shown(text_html="<b>1</b>")], [shown(text_html="<b>2</b>")], "text/html, line 1: expected “<b>1</b>”, got"),
        ([stream("a" * 500 + "b")], [stream("a" * 500 + "c")], f"stdout, line 1: expected “…{'a' * 80}b”, got “…"),
    ],
)
def test_the_first_difference_is_reported(stored, printed, line):
    change = what_changed(stored, printed, lambda text: re.sub(r"id \d+", "ID", text))
    assert change.startswith(line) and bool(change) == bool(line)
    assert "\n" not in change


def nbval(folder, *cells, options=()):
    """The output of nbval for a notebook with these *cells*, which must fail."""
    nbformat.write(new_notebook(cells=list(cells)), folder / "99_try.ipynb")
    how = ["-c", "pyproject.toml", "-p", "conftest", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *how, "--nbval", "--unclean", folder, *options]
    ran = subprocess.run(command, cwd=settings.PROJECT, env=ENVIRONMENT, capture_output=True, text=True)
    assert ran.returncode == 1
    return ran.stdout


@pytest.mark.parametrize("quiet", [[], ["-q"]], ids=["", "quiet"])
def test_nbval_reports_the_first_difference(tmp_path, quiet):
    cell = new_code_cell("print('one')\nprint('two')", execution_count=1, outputs=[stream("one", "2")])
    output = nbval(tmp_path, cell, options=quiet)
    assert "99_try.ipynb, In [1]: stdout, line 2: expected “2”, got “two”" in output
    assert "assert reference_output" not in output
    assert re.search(r"1 notebook in \d+ s, of which .*99_try took \d+ s", output)


def test_a_timeout_is_reported(tmp_path):
    cell = new_code_cell("import time; time.sleep(600)", execution_count=1, outputs=[stream("one")])
    assert "Timeout of 1 seconds exceeded" in nbval(tmp_path, cell, options=["--nbval-cell-timeout=1"])


def test_an_error_before_the_first_cell_is_reported(tmp_path):
    (tmp_path / "conftest.py").write_text("def pytest_runtest_setup(item):\n    raise OSError('the engine is gone')\n")
    output = nbval(tmp_path, new_code_cell("print('one')", execution_count=1, outputs=[stream("one")]))
    assert "the engine is gone" in output and "INTERNALERROR" not in output


def test_a_temporary_file_left_by_a_notebook_is_reported(tmp_path):
    source = "import tempfile\nwith tempfile.TemporaryDirectory(prefix='gone-'): folder = tempfile.mkdtemp('-left')"
    output = nbval(tmp_path, new_code_cell(source, execution_count=1, outputs=[]))
    assert re.search(r"The notebooks left temporary files: \w+-left\n", output)
