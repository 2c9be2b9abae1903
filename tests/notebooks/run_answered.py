"""Runs notebooks with the solutions of their exercises; a cell that raises does not end the rest.

    python -m tests.notebooks.run_answered [NUMBER …]

It prints the cells that raise. The rehearsal kills it at random moments.
"""

import sys

from nbclient import NotebookClient

from tests.notebooks import course
from tests.notebooks.test_solutions import answered


def main(arguments: list[str]) -> int:
    """Run the notebooks of these numbers; 1 if a cell raised."""
    failed = 0
    for path in course.named(arguments):
        notebook = answered(course.read(path), with_wrong_answers=False)
        where = {"metadata": {"path": str(course.FOLDER)}}
        options = {"timeout": course.CELL_TIMEOUT, "allow_errors": True, "resources": where}
        NotebookClient(notebook, kernel_name="python3", **options).execute()
        for cell in course.code(notebook):
            for error in (each for each in cell.outputs if each.output_type == "error"):
                print(f"{path.name}: {error.ename}: {error.evalue}\n{cell.source}\n", flush=True)
                failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
