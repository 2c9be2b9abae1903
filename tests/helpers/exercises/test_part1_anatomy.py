"""Exercise 01.1: a prediction of what the repository stores."""

import pytest

from helpers import settings, tiny_image
from helpers.exercises import checks

REPOSITORY = "anatomy/hello"


@pytest.fixture
def lab(plain, capsys):
    """A connected lab without an engine; the repository has the images v1 (also latest) and v2."""
    plain.client().create_repository(repositoryName=REPOSITORY, tags=[settings.TAG])
    tiny_image.put(plain, REPOSITORY, "v1", "latest")
    tiny_image.put(plain, REPOSITORY, "v2", greeting="Hello again!")
    capsys.readouterr()
    return plain


@pytest.fixture
def right(lab) -> dict:
    """The right prediction."""
    found = lab.client().batch_get_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "v1"}])["images"][0]
    longer = tiny_image.digest(f"{found['imageManifest']} ".encode())
    return {"digest": longer, "images": 3, "layers": 3}


def verdict(prediction: object = None) -> str:
    return checks.verdict("01.1", prediction)[1]


def test_the_right_prediction_passes_again_and_again(right):
    done = "✔ 01.1 one space makes another image: 3 images, but still 3 layers"
    assert verdict(right) == done
    assert verdict({**right, "images": "3"}) == done


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("prediction", [None, "three", {"digest": None, "images": 3, "layers": 3}])
def test_nothing_is_tried_before_everything_is_predicted(plain, prediction):
    assert verdict(prediction).startswith("✗ 01.1 there is no prediction yet")
    found = plain.client().list_images(repositoryName=REPOSITORY)["imageIds"]
    assert "spaced" not in [each["imageTag"] for each in found]


@pytest.mark.parametrize(("name", "value"), [("digest", "sha256:1e5f1dea"), ("images", 4), ("layers", 5)])
def test_a_wrong_prediction_is_named_with_what_to_think_about(right, name, value):
    wrong = verdict({**right, name: value})
    assert wrong.startswith(f"✗ 01.1 ECR stores something else: {name} is not {value}. Hint: ")
    assert str(right[name]) not in wrong


def test_the_check_compares_with_the_registry_and_not_with_numbers(lab, right):
    tiny_image.put(lab, REPOSITORY, "v3", greeting="Hello for the third time!")
    assert verdict(right).startswith("✗ 01.1 ECR stores something else: images is not 3")
    assert verdict({**right, "images": 4, "layers": 4}).startswith("✔ 01.1 ")


def test_the_prediction_needs_the_repository_of_the_notebook(lab, right):
    lab.client().delete_repository(repositoryName=REPOSITORY, force=True)
    assert verdict(right) == f"✗ 01.1 there is no repository {REPOSITORY} yet. Hint: run the notebook from its top."
