"""The checks of notebooks 04 to 09."""

from helpers import catch_up, settings
from helpers.lab import Lab

from .checks import NotYet, exercise
from .lookup import has_tutorial_tag, image, layers, local_image, repository

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
def built_and_compared(lab: Lab, prediction: object = None) -> str:
    """demo-app-repo:release has the version 1.0.0, and the prediction of how it differs from demo-app-repo is right."""
    name = f"{settings.REPOSITORY}:release"
    release, first = local_image(lab, name), local_image(lab, settings.REPOSITORY)
    version = (release.attrs["Config"].get("Labels") or {}).get("org.opencontainers.image.version")
    if version != "1.0.0":
        raise NotYet(f"the version written into {name} is {version}", "--build-arg APP_VERSION=1.0.0")
    new = set(release.attrs["RootFS"]["Layers"]) - set(first.attrs["RootFS"]["Layers"])
    platform = f"{release.attrs['Os']}/{release.attrs['Architecture']}"
    _compare(prediction, {"new_layers": len(new), "same_id": release.id == first.id, "starts_on": platform}, COMPARED)
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
    _compare(addresses, counted, dict.fromkeys(RELEASES, "docker images lists each name with the ID of its image"))
    return f"{sum(counted.values())} addresses point to {len(images)} images, as the rule says"


def _compare(prediction: object, actual: dict, hints: dict[str, str]) -> None:
    """NotYet with the hint for the first value that was predicted wrong, or if nothing was predicted."""
    if not isinstance(prediction, dict) or None in prediction.values():
        raise NotYet("there is no prediction yet", "replace each None and run that cell")
    for name, value in actual.items():
        if str(prediction.get(name)) != str(value):
            raise NotYet(f"Docker shows something else: {name} is not {prediction.get(name)}", hints[name])


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
