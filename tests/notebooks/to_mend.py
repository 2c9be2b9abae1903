"""What the gates find in the notebooks and nobody has mended yet; it only gets shorter.

Each gate compares what it finds with its entry here: a new finding fails, and so does an entry that was mended and is
still listed.
"""

TO_MEND: dict[str, set[str]] = {
    # helpers/data/troubles.json: what stands in no notebook
    "told": set(),
    # … and what the sandbox can cause, but no cell does
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
    """AssertionError unless a gate found exactly what is known."""
    known = TO_MEND[gate]
    assert not found - known, f"new: {sorted(found - known)}"
    assert not known - found, f"mended, so take out of tests/notebooks/to_mend.py: {sorted(known - found)}"
