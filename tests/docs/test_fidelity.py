"""docs/fidelity.md agrees with the code and the tests."""

import pytest

from ecr_sandbox.services.ecr_public.api import OPERATIONS as PUBLIC
from tests.docs.fidelity import DOCUMENT, Row, contradictions, document, marks, operations, rows

PROOFS = marks()
TABLE = rows(PROOFS)


def test_code_tests_and_model_agree():
    assert contradictions(TABLE, PROOFS) == []


def test_the_document_is_up_to_date():
    assert DOCUMENT.read_text() == document(TABLE), "write it again: python -m tests.docs.fidelity"


def test_every_operation_of_the_model_has_a_row():
    assert len(TABLE) == len({row.operation for row in TABLE}) == len(operations()) >= 62
    assert set(PUBLIC) <= set(operations("ecr-public"))


@pytest.mark.parametrize(
    ("row", "proofs", "partial", "message"),
    [
        (Row("PutImage", "full", "", ()), [], [], "no test proves PutImage"),
        (Row("PutImage", "partial", "x", ()), [], ["PutImage"], "no test proves PutImage"),
        (Row("PutImage", "no", "", ()), ["PutImage"], [], "a test proves PutImage, which is not here"),
        (Row("PutImage", "no", "", ()), ["EatImage"], [], "a test proves EatImage, which is no operation"),
        (Row("PutImage", "no", "", ()), [], ["PutImage"], "PARTIAL has PutImage, which is not here"),
    ],
)
def test_contradictions_are_reported(row, proofs, partial, message):
    assert contradictions([row], proofs, partial) == [message]


def test_marks_are_found_on_functions_and_methods(tmp_path):
    (tmp_path / "test_x.py").write_text(
        '@pytest.mark.operation("A", "B")\n@pytest.mark.slow("C")\ndef test_a(): ...\n'
        'class TestB:\n    @pytest.mark.operation("B")\n    def test_b(self): ...\n# pytest.mark.operation("D")\n'
    )
    assert marks(tmp_path) == {"A": {"test_x.py"}, "B": {"test_x.py"}}
