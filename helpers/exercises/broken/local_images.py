"""Tiny images in the Docker engine, made without a build: with each builder and store they are the same."""

import contextlib
import io
import json
import tarfile

from helpers import tiny_image
from helpers.lab import Lab

BUSY = {"Cmd": ["cat", "/app/greeting.txt"], "WorkingDir": "/app"}


def load(
    lab: Lab, *names: str, greeting: str, architecture: str = "amd64", labels: dict[str, str] | None = None
) -> str:
    """Load a tiny image with this greeting and these labels into the engine, under these names; its id."""
    layers = tiny_image.layers(greeting)
    about = {"architecture": architecture, "os": "linux", "created": tiny_image.EXAMPLE["created"]}
    config = tiny_image.describe(layers, {**about, "config": {**BUSY, "Labels": labels}})[0]
    listed = [{"Config": "config.json", "RepoTags": list(names), "Layers": ["base.tar", "app.tar"]}]
    files = {"config.json": config, "manifest.json": json.dumps(listed).encode()}
    lab.engine().api.load_image(_archive({**files, "base.tar": layers[0], "app.tar": layers[1]}))
    return image_id(lab, names[0])


def image_id(lab: Lab, name: str) -> str:
    """The id of the local image of this name; "" if there is none."""
    import docker.errors

    try:
        return str(lab.engine().images.get(name).id)
    except docker.errors.ImageNotFound:
        return ""


def remove(lab: Lab, *names: str) -> None:
    """Remove these names from the engine."""
    import docker.errors

    for name in names:
        with contextlib.suppress(docker.errors.ImageNotFound):
            lab.engine().images.remove(name, force=True)


def _archive(files: dict[str, bytes]) -> bytes:
    """The archive that ``docker load`` reads (moby, image/spec/spec.md, "Combined Image JSON + Filesystem")."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
