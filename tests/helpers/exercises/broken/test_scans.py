"""Each kind of exercise 10.3."""

import pytest

from helpers.exercises.broken import kinds


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", kinds.names("10.3"))
def test_a_kind(name, runs):
    runs("10.3", name)
