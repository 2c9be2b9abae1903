"""The address of a page of the console: the sandbox's own or, on AWS, the AWS Management Console's."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helpers.lab import Lab

REPOSITORIES = "ecr/private-registry/repositories"
PRIVATE = "ecr/repositories/private/"
# By partition; the Region comes first, as in the addresses that AWS's console shows.
HOSTS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
HOST = "console.aws.amazon.com"
ECS, ECS_ON_AWS = "ecs/", "ecs/v2/"


def console(lab: "Lab", page: str = REPOSITORIES) -> None:
    """Print the address of a *page* of the console, ``"ecr/create-repository"``, to click; the default is the list.

    The sandbox's paths are those of AWS, where that of a repository has the account, too, and that of ECS a version.
    """
    print(address(lab, page))


def address(lab: "Lab", page: str) -> str:
    """The address of *page*."""
    if lab.target == "sandbox":
        return f"{lab.registry_url}/console/{page}"
    page = page.replace(PRIVATE, f"{PRIVATE}{lab.account}/")
    if page.startswith(ECS):
        page = ECS_ON_AWS + page.removeprefix(ECS)
    return f"https://{lab.region}.{HOSTS.get(lab.partition, HOST)}/{page}?region={lab.region}"
