"""*Edit*: the settings of a repository that can change, and its tags."""

from typing import Any

from werkzeug.wrappers import Response

from . import images
from .forms import pairs
from .page import Page
from .repositories import mutability


def show(page: Page, repository: str) -> Response:
    """Tag mutability with exclusions, scan on push, tags."""
    about = images.described(page, repository)
    arn, name = about["repositoryArn"], {"repositoryName": repository}
    tags = page.quiet_call("ecr", "ListTagsForResource", resourceArn=arn)["tags"]
    if page.is_post and _save(page, name, arn, about, tags):
        return page.redirect(page.url(f"/ecr/repositories/private/{repository}/_/edit"), "The settings were saved.")
    mode = about["imageTagMutability"]
    return page.render(
        "edit_repository.html",
        repository=repository,
        about=about,
        mode="IMMUTABLE" if mode.startswith("IMMUTABLE") else "MUTABLE",
        filters=[each["filter"] for each in about.get("imageTagMutabilityExclusionFilters", [])],
        tags="\n".join(f"{tag['Key']}={tag['Value']}" for tag in tags),
    )


def _save(page: Page, name: dict[str, str], arn: str, about: dict[str, Any], tags: list[dict[str, str]]) -> bool:
    """Make the calls for what has changed; whether all succeeded."""
    wanted = mutability(page, keep_default=True)
    scans = {"scanOnPush": bool(page.request.form.get("scan_on_push"))}
    new = dict(pairs(page.request.form.get("tags", "")))
    old = {tag["Key"]: tag["Value"] for tag in tags}
    calls: list[tuple[str, dict[str, Any]]] = []
    if any(about.get(key) != value for key, value in wanted.items()):
        calls.append(("PutImageTagMutability", {**name, **wanted}))
    if about["imageScanningConfiguration"] != scans:
        calls.append(("PutImageScanningConfiguration", {**name, "imageScanningConfiguration": scans}))
    if added := [{"Key": key, "Value": value} for key, value in new.items() if old.get(key) != value]:
        calls.append(("TagResource", {"resourceArn": arn, "tags": added}))
    if gone := [key for key in old if key not in new]:
        calls.append(("UntagResource", {"resourceArn": arn, "tagKeys": gone}))
    return all(page.attempt("ecr", operation, **parameters) for operation, parameters in calls)
