"""Each kind of exercise 05.2."""

import pytest

from helpers.exercises.broken import kinds


@pytest.mark.usefixtures("with_engine")
@pytest.mark.parametrize("name", kinds.names("05.2"))
def test_a_kind(name, runs):
    runs("05.2", name)
