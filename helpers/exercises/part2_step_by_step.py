"""The checks of notebooks 04 to 09."""

from helpers import catch_up, settings
from helpers.lab import Lab

from .checks import NotYet, exercise
from .lookup import digests_by_tag, has_tutorial_tag, image, layers, local_image, repository


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
def predicts_what_is_uploaded(lab: Lab, predicted: object = None) -> str:
    """v2 differs from v1 in requirements.txt, and *predicted* is the number of its layers that v1 does not have."""
    first, second = (image(lab, settings.REPOSITORY, tag) for tag in ("v1", "v2"))
    if first["imageDigest"] == second["imageDigest"]:
        raise NotYet("v2 is the same image as v1", "change requirements.txt and build again before you push")
    old, new = (layers(lab, settings.REPOSITORY, tag) for tag in ("v1", "v2"))
    shared = len(set(old) & set(new))
    uploaded = len(set(new) - set(old))
    if not shared:
        raise NotYet("v2 shares no layer with v1", "build it from the same Dockerfile and base image")
    if uploaded < 2:
        raise NotYet("v2 has the same installed packages as v1", "change requirements.txt, not app.py")
    if predicted is None:
        raise NotYet("there is no prediction yet", "replace None and run that cell")
    if str(predicted) != str(uploaded):
        raise NotYet(f"{predicted} layers is not what the push uploaded", "a changed layer changes all layers after it")
    return f"v2 shares {shared} of its {len(new)} layers with v1, and {uploaded} were uploaded"


@exercise("09.1")
def found_from_the_container(lab: Lab, tags: object = None) -> str:
    """demo-app-repo:pinned is the image of the container learn-ecr-demo, and *tags* are its tags in ECR."""
    digest = _digest_of_container(lab, "learn-ecr-demo")
    pinned = local_image(lab, f"{settings.REPOSITORY}:pinned")
    if f"{lab.repository_uri}@{digest}" not in pinned.attrs["RepoDigests"]:
        raise NotYet("pinned is another image than the container's", "docker inspect shows what the container runs")
    right = {tag for tag, of in digests_by_tag(lab, settings.REPOSITORY).items() if of == digest}
    given = {tags} if isinstance(tags, str) else set(tags) if isinstance(tags, list | tuple | set) else set()
    if given != right:
        shown = ", ".join(sorted(given)) or "no tag"
        raise NotYet(f"ECR has other tags for this image than {shown}", "describe_images takes an imageDigest, too")
    return f"the container runs {digest[:19]}…, which has the tags {', '.join(sorted(right))} in ECR"


def _digest_of_container(lab: Lab, name: str) -> str:
    """The digest by which this container was started, or NotYet."""
    import docker.errors

    try:
        address = lab.engine().containers.get(name).attrs["Config"]["Image"]
    except docker.errors.NotFound:
        raise NotYet(f"there is no container {name}", "run the notebook from its top") from None
    return address.partition("@")[2]
