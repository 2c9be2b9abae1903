"""The checks of notebooks 04 to 09."""

from datetime import UTC, datetime, timedelta

import ecr_sandbox
from helpers import catch_up, settings
from helpers.lab import Lab

from .checks import NotYet, exercise
from .lookup import exclusion_filters, image, layers, local_image, repository, scans_on_push

ORDERED, COST_CENTER = "demo-billing/api", {"Key": "cost-center", "Value": "4711"}


@exercise("04.1")
def created_as_ordered(lab: Lab) -> str:
    """demo-billing/api has immutable tags, scans on push, names its cost center, and clean-up can find it."""
    found = repository(lab, ORDERED, "the name is team/application, in lower case")
    if not ecr_sandbox.is_tag_immutable("1.4", found["imageTagMutability"], exclusion_filters(found)):
        raise NotYet(f"the next push can change {ORDERED}:1.4", "one of the options makes tags immutable")
    own = found.get("imageScanningConfiguration", {}).get("scanOnPush", False)
    if not scans_on_push(lab, ORDERED, own):
        raise NotYet(f"an image that is pushed to {ORDERED} is not scanned", "section 4 shows two ways")
    tags = lab.client().list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
    for tag in (COST_CENTER, settings.TAG):
        if tag not in tags:
            raise NotYet(f"{ORDERED} has no tag {tag['Key']}={tag['Value']}", "--tags, or tag-resource later")
    return f"{ORDERED} is what the team ordered"


@exercise("05.1")
def logged_in(lab: Lab, ends: object = "") -> str:
    """Docker has a password that the registry accepts, and *ends* is the time at which a new one ends."""
    if not catch_up.is_logged_in(lab):
        raise NotYet(
            f"Docker has no valid password for {lab.registry}",
            "decode the token, and give the part after the colon to docker login --password-stdin",
        )
    try:
        typed = ends if isinstance(ends, datetime) else datetime.fromisoformat(str(ends))
    except ValueError:
        raise NotYet(f"{ends!r} is not a time", "the answer of get_authorization_token has the time") from None
    newest = lab.client().get_authorization_token()["authorizationData"][0]["expiresAt"]
    early = newest - (typed if typed.tzinfo else typed.replace(tzinfo=UTC))
    if not timedelta(minutes=-1) < early < timedelta(hours=1):
        raise NotYet(f"the login does not end at {typed:%Y-%m-%d %H:%M}", "how many hours is a token valid?")
    return f"Docker is logged in to {lab.registry} for 12 hours"


@exercise("06.2")
def built_with_a_version(lab: Lab) -> str:
    """demo-app-repo:release has the version label 1.0.0 and does not run as root."""
    name = f"{settings.REPOSITORY}:release"
    config = local_image(lab, name).attrs["Config"]
    version = (config.get("Labels") or {}).get("org.opencontainers.image.version")
    if version != "1.0.0":
        raise NotYet(f"the version written into {name} is {version}", "--build-arg APP_VERSION=1.0.0")
    if config.get("User", "").split(":")[0] in ("", "0", "root"):
        raise NotYet(f"{name} runs as root", "the USER line of the Dockerfile")
    return f"{name} is version 1.0.0 and does not run as root"


@exercise("07.2")
def two_names_one_image(lab: Lab) -> str:
    """v1 and latest of the repository's address are the same image."""
    v1, latest = (local_image(lab, f"{lab.repository_uri}:{tag}") for tag in catch_up.TAGS)
    if v1.id != latest.id:
        raise NotYet("v1 and latest are two different images", "docker tag gives one image a second name")
    return f"{settings.REPOSITORY}:v1 and :latest are two names of one image"


@exercise("08.2")
def uploaded_only_what_changed(lab: Lab) -> str:
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
def pinned_what_ecr_calls_v1(lab: Lab) -> str:
    """demo-app-repo:pinned on this machine is the image that ECR has as v1."""
    digest = image(lab, settings.REPOSITORY, "v1")["imageDigest"]
    pinned = local_image(lab, f"{settings.REPOSITORY}:pinned")
    if f"{lab.repository_uri}@{digest}" not in pinned.attrs["RepoDigests"]:
        raise NotYet("pinned is another image than ECR's v1", "pull it by the digest that ECR shows for v1")
    return f"{settings.REPOSITORY}:pinned is exactly the image that ECR calls v1"
