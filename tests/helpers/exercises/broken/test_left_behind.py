"""Each kind of exercise 14.1."""

import pytest

from helpers.exercises.broken import kinds


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", kinds.names("14.1"))
def test_a_kind(name, runs):
    runs("14.1", name)
