"""Each kind of exercise 11.3."""

import pytest

from helpers.exercises.broken import kinds


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", kinds.names("11.3"))
def test_a_kind(name, runs):
    runs("11.3", name)
