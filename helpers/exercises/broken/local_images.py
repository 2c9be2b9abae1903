"""Tiny images in the Docker engine, made without a build: with each builder and store they are the same."""

import contextlib
import json

from helpers import settings, tiny_image
from helpers.catch_up import image_id
from helpers.lab import Lab

OURS = {settings.TAG["Key"]: settings.TAG["Value"]}  # by this label clean-up knows the image
BUSY = {"Cmd": ["cat", "/app/greeting.txt"], "WorkingDir": "/app"}


def load(
    lab: Lab, *names: str, greeting: str, architecture: str = "amd64", labels: dict[str, str] | None = None
) -> str:
    """Load a tiny image with this greeting and these labels into the engine, under these names; its id."""
    layers = tiny_image.layers(greeting)
    about = {"architecture": architecture, "os": "linux", "created": tiny_image.EXAMPLE["created"]}
    config = tiny_image.describe(layers, {**about, "config": {**BUSY, "Labels": {**(labels or {}), **OURS}}})[0]
    listed = [{"Config": "config.json", "RepoTags": list(names), "Layers": ["base.tar", "app.tar"]}]
    files = {"config.json": config, "manifest.json": json.dumps(listed).encode()}
    # The archive that `docker load` reads: moby, image/spec/spec.md, "Combined Image JSON + Filesystem".
    lab.engine().api.load_image(tiny_image.tar({**files, "base.tar": layers[0], "app.tar": layers[1]}))
    return image_id(lab, names[0])


def remove(lab: Lab, *names: str) -> None:
    """Remove these names from the engine."""
    import docker.errors

    for name in names:
        with contextlib.suppress(docker.errors.ImageNotFound):
            lab.engine().images.remove(name, force=True)
