"""Exercises 11.1 and 11.2: every correct way counts, and typical mistakes have a hint."""

import contextlib
import io

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
    protect(lab, PROTECTED, mode, *patterns)


def protect(lab, name, mode, *patterns):
    """Set the mutability of a repository."""
    more = {"imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": each} for each in patterns]}
    lab.client().put_image_tag_mutability(repositoryName=name, imageTagMutability=mode, **(more if patterns else {}))


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


@pytest.fixture
def deployed(lab):
    """The digest of latest in the second repository, whose tags only dev-… may move."""
    for number in ("1", "2"):
        with contextlib.redirect_stdout(io.StringIO()):
            tiny_image.put(lab, DEPLOYED, "latest", greeting=number)
    protect(lab, DEPLOYED, "IMMUTABLE_WITH_EXCLUSION", "dev-*")
    return lab.client().describe_images(repositoryName=DEPLOYED, imageIds=[{"imageTag": "latest"}])["imageDetails"][0]


def test_the_deployment_must_name_the_digest_of_latest(lab, deployed):
    here, latest = f"{lab.registry}/{DEPLOYED}", deployed["imageDigest"]
    [other] = lab.client().list_images(repositoryName=DEPLOYED, filter={"tagStatus": "UNTAGGED"})["imageIds"]
    for answer, expected in [
        (None, "✗ 11.2 None is not an address in demo-deploy-repo."),
        (latest, f"✗ 11.2 {latest} is not an address in demo-deploy-repo."),
        (f"{lab.registry}/demo-app-repo@{latest}", f"✗ 11.2 {lab.registry}/demo-app-repo@"),
        (f"{here}:latest", f"✗ 11.2 {here}:latest names a tag, and a tag can be deleted"),
        (f"{here}@{other['imageDigest']}", "✗ 11.2 the address names another image than latest."),
        (f"{here}@{latest}", "✔ 11.2 the deployment names one image, and only dev-… can be overwritten"),
        (f"{here}:latest@{latest}", "✔ 11.2"),
    ]:
        assert checks.verdict("11.2", answer)[1].startswith(expected), answer


def test_only_the_developers_tags_may_move(lab, deployed):
    right = f"{lab.registry}/{DEPLOYED}@{deployed['imageDigest']}"
    for mode, patterns, expected in [
        ("MUTABLE", [], "✗ 11.2 a push could still overwrite demo-deploy-repo:latest."),
        ("IMMUTABLE", [], "✗ 11.2 developers cannot overwrite demo-deploy-repo:dev-ann."),
        ("MUTABLE_WITH_EXCLUSION", ["latest", "v*"], "✗ 11.2 a push could still overwrite demo-deploy-repo:1.4.2."),
        ("IMMUTABLE_WITH_EXCLUSION", ["dev*"], "✗ 11.2 a push could still overwrite demo-deploy-repo:developer."),
        ("IMMUTABLE_WITH_EXCLUSION", ["*dev-*"], "✗ 11.2 a push could still overwrite demo-deploy-repo:my-dev-1."),
        ("IMMUTABLE_WITH_EXCLUSION", ["dev-ann"], "✗ 11.2 developers cannot overwrite demo-deploy-repo:dev-42."),
        ("IMMUTABLE_WITH_EXCLUSION", ["dev-*"], "✔ 11.2"),
    ]:
        protect(lab, DEPLOYED, mode, *patterns)
        assert checks.verdict("11.2", right)[1].startswith(expected), (mode, patterns)


def test_latest_must_be_there(lab):
    protect(lab, DEPLOYED, "IMMUTABLE_WITH_EXCLUSION", "dev-*")
    assert checks.verdict("11.2", "x")[1].startswith("✗ 11.2 latest is not there.")


def test_a_missing_repository_is_reported(plain):
    for number, name in {"11.1": PROTECTED, "11.2": DEPLOYED}.items():
        assert checks.verdict(number)[1].startswith(f"✗ {number} there is no repository {name} yet.")
