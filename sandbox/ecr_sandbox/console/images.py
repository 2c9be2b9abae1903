"""The images of a repository: list, delete, scan, push commands, and the page of one image."""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from . import confirmation, words
from .findings import sorted_findings
from .lists import PER_PAGE, selected
from .page import Page

SORTED_BY = {"pushed": "imagePushedAt", "size": "imageSizeInBytes", "tag": "imageTags", "pull": "lastRecordedPullTime"}
MOST_SCANS = 10  # images whose scans the list waits for; a longer list shows them a moment later
AT_ONCE = 100  # images that one call describes; a repository with more is listed another way
MOST_LISTS = 8  # repositories of which the sizes of all images are kept
MOST_CONFIG = 4 * 1024 * 1024  # bytes
MANIFESTS = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
]


def index(page: Page, repository: str) -> Response:
    """The list, with search, order and pages."""
    about = described(page, repository)
    images = selected(page, _all(page, repository), search="imageTags", orders=SORTED_BY, order="-pushed")
    if images.rows and "imageStatus" not in images.rows[0]:
        images = images._replace(rows=_details(page, repository, images.rows))
    known = {
        each["imageDigest"]: each["imageScanStatus"]["status"] for each in images.rows if "imageScanStatus" in each
    }
    rest = [each["imageDigest"] for each in images.rows if each["imageDigest"] not in known]
    if len(rest) <= MOST_SCANS:
        known |= {digest: _scan(page, repository, digest) for digest in rest}
        rest = []
    uri = about["repositoryUri"]
    return page.render("images.html", repository=repository, images=images, uri=uri, scans=known, unknown=rest)


def scans(page: Page, repository: str) -> Response:
    """The parts of a long list that show the status of each image's scan."""
    digests = page.request.args.getlist("image")[:PER_PAGE]
    return page.render("scans.html", scans={digest: _scan(page, repository, digest) for digest in digests})


def _scan(page: Page, repository: str, digest: str) -> str:
    """The status of a scan. DescribeImages has it of enhanced scans only."""
    about = {"repositoryName": repository, "imageId": {"imageDigest": digest}, "maxResults": 1}
    try:
        return str(page.quiet_call("ecr", "DescribeImageScanFindings", **about)["imageScanStatus"]["status"])
    except ClientError:  # it was not scanned, or the user may not know
        return "-"


def _all(page: Page, repository: str) -> list[dict[str, Any]]:
    """All images; if there are very many, only their digests and tags, unless the order needs the rest.

    ListImages has the order in which the images were pushed first. That stands for the time of the push.
    """
    every: dict[str, Any] = {"repositoryName": repository, "filter": {"imageStatus": "ANY"}}
    found, is_all = page.first("ecr", "DescribeImages", "imageDetails", AT_ONCE, **every)
    if is_all:
        return found
    order = page.request.args.get("sort")
    if order == "pull":
        return page.all("ecr", "DescribeImages", "imageDetails", **every)
    tags: dict[str, list[str]] = {}
    for each in page.all("ecr", "ListImages", "imageIds", **every):
        of_image = tags.setdefault(each["imageDigest"], [])
        if "imageTag" in each:
            of_image.append(each["imageTag"])
    images = [
        {"imageDigest": digest, "imageTags": names, "imagePushedAt": number}
        for number, (digest, names) in enumerate(tags.items())
    ]
    if order == "size":
        _add_sizes(page, every, images)
    return images


def _add_sizes(page: Page, every: dict[str, Any], images: list[dict[str, Any]]) -> None:
    """Give each of the *images* its size. The size of an image never changes, so only new images are described.

    *every* are the parameters with which DescribeImages has all images of the repository.
    """
    repository = every["repositoryName"]
    sizes = _sizes(page.client("ecr"), repository)
    new = [image for image in images if image["imageDigest"] not in sizes]
    if len(new) > AT_ONCE:
        described = page.all("ecr", "DescribeImages", "imageDetails", **every)
    else:
        described = _details(page, repository, new) if new else []
    sizes |= {each["imageDigest"]: each["imageSizeInBytes"] for each in described}
    for image in images:
        image["imageSizeInBytes"] = sizes.get(image["imageDigest"], 0)


@lru_cache(MOST_LISTS)
def _sizes(client: Any, repository: str) -> dict[str, int]:
    """The sizes by digest of the images of *repository* that the user of *client* has listed."""
    return {}


def _details(page: Page, repository: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """*rows* with everything that ECR knows of them, in the same order."""
    ids = [{"imageDigest": row["imageDigest"]} for row in rows]
    found = page.quiet_call("ecr", "DescribeImages", repositoryName=repository, imageIds=ids)["imageDetails"]
    by_digest = {each["imageDigest"]: each for each in found}
    return [by_digest[row["imageDigest"]] for row in rows if row["imageDigest"] in by_digest]


def described(page: Page, repository: str) -> dict[str, Any]:
    """The repository in DescribeRepositories; raises ClientError."""
    [found] = page.quiet_call("ecr", "DescribeRepositories", repositoryNames=[repository])["repositories"]
    return dict(found)


def push_commands(page: Page) -> Response:
    """*View push commands*: the four steps, for macOS and Linux and for Windows."""
    repository = page.request.args.get("repository", "")
    uri = described(page, repository)["repositoryUri"]
    systems = _systems(page.region, repository, uri)
    return page.render("push_commands.html", repository=repository, systems=systems)


def _systems(region: str, repository: str, uri: str) -> list[dict[str, Any]]:
    """For each tab: its name, and the command of each step."""
    host = uri.removesuffix(f"/{repository}")
    login = f"docker login --username AWS --password-stdin {host}"
    same = [
        f"docker build -t {repository} .",
        f"docker tag {repository}:latest {uri}:latest",
        f"docker push {uri}:latest",
    ]
    unix = f"aws ecr get-login-password --region {region} | {login}"
    return [
        {"id": "unix", "name": "macOS / Linux", "commands": [unix, *same], "needs": "AWS CLI"},
        {
            "id": "windows",
            "name": "Windows",
            "commands": [f"(Get-ECRLoginCommand).Password | {login}", *same],
            "needs": "AWS Tools for PowerShell",
            "instead": unix,
        },
    ]


def delete(page: Page, repository: str) -> Response:
    """Ask for confirmation, and delete the chosen images with all their tags."""
    digests, here = page.request.values.getlist("image"), f"/ecr/repositories/private/{repository}"
    ids = [{"imageDigest": each} for each in digests]
    if not ids:
        page.status, page.error = 400, {"code": "Nothing is chosen", "message": "Choose an image in the list first."}
    elif confirmation.is_given(page) and _delete(page, repository, ids):
        return page.redirect(page.url(here), f"Deleted {words.counted(len(ids), 'image')}.")
    sentence = f"Delete these images from {repository} with all their tags? This can't be undone."
    calls = [("ecr", "BatchDeleteImage", {"repositoryName": repository, "imageIds": ids})] if ids else []
    return confirmation.ask(page, confirmation.Question("Delete images", sentence, calls, here, {"image": digests}))


def _delete(page: Page, repository: str, ids: list[dict[str, str]]) -> bool:
    try:
        answer = page.call("ecr", "BatchDeleteImage", repositoryName=repository, imageIds=ids)
    except ClientError as error:
        page.report(error)
        return False
    if failures := answer["failures"]:
        page.status = 400
        page.error = {"code": failures[0]["failureCode"], "message": failures[0]["failureReason"]}
    return not failures


def scan(page: Page, repository: str, digest: str) -> Response:
    """Start a scan, and lead to the image's page."""
    if page.is_post and page.attempt(
        "ecr", "StartImageScan", repositoryName=repository, imageId={"imageDigest": digest}
    ):
        return page.redirect(
            page.url(f"/ecr/repositories/private/{repository}/_/image/{digest}"), "The scan has started."
        )
    return show(page, repository, digest)


def storage(page: Page, repository: str, digest: str) -> Response:
    """*Archive* or *Restore* an image, and lead to its page."""
    target = page.request.form.get("target", "")
    about = {"repositoryName": repository, "imageId": {"imageDigest": digest}, "targetStorageClass": target}
    if page.is_post and page.attempt("ecr", "UpdateImageStorageClass", **about):
        done = "The image is archived." if target == "ARCHIVE" else "The image is being restored."
        return page.redirect(page.url(f"/ecr/repositories/private/{repository}/_/image/{digest}"), done)
    return show(page, repository, digest)


def show(page: Page, repository: str, digest: str) -> Response:
    """One image: what ECR knows about it, what refers to it, and the findings of its scan."""
    image = _image(page, repository, digest)
    by_digest = {"repositoryName": repository, "imageId": {"imageDigest": digest}}
    scanned = page.optional("ecr", "DescribeImageScanFindings", **by_digest)
    findings = sorted_findings(scanned.get("imageScanFindings", {}))
    return page.render(
        "image.html",
        repository=repository,
        image=image,
        uri=described(page, repository)["repositoryUri"],
        scanned=scanned,
        findings=findings,
        counts=Counter(each["severity"] for each in findings),
        referrers=_listed(
            page, "ListImageReferrers", "referrers", repositoryName=repository, subjectId={"imageDigest": digest}
        ),
        replicas=_listed(page, "DescribeImageReplicationStatus", "replicationStatuses", **by_digest),
    )


def manifest(page: Page, repository: str, digest: str) -> Response:
    """The manifest, the layers and the config. ECR counts it as a pull."""
    image = _image(page, repository, digest)
    ids = [{"imageDigest": digest}]
    got = page.call("ecr", "BatchGetImage", repositoryName=repository, imageIds=ids, acceptedMediaTypes=MANIFESTS)
    if not got["images"]:
        raise NotFound(got["failures"][0]["failureReason"])
    text = got["images"][0]["imageManifest"]
    content = json.loads(text)
    config = _config(page, repository, content)
    return page.render(
        "manifest.html",
        repository=repository,
        image=image,
        text=text,
        parts=_parts(content, config),
        config=config,
        manifests=content.get("manifests", []),
    )


def _image(page: Page, repository: str, digest: str) -> dict[str, Any]:
    ids = [{"imageDigest": digest}]
    [found] = page.call("ecr", "DescribeImages", repositoryName=repository, imageIds=ids)["imageDetails"]
    return dict(found)


def _listed(page: Page, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
    """A list of a page's lower part: without the permission for it, or of an artifact that has none, it is empty."""
    try:
        return list(page.call("ecr", operation, **parameters)[key])
    except ClientError:
        return []


def _config(page: Page, repository: str, manifest: dict[str, Any]) -> Any:
    """The image's configuration; None for an index, or if it cannot be read."""
    about = manifest.get("config", {})
    if "json" not in about.get("mediaType", "") or about.get("size", 0) > MOST_CONFIG:
        return None
    parameters = {"repositoryName": repository, "layerDigest": about["digest"]}
    url = page.call("ecr", "GetDownloadUrlForLayer", **parameters)["downloadUrl"]
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def _parts(manifest: dict[str, Any], config: Any) -> list[dict[str, Any]]:
    """Each layer: digest, size, media type, the command that made it, and where to draw it, in thousandths."""
    layers = manifest.get("layers", [])
    made_by = _commands_of(config)
    whole = sum(layer["size"] for layer in layers) or 1
    parts, before = [], 0
    for number, layer in enumerate(layers):
        left, before = before, before + layer["size"]
        made = made_by[number] if len(made_by) == len(layers) else ""
        parts.append({**layer, "x": 1000 * left / whole, "width": 1000 * layer["size"] / whole, "made_by": made})
    return parts


def _commands_of(config: Any) -> list[str]:
    """The command of each layer; the history also has steps that made none."""
    history: Iterable[Any] = config.get("history") or [] if isinstance(config, dict) else []
    return [str(step.get("created_by", "")) for step in history if not step.get("empty_layer")]
