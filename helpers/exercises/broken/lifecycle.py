"""Exercise 12.3: the lifecycle policy of the repository ``demo-builds`` does not do what a team agreed on.

A policy is evaluated on example images, as in exercise 12.1, so nothing has to grow old.
"""

import json
import random
from collections.abc import Callable, Iterator

import ecr_sandbox
from helpers import settings
from helpers.lab import Lab

from . import images
from .kinds import Facts, Kind
from .tools import create_repository, delete_repository

NAME = f"{settings.PREFIX}builds"
DAY = 24 * 60 * 60
Example = tuple[str, tuple[str, ...], float, bool]  # its name, its tags, its age in days, whether it expires


def newest(count: int, *patterns: str) -> dict:
    """The selection of a rule that keeps so many images of these patterns."""
    return {
        "tagStatus": "tagged",
        "tagPatternList": list(patterns),
        "countType": "imageCountMoreThan",
        "countNumber": count,
    }


def older(days: int, status: str = "untagged", *patterns: str) -> dict:
    """The selection of a rule that expires images after so many days."""
    tags = {"tagPatternList": list(patterns)} if patterns else {}
    return {"tagStatus": status, **tags, "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}


def _break(*selections: dict, tags: Callable[[], Iterator[str]]) -> Callable[[Lab, random.Random], Facts]:
    """A function that creates the repository with this policy and with an image for each of the *tags*."""

    def break_state(lab: Lab, _: random.Random) -> Facts:
        ecr = lab.client()
        delete_repository(ecr, NAME)
        create_repository(lab, NAME)
        for number, tag in enumerate(tags()):
            images.push(ecr, NAME, {"app/build.txt": f"{number}\n".encode()}, *filter(None, [tag]))
        rules = [
            {"rulePriority": number, "selection": each, "action": {"type": "expire"}}
            for number, each in enumerate(selections, 1)
        ]
        ecr.put_lifecycle_policy(repositoryName=NAME, lifecyclePolicyText=json.dumps({"rules": rules}))
        return {}

    return break_state


def _wrong(examples: Callable[[], Iterator[Example]]) -> Callable[[Lab, Facts], str]:
    """A function that evaluates the policy on the examples."""

    def still_wrong(lab: Lab, facts: Facts) -> str:
        ecr = lab.client()
        try:
            text = ecr.get_lifecycle_policy(repositoryName=NAME)["lifecyclePolicyText"]
        except ecr.exceptions.LifecyclePolicyNotFoundException:
            return f"{NAME} has no lifecycle policy any more"
        except ecr.exceptions.RepositoryNotFoundException:
            return f"there is no repository {NAME} any more"
        found = list(examples())
        made = [ecr_sandbox.LifecycleImage(name, tags, -age * DAY) for name, tags, age, _ in found]
        verdicts = ecr_sandbox.evaluate_lifecycle(ecr_sandbox.parse_lifecycle_policy(text), made, 0)
        for name, _, _, expires in found:
            verdict = verdicts.get(name)
            if verdict and verdict.action != "expire":
                return f"{name} would move to another storage class"
            if verdict and not expires:
                return f"{name} would expire"
            if expires and not verdict:
                return f"{name} would stay"
        return ""

    return still_wrong


def _leftovers(days: int) -> Iterator[Example]:
    """Images without a tag that are a day younger and a day older than *days*."""
    for age in (days - 1, days + 1):
        yield f"an image without a tag of {age} days", (), age, age > days


def _numbered(prefix: str, count: int, stay: int, age: float = 100) -> Iterator[Example]:
    """*count* images ``<prefix>1`` and so on, of which the newest *stay* must stay."""
    for number in range(1, count + 1):
        yield f"{prefix}{number}", (f"{prefix}{number}",), age - number / 100, number <= count - stay


def _releases() -> Iterator[Example]:
    yield from _numbered("v1.", 60, stay=60, age=900)
    for age in (89, 91):
        yield f"the build main-{age} of {age} days", (f"main-{age}",), age, age > 90
    yield from _leftovers(7)


def _two_kinds_of_builds() -> Iterator[Example]:
    yield from _numbered("build-", 8, stay=5, age=30)
    yield from _numbered("test-", 8, stay=5, age=60)
    yield "the release v1.0", ("v1.0",), 500, False


def _builds() -> Iterator[Example]:
    yield from _numbered("build-", 9, stay=5, age=30)
    yield "the release v1.0", ("v1.0",), 500, False
    yield "the image rebuild-1", ("rebuild-1",), 500, False


def _main_builds() -> Iterator[Example]:
    yield from _numbered("build-main-", 12, stay=10, age=40)
    for age in (13, 15):
        yield f"the build build-ann of {age} days", (f"build-ann-{age}",), age, age > 14
    yield "the release v1.0", ("v1.0",), 500, False


def _only_leftovers() -> Iterator[Example]:
    yield from _leftovers(14)
    for number in range(20):
        yield f"an image without a tag of {number + 1} hours", (), (number + 1) / 24, False
    yield "the release v1.0", ("v1.0",), 500, False


def _tags(*prefixes: str, count: int = 7) -> Callable[[], Iterator[str]]:
    return lambda: (prefix and f"{prefix}{number}" for number in range(1, count + 1) for prefix in prefixes)


KINDS = {
    "expires-releases": Kind(
        _break(older(7), older(90, "any"), tags=_tags("v1.", "main-", "", count=3)), _wrong(_releases)
    ),
    "all-patterns": Kind(
        _break(newest(5, "build-*", "test-*"), tags=_tags("build-", "test-")), _wrong(_two_kinds_of_builds)
    ),
    "prefix-or-pattern": Kind(
        _break(
            {"tagStatus": "tagged", "tagPrefixList": ["build-*"], "countType": "imageCountMoreThan", "countNumber": 5},
            tags=_tags("build-", count=9),
        ),
        _wrong(_builds),
    ),
    "order": Kind(
        _break(
            older(14, "tagged", "build-*"), newest(10, "build-main-*"), tags=_tags("build-main-", "build-ann-", count=4)
        ),
        _wrong(_main_builds),
    ),
    "count-or-days": Kind(
        _break(
            {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 14},
            tags=_tags("", count=6),
        ),
        _wrong(_only_leftovers),
    ),
}
