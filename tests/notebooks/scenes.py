"""What the screenshots show: the state of a sandbox, and the page of its console.

A new screenshot is an entry of SCREENSHOTS. Its scene makes the state, with the names of the course. All screenshots of
one scene are taken of one sandbox. ``make pictures`` takes them, and a notebook or a document shows each.
"""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from tests.notebooks import moved_clock
from tests.sandbox.conftest import Sandbox
from tests.sandbox.pusher import MANIFEST, Pusher

INDEX = "application/vnd.oci.image.index.v1+json"
REPOSITORY = "ecr/repositories/private/demo-app-repo"


class Stage:
    """A sandbox without anything in it, and what a scene makes its state with."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox, self.ecr, self.pusher = sandbox, sandbox.client(), Pusher(sandbox)

    def at(self, hour: int, minute: int) -> None:
        """Move the sandbox's clock forward to this time (UTC) of its first day; raises if the time has passed."""
        moment = moved_clock.BEGIN + timedelta(hours=hour - moved_clock.BEGIN.hour, minutes=minute)
        self.sandbox.forward(moment.timestamp() - self.sandbox.now())

    def image(self, tag: str | None, *sizes: int) -> str:
        """Push an image with layers of these sizes in bytes to demo-app-repo; its digest.

        The bytes of a layer follow from its size, so the same sizes share a layer and the digest is always the same.
        """
        layers = [random.Random(size).randbytes(size) for size in sizes]
        return self.pusher.push("demo-app-repo", layers, tag).digest

    def index(self, tag: str, *digests: str) -> None:
        """Push an image index of these images to demo-app-repo."""
        texts = [self.pusher.manifest_text("demo-app-repo", digest) for digest in digests]
        listed = [
            {"mediaType": MANIFEST, "digest": digest, "size": len(text)}
            for digest, text in zip(digests, texts, strict=True)
        ]
        body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()
        status, _, answer = self.pusher.ask("PUT", f"/v2/demo-app-repo/manifests/{tag}", body, INDEX)
        assert status == 201, answer


def empty(stage: Stage) -> None:
    """A new registry."""


def created(stage: Stage) -> None:
    """``demo-app-repo`` is there, without an image."""
    stage.at(9, 5)
    stage.ecr.create_repository(repositoryName="demo-app-repo")


def pushed(stage: Stage) -> None:
    """``v1`` and ``latest``, and ``v1.1``, which was built with an attestation."""
    created(stage)
    stage.at(9, 12)
    stage.image("v1", 28_200_000, 3_500_000, 14_300)
    stage.image("latest", 28_200_000, 3_500_000, 14_300)
    stage.at(9, 20)
    image = stage.image(None, 28_200_000, 3_500_000, 14_320)
    attestation = stage.image(None, 7_900)
    stage.index("v1.1", image, attestation)


def public(stage: Stage) -> None:
    """A repository of ECR Public."""
    stage.at(9, 5)
    stage.sandbox.client("ecr-public").create_repository(repositoryName="demo-public-hello")


def pusher(stage: Stage) -> None:
    """The user of notebook 03, who may push."""
    iam = stage.sandbox.client("iam")
    iam.create_user(UserName="demo-pusher")
    arn = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryFullAccess"
    iam.attach_user_policy(UserName="demo-pusher", PolicyArn=arn)


class Screenshot(NamedTuple):
    """A page of the console, in the state of *scene*.

    *address* is the page, and *opens* the dialog that *act* opens with the browser's page. *width* is that of the
    window in pixels; *height* cuts the picture, which without it has the whole page.
    """

    scene: Callable[[Stage], None]
    address: str
    title: str
    description: str
    act: Callable[[Any], None] | None = None
    opens: str = ""
    width: int = 1000
    height: int | None = None


def open_push_commands(page: Any) -> None:
    """Click *View push commands*."""
    page.get_by_role("link", name="View push commands").click()
    page.get_by_role("dialog").get_by_role("tab", name="macOS / Linux").wait_for()


# notebooks/img/<name>.svg
SCREENSHOTS = {
    "console-create": Screenshot(
        empty,
        "ecr/create-repository",
        "Create private repository, in the sandbox's console",
        "A form with the words of the AWS console of 2026: repository name, image tag mutability, encryption settings.",
    ),
    "console-create-before-2024": Screenshot(
        empty,
        "ecr/create-repository?words=before-2024",
        "Create repository, in the sandbox's console",
        "The form with the words of the AWS console before 2024: visibility settings, tag immutability, scan on push.",
    ),
    "console-push-commands": Screenshot(
        created,
        REPOSITORY,
        "Push commands for demo-app-repo, in the sandbox's console",
        "A dialog with the tabs macOS / Linux and Windows, and four commands: log in, build, tag and push.",
        act=open_push_commands,
        opens="ecr/push-commands?repository=demo-app-repo",
        height=720,
    ),
    "console-public": Screenshot(
        public,
        "ecr/public-registry/repositories",
        "Public repositories, in the sandbox's console",
        "The list of public repositories with demo-public-hello, and below it the form Create repository.",
    ),
    "console-iam": Screenshot(
        pusher,
        "iam/users/demo-pusher",
        "The user demo-pusher in IAM, in the sandbox's console",
        "The ARN of the user, its policy AmazonEC2ContainerRegistryFullAccess, and below them what can be changed.",
        height=720,
    ),
    "console-images": Screenshot(
        pushed,
        REPOSITORY,
        "The images of demo-app-repo, in the sandbox's console",
        "A table: the image latest, v1, and the image index v1.1 with its two images, which have no tag.",
        width=1280,
    ),
}
