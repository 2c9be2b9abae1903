"""A push, a page of DescribeImages, and the memory with ten thousand images in one repository.

The same for plain moto, and for Distribution, if it is installed; Distribution has no paginated list.
"""

import hashlib
import json
import statistics
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from ecr_sandbox.registry.images import Images
from ecr_sandbox.registry.manifest_format import Manifest
from ecr_sandbox.state.store import Store
from helpers import settings

from . import load
from .crowd import CONFIG, MANIFEST_TYPE, push
from .load import Prepared
from .processes import client, distribution, has_distribution, moto, peak_memory, sandbox

FEW, MANY = 100, 10_000
SIZES = {"few": FEW, "many": MANY}  # repositories and their images
TURNS = 20


def measure(runs: int) -> dict[str, list[float]]:
    """Milliseconds with 100 images, and the ratio with 10,000; memory in MB."""
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        state = filled(Path(folder, "state"))
        alone = _filled_alone(Path(folder, "alone")) if has_distribution() else None
        for run in range(runs):
            with sandbox(state) as (host, process):
                token = client(host).get_authorization_token()["authorizationData"][0]["authorizationToken"]
                values = _compared(f"push of an image, {FEW} images there", host, partial(_push, token, run))
                values |= _compared(f"DescribeImages, a page of {FEW} images", host, _describe)
                values[f"memory of the sandbox with {MANY:,} images (MB)"] = peak_memory(process.pid)
            with moto("few", FEW, "many", MANY) as (host, process):
                values |= _compared(f"plain moto: PutImage, {FEW} images there", host, partial(_put, run))
                values |= _compared(f"plain moto: DescribeImages, a page of {FEW} images", host, _describe)
                values[f"memory of plain moto with {MANY:,} images (MB)"] = peak_memory(process.pid)
            if alone:
                with distribution(alone) as (host, process):
                    named = f"Distribution alone: PUT of a manifest, {FEW} images there"
                    values |= _compared(named, host, partial(_put_alone, f"new-{run}"))
                    values[f"memory of Distribution alone with {MANY:,} images (MB)"] = peak_memory(process.pid)
            for name, value in values.items():
                figures.setdefault(name, []).append(value)
    return figures


def filled(state: Path) -> Path:
    """A state folder with the two repositories."""
    with sandbox(state) as (host, _):
        for name in SIZES:
            client(host).create_repository(repositoryName=name)
    with closing(Store(state / "state.db")) as store:
        for name, count in SIZES.items():
            images = Images(store, settings.ACCOUNT, settings.REGION, name)
            with store.change():
                for number in range(count):
                    images.put(
                        Manifest.parse(manifest(f"{number:064x}", str(number)), MANIFEST_TYPE), f"v{number}", False
                    )
    return state


def _filled_alone(folder: Path) -> Path:
    """A storage folder of Distribution with the two repositories."""
    folder.mkdir()
    with distribution(folder) as (host, _):
        for name, count in SIZES.items():
            push(f"http://{host}/v2/{name}", "first", "")
            answers = load.run(host, [[_put_alone("v", host, name, turn)[0] for turn in range(count)]])
            if wrong := [answer for answer in answers if answer.status >= 400]:
                raise SystemExit(f"{host}: {len(wrong)} images were not accepted: {wrong[:3]}")
    return folder


def manifest(config: str, note: str) -> str:
    """An image whose config has the SHA-256 *config*."""
    descriptor = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{config}", "size": 2}
    content = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": descriptor, "layers": [descriptor]}
    return json.dumps({**content, "annotations": {"note": note}})


def _compared(name: str, host: str, script: Callable[[str, str, int], list[Prepared]]) -> dict[str, float]:
    """Median milliseconds of *script* with few images, and the ratio with many; the requests alternate."""
    taken: dict[str, list[float]] = {"few": [], "many": []}
    turns = [(repository, script(host, repository, turn)) for turn in range(TURNS) for repository in SIZES]
    answers = load.run(host, [[request for _, requests in turns for request in requests]])
    if wrong := [answer for answer in answers if answer.status >= 400]:
        raise SystemExit(f"{host}: {len(wrong)} requests failed, so there is nothing to measure: {wrong[:3]}")
    for repository, requests in turns:
        taken[repository].append(sum(answers.pop(0).seconds for _ in requests))
    few, many = (statistics.median(seconds) * 1000 for seconds in taken.values())
    return {f"{name} (ms)": few, f"{name}: with {MANY:,} / with {FEW} (ratio)": many / few}


def _push(token: str, run: int, host: str, repository: str, turn: int) -> list[Prepared]:
    """Upload a new config, then the manifest."""
    content = f"{repository} {run} {turn}".encode()
    config = hashlib.sha256(content).hexdigest()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/octet-stream"}
    home, typed = f"/v2/{repository}", {**headers, "Content-Type": MANIFEST_TYPE}
    text = manifest(config, f"{run} {turn}").encode()
    return [
        load.http("blob", host, "POST", f"{home}/blobs/uploads/?digest=sha256:{config}", headers, content),
        load.http("manifest", host, "PUT", f"{home}/manifests/new-{run}-{turn}", typed, text),
    ]


def _put(run: int, host: str, repository: str, turn: int) -> list[Prepared]:
    text = manifest(hashlib.sha256(CONFIG).hexdigest(), f"{run} {turn}")
    return [load.api(host, "PutImage", repositoryName=repository, imageManifest=text, imageTag=f"new-{run}-{turn}")]


def _put_alone(tag: str, host: str, repository: str, turn: int) -> list[Prepared]:
    text = manifest(hashlib.sha256(CONFIG).hexdigest(), f"{tag} {turn}")
    path, typed = f"/v2/{repository}/manifests/{tag}-{turn}", {"Content-Type": MANIFEST_TYPE}
    return [load.http("manifest", host, "PUT", path, typed, text.encode())]


def _describe(host: str, repository: str, turn: int) -> list[Prepared]:
    return [load.api(host, "DescribeImages", repositoryName=repository, maxResults=100)]
