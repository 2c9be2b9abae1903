"""Exercise 12.1: every correct way counts, and typical mistakes have a hint."""

import json

import pytest

from helpers.exercises import checks
from helpers.exercises.part3_look_after import LIFECYCLE

RELEASES = {"tagStatus": "tagged", "tagPatternList": ["v*"], "countType": "imageCountMoreThan", "countNumber": 10}
BUILDS = {"tagStatus": "tagged", "tagPatternList": ["dev-*"], "countType": "imageCountMoreThan", "countNumber": 3}
LEFTOVERS = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}
BY_PREFIX = {"tagStatus": "tagged", "tagPrefixList": ["v"], "countType": "imageCountMoreThan", "countNumber": 10}
ANY = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 3}
RIGHT = "✔ 12.1 demo-lifecycle-repo keeps 10 releases, 3 builds, and leftovers for 7 days"


@pytest.fixture
def lab(plain, capsys):
    plain.client().create_repository(repositoryName=LIFECYCLE)
    capsys.readouterr()
    return plain


def put(lab, *selections):
    rules = [{"rulePriority": n, "selection": s, "action": {"type": "expire"}} for n, s in enumerate(selections, 1)]
    text = json.dumps({"rules": rules})
    lab.client().put_lifecycle_policy(repositoryName=LIFECYCLE, lifecyclePolicyText=text)


def test_a_lifecycle_policy_is_tested_with_example_images(lab):
    assert checks.verdict("12.1")[1] == (
        "✗ 12.1 demo-lifecycle-repo has no lifecycle policy. Hint: put_lifecycle_policy takes the text."
    )
    for selections, expected in [
        ([LEFTOVERS], "✗ 12.1 v1.0 would stay"),
        ([RELEASES, BUILDS], "✗ 12.1 a leftover of 8 days would stay"),
        ([RELEASES, LEFTOVERS], "✗ 12.1 dev-1 would stay"),
        ([RELEASES, BUILDS, {**LEFTOVERS, "countNumber": 5}], "✗ 12.1 a leftover of 6 days would expire"),
        ([{**RELEASES, "countNumber": 11}, BUILDS, LEFTOVERS], "✗ 12.1 v3.0 would stay"),
        ([{**RELEASES, "countNumber": 9}, BUILDS, LEFTOVERS], "✗ 12.1 v4.0 would expire"),
        ([RELEASES, BUILDS, LEFTOVERS, ANY], "✗ 12.1 latest would expire"),
        ([{**RELEASES, "tagPatternList": ["v*", "dev-*"]}, LEFTOVERS], "✗ 12.1 v1.0 would stay"),
        ([RELEASES, BUILDS, LEFTOVERS], RIGHT),
        ([LEFTOVERS, BUILDS, BY_PREFIX], RIGHT),
    ]:
        put(lab, *selections)
        assert checks.verdict("12.1")[1].startswith(expected), selections


def test_an_archive_rule_is_not_accepted(lab):
    rules = [
        {
            "rulePriority": n,
            "selection": each,
            "action": {"type": "transition", "targetStorageClass": "archive"},
        }
        for n, each in enumerate((RELEASES, BUILDS, LEFTOVERS), 1)
    ]
    text = json.dumps({"rules": rules})
    lab.client().put_lifecycle_policy(repositoryName=LIFECYCLE, lifecyclePolicyText=text)
    assert checks.verdict("12.1")[1].startswith("✗ 12.1 v1.0 would stay")


def test_a_missing_repository_is_reported(plain):
    assert checks.verdict("12.1")[1].startswith("✗ 12.1 there is no repository demo-lifecycle-repo yet.")
