"""May Lambda have this image? Its service principal must be let in by the repository's policy.

Source: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html, "Amazon ECR permissions": Lambda adds the
statement itself if the caller may read and set the policy of the repository, which is in the caller's account.
"""

import json
from collections.abc import Callable
from typing import Any

from ecr_sandbox.http.middleware import Request
from ecr_sandbox.iam import principals
from ecr_sandbox.iam.authorization import Denied, denied_sentence, permit
from ecr_sandbox.registry import events, image_name
from ecr_sandbox.registry.images import ACTIVE, Image
from ecr_sandbox.registry.manifest_format import INDEXES
from ecr_sandbox.services.ecr.authorization import repository_request
from ecr_sandbox.services.ecr.backend import backend
from moto.ecr.exceptions import RepositoryNotFoundException

from . import errors
from .authorization import SERVICE

NEEDED = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
SID = "LambdaECRImageRetrievalPolicy"
ADDED = (*NEEDED, "ecr:SetRepositoryPolicy", "ecr:DeleteRepositoryPolicy", "ecr:GetRepositoryPolicy")


def checked(image: str, function: str, request: Request, setting: Callable[[], Any]) -> str:
    """The digest of *image*, which the function of this ARN is to be; raises ApiError in Lambda's words.

    What has to be changed in the repository's policy is changed within *setting*().
    """
    home, name = image_name.registry_account(image), image_name.parse(image)
    if home is None or not _says_which(image):
        raise errors.invalid_image(image)
    account, region = home
    try:
        repository = backend(account, region).repository(name.path)
    except RepositoryNotFoundException:
        raise errors.no_such_image(image) from None
    if not _let_in(account, region, name.path, function):
        _add_statement(account, region, name.path, function, request, setting)
    found = repository.images.find(tag=None if name.digest else name.tag, digest=name.digest)
    if found is None or found.status != ACTIVE:  # in the archive
        raise errors.no_such_image(image)
    if found.media_type in INDEXES:
        raise errors.unsupported_image(image)
    _pulled(found, account, region, name.path, name.tag)
    return found.digest


def _pulled(found: Image, account: str, region: str, path: str, tag: str | None) -> None:
    events.publish(events.Pulled(account, region, path, found.digest, tag, SERVICE))


def _says_which(image: str) -> bool:
    """Lambda takes no ``latest`` that nobody wrote."""
    return "@" in image or ":" in image.rpartition("/")[2]


def _let_in(account: str, region: str, path: str, function: str) -> bool:
    owner = function.split(":")[4]
    facts = {"aws:SourceArn": function, "aws:SourceAccount": owner, "aws:RequestedRegion": region}
    lambdas = principals.service(SERVICE, account)
    return all(
        denied_sentence(lambdas, repository_request(each, account, region, path), facts) is None for each in NEEDED
    )


def _add_statement(
    account: str, region: str, path: str, function: str, request: Request, setting: Callable[[], Any]
) -> None:
    assert request.principal
    if request.principal.account != account:
        raise errors.not_allowed()
    try:
        for action in ("ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"):
            permit(request, repository_request(action, account, region, path), region)
    except Denied:
        raise errors.not_allowed() from None
    with setting():
        repository = backend(account, region).repository(path)
        policy: dict[str, Any] = json.loads(repository.policy or '{"Version": "2008-10-17", "Statement": []}')
        there = policy["Statement"]
        others = [each for each in (there if isinstance(there, list) else [there]) if each.get("Sid") != SID]
        repository.policy = json.dumps({**policy, "Statement": [*others, _statement(account, region)]})
    if not _let_in(account, region, path, function):  # another statement denies it
        raise errors.not_allowed()


def _statement(account: str, region: str) -> dict[str, Any]:
    functions = f"arn:aws:lambda:{region}:{account}:function:*"
    return {
        "Sid": SID,
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": list(ADDED),
        "Condition": {"StringLike": {"aws:sourceArn": functions}},
    }
