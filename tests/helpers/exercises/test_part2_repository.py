"""Exercise 04.1."""

from helpers import settings
from helpers.exercises import checks


def printed(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_the_first_repository_is_immutable_and_tagged(plain, capsys):
    ecr = plain.client()
    checks.check("04.1")
    ecr.create_repository(repositoryName="my-first-repo", tags=[settings.TAG])
    checks.check("04.1")
    ecr.put_image_tag_mutability(repositoryName="my-first-repo", imageTagMutability="IMMUTABLE")
    checks.check("04.1")
    assert printed(capsys) == [
        "✗ 04.1 there is no repository my-first-repo yet. Hint: run aws ecr create-repository (notebook 04).",
        "✗ 04.1 the tags of my-first-repo are MUTABLE. "
        "Hint: --image-tag-mutability, or put-image-tag-mutability later.",
        "✔ 04.1 my-first-repo exists and its tags are immutable",
    ]
