"""The console's words: numbers with their nouns."""

import pytest

from ecr_sandbox.console import words


@pytest.mark.parametrize(
    ("number", "noun", "shown"),
    [
        (0, "image", "0 images"),
        (1, "image", "1 image"),
        (2, "day", "2 days"),
        (1000, "repository", "1,000 repositories"),
    ],
)
def test_a_number_with_its_noun(number, noun, shown):
    assert words.counted(number, noun) == shown
