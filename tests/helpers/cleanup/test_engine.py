"""Images in the Docker engine are found by their name."""

import pytest

from helpers.cleanup import engine


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("demo-app-repo:v1", "demo-app-repo"),
        ("localhost:5050/demo-app-repo:v1", "localhost:5050/demo-app-repo"),
        ("localhost:5050/demo-app-repo", "localhost:5050/demo-app-repo"),
        ("localhost:5050/demo-app-repo@sha256:ab", "localhost:5050/demo-app-repo"),
        ("demo-app-repo-of-mine:v1", "demo-app-repo-of-mine"),
    ],
)
def test_an_image_name_without_its_tag_or_digest(name, stem):
    assert engine._stem(name) == stem
