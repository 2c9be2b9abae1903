"""Exercise 00.1: v2 must have other files than v1."""

import pytest

from helpers import settings, tiny_image
from helpers.exercises import checks


@pytest.fixture
def lab(plain):
    """A connected lab without an engine, with an empty demo-app-repo."""
    plain.client().create_repository(repositoryName=settings.REPOSITORY)
    return plain


def verdict() -> str:
    return checks.verdict("00.1")[1]


def test_both_versions_are_needed(lab):
    assert verdict().startswith("✗ 00.1 v1 is not in demo-app-repo yet.")
    tiny_image.put(lab, settings.REPOSITORY, "v1")
    assert verdict().startswith("✗ 00.1 v2 is not in demo-app-repo yet.")


def test_a_second_tag_of_the_same_image_is_not_enough(lab):
    tiny_image.put(lab, settings.REPOSITORY, "v1", "v2")
    assert verdict().startswith("✗ 00.1 v2 has the same files as v1.")


def test_an_image_with_other_files_passes(lab):
    tiny_image.put(lab, settings.REPOSITORY, "v1")
    tiny_image.put(lab, settings.REPOSITORY, "v2", greeting="Hello from my own image!")
    assert verdict() == "✔ 00.1 your version is in demo-app-repo as v2"


def test_v1_must_stay_as_it_was(lab):
    tiny_image.put(lab, settings.REPOSITORY, "v1", "v2", greeting="Hello from my own image!")
    assert verdict().startswith("✗ 00.1 v2 has the same files as v1.")


def test_without_the_repository_the_first_hint_is_to_create_it(plain):
    assert verdict().startswith("✗ 00.1 there is no repository demo-app-repo yet.")
