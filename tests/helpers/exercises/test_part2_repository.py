"""Exercises 04.1 and 04.2."""

from helpers import settings
from helpers.exercises import checks


def printed(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_the_first_repository_is_immutable_and_tagged(plain, capsys):
    ecr = plain.client()
    checks.check("04.1")
    ecr.create_repository(repositoryName="my-first-repo", tags=[settings.TAG])
    checks.check("04.1")
    checks.check("04.2")
    ecr.put_image_tag_mutability(repositoryName="my-first-repo", imageTagMutability="IMMUTABLE")
    ecr.put_image_scanning_configuration(
        repositoryName="my-first-repo", imageScanningConfiguration={"scanOnPush": True}
    )
    checks.check("04.1")
    checks.check("04.2")
    assert printed(capsys) == [
        "✗ 04.1 there is no repository my-first-repo yet. Hint: run aws ecr create-repository (notebook 04).",
        "✗ 04.1 the tags of my-first-repo are MUTABLE. "
        "Hint: --image-tag-mutability, or put-image-tag-mutability later.",
        "✗ 04.2 my-first-repo does not scan on push. Hint: put-image-scanning-configuration changes it.",
        "✔ 04.1 my-first-repo exists and its tags are immutable",
        "✔ 04.2 my-first-repo scans each image that is pushed",
    ]


def test_a_scan_rule_of_the_registry_counts(plain):
    ecr = plain.client()
    ecr.create_repository(repositoryName="my-first-repo", tags=[settings.TAG])
    for pattern, done in {"other-*": False, "my-*": True, "*": True}.items():
        filters = [{"filter": pattern, "filterType": "WILDCARD"}]
        ecr.put_registry_scanning_configuration(
            scanType="BASIC", rules=[{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": filters}]
        )
        assert checks.verdict("04.2")[0] == done
