"""What marks an exercise right: looks at the registry and the engine, never at how it was typed.

A check is a function that returns the sentence to print when the exercise is done, or raises ``NotYet`` with
what is missing and a hint. ``check("08.2")`` prints one line whatever happens.
"""

import importlib
import os
from collections.abc import Callable

from ecr_sandbox.errors import LabError

from helpers import cleanup, people, progress, settings, steps, trial, workloads
from helpers import lab as labs
from helpers.lab import Lab


class NotYet(Exception):
    """The exercise is not done: what is missing, and a hint."""

    def __init__(self, missing: str, hint: str):
        super().__init__(missing)
        self.missing, self.hint = missing, hint


Check = Callable[..., str]
CHECKS: dict[str, Check] = {}
IN_FILES_OF_THEIR_OWN = {"15": "helpers.capstone"}  # notebook -> where its checks are


def exercise(number: str) -> Callable[[Check], Check]:
    """Register the decorated function as the check of this exercise."""

    def register(function: Check) -> Check:
        if number in CHECKS:
            raise ValueError(f"Exercise {number} has a check already: {CHECKS[number].__name__}")
        CHECKS[number] = function
        return function

    return register


def check(number: str, answer: object = None) -> None:
    """Print whether this exercise is done: one line, with a hint when it is not. What is done counts as progress."""
    done, line = verdict(number, answer)
    if done:
        progress.note_exercise(number)
    print(line)


def verdict(number: str, answer: object = None) -> tuple[bool, str]:
    """``(done, line)`` of an exercise; never raises."""
    try:
        if own := IN_FILES_OF_THEIR_OWN.get(number[:2]):
            importlib.import_module(own)
        if number not in CHECKS:
            raise NotYet("is no exercise", f"there are {', '.join(sorted(CHECKS))}")
        return True, f"✔ {number} {CHECKS[number](labs.current(), *([] if answer is None else [answer]))}"
    except NotYet as missing:
        return False, f"✗ {number} {missing.missing}. Hint: {missing.hint}."
    except LabError as trouble:
        return False, f"✗ {number} could not be checked. Hint: {trouble}"
    except Exception as error:
        why = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        return False, f"✗ {number} could not be checked: {why}. Hint: run ecr-lab doctor."


# What the checks look at ---


def repository(lab: Lab, name: str) -> dict:
    """The repository as ECR describes it, or NotYet."""
    ecr = lab.client()
    try:
        return ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    except ecr.exceptions.RepositoryNotFoundException:
        raise NotYet(f"there is no repository {name} yet", "create-repository makes it (notebook 04)") from None


BEFORE_PUSH = "build and tag come before push (notebooks 06 and 07)"


def image(lab: Lab, name: str, tag: str, hint: str = BEFORE_PUSH) -> dict:
    """The image as ECR describes it, or NotYet."""
    repository(lab, name)
    ecr = lab.client()
    try:
        return ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])["imageDetails"][0]
    except ecr.exceptions.ImageNotFoundException:
        raise NotYet(f"{tag} is not in {name} yet", hint) from None


def stored(lab: Lab, name: str, **image_id: str) -> dict:
    """What is stored under a tag or a digest, a manifest or an index, or NotYet."""
    import json

    found = lab.client().batch_get_image(repositoryName=name, imageIds=[image_id])["images"]
    if not found:
        raise NotYet(f"{', '.join(image_id.values())} is not in {name} yet", BEFORE_PUSH)
    return json.loads(found[0]["imageManifest"])


def manifest(lab: Lab, name: str, tag: str) -> dict:
    """The manifest of the image itself, also where the tag names an index, as BuildKit's attestations make one."""
    said = stored(lab, name, imageTag=tag)
    if "manifests" in said:
        real = [m for m in said["manifests"] if m.get("platform", {}).get("os") != "unknown"]
        said = stored(lab, name, imageDigest=real[0]["digest"])
    return said


def layers(lab: Lab, name: str, tag: str) -> list[str]:
    """The digests of the layers that the image's manifest names, the base first."""
    return [layer["digest"] for layer in manifest(lab, name, tag)["layers"]]


def config(lab: Lab, name: str, tag: str) -> dict:
    """What the image's config says of how it runs, fetched from the registry as ``docker pull`` does."""
    import requests

    blob = manifest(lab, name, tag)["config"]["digest"]
    address = f"{'http' if lab.target == 'sandbox' else 'https'}://{lab.registry}/v2/{name}/blobs/{blob}"
    answer = requests.get(address, auth=("AWS", lab.password()), timeout=30)
    answer.raise_for_status()
    return answer.json().get("config") or {}


def labels(lab: Lab, name: str, tag: str) -> dict[str, str]:
    """The labels in the image's config."""
    return config(lab, name, tag).get("Labels") or {}


def local_image(lab: Lab, name: str):
    """The image of that name in the Docker engine, or NotYet."""
    import docker.errors

    try:
        return lab.engine().images.get(name)
    except docker.errors.ImageNotFound:
        shown = name.replace(lab.repository_uri, "$REPOSITORY_URI").replace(lab.registry, "$REGISTRY")
        raise NotYet(f"this machine has no image {shown} yet", "docker images lists what it has") from None


def digests_by_tag(lab: Lab, name: str) -> dict[str, str]:
    """The digest of the image that each tag of the repository points to."""
    repository(lab, name)
    pages = lab.client().get_paginator("list_images").paginate(repositoryName=name, filter={"tagStatus": "TAGGED"})
    return {each["imageTag"]: each["imageDigest"] for page in pages for each in page["imageIds"]}


def hub_answers(name: str, *who: str) -> int:
    """The status when the stand-in for Docker Hub is asked for v1 of *name*, by a stranger or by user and secret.

    Asked with HEAD, which counts as no pull.
    """
    import requests

    hub = f"http://{os.environ['HUB']}"
    scope = {"service": "registry.docker.io", "scope": f"repository:{name}:pull"}
    ticket = requests.get(f"{hub}/token", params=scope, auth=who or None, timeout=10)  # type: ignore[arg-type]
    if ticket.status_code != 200:
        return ticket.status_code
    headers = {"Authorization": f"Bearer {ticket.json()['token']}"}
    return requests.head(f"{hub}/v2/{name}/manifests/v1", headers=headers, timeout=10).status_code


def public_answers(lab: Lab, name: str, tag: str) -> int:
    """The status when a stranger pulls this image from ECR Public; *name* is ``alias/repository``."""
    import time

    import requests

    public = f"{'http' if lab.target == 'sandbox' else 'https'}://{os.environ['PUBLIC_REGISTRY']}"
    scope = {"service": "public.ecr.aws", "scope": "aws"}
    headers = {"Authorization": f"Bearer {requests.get(f'{public}/token/', params=scope, timeout=10).json()['token']}"}
    for _ in range(5):  # a stranger may pull one image a second
        status = requests.get(f"{public}/v2/{name}/manifests/{tag}", headers=headers, timeout=10).status_code
        if status != 429:
            break
        time.sleep(1)
    return status


# The exercises ---

EXAMPLE = "anatomy/hello"  # notebook 01's


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
    """The environment lets aws print tables."""
    output = os.environ.get("AWS_DEFAULT_OUTPUT")
    if output != "table":
        raise NotYet(f"AWS_DEFAULT_OUTPUT is {output or 'not set'}", 'os.environ["AWS_DEFAULT_OUTPUT"] = …')
    return "aws prints tables, because the environment says so"


@exercise("01.1")
def named_again(lab: Lab) -> str:
    """stable names the image that v1 names."""
    tags = digests_by_tag(lab, EXAMPLE)
    if "stable" not in tags:
        raise NotYet(f"{EXAMPLE} has no tag stable yet", "put_image, as in the loop with the twenty tags")
    if tags["stable"] != tags.get("v1"):
        raise NotYet("stable is not the image that v1 is", "put_image with the manifest of v1")
    return "stable and v1 are two names of one image"


@exercise("01.2")
def name_taken_away(lab: Lab) -> str:
    """The tag latest is gone, and the image that had it is still v1."""
    tags = digests_by_tag(lab, EXAMPLE)
    if "v1" not in tags:
        raise NotYet("v1 is gone too", "run the notebook from its top; then delete by tag, not by digest")
    if "latest" in tags:
        raise NotYet(f"{EXAMPLE} still has the tag latest", "batch_delete_image with imageTag, not imageDigest")
    return "the tag latest is gone and its image is still there as v1"


@exercise("02.1")
def closed_to_strangers(lab: Lab) -> str:
    """On the Docker Hub stand-in learner/hello is there, and a stranger cannot pull it."""
    name, secret = "learner/hello", os.environ.get("HUB_TOKEN", "")
    if not secret or "HUB" not in os.environ:
        raise NotYet("the stand-in was not asked for yet", "run the notebook from its top")
    if hub_answers(name) == 200:
        raise NotYet(
            f"a stranger can still pull {name}",
            "POST …/repositories/learner/hello/privacy, once the one private repository of the plan is free",
        )
    if hub_answers(name, "learner", secret) != 200:
        raise NotYet(
            f"you cannot pull {name}:v1 either: it is gone, or locked", "push it again, as public, then make it private"
        )
    return f"you can pull {name} from the stand-in and a stranger cannot"


@exercise("02.2")
def published(lab: Lab) -> str:
    """demo-public-own is on ECR Public, and its image v1 can be pulled by anybody."""
    import boto3

    name = "demo-public-own"
    public = boto3.client("ecr-public", region_name=cleanup.PUBLIC_REGION)
    try:
        found = public.describe_repositories(repositoryNames=[name])["repositories"][0]
    except public.exceptions.RepositoryNotFoundException:
        raise NotYet(
            f"there is no public repository {name} yet", "aws ecr-public create-repository, in us-east-1"
        ) from None
    if public_answers(lab, found["repositoryUri"].partition("/")[2], "v1") != 200:
        raise NotYet(
            f"{name} has no image v1 that a stranger can pull",
            "docker login to $PUBLIC_REGISTRY, docker tag, docker push",
        )
    return f"anybody can pull {name}:v1 from ECR Public"


GUARDED = "demo-guarded-repo"  # notebook 03's
PULL = {"ecr:BatchGetImage": "the manifest", "ecr:GetDownloadUrlForLayer": "the layers"}
ALL_AT_HOME = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


@exercise("03.1")
def reads_and_nothing_else(lab: Lab) -> str:
    """demo-reader can pull from the guarded repository, and change nothing in it: tried with a key of its own."""
    tags = digests_by_tag(lab, GUARDED)
    if not tags:
        raise NotYet(f"{GUARDED} holds no image to try with", "run the notebook from its top")
    with trial.as_user(lab, "demo-reader") as session:
        if session is None:
            raise NotYet("there is no user demo-reader", "run the cell above the exercise: it makes the user")
        wire = trial.wire(lab, session, GUARDED)
        if wire is None:
            raise NotYet("demo-reader may not even log in", 'ecr:GetAuthorizationToken, with "Resource": "*"')
        if wire("GET", f"manifests/{min(tags)}") != 200:
            raise NotYet("demo-reader may not read the manifest", f"ecr:BatchGetImage on {GUARDED}")
        if wire("GET", f"blobs/{layers(lab, GUARDED, min(tags))[0]}") not in (200, 307):
            raise NotYet("demo-reader gets the manifest but no layer", f"ecr:GetDownloadUrlForLayer on {GUARDED}")
        if more := _may_change(session.client("ecr")):
            raise NotYet(f"demo-reader may also {more}", "pulling needs two actions on the repository, no more")
    return "demo-reader can pull and change nothing"


@exercise("03.2")
def shared_with_one_account(lab: Lab) -> str:
    """By its policy the second account may pull from the guarded repository, not push; a third may do neither."""
    ecr, neighbour = lab.client(), people.neighbour(lab)
    if neighbour is None:
        raise NotYet(f"needs a second account, as profile {settings.OTHER_PROFILE}", "do this one in the sandbox")
    arn = repository(lab, GUARDED)["repositoryArn"]
    try:
        policy = ecr.get_repository_policy(repositoryName=GUARDED)["policyText"]
    except ecr.exceptions.RepositoryPolicyNotFoundException:
        raise NotYet(f"{GUARDED} has no policy yet", "set_repository_policy") from None
    for action, what in PULL.items():
        if not _lets_in(policy, neighbour, action, arn):
            raise NotYet(f"account {neighbour} may not read {what}", f"{action} for arn:aws:iam::{neighbour}:root")
    for action in ("ecr:PutImage", "ecr:InitiateLayerUpload", "ecr:BatchDeleteImage", "ecr:SetRepositoryPolicy"):
        if _lets_in(policy, neighbour, action, arn):
            raise NotYet(f"account {neighbour} would be allowed {action} too", "two actions, no more")
    if _lets_in(policy, "444455556666", "ecr:BatchGetImage", arn):
        raise NotYet("every AWS account there is may pull too", f"name the account: arn:aws:iam::{neighbour}:root")
    return f"account {neighbour} may pull from {GUARDED}, but not push, and no third account may pull"


def _lets_in(policy: str, account: str, action: str, arn: str) -> bool:
    """Whether the repository's policy lets somebody in who may do everything in an account of their own."""
    from ecr_sandbox.iam import evaluate as iam

    root = f"arn:aws:iam::{account}:root"
    somebody = iam.Principal(root, account, frozenset({root}), (iam.parse(ALL_AT_HOME),))
    return iam.decide(somebody, iam.RequestContext(action, arn, arn.split(":")[4]), [iam.parse(policy)]).allowed


def _may_change(ecr) -> str:
    """What the owner of this client may do beyond pulling, tried in ways that change nothing; empty if nothing."""
    here = {"repositoryName": GUARDED}
    nothing = [{"imageDigest": "sha256:" + "0" * 64}]
    attempts = {
        "push layers": lambda: ecr.initiate_layer_upload(**here),
        "push images": lambda: ecr.put_image(**here, imageManifest="{}", imageTag="try"),
        "delete images": lambda: ecr.batch_delete_image(**here, imageIds=nothing),
        "say who else may come in": lambda: ecr.set_repository_policy(**here, policyText="{}"),
    }
    return next((what for what, attempt in attempts.items() if not trial.is_denied(attempt)), "")


@exercise("04.1")
def made_immutable(lab: Lab) -> str:
    """my-first-repo exists, its tags are immutable, and clean-up can find it."""
    found = repository(lab, "my-first-repo")
    if found["imageTagMutability"] != "IMMUTABLE":
        mode = found["imageTagMutability"]
        raise NotYet(
            f"the tags of my-first-repo are {mode}",
            "--image-tag-mutability, or put-image-tag-mutability later",
        )
    notes = lab.client().list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
    if settings.TAG not in notes:
        raise NotYet(
            "my-first-repo has no note that this tutorial made it",
            "--tags Key=made-by,Value=learn-amazon-ecr, or tag-resource later",
        )
    return "my-first-repo exists and its tags are immutable"


@exercise("04.2")
def scans_on_push(lab: Lab) -> str:
    """my-first-repo scans what is pushed, by its own setting or by a rule of the registry, today's switch."""
    from ecr_sandbox.services.ecr.scan.rules import rule_for

    own = repository(lab, "my-first-repo").get("imageScanningConfiguration", {}).get("scanOnPush", False)
    config = lab.client().get_registry_scanning_configuration()["scanningConfiguration"]
    if not rule_for("my-first-repo", config, own).on_push:
        raise NotYet("my-first-repo does not scan on push", "put-image-scanning-configuration changes it")
    return "my-first-repo scans each image that is pushed"


@exercise("05.1")
def logged_in(lab: Lab) -> str:
    """Docker keeps a password that the registry accepts."""
    if not steps.is_logged_in(lab):
        raise NotYet(
            f"Docker has no valid password for {lab.registry}",
            "get-login-password on the left of the pipe, docker login on its right, the same registry",
        )
    return f"Docker is logged in to {lab.registry}"


@exercise("05.2")
def has_a_fresh_password(lab: Lab) -> str:
    """Docker's password of yesterday is replaced by one that the registry accepts."""
    if not steps.is_logged_in(lab):
        raise NotYet(
            "Docker still keeps a password that the registry refuses",
            "get_authorization_token, base64, the part behind the colon, docker login --password-stdin",
        )
    return f"Docker keeps a fresh password for {lab.registry}"


@exercise("06.1")
def built_with_a_version(lab: Lab) -> str:
    """demo-app-repo:release has version 1.0.0 written in and does not run as root."""
    name = f"{settings.REPOSITORY}:release"
    config = local_image(lab, name).attrs["Config"]
    version = (config.get("Labels") or {}).get("org.opencontainers.image.version")
    if version != "1.0.0":
        raise NotYet(f"the version written into {name} is {version}", "--build-arg APP_VERSION=1.0.0")
    if config.get("User", "").split(":")[0] in ("", "0", "root"):
        raise NotYet(f"{name} runs as root", "the USER line of the Dockerfile")
    return f"{name} is version 1.0.0 and does not run as root"


@exercise("06.2")
def built_for_fargate(lab: Lab) -> str:
    """demo-app-repo:fargate is made for linux/amd64."""
    name = f"{settings.REPOSITORY}:fargate"
    found = local_image(lab, name).attrs
    platform = f"{found['Os']}/{found['Architecture']}"
    if platform != "linux/amd64":
        raise NotYet(f"{name} is built for {platform}", "--platform linux/amd64 at the build")
    return f"{name} is built for linux/amd64"


@exercise("07.1")
def two_names_one_image(lab: Lab) -> str:
    """v1 and latest of the repository's address name the same image."""
    v1, latest = (local_image(lab, f"{lab.repository_uri}:{tag}") for tag in steps.TAGS)
    if v1.id != latest.id:
        raise NotYet("v1 and latest are two different images", "docker tag gives one image a second name")
    return f"{settings.REPOSITORY}:v1 and :latest are two names of one image"


@exercise("07.2")
def mended_the_name(lab: Lab) -> str:
    """The image has the valid form of 'Demo-App-Repo:Release Candidate 1'."""
    v1, release = (local_image(lab, f"{lab.repository_uri}:{tag}") for tag in ("v1", "release-candidate-1"))
    if v1.id != release.id:
        raise NotYet("release-candidate-1 is another image than v1", "docker tag takes the image first")
    return f"{settings.REPOSITORY}:release-candidate-1 is a valid name of the image"


@exercise("08.1")
def pushed_under_both_names(lab: Lab) -> str:
    """v1 and latest of the repository are the same image."""
    v1, latest = (image(lab, settings.REPOSITORY, tag, f"docker push …:{tag} sends it") for tag in steps.TAGS)
    if v1["imageDigest"] != latest["imageDigest"]:
        raise NotYet("v1 and latest are two different images", "docker tag the image of v1, then push latest")
    return f"v1 and latest are one image in {settings.REPOSITORY}"


@exercise("08.2")
def sent_only_what_changed(lab: Lab) -> str:
    """v2 is another image than v1 and shares layers with it."""
    first, second = (image(lab, settings.REPOSITORY, tag) for tag in ("v1", "v2"))
    if first["imageDigest"] == second["imageDigest"]:
        raise NotYet("v2 is the same image as v1", "change the app and build again before you tag and push")
    old, new = (layers(lab, settings.REPOSITORY, tag) for tag in ("v1", "v2"))
    shared = len(set(old) & set(new))
    if not shared:
        raise NotYet("v2 shares no layer with v1", "build it from the same Dockerfile and base image")
    return f"v2 is in {settings.REPOSITORY} and shares {shared} of its {len(new)} layers with v1"


@exercise("09.1")
def tagged_in_the_registry(lab: Lab) -> str:
    """stable names the image of v1 in the repository."""
    hint = "put_image takes the manifest of v1, and imageTag says the new tag"
    v1, stable = (image(lab, settings.REPOSITORY, tag, hint) for tag in ("v1", "stable"))
    if v1["imageDigest"] != stable["imageDigest"]:
        raise NotYet("stable is another image than v1", "put the manifest of v1 once more, as stable")
    return f"v1 and stable are one image in {settings.REPOSITORY}"


@exercise("09.2")
def pinned_what_ecr_calls_v1(lab: Lab) -> str:
    """demo-app-repo:pinned on this machine is the very image that ECR calls v1."""
    digest = image(lab, settings.REPOSITORY, "v1")["imageDigest"]
    pinned = local_image(lab, f"{settings.REPOSITORY}:pinned")
    if f"{lab.repository_uri}@{digest}" not in pinned.attrs["RepoDigests"]:
        raise NotYet("pinned is another image than ECR's v1", "pull it by the digest that ECR shows for v1")
    return f"{settings.REPOSITORY}:pinned is exactly the image that ECR calls v1"


SCANNED = "demo-scan-repo"  # notebook 10's
TEAM, NOT_TEAM = ("team-shop", "team-shop/api", "team-1"), ("shop", "my-team-shop", "steam-shop", "demo-app-repo")


@exercise("10.1")
def released_what_is_clean(lab: Lab) -> str:
    """In the image that has the tag release, the last scan found nothing."""
    image(lab, SCANNED, "release", "findings of each tag, then batch_get_image and put_image with imageTag release")
    ecr = lab.client()
    try:
        scan = ecr.describe_image_scan_findings(repositoryName=SCANNED, imageId={"imageTag": "release"})
    except ecr.exceptions.ScanNotFoundException:
        raise NotYet("release was not scanned", "start_image_scan, or section 8 once more") from None
    counts = scan.get("imageScanFindings", {}).get("findingSeverityCounts")
    if counts is None:
        raise NotYet("there is no result for release", "wait until the scan is complete")
    if counts:
        told = ", ".join(f"{number} {severity}" for severity, number in sorted(counts.items()))
        raise NotYet(f"release is an image with findings: {told}", "findingSeverityCounts of a clean image is empty")
    return f"release is an image of {SCANNED} in which nothing was found"


@exercise("10.2")
def scans_the_teams(lab: Lab) -> str:
    """The registry scans on push what is pushed to repositories whose names begin with team-, and to no other."""
    from ecr_sandbox.services.ecr.scan.rules import rule_for

    config = lab.client().get_registry_scanning_configuration()["scanningConfiguration"]
    if config["scanType"] != "BASIC":
        raise NotYet(f"the registry's type of scan is {config['scanType']}", "--scan-type BASIC")
    for name in TEAM:
        if not rule_for(name, config).on_push:
            raise NotYet(f"a repository {name} would not be scanned on push", "SCAN_ON_PUSH and a filter with a *")
    for name in NOT_TEAM:
        if rule_for(name, config).on_push:
            raise NotYet(
                f"a repository {name} would be scanned, too", "without a * a filter matches whatever has it in its name"
            )
    return "what is pushed to team-… is scanned, and nothing else"


PROTECTED, DEPLOYED = "demo-protected-repo", "demo-deploy-repo"  # notebook 11's
MAY_MOVE = ("nightly", "branch-login", "branch-42")
MAY_NOT = ("latest", "v1", "1.4.2", "git-1a2b3c4", "nightly-2", "branch", "a-nightly", "release-branch-1")


@exercise("11.1")
def locks_all_but_two(lab: Lab) -> str:
    """In demo-protected-repo every tag is locked but nightly and branch-…; which filters say so does not matter."""
    from ecr_sandbox.services.ecr.tag_mutability import immutable

    found = repository(lab, PROTECTED)
    mode = found["imageTagMutability"]
    filters = [each["filter"] for each in found.get("imageTagMutabilityExclusionFilters") or []]
    for tag in MAY_NOT:
        if not immutable(tag, mode, filters):
            raise NotYet(
                f"a tag {tag} could still move: the mode is {mode}, the filters are {', '.join(filters) or 'none'}",
                "IMMUTABLE_WITH_EXCLUSION locks all tags but those that a filter names",
            )
    for tag in MAY_MOVE:
        if immutable(tag, mode, filters):
            raise NotYet(f"a tag {tag} cannot move", "it needs an exclusion filter that matches the whole tag")
    return f"all tags of {PROTECTED} are locked, except nightly and branch-…"


@exercise("11.2")
def rolled_back(lab: Lab) -> str:
    """In demo-deploy-repo rollback names release 1, while latest still names release 2."""
    tags = digests_by_tag(lab, DEPLOYED)
    if "latest" not in tags:
        raise NotYet("latest is not there", "run the notebook from its top: the story pushes it")
    if "rollback" not in tags:
        raise NotYet(f"{DEPLOYED} has no tag rollback yet", "batch_get_image by its digest, then put_image")
    release = labels(lab, DEPLOYED, "rollback").get("release")
    if release != "1":
        raise NotYet(
            f"rollback is release {release or 'unknown'}, and release 1 ran on Monday",
            "the image without a tag, before this exercise: list_images, tagStatus UNTAGGED",
        )
    return "rollback names the image that ran on Monday"


LIFECYCLE = "demo-lifecycle-repo"  # notebook 12's
KEEP_RELEASES, KEEP_BUILDS, LEFTOVER_DAYS = 10, 3, 7


@exercise("12.1")
def sweeps_by_three_rules(lab: Lab) -> str:
    """The policy keeps the newest releases and developers' builds, and leftovers for a week; however it is written."""
    from ecr_sandbox.services.ecr.lifecycle.evaluate import DAY, Image, evaluate
    from ecr_sandbox.services.ecr.lifecycle.policy import parse

    repository(lab, LIFECYCLE)
    ecr = lab.client()
    try:
        rules = parse(ecr.get_lifecycle_policy(repositoryName=LIFECYCLE)["lifecyclePolicyText"])
    except ecr.exceptions.LifecyclePolicyNotFoundException:
        raise NotYet(f"{LIFECYCLE} has no lifecycle policy", "put_lifecycle_policy takes the text") from None
    tried = [Image(f"v{n}.0", (f"v{n}.0",), -50 * DAY + n) for n in range(1, KEEP_RELEASES + 3)]
    tried += [Image(f"dev-{n}", (f"dev-{n}",), -60 * DAY + n) for n in range(1, KEEP_BUILDS + 3)]
    tried += [Image("latest", ("latest",), -90 * DAY), Image("one release with two tags", ("v0.1", "stable"), -DAY)]
    tried += [Image(f"a leftover of {n} days", (), -n * DAY) for n in (LEFTOVER_DAYS - 1, LEFTOVER_DAYS + 1)]
    goes = {"v1.0", "v2.0", "v3.0", "dev-1", "dev-2", f"a leftover of {LEFTOVER_DAYS + 1} days"}
    found = {name for name, verdict in evaluate(rules, tried, 0).items() if verdict.action == "expire"}
    for name in (each.digest for each in tried):
        if name in goes - found:
            raise NotYet(f"{name} would stay", "three rules: tagged v*, tagged dev-*, and untagged")
        if name in found - goes:
            raise NotYet(f"{name} would go", "imageCountMoreThan is the number of images that stay")
    return f"{LIFECYCLE} keeps {KEEP_RELEASES} releases, {KEEP_BUILDS} builds, and leftovers for {LEFTOVER_DAYS} days"


@exercise("12.2")
def costs_of_the_way(lab: Lab, usd: object = 0) -> str:
    """40 tasks a day that pull 250 MB through a NAT gateway, for 30 days."""
    from ecr_sandbox.services.cost_explorer import prices

    right = 40 * 0.25 * 30 * prices.usd("nat", "beside_ecr")
    if not isinstance(usd, int | float) or abs(usd - right) > 0.01:
        raise NotYet(f"{usd} is not what NAT costs", "tasks × gigabytes × days × the price of a gigabyte")
    return f"${right:.2f} a month, for pulls that ECR does not charge"


@exercise("13.1")
def ran_by_digest(lab: Lab) -> str:
    """A task of the family demo-pinned has run demo-app-repo by its digest, and ended with code 0."""
    ended = tasks_of(lab, "demo-pinned")
    if not ended:
        raise NotYet("no task of the family demo-pinned has stopped yet", "register_task_definition, then run_task")
    by_digest = [each for each in ended if f"/{settings.REPOSITORY}@sha256:" in each["containers"][0]["image"]]
    if not by_digest:
        raise NotYet(f"its image is {ended[0]['containers'][0]['image']}", "an address ends in @ and the digest")
    codes = [each["containers"][0].get("exitCode") for each in by_digest]
    if 0 not in codes:
        why = f"exit code {codes[0]}" if codes[0] is not None else by_digest[0]["stoppedReason"].partition(":")[0]
        raise NotYet(f"the task did not end well: {why}", "its log says more")
    return "demo-pinned ran the image of one digest, and ended with code 0"


@exercise("13.2")
def mended(lab: Lab) -> str:
    """A task of the family demo-broken has come up, with a role that may still not do everything."""
    ended = tasks_of(lab, "demo-broken")
    if not any("startedAt" in each for each in ended):
        raise NotYet("no task of demo-broken has run yet", "the last stoppedReason names a step of the pull")
    allowed = role_actions(lab, "demo-broken")
    if any("*" in action for action in allowed):
        raise NotYet("demo-broken may do more than it needs", "name the actions, without *")
    return "demo-broken pulls and runs, by a role that may do no more than it needs"


def tasks_of(lab: Lab, family: str) -> list[dict]:
    """The tasks of a family in demo-cluster that have stopped, the newest first; NotYet without the cluster."""
    ecs = lab.client("ecs")
    try:
        arns = ecs.list_tasks(cluster="demo-cluster", family=family, desiredStatus="STOPPED")["taskArns"]
    except ecs.exceptions.ClusterNotFoundException:
        raise NotYet("there is no demo-cluster", "run the notebook from its top") from None
    found = ecs.describe_tasks(cluster="demo-cluster", tasks=arns)["tasks"] if arns else []
    stopped = [each for each in found if each["lastStatus"] == "STOPPED"]
    return sorted(stopped, key=lambda each: each["createdAt"], reverse=True)


def role_actions(lab: Lab, name: str) -> list[str]:
    """The actions that the role's inline policies allow, and ``*`` if it has attached ones."""
    iam = lab.client("iam")
    found = ["*"] if iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] else []
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        statements = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
        for each in statements if isinstance(statements, list) else [statements]:
            actions = each.get("Action", "*") if each["Effect"] == "Allow" else []
            found += [actions] if isinstance(actions, str) else actions
    return found


@exercise("14.1")
def swept_up(lab: Lab) -> str:
    """left-behind holds the image latest and none without a tag."""
    if "latest" not in digests_by_tag(lab, "left-behind"):
        raise NotYet("latest is gone too", "run the cells of this section again; then delete only UNTAGGED")
    untagged = {"repositoryName": "left-behind", "filter": {"tagStatus": "UNTAGGED"}}
    left = len(lab.client().list_images(**untagged)["imageIds"])
    if left:
        raise NotYet(
            f"left-behind still holds {left} without a tag", "list_images with a filter, then batch_delete_image"
        )
    return "left-behind holds latest and nothing without a tag"


@exercise("14.2")
def nothing_left(lab: Lab) -> str:
    """Nothing that this tutorial made is left, in the registry or on this machine."""
    left = [f"repository {found['repository']}" for found in cleanup.made(lab)]
    left += people.made(lab)
    left += workloads.made(lab)
    left += [f"public repository {name}" for name in cleanup.made_public()]
    left += [f"image {name.removeprefix(f'{lab.registry}/')}" for name in cleanup.local_images(lab)]
    if left:
        raise NotYet(f"{left[0]} is still there", "delete-repository --force, docker rmi, or lab.clean_up()")
    if steps.is_logged_in(lab):
        raise NotYet("Docker is still logged in", 'docker logout "$REGISTRY"')
    return "nothing that this tutorial made is left"
