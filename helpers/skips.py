"""On a real account a cell tagged ``sandbox-only`` prints that it is skipped.

The text above such a cell says why it cannot work there. A cell that the learner has edited runs.
"""

from functools import cache

from helpers import course

TAG = "sandbox-only"
SKIPPED = "skipped on AWS: this works in the sandbox only, as the text above says"


def register(shell) -> None:
    """Register the replacement of such cells with this IPython."""
    if replace not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(replace)


def replace(lines: list[str]) -> list[str]:
    """The lines to run in place of these; without side effects, because IPython calls it more than once."""
    return [f"print({SKIPPED!r})\n"] if "".join(lines).strip() in sandbox_only() else lines


@cache
def sandbox_only() -> frozenset[str]:
    """The source of every cell with the tag."""
    return frozenset(
        cell.source.strip() for notebook in course.notebooks() for cell in notebook.cells if TAG in cell.tags
    )
