"""The checks of notebooks 00 to 03."""

import contextlib
import os

from helpers import impersonate, names, settings
from helpers.lab import Lab

from . import permissions, teams
from .checks import NotYet, compare, exercise, predicted
from .lookup import digests_by_tag, docker_hub_status, image, layers, stored_manifest, stored_text

EXAMPLE = names.renamed("anatomy/hello")  # the repository of notebook 01
GUARDED = f"{settings.PREFIX}guarded-repo"  # the repository of notebook 03
PREDICTIONS = {  # what to think about after a wrong prediction
    "digest": "it is the SHA-256 checksum of the whole text, with the space",
    "images": "an image has one digest, and may have several tags",
    "layers": "look for digests that occur in more than one manifest",
}


@exercise("00.1")
def ships_own_version(lab: Lab) -> str:
    """v2 is in demo-app-repo, and some of its files differ from those of v1."""
    name = settings.REPOSITORY
    image(lab, name, "v1", "run the notebook from its top, and leave v1 as it is")
    image(lab, name, "v2", "use docker build, docker tag and docker push as for v1")
    if layers(lab, name, "v2") == layers(lab, name, "v1"):
        raise NotYet("v2 has the same files as v1", "change GREETING in my_app/app.py, save it, and build again")
    return f"your version is in {name} as v2"


@exercise("01.1")
def predicts_what_is_stored(lab: Lab, prediction: object = None) -> str:
    """The prediction of what the repository stores with v1's manifest, one space longer, as another image.

    The check puts that manifest under the tag spaced, and compares.
    """
    ecr = lab.client()
    predicted(prediction)  # before the check puts an image
    manifest = stored_text(lab, EXAMPLE, "v1")
    with contextlib.suppress(ecr.exceptions.ImageAlreadyExistsException):
        ecr.put_image(repositoryName=EXAMPLE, imageManifest=f"{manifest} ", imageTag="spaced")
    tags = digests_by_tag(lab, EXAMPLE)
    images = set(tags.values())
    manifests = [stored_manifest(lab, EXAMPLE, imageDigest=image) for image in images]
    stored = {layer["digest"] for each in manifests for layer in each["layers"]}
    actual = {"digest": tags["spaced"], "images": len(images), "layers": len(stored)}
    compare(prediction, actual, PREDICTIONS, "ECR stores")
    return f"one space makes another image: {len(images)} images, but still {len(stored)} layers"


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
    with impersonate.as_user(lab, f"{settings.PREFIX}reader") as session:
        if session is None:
            raise NotYet("there is no user demo-reader", "run the cell above: it creates the user")
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
def builder_has_least_privilege(lab: Lab) -> str:
    """demo-builder can push to demo-shop/web and pull demo-shop/base, and nothing more: simulated from its policies."""
    builder = permissions.of_user(lab.client("iam"), f"{settings.PREFIX}builder")
    if builder is None:
        raise NotYet("there is no user demo-builder", "run the cell above: it creates the user")
    repository = f"arn:{lab.partition}:ecr:{lab.region}:{lab.account}:repository/"
    shop = f"{repository}{settings.PREFIX}shop"
    web, base, other = f"{shop}/web", f"{shop}/base", f"{repository}of-another-team"
    if not permissions.allowed(builder, permissions.PASSWORD, "*"):
        raise NotYet("demo-builder cannot log in", f'allow {permissions.PASSWORD}, with "Resource": "*"')
    for arn, needed in ((web, permissions.PUSH), (base, permissions.PULL)):
        for action in sorted(needed):
            if not permissions.allowed(builder, action, arn):
                raise NotYet(f"demo-builder cannot do {action} on {_name(arn)}", "allow this action on this repository")
    for action in sorted(permissions.PULL):
        if permissions.allowed(permissions.without_boundary(builder), action, other):
            raise NotYet(f"demo-builder can do {action} on any repository", "write the ARNs of the two repositories")
    if more := permissions.beyond(lab, builder, web, *permissions.PUSH) or permissions.beyond(lab, builder, base):
        raise NotYet(f"demo-builder can also do {more}", "write one statement for each of the three resources")
    return "demo-builder can push to demo-shop/web and pull demo-shop/base, and nothing more"


def _name(arn: str) -> str:
    return arn.rpartition("repository/")[2]
