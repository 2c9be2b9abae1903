"""Each kind of exercise 06.1."""

import pytest

from helpers.exercises.broken import kinds


@pytest.mark.usefixtures("with_engine")
@pytest.mark.parametrize("name", kinds.names("06.1"))
def test_a_kind(name, runs):
    runs("06.1", name)
