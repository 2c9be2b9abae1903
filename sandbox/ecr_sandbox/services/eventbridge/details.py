"""Image events as EventBridge receives them, with the fields of AWS's page "Amazon ECR events and EventBridge".

That page does not show an untagged image: here its events have no ``image-tag``. The fields of a failed pull through
cache action are those of AWS's event schema ``ecr@ECRPullThroughCacheAction``.
"""

from datetime import UTC, datetime
from typing import Any

from ecr_sandbox.registry.events import (
    Cached,
    Deleted,
    ImageEvent,
    Inspected,
    Pushed,
    Replicated,
    Scanned,
    StorageClassChanged,
)

KINDS = (
    Pushed,
    Deleted,
    StorageClassChanged,
    Replicated,
    Cached,
    Scanned,
    Inspected,
)  # that EventBridge gets
IMAGE, REFERRER, SCAN = "ECR Image Action", "ECR Referrer Action", "ECR Image Scan"
REPLICATION, CACHE = "ECR Replication Action", "ECR Pull Through Cache Action"
INSPECTION = "Inspector2 Scan"  # user guide, "EventBridge events sent for enhanced scanning in Amazon ECR"


def event(image_event: ImageEvent, number: str, at: float) -> dict[str, Any]:
    """The event about *image_event* at that Unix time; *number* is its id."""
    kind, detail = _detail(image_event)
    about_repository = kind in (SCAN, REPLICATION, CACHE, INSPECTION)
    return {
        "version": "0",
        "id": number,
        "detail-type": kind,
        "source": "aws.inspector2" if kind == INSPECTION else "aws.ecr",
        "account": image_event.account,
        "time": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": image_event.region,
        "resources": [_arn(image_event)] if about_repository else [],
        "detail": {name: value for name, value in detail.items() if value is not None},
    }


def _detail(image_event: ImageEvent) -> tuple[str, dict[str, Any]]:
    image = {"repository-name": image_event.repository, "image-digest": image_event.digest or None}
    tag = {"image-tag": image_event.tag}
    match image_event:
        case Pushed():
            return IMAGE, {"result": "SUCCESS", **image, "action-type": "PUSH", **tag}
        case Deleted():
            return IMAGE, {"result": "SUCCESS", **image, "action-type": "DELETE", **tag}
        case StorageClassChanged():
            return REFERRER if image_event.referrer else IMAGE, {**_storage_class(image_event), **image}
        case Replicated():
            return REPLICATION, {**_replication(image_event), **image, **tag}
        case Cached():
            return CACHE, {**_cache(image_event), **image, **tag}
        case Scanned():
            found = {name: count for name, count in image_event.counts.items() if count}
            counts = {"finding-severity-counts": found, "image-tags": list(image_event.tags)}
            return SCAN, {"scan-status": image_event.status, **image, **counts}
        case Inspected():
            return INSPECTION, _inspection(image_event)
    raise TypeError(f"there is no event about {image_event}")


def _storage_class(change: StorageClassChanged) -> dict[str, Any]:
    return {
        "action-type": "UPDATE_STORAGE_CLASS",
        "target-storage-class": change.target,
        "result": "SUCCESS",
        "manifest-media-type": change.media_type,
        "artifact-media-type": change.artifact_type,
        "last-activated-at": None if change.activated_at is None else _precise(change.activated_at),
    }


def _replication(copied: Replicated) -> dict[str, Any]:
    return {
        "result": "SUCCESS" if copied.complete else "FAILED",
        "source-account": copied.source_account,
        "action-type": "REPLICATE",
        "source-region": copied.source_region,
    }


def _cache(cached: Cached) -> dict[str, Any]:
    code, reason = cached.failure or (None, None)
    return {
        "rule-version": "1",
        "sync-status": "FAILED" if cached.failure else "SUCCESS",
        "ecr-repository-prefix": cached.prefix,
        "upstream-registry-url": cached.upstream,
        "failure-code": code,
        "failure-reason": reason,
    }


def _inspection(scan: Inspected) -> dict[str, Any]:
    """Inspector names the repository by its ARN."""
    return {
        "scan-status": "INITIAL_SCAN_COMPLETE" if scan.succeeded else scan.status,
        "repository-name": _arn(scan),
        "finding-severity-counts": {**scan.counts, "TOTAL": sum(scan.counts.values())},
        "image-digest": scan.digest,
        "image-tags": list(scan.tags),
    }


def _precise(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _arn(image_event: ImageEvent) -> str:
    return f"arn:aws:ecr:{image_event.region}:{image_event.account}:repository/{image_event.repository}"
