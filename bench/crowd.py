"""Fifty concurrent clients: how long each waits for a small API call, and for a small registry request.

The same API calls go to plain moto (nothing on disk, no signature, no policies). The same registry requests go to
Distribution, if it is installed.
"""

import hashlib
import json
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import requests

from . import load
from .load import Answered, Prepared
from .processes import client, distribution, has_distribution, moto, sandbox

CLIENTS = 50
ROUNDS = 3
CONFIG = b"{}"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def measure(runs: int) -> dict[str, list[float]]:
    """Milliseconds (median and 95th percentile of one run) and ratios."""
    figures: dict[str, list[float]] = {}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            with sandbox(Path(folder, "sandbox")) as (host, _process):
                token = client(host).get_authorization_token()["authorizationData"][0]["authorizationToken"]
                prepare(host, token)
                ours = timed(host, calls)
                our_wire = timed(host, partial(_registry_requests, token=token))
            with moto() as (host, _process):
                _repositories(host)
                theirs = timed(host, calls)
            alone = _distribution(Path(folder, "alone")) if has_distribution() else None
        for name, mine, other, others in (
            ("API calls", ours, "plain moto", theirs),
            ("registry requests", our_wire, "Distribution alone", alone),
        ):
            for figure, at in (("median", 50), ("p95", 95)):
                label, ours_ms = f"{CLIENTS} clients, {name}: {figure}", percentile(mine, at)
                figures.setdefault(f"{label} (ms)", []).append(ours_ms)
                if others:
                    ratio = percentile(others, at) / ours_ms
                    figures.setdefault(f"{label}, {other} / sandbox (ratio)", []).append(ratio)
    return figures


def _distribution(folder: Path) -> list[Answered]:
    """Distribution's responses to the same requests."""
    folder.mkdir()
    with distribution(folder) as (host, _process):
        for number in range(CLIENTS):
            push(f"http://{host}/v2/crowd-{number}", "first", "")
        return timed(host, partial(_registry_requests, token=""))


def calls(host: str, number: int) -> list[Prepared]:
    """The API calls of one client; four of ten change something."""
    calls = []
    for turn in range(ROUNDS):
        mine = {"repositoryName": f"crowd-{number}"}
        new = {"repositoryName": f"crowd-{number}-{turn}"}
        put = {**mine, "imageManifest": _manifest(f"{number} {turn}"), "imageManifestMediaType": MANIFEST_TYPE}
        calls += [
            load.api(host, "CreateRepository", **new),
            load.api(host, "DescribeRepositories", repositoryNames=[mine["repositoryName"]]),
            load.api(host, "PutImage", **put, imageTag=f"v{turn}"),
            load.api(host, "DescribeImages", **mine, maxResults=10),
            load.api(host, "ListImages", **mine, maxResults=10),
            load.api(host, "PutImage", **put, imageTag=f"again-{turn}"),
            load.api(host, "BatchGetImage", **mine, imageIds=[{"imageTag": f"v{turn}"}]),
            load.api(host, "DescribeImages", **mine, imageIds=[{"imageTag": f"v{turn}"}]),
            load.api(host, "DescribeRepositories", repositoryNames=[mine["repositoryName"]]),
            load.api(host, "DeleteRepository", **new),
        ]
    return calls


def _registry_requests(host: str, number: int, token: str) -> list[Prepared]:
    """The registry requests of one client, as in a pull whose layers exist already."""
    authorization = {"Authorization": f"Basic {token}"} if token else {}
    home, headers = f"/v2/crowd-{number}", {**authorization, "Accept": MANIFEST_TYPE}
    once = [
        load.http("HEAD manifest", host, "HEAD", f"{home}/manifests/first", headers),
        load.http("GET manifest", host, "GET", f"{home}/manifests/first", headers),
        load.http("HEAD blob", host, "HEAD", f"{home}/blobs/{_digest(CONFIG)}", authorization),
        load.http("GET tags", host, "GET", f"{home}/tags/list", authorization),
    ]
    return once * ROUNDS * 2


def timed(host: str, script: Callable[[str, int], list[Prepared]]) -> list[Answered]:
    """The responses to all clients, each of which sends its *script*."""
    answers = load.run(host, [script(host, number) for number in range(CLIENTS)])
    if wrong := [answer for answer in answers if answer.status >= 400]:
        raise SystemExit(f"{host}: {len(wrong)} requests failed, so there is nothing to measure: {wrong[:3]}")
    return answers


def percentile(answers: list[Answered], at: int) -> float:
    """Milliseconds within which *at* percent of the responses arrived."""
    return statistics.quantiles([answer.seconds for answer in answers], n=100, method="inclusive")[at - 1] * 1000


def prepare(host: str, token: str) -> None:
    """Give each client of the sandbox at *host* a repository with an image."""
    _repositories(host)
    for number in range(CLIENTS):
        push(f"http://{host}/v2/crowd-{number}", "first", token)


def _repositories(host: str) -> None:
    made = client(host)
    for number in range(CLIENTS):
        made.create_repository(repositoryName=f"crowd-{number}")


def push(home: str, tag: str, token: str) -> None:
    """Push a small image to the repository whose URL is *home*."""
    authorization = {"Authorization": f"Basic {token}"} if token else {}
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(authorization)
        started = session.post(f"{home}/blobs/uploads/")
        where = requests.compat.urljoin(home, started.headers["Location"])
        done = session.put(where, params={"digest": _digest(CONFIG)}, data=CONFIG)
        done.raise_for_status()
        manifest = _manifest(tag)
        session.put(f"{home}/manifests/{tag}", manifest, headers={"Content-Type": MANIFEST_TYPE}).raise_for_status()


def _manifest(note: str) -> str:
    config = {"mediaType": CONFIG_TYPE, "digest": _digest(CONFIG), "size": len(CONFIG)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config,
        "layers": [config],
        "annotations": {"n": note},
    }
    return json.dumps(manifest)


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
