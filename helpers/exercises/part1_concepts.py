"""The checks of notebooks 00 to 03."""

import contextlib
import os

import ecr_sandbox
from helpers import cleanup, impersonate, settings
from helpers.lab import Lab

from . import teams
from .checks import NotYet, exercise
from .lookup import digests_by_tag, docker_hub_status, layers, repository, stored_manifest, stored_text

EXAMPLE = "anatomy/hello"  # the repository of notebook 01
GUARDED = "demo-guarded-repo"  # the repository of notebook 03
PREDICTIONS = {  # what to think about after a wrong prediction
    "digest": "it is the SHA-256 checksum of the whole text, with the space",
    "images": "an image has one digest, and may have several tags",
    "layers": "look for digests that occur in more than one manifest",
}
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
def predicts_what_is_stored(lab: Lab, prediction: object = None) -> str:
    """The prediction of what the repository stores with v1's manifest, one space longer, as another image.

    The check puts that manifest under the tag spaced, and compares.
    """
    ecr = lab.client()
    if not isinstance(prediction, dict) or None in prediction.values():
        raise NotYet("there is no prediction yet", "replace each None and run that cell")
    manifest = stored_text(lab, EXAMPLE, "v1")
    with contextlib.suppress(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(repositoryName=EXAMPLE, imageManifest=f"{manifest} ", imageTag="spaced")
    tags = digests_by_tag(lab, EXAMPLE)
    images = set(tags.values())
    manifests = [stored_manifest(lab, EXAMPLE, imageDigest=image) for image in images]
    stored = {layer["digest"] for each in manifests for layer in each["layers"]}
    actual = {"digest": tags["spaced"], "images": len(images), "layers": len(stored)}
    for name, value in actual.items():
        if str(prediction.get(name)) != str(value):
            raise NotYet(f"ECR stores something else: {name} is not {prediction.get(name)}", PREDICTIONS[name])
    return f"one space makes another image: {len(images)} images, but still {len(stored)} layers"


@exercise("01.2")
def latest_is_deleted(lab: Lab) -> str:
    """The tag latest is deleted, and its image is still v1."""
    tags = digests_by_tag(lab, EXAMPLE)
    if "v1" not in tags:
        raise NotYet("v1 is gone too", "run the notebook from its top; then delete by tag, not by digest")
    if "latest" in tags:
        raise NotYet(f"{EXAMPLE} still has the tag latest", "batch_delete_image with imageTag, not imageDigest")
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
            "POST …/repositories/learner/hello/privacy, once the one private repository of the plan is free",
        )
    if docker_hub_status(name, "learner", secret) != 200:
        raise NotYet(
            f"you cannot pull {name}:v1 either: it is gone, or locked", "push it again, as public, then make it private"
        )
    return f"you can pull {name} from the stand-in and anonymous clients cannot"


@exercise("02.2")
def chooses_registries(lab: Lab, answer: object = None) -> str:
    """The answer names the registry that suits each of the three teams that were drawn."""
    found = teams.drawn()
    if not found:
        raise NotYet("no teams are drawn yet", "run the cell with teams.show()")
    chosen = answer if isinstance(answer, dict) else {}
    for label, team in found.items():
        choice = chosen.get(label)
        if choice is None:
            raise NotYet(f"there is no answer for team {label} yet", "replace each None and run that cell")
        if choice not in teams.registries():
            raise NotYet(f"{choice} is not one of the registries", f"write one of {', '.join(teams.registries())}")
        if choice != team.suits:
            raise NotYet(f"{choice} is not the best choice for team {label}", team.hint)
    return "; ".join(f"{label}: {team.suits}, because {team.because}" for label, team in found.items())


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
            raise NotYet("demo-reader cannot log in", 'ecr:GetAuthorizationToken, with "Resource": "*"')
        if request("GET", f"manifests/{min(tags)}") != 200:
            raise NotYet("demo-reader may not read the manifest", f"ecr:BatchGetImage on {GUARDED}")
        if request("GET", f"blobs/{layers(lab, GUARDED, min(tags))[0]}") not in (200, 307):
            raise NotYet("demo-reader gets the manifest but no layer", f"ecr:GetDownloadUrlForLayer on {GUARDED}")
        if more := _allowed_change(session.client("ecr")):
            raise NotYet(f"demo-reader may also {more}", "pulling needs two actions on the repository, no more")
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
        raise NotYet(f"{GUARDED} has no policy yet", "set_repository_policy") from None
    for action, what in PULL.items():
        if not _policy_allows(policy, other, action, arn):
            raise NotYet(f"account {other} may not read {what}", f"{action} for arn:aws:iam::{other}:root")
    for action in CHANGES:
        if _policy_allows(policy, other, action, arn):
            raise NotYet(f"account {other} would be allowed {action} too", "two actions, no more")
    if _policy_allows(policy, "444455556666", "ecr:BatchGetImage", arn):
        raise NotYet("every AWS account may pull too", f"name the account: arn:aws:iam::{other}:root")
    return f"account {other} may pull from {GUARDED}, but not push, and no third account may pull"


def _policy_allows(policy: str, account: str, action: str, arn: str) -> bool:
    """Whether the repository policy allows this action to a principal that has all permissions in another account."""
    root = f"arn:aws:iam::{account}:root"
    principal = ecr_sandbox.Principal(root, account, frozenset({root}), (ecr_sandbox.parse_policy(ALLOW_ALL),))
    request = ecr_sandbox.RequestContext(action, arn, arn.split(":")[4])
    return ecr_sandbox.decide(principal, request, [ecr_sandbox.parse_policy(policy)]).allowed
