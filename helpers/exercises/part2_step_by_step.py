"""The checks of notebooks 04 to 09."""

from helpers import catch_up, settings
from helpers.lab import Lab

from .checks import NotYet, exercise
from .lookup import has_tutorial_tag, image, layers, local_image, repository


@exercise("04.1")
def made_immutable(lab: Lab) -> str:
    """my-first-repo exists, its tags are immutable, and clean-up can find it."""
    found = repository(lab, "my-first-repo")
    if (mode := found["imageTagMutability"]) != "IMMUTABLE":
        raise NotYet(
            f"the tags of my-first-repo are {mode}", "--image-tag-mutability, or put-image-tag-mutability later"
        )
    if not has_tutorial_tag(lab, found["repositoryArn"]):
        raise NotYet(
            "my-first-repo has no tag by which clean-up finds it",
            "--tags Key=made-by,Value=learn-amazon-ecr, or tag-resource later",
        )
    return "my-first-repo exists and its tags are immutable"


@exercise("05.1")
def logged_in(lab: Lab) -> str:
    """Docker has a password that the registry accepts."""
    if not catch_up.is_logged_in(lab):
        raise NotYet(
            f"Docker has no valid password for {lab.registry}",
            "get-login-password on the left of the pipe, docker login on its right, the same registry",
        )
    return f"Docker is logged in to {lab.registry}"


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
