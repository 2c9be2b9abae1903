"""The checks of notebooks 04 to 09."""

from datetime import UTC, datetime, timedelta

from helpers import catch_up, settings
from helpers.lab import Lab

from .checks import NotYet, as_names, compare, exercise
from .lookup import (
    digests_by_tag,
    image,
    is_immutable,
    layers,
    local_image,
    repository,
    scans_on_push,
)

ORDERED, COST_CENTER = f"{settings.PREFIX}billing/api", {"Key": "cost-center", "Value": "4711"}

COMPARED = {  # what to think about after a wrong prediction in 06.2
    "new_layers": "look for the line with APP_VERSION in the Dockerfile: does it make a layer?",
    "same_id": "the version is in the config, and the ID depends on the config",
    "starts_on": "docker image inspect shows the platform for which an image was built",
}
RELEASES = {  # the tags of each release in 07.2, after 1.4.1
    "1.4.1": ("1.4.1", "git-9f8e7d6", "1.4"),
    "1.5.0": ("1.5.0", "git-5c6d7e8", "1.5", "1"),
    "1.4.0": ("1.4.0", "git-1a2b3c4"),
}
HIGHEST = "a tag that moves names the highest version that it covers, not the last one that was built"


@exercise("04.1")
def created_as_ordered(lab: Lab) -> str:
    """demo-billing/api has immutable tags, scans on push, names its cost center, and clean-up can find it."""
    found = repository(lab, ORDERED, "the name is team/application, in lower case")
    if not is_immutable(found, "1.4"):
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
def built_and_compared(lab: Lab, prediction: object = None) -> str:
    """demo-app-repo:release has the version 1.0.0, and the prediction of how it differs from demo-app-repo is right."""
    name = f"{settings.REPOSITORY}:release"
    release, first = local_image(lab, name), local_image(lab, settings.REPOSITORY)
    version = (release.attrs["Config"].get("Labels") or {}).get("org.opencontainers.image.version")
    if version != "1.0.0":
        raise NotYet(f"the version written into {name} is {version}", "--build-arg APP_VERSION=1.0.0")
    new = set(release.attrs["RootFS"]["Layers"]) - set(first.attrs["RootFS"]["Layers"])
    platform = f"{release.attrs['Os']}/{release.attrs['Architecture']}"
    actual = {"new_layers": len(new), "same_id": release.id == first.id, "starts_on": platform}
    compare(prediction, actual, COMPARED, "Docker shows")
    return f"{name} is version 1.0.0, starts on {platform} and has {len(new)} new layers"


@exercise("07.2")
def tagged_by_the_rule(lab: Lab, addresses: object = None) -> str:
    """Release 1.4.1 has the tags of the team's rule, the others keep theirs, and the predicted numbers are right."""
    images = {}
    for version, tags in RELEASES.items():
        images[version] = local_image(lab, f"{settings.REPOSITORY}:{version}")
        for tag in tags:
            if local_image(lab, f"{lab.repository_uri}:{tag}").id != images[version].id:
                raise NotYet(f"$REPOSITORY_URI:{tag} is not release {version}", HIGHEST)
    counted = {
        version: sum(name.startswith(f"{lab.repository_uri}:") for name in each.tags)
        for version, each in images.items()
    }
    hint = "docker images lists each name with the ID of its image"
    compare(addresses, counted, dict.fromkeys(RELEASES, hint), "Docker shows")
    return f"{sum(counted.values())} addresses point to {len(images)} images, as the rule says"


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
    given = as_names(tags)
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
