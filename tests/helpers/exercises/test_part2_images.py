"""Exercises 06.2 and 07.2, with images that no engine has."""

from types import SimpleNamespace

import pytest

from helpers import settings
from helpers.exercises import checks, part2_step_by_step
from helpers.exercises.checks import NotYet

NAME = f"{settings.REPOSITORY}:release"
LAB = SimpleNamespace(repository_uri="localhost:5050/demo-app-repo")
RIGHT = {"new_layers": 0, "same_id": False, "starts_on": "linux/arm64"}
NUMBERS = {"1.4.0": 2, "1.4.1": 3, "1.5.0": 4}


def built(id: str, *layers: str, version: str = "dev") -> SimpleNamespace:
    labels = {"org.opencontainers.image.version": version}
    attributes = {"Os": "linux", "Architecture": "arm64", "RootFS": {"Layers": layers}, "Config": {"Labels": labels}}
    return SimpleNamespace(id=id, attrs=attributes)


def verdict(monkeypatch, images: dict, number: str, answer: object) -> str:
    def local_image(lab, name):
        if name not in images:
            raise NotYet(f"no image {name}", "build it")
        return images[name]

    monkeypatch.setattr(part2_step_by_step, "local_image", local_image)
    monkeypatch.setattr(checks.labs, "current", lambda: LAB)
    return checks.verdict(number, answer)[1]


@pytest.mark.parametrize(
    ("layers", "version", "prediction", "expected"),
    [
        ("ab", "1.0.0", RIGHT, f"✔ 06.2 {NAME} is version 1.0.0, starts on linux/arm64 and has 0 new layers"),
        ("ac", "1.0.0", {**RIGHT, "new_layers": 1}, "✔ 06.2"),
        ("ab", "dev", RIGHT, f"✗ 06.2 the version written into {NAME} is dev"),
        ("ab", "1.0.0", {**RIGHT, "starts_on": None}, "✗ 06.2 there is no prediction yet"),
        ("ab", "1.0.0", "all", "✗ 06.2 there is no prediction yet"),
        ("ac", "1.0.0", RIGHT, "✗ 06.2 Docker shows something else: new_layers is not 0"),
        ("ab", "1.0.0", {**RIGHT, "same_id": True}, "✗ 06.2 Docker shows something else: same_id is not True"),
        ("ab", "1.0.0", {**RIGHT, "starts_on": "linux/amd64"}, "✗ 06.2 Docker shows something else: starts_on"),
    ],
)
def test_the_release_is_compared_with_the_prediction(monkeypatch, layers, version, prediction, expected):
    images = {settings.REPOSITORY: built("1", "a", "b"), NAME: built("2", *layers, version=version)}
    assert verdict(monkeypatch, images, "06.2", prediction).startswith(expected)


@pytest.mark.parametrize(
    ("moved", "numbers", "expected"),
    [
        ({}, NUMBERS, "✔ 07.2 9 addresses point to 3 images, as the rule says"),
        ({"1.4": "1.4.0"}, NUMBERS, "✗ 07.2 $REPOSITORY_URI:1.4 is not release 1.4.1"),
        ({"1": "1.4.1"}, NUMBERS, "✗ 07.2 $REPOSITORY_URI:1 is not release 1.5.0"),
        ({"git-9f8e7d6": None}, NUMBERS, "✗ 07.2 no image localhost:5050/demo-app-repo:git-9f8e7d6"),
        ({}, {**NUMBERS, "1.4.0": 3}, "✗ 07.2 Docker shows something else: 1.4.0 is not 3"),
        ({}, None, "✗ 07.2 there is no prediction yet"),
    ],
)
def test_each_address_points_to_the_release_that_the_rule_names(monkeypatch, moved, numbers, expected):
    where = {tag: version for version, tags in part2_step_by_step.RELEASES.items() for tag in tags} | moved
    images = {f"{settings.REPOSITORY}:{version}": SimpleNamespace(id=version, tags=[version]) for version in NUMBERS}
    for tag, version in where.items():
        if version:
            image = images[f"{settings.REPOSITORY}:{version}"]
            images[f"{LAB.repository_uri}:{tag}"] = image
            image.tags.append(f"{LAB.repository_uri}:{tag}")
    assert verdict(monkeypatch, images, "07.2", numbers).startswith(expected)
