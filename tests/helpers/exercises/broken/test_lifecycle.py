"""Each kind of exercise 12.3."""

import pytest

from helpers.exercises.broken import kinds


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", kinds.names("12.3"))
def test_a_kind(name, runs):
    runs("12.3", name)
