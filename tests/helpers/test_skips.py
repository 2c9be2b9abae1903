"""On a real account, cells that work in the sandbox only print that they are skipped."""

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import course, lab, skips

YESTERDAY = "%%bash\necho yesterday"


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """IPython as it is in a kernel on AWS, with a course of one notebook."""
    cells = [
        nbformat.v4.new_code_cell(YESTERDAY, metadata={"tags": ["sandbox-only"]}),
        nbformat.v4.new_code_cell("print('today')"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "05_log_in.ipynb")
    monkeypatch.setattr(course, "FOLDER", tmp_path)
    skips.sandbox_only.cache_clear()
    shell = InteractiveShell.instance()
    skips.register(shell)
    skips.register(shell)
    yield shell
    InteractiveShell.clear_instance()
    skips.sandbox_only.cache_clear()


def test_a_sandbox_only_cell_is_skipped(shell, capsys):
    assert shell.run_cell(YESTERDAY).success
    assert capsys.readouterr().out == f"{skips.SKIPPED}\n"


@pytest.mark.parametrize("cell", ["print('today')", f"{YESTERDAY} edited"])
def test_other_cells_run(shell, capsys, cell):
    shell.run_cell(cell)
    assert skips.SKIPPED not in capsys.readouterr().out
    assert skips.replace(cell.splitlines(keepends=True)) == cell.splitlines(keepends=True)


def test_the_transformer_is_registered_once(shell):
    assert shell.input_transformers_cleanup.count(skips.replace) == 1


@pytest.mark.parametrize(("target", "registers"), [("sandbox", False), ("aws", True)])
def test_connect_registers_the_transformer_on_aws_only(shell, target, registers):
    shell.input_transformers_cleanup.remove(skips.replace)
    lab._extend_ipython(target)
    assert (skips.replace in shell.input_transformers_cleanup) == registers
