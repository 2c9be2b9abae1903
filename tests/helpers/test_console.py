"""Addresses of the console, of the sandbox and of AWS."""

import pytest
import requests

from helpers import console
from helpers.lab import Lab


def on_aws(region: str) -> Lab:
    return Lab("aws", "111122223333", region, "registry", "https://api", "registry/demo-app-repo")


@pytest.mark.parametrize(
    ("region", "page", "address"),
    [
        (
            "eu-west-3",
            "ecr/private-registry/repositories",
            "https://eu-west-3.console.aws.amazon.com/ecr/private-registry/repositories?region=eu-west-3",
        ),
        (
            "us-east-1",
            "ecr/repositories/private/demo-app-repo",
            "https://us-east-1.console.aws.amazon.com/ecr/repositories/private/111122223333/demo-app-repo"
            "?region=us-east-1",
        ),
        (
            "us-east-1",
            "ecs/task-definitions",
            "https://us-east-1.console.aws.amazon.com/ecs/v2/task-definitions?region=us-east-1",
        ),
        (
            "cn-north-1",
            "ecr/create-repository",
            "https://cn-north-1.console.amazonaws.cn/ecr/create-repository?region=cn-north-1",
        ),
        (
            "us-gov-west-1",
            "ecr/create-repository",
            "https://us-gov-west-1.console.amazonaws-us-gov.com/ecr/create-repository?region=us-gov-west-1",
        ),
    ],
)
def test_a_page_on_aws(region, page, address):
    assert console.address(on_aws(region), page) == address


@pytest.mark.parametrize(
    "pages", [[], ["ecr/create-repository"], ["ecr/repositories/private/demo-app-repo"], ["ecs/task-definitions"]]
)
def test_a_page_of_the_sandbox_is_there(plain, capsys, pages):
    plain.client().create_repository(repositoryName="demo-app-repo")
    plain.console(*pages)
    answer = requests.get(capsys.readouterr().out.strip(), timeout=60)
    assert answer.ok
    assert "ECR sandbox console" in answer.text
