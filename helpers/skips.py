"""On a real account a cell tagged ``sandbox-only`` does not run: it prints that it is skipped.

The text above such a cell says why it cannot work there. A cell that was edited runs as it is.
"""

from functools import cache

from helpers import course

TAG = "sandbox-only"
SKIPPED = "skipped on AWS: this works in the sandbox only, as the text above says"


def register(shell) -> None:
    """Let this IPython put the sentence in the place of such cells."""
    if instead not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(instead)


def instead(lines: list[str]) -> list[str]:
    """What is run in the place of a cell with these lines; IPython asks more than once, so it only computes."""
    return [f"print({SKIPPED!r})\n"] if "".join(lines).strip() in sandbox_only() else lines


@cache
def sandbox_only() -> frozenset[str]:
    """The text of each cell of the course that is tagged so."""
    return frozenset(
        cell.source.strip() for notebook in course.notebooks() for cell in notebook.cells if TAG in cell.tags
    )
