"""The base image of the sample app: pulled or built, and saved for the sandbox's mirror."""

import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, NamedTuple

from machine import debian, oci_layout, stand_in
from machine.commands import last_lines, run
from machine.project import CACHE, base_image_layout, settings
from machine.say import Stop, say

NAME: str = settings.BASE_IMAGE
# The annotation with the engine's id of the image from which the layout was written.
SOURCE = "learn-amazon-ecr.image-id"
REACH_LIMIT = 60.0
PULL_LIMIT = 900.0


class Image(NamedTuple):
    """The base image as the engine has it."""

    id: str
    platform: str
    is_stand_in: bool


def ensure(platform: str) -> Image:
    """The base image for the engine's `platform`, with its layout in the cache."""
    image = inspect()
    if image is None or image.platform != platform:
        image = _get()
    layout = base_image_layout()
    if oci_layout.annotation(layout, SOURCE) != image.id:
        _save(image)
    return image


def inspect() -> Image | None:
    """The base image, if the engine has it."""
    template = f'{{{{.Id}}}} {{{{.Os}}}}/{{{{.Architecture}}}} {{{{index .Config.Labels "{stand_in.LABEL}"}}}}'
    got = run(["docker", "image", "inspect", "--format", template, NAME])
    if got.returncode:
        return None
    identity, platform, *label = got.stdout.split()
    return Image(identity, platform, label == ["true"])


def _get() -> Image:
    say(f"Pulling the base image {NAME}")
    if error := pull():
        say(f"It cannot be pulled from here:\n{error}")
        if not debian.can_install():
            raise Stop(f"Without it nothing can be built. When the network is back, run: docker pull {NAME}")
        stand_in.build(NAME, CACHE / "stand-in.log")
    image = inspect()
    if image is None:
        raise Stop(f"The engine loaded the image {NAME} but does not list it. Run: docker image inspect {NAME}")
    return image


def pull() -> str:
    """Pull the image; the engine's last message if it fails, else an empty string."""
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        pulling = subprocess.Popen(
            ["docker", "pull", NAME], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
        begun = time.monotonic()
        while pulling.poll() is None:
            # A registry that answers gets more time than one that does not.
            reached = "Pulling" in _text(out)
            if time.monotonic() - begun > (PULL_LIMIT if reached else REACH_LIMIT):
                pulling.kill()
                pulling.wait()
                return "    no answer in time"
            time.sleep(0.1)
        return (last_lines(_text(out), 1) or "    no reason given") if pulling.returncode else ""


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _save(image: Image) -> None:
    say("Keeping a copy of the base image for the sandbox's mirror")
    CACHE.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=CACHE, suffix=".tar") as saved:
        got = run(["docker", "save", "--output", saved.name, NAME])
        if got.returncode:
            raise Stop(f"The engine could not save the base image:\n{last_lines(got.stderr)}")
        layout = base_image_layout()
        oci_layout.write(Path(saved.name), layout, settings.MIRROR_TAG, {SOURCE: image.id})
