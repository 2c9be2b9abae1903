"""Known findings of the notebooks' tests that are not fixed yet. Do not add to this list.

Each test compares its findings with its entry here: a new finding fails, and so does an entry that is fixed.
"""

KNOWN: dict[str, set[str]] = {
    # helpers/data/troubles.json: errors that the sandbox can produce, but no cell does
    "caused": set(),
    # test_learning.py: what is missing from a question
    "questions": set(),
    # test_learning.py: prices in a section without a year
    "undated": set(),
    # test_glossary.py: terms that are used in a notebook before the one that introduces them
    "glossary": set(),
    # test_in_order.py (`make soak`): exercises that are not done after all notebooks have run in order
    "in order": set(),
    # test_simulated.py: services that a notebook uses and does not call simulated
    "simulated": set(),
    # test_aws.py: cells that work in the sandbox only and are not tagged
    "aws": set(),
}


def expected(gate: str, found: set[str]) -> None:
    """AssertionError unless a test found exactly what is known."""
    known = KNOWN[gate]
    assert not found - known, f"new: {sorted(found - known)}"
    assert not known - found, f"fixed, so remove it from tests/notebooks/known_findings.py: {sorted(known - found)}"
