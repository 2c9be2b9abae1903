"""Each kind of exercise 04.2."""

import pytest

from helpers.exercises.broken import kinds


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", kinds.names("04.2"))
def test_a_kind(name, runs):
    runs("04.2", name)
