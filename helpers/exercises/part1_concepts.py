"""The checks of notebooks 00 to 03."""

import os

import ecr_sandbox
from helpers import cleanup, impersonate, settings
from helpers.lab import Lab

from .checks import NotYet, exercise
from .lookup import digests_by_tag, docker_hub_status, ecr_public_status, layers, repository

EXAMPLE = "anatomy/hello"  # the repository of notebook 01
GUARDED = "demo-guarded-repo"  # the repository of notebook 03
PULL = {"ecr:BatchGetImage": "the manifest", "ecr:GetDownloadUrlForLayer": "the layers"}
CHANGES = ("ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:BatchDeleteImage", "ecr:SetRepositoryPolicy")
ALLOW_ALL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


@exercise("00.1")
def has_practice_profile(lab: Lab) -> str:
    """The AWS configuration has a profile practice whose region is Frankfurt."""
    import botocore.session

    profiles = botocore.session.Session().full_config["profiles"]
    if "practice" not in profiles:
        raise NotYet("there is no profile practice yet", "aws configure set … --profile practice")
    region = profiles["practice"].get("region")
    if region != "eu-central-1":
        raise NotYet(f"the region of the profile practice is {region}", "Frankfurt is eu-central-1")
    return "the profile practice is in Frankfurt"


@exercise("00.2")
def prints_tables(lab: Lab) -> str:
    """The environment makes aws print tables."""
    output = os.environ.get("AWS_DEFAULT_OUTPUT")
    if output != "table":
        raise NotYet(f"AWS_DEFAULT_OUTPUT is {output or 'not set'}", 'os.environ["AWS_DEFAULT_OUTPUT"] = …')
    return "aws prints tables, because the environment says so"


@exercise("01.1")
def stable_is_v1(lab: Lab) -> str:
    """stable points to the image of v1."""
    tags = digests_by_tag(lab, EXAMPLE)
    if "stable" not in tags:
        raise NotYet(f"{EXAMPLE} has no tag stable yet", "put_image, as in the loop with the twenty tags")
    if tags["stable"] != tags.get("v1"):
        raise NotYet("stable is not the image that v1 is", "put_image with the manifest of v1")
    return "stable and v1 are two names of one image"


@exercise("01.2")
def latest_is_deleted(lab: Lab) -> str:
    """The tag latest is deleted, and its image is still v1."""
    tags = digests_by_tag(lab, EXAMPLE)
    if "v1" not in tags:
        raise NotYet("v1 is gone too", "run the notebook from its top; then delete by tag, not by digest")
    if "latest" in tags:
        raise NotYet(f"{EXAMPLE} still has the tag latest", "use imageTag in batch_delete_image, not imageDigest")
    return "the tag latest is gone and its image is still there as v1"


@exercise("02.1")
def private_on_docker_hub(lab: Lab) -> str:
    """On the Docker Hub stand-in learner/hello exists, and anonymous clients cannot pull it."""
    name, secret = "learner/hello", os.environ.get("HUB_TOKEN", "")
    if not secret or "HUB" not in os.environ:
        raise NotYet("the Docker Hub stand-in is not in use yet", "run the notebook from its top")
    if docker_hub_status(name) == 200:
        raise NotYet(
            f"anonymous clients can still pull {name}",
            "make learner/diary public, since the plan has one private repository; then POST …/hello/privacy",
        )
    if docker_hub_status(name, "learner", secret) != 200:
        raise NotYet(
            f"you cannot pull {name}:v1 either: it is gone, or locked", "push it again, as public, then make it private"
        )
    return f"you can pull {name} from the stand-in and anonymous clients cannot"


@exercise("02.2")
def published_on_ecr_public(lab: Lab) -> str:
    """demo-public-own is on ECR Public, and anonymous clients can pull its image v1."""
    import boto3

    name = "demo-public-own"
    public = boto3.client("ecr-public", region_name=cleanup.PUBLIC_REGION)
    try:
        found = public.describe_repositories(repositoryNames=[name])["repositories"][0]
    except public.exceptions.RepositoryNotFoundException:
        raise NotYet(
            f"there is no public repository {name} yet", "run aws ecr-public create-repository in us-east-1"
        ) from None
    if ecr_public_status(lab, found["repositoryUri"].partition("/")[2], "v1") != 200:
        raise NotYet(
            f"{name} has no image v1 that anonymous clients can pull",
            "log in to $PUBLIC_REGISTRY, then docker tag and docker push",
        )
    return f"anyone can pull {name}:v1 from ECR Public"


@exercise("03.1")
def reader_can_only_pull(lab: Lab) -> str:
    """demo-reader can pull from the guarded repository and change nothing: tried with an access key of the user."""
    tags = digests_by_tag(lab, GUARDED)
    if not tags:
        raise NotYet(f"{GUARDED} holds no image to try with", "run the notebook from its top")
    with impersonate.as_user(lab, "demo-reader") as session:
        if session is None:
            raise NotYet("there is no user demo-reader", "run the cell above the exercise: it makes the user")
        request = impersonate.registry_client(lab, session, GUARDED)
        if request is None:
            raise NotYet("demo-reader cannot log in", 'allow ecr:GetAuthorizationToken with "Resource": "*"')
        if request("GET", f"manifests/{min(tags)}") != 200:
            raise NotYet("demo-reader may not read the manifest", f"allow ecr:BatchGetImage on {GUARDED}")
        if request("GET", f"blobs/{layers(lab, GUARDED, min(tags))[0]}") not in (200, 307):
            raise NotYet("demo-reader gets the manifest but no layer", f"allow ecr:GetDownloadUrlForLayer on {GUARDED}")
        if more := _allowed_change(session.client("ecr")):
            raise NotYet(f"demo-reader may also {more}", "allow only the two actions of a pull on the repository")
    return "demo-reader can pull and change nothing"


def _allowed_change(ecr) -> str:
    """A change that the owner of this client may make, tried in ways that change nothing; empty if there is none."""
    here = {"repositoryName": GUARDED}
    nothing = [{"imageDigest": "sha256:" + "0" * 64}]
    attempts = {
        "push layers": lambda: ecr.initiate_layer_upload(**here),
        "push images": lambda: ecr.put_image(**here, imageManifest="{}", imageTag="try"),
        "delete images": lambda: ecr.batch_delete_image(**here, imageIds=nothing),
        "change the repository policy": lambda: ecr.set_repository_policy(**here, policyText="{}"),
    }
    return next((what for what, attempt in attempts.items() if not impersonate.is_denied(attempt)), "")


@exercise("03.2")
def shared_with_one_account(lab: Lab) -> str:
    """The repository policy lets the second account pull, and nothing else; a third account may do neither."""
    ecr, other = lab.client(), cleanup.second_account(lab)
    if other is None:
        raise NotYet(f"needs a second account, as profile {settings.OTHER_PROFILE}", "do this one in the sandbox")
    arn = repository(lab, GUARDED)["repositoryArn"]
    try:
        policy = ecr.get_repository_policy(repositoryName=GUARDED)["policyText"]
    except ecr.exceptions.RepositoryPolicyNotFoundException:
        raise NotYet(f"{GUARDED} has no policy yet", "write one with set_repository_policy") from None
    for action, what in PULL.items():
        if not _policy_allows(policy, other, action, arn):
            raise NotYet(f"account {other} may not read {what}", f"allow {action} for arn:aws:iam::{other}:root")
    for action in CHANGES:
        if _policy_allows(policy, other, action, arn):
            raise NotYet(f"account {other} would be allowed {action} too", "allow only the two actions of a pull")
    if _policy_allows(policy, "444455556666", "ecr:BatchGetImage", arn):
        raise NotYet("every AWS account may pull too", f"name the account: arn:aws:iam::{other}:root")
    return f"account {other} may pull from {GUARDED}, but not push, and no third account may pull"


def _policy_allows(policy: str, account: str, action: str, arn: str) -> bool:
    """Whether the repository policy allows this action to a principal that has all permissions in another account."""
    root = f"arn:aws:iam::{account}:root"
    principal = ecr_sandbox.Principal(root, account, frozenset({root}), (ecr_sandbox.parse_policy(ALLOW_ALL),))
    request = ecr_sandbox.RequestContext(action, arn, arn.split(":")[4])
    return ecr_sandbox.decide(principal, request, [ecr_sandbox.parse_policy(policy)]).allowed
