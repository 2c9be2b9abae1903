"""Whether Lambda may use an image: the repository's policy must allow Lambda's service principal to pull.

Source: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html, "Amazon ECR permissions": Lambda adds the
statement if the repository is in the caller's account and the caller may read and set its policy.
"""

import json
from typing import Any

from ecr_sandbox.http.middleware import Request
from ecr_sandbox.iam import principals
from ecr_sandbox.iam.authorization import Denied, denied_sentence, permit
from ecr_sandbox.registry import events, image_name
from ecr_sandbox.registry.image import ACTIVE
from ecr_sandbox.registry.image_source import ImageSource
from ecr_sandbox.registry.manifest_format import INDEXES

from . import errors
from .authorization import SERVICE

NEEDED = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
SID = "LambdaECRImageRetrievalPolicy"
ADDED = (*NEEDED, "ecr:SetRepositoryPolicy", "ecr:DeleteRepositoryPolicy", "ecr:GetRepositoryPolicy")


def checked(source: ImageSource, image: str, function: str, request: Request) -> str:
    """The digest of *image* in *source*, for the function of this ARN; raises ApiError with Lambda's sentence."""
    home, name = image_name.registry_account(image), image_name.parse(image)
    if home is None or not _names_tag_or_digest(image):
        raise errors.invalid_image(image)
    account, region = home
    images = source.images(account, region, name.path)
    if images is None:
        raise errors.no_such_image(image)
    if not _is_allowed(source, account, region, name.path, function):
        _add_statement(source, account, region, name.path, function, request)
    found = images.find(tag=None if name.digest else name.tag, digest=name.digest)
    if found is None or found.status != ACTIVE:  # archived
        raise errors.no_such_image(image)
    if found.media_type in INDEXES:
        raise errors.unsupported_image(image)
    events.publish(events.Pulled(account, region, name.path, found.digest, name.tag, SERVICE))
    return found.digest


def _names_tag_or_digest(image: str) -> bool:
    """Lambda does not default to ``latest``."""
    return "@" in image or ":" in image.rpartition("/")[2]


def _is_allowed(source: ImageSource, account: str, region: str, path: str, function: str) -> bool:
    owner = function.split(":")[4]
    facts = {"aws:SourceArn": function, "aws:SourceAccount": owner, "aws:RequestedRegion": region}
    principal = principals.service(SERVICE, account)
    requests = (source.authorization_request(action, account, region, path) for action in NEEDED)
    return all(denied_sentence(principal, each, facts) is None for each in requests)


def _add_statement(source: ImageSource, account: str, region: str, path: str, function: str, request: Request) -> None:
    assert request.principal
    if request.principal.account != account:
        raise errors.not_allowed()
    try:
        for action in ("ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"):
            permit(request, source.authorization_request(action, account, region, path), region)
    except Denied:
        raise errors.not_allowed() from None
    source.change_policy(account, region, path, lambda policy: _with_statement(policy, account, region))
    if not _is_allowed(source, account, region, path, function):  # another statement denies it
        raise errors.not_allowed()


def _with_statement(text: str | None, account: str, region: str) -> str:
    """The repository policy *text* with the statement for the functions of this account and Region."""
    policy: dict[str, Any] = json.loads(text or '{"Version": "2008-10-17", "Statement": []}')
    existing = policy["Statement"]
    others = [each for each in (existing if isinstance(existing, list) else [existing]) if each.get("Sid") != SID]
    statement = {
        "Sid": SID,
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": list(ADDED),
        "Condition": {"StringLike": {"aws:sourceArn": f"arn:aws:lambda:{region}:{account}:function:*"}},
    }
    return json.dumps({**policy, "Statement": [*others, statement]})
