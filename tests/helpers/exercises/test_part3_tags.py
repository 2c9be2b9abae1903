"""Exercises 11.1 and 11.2: every correct way counts, and typical mistakes have a hint."""

import json

import pytest

from helpers import tiny_image
from helpers.exercises import checks
from helpers.exercises.part3_look_after import DEPLOYED, PROTECTED


@pytest.fixture
def lab(plain, capsys):
    """A connected lab without an engine, with notebook 11's two repositories as its exercises find them."""
    ecr = plain.client()
    for name in (PROTECTED, DEPLOYED):
        ecr.create_repository(repositoryName=name)
    capsys.readouterr()
    return plain


def lock(lab, mode, *patterns):
    """Set the mutability of the first exercise's repository."""
    more = {"imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": each} for each in patterns]}
    lab.client().put_image_tag_mutability(
        repositoryName=PROTECTED, imageTagMutability=mode, **(more if patterns else {})
    )


RIGHT = "✔ 11.1 all tags of demo-protected-repo are locked, except nightly and branch-…"


def test_tag_exclusion_filters_are_tested_with_example_tags(lab):
    assert checks.verdict("11.1")[1].startswith("✗ 11.1 a tag latest could still move: the mode is MUTABLE, the filt")
    for mode, patterns, expected in [
        ("MUTABLE_WITH_EXCLUSION", ["nightly", "branch-*"], "✗ 11.1 a tag latest could still move"),
        ("IMMUTABLE", [], "✗ 11.1 a tag nightly cannot move"),
        ("IMMUTABLE_WITH_EXCLUSION", ["branch-*"], "✗ 11.1 a tag nightly cannot move"),
        ("IMMUTABLE_WITH_EXCLUSION", ["nightly", "branch-"], "✗ 11.1 a tag branch-login cannot move"),
        ("IMMUTABLE_WITH_EXCLUSION", ["nightly*", "branch-*"], "✗ 11.1 a tag nightly-2 could still move"),
        ("IMMUTABLE_WITH_EXCLUSION", ["nightly", "branch*"], "✗ 11.1 a tag branch could still move"),
        ("IMMUTABLE_WITH_EXCLUSION", ["*nightly", "branch-*"], "✗ 11.1 a tag a-nightly could still move"),
        ("IMMUTABLE_WITH_EXCLUSION", ["nightly", "*branch-*"], "✗ 11.1 a tag release-branch-1 could still move"),
        ("IMMUTABLE_WITH_EXCLUSION", ["nightly", "branch-*", "latest"], "✗ 11.1 a tag latest could still move"),
        ("IMMUTABLE_WITH_EXCLUSION", ["nightly", "branch-*"], RIGHT),
        ("IMMUTABLE_WITH_EXCLUSION", ["branch-*", "nightly", "branch-release"], RIGHT),
    ]:
        lock(lab, mode, *patterns)
        assert checks.verdict("11.1")[1].startswith(expected), (mode, patterns)


def push(lab, release: str, *tags: str) -> str:
    """Put an image with the label ``release`` there; its manifest."""
    blobs = tiny_image.layers(f"release {release}")
    config, manifest = tiny_image.describe(blobs)
    content = json.loads(config)
    content["config"]["Labels"] = {"release": release} if release else None
    config = json.dumps(content).encode()
    written = json.loads(manifest)
    written["config"] |= {"digest": tiny_image.digest(config), "size": len(config)}
    for blob in (*blobs, config):
        tiny_image._upload(lab, DEPLOYED, blob)
    for tag in tags:
        give(lab, json.dumps(written), tag)
    return json.dumps(written)


def give(lab, manifest: str, tag: str) -> None:
    lab.client().put_image(repositoryName=DEPLOYED, imageManifest=manifest, imageTag=tag)


def test_rollback_must_point_to_release_1(lab):
    assert checks.verdict("11.2")[1] == (
        "✗ 11.2 latest is not there. Hint: run the notebook from its top: the story pushes it."
    )
    monday = push(lab, "1", "latest")
    tuesday = push(lab, "2", "latest")
    assert checks.verdict("11.2")[1].startswith("✗ 11.2 demo-deploy-repo has no tag rollback yet.")
    give(lab, tuesday, "rollback")
    assert checks.verdict("11.2")[1].startswith("✗ 11.2 rollback is release 2, and release 1 ran on Monday.")
    push(lab, "", "rollback")
    assert checks.verdict("11.2")[1].startswith("✗ 11.2 rollback is release unknown, and release 1 ran on Monday.")
    give(lab, monday, "rollback")
    assert checks.verdict("11.2") == (True, "✔ 11.2 rollback points to the image that ran on Monday")


def test_a_missing_repository_is_reported(plain):
    for number, name in {"11.1": PROTECTED, "11.2": DEPLOYED}.items():
        assert checks.verdict(number)[1].startswith(f"✗ {number} there is no repository {name} yet.")
