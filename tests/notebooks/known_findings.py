"""The known findings of the notebooks' tests, which are not fixed yet; the list only gets shorter.

Each test compares its findings with its entry here: a new finding fails, and so does an entry that is fixed.
"""

KNOWN: dict[str, set[str]] = {
    # helpers/data/troubles.json: errors that no notebook explains
    "told": set(),
    # … and errors that the sandbox can cause, but no cell does
    "caused": set(),
    # test_minutes.py: the promise is not what is measured (`python -m tests.notebooks.minutes` says what to promise)
    "minutes": set(),
    # test_minutes.py: notebooks that ran longer than 15 s when they were measured
    "seconds": set(),
    # test_learning.py: what a question lacks
    "questions": set(),
    # test_learning.py: prices in a section without a year
    "undated": set(),
    # test_reading.py: terms that are used in a notebook before the one that introduces them
    "glossary": set(),
    # test_in_order.py (`make soak`): exercises that are not right when all notebooks run one after the other
    "in order": set(),
    # test_simulated.py: what a notebook uses and does not call simulated
    "simulated": set(),
    # test_aws.py: cells that work in the sandbox only and do not say so
    "aws": set(),
}


def expected(gate: str, found: set[str]) -> None:
    """AssertionError unless a test found exactly what is known."""
    known = KNOWN[gate]
    assert not found - known, f"new: {sorted(found - known)}"
    assert not known - found, f"fixed, so remove it from tests/notebooks/known_findings.py: {sorted(known - found)}"
