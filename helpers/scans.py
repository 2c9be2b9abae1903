"""Waiting for a scan: what ECR found in an image, when it has found it."""

import time
from typing import TYPE_CHECKING, Any

from ecr_sandbox.errors import LabError

if TYPE_CHECKING:
    from helpers.lab import Lab

LONGEST = 300  # seconds; on AWS a scan takes a minute or two
PAUSE = {"sandbox": 0.1, "aws": 5.0}  # seconds between two questions
KINDS = ("findings", "enhancedFindings")


def finished(lab: "Lab", repository: str, tag: str) -> dict[str, Any]:
    """What ``describe_image_scan_findings`` answers of the image once it is scanned, all pages in one.

    Just after a push ECR may not know of a scan yet. Raises LabError when there is none in time.
    """
    ecr = lab.client()
    asked = {"repositoryName": repository, "imageId": {"imageTag": tag}}
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        try:
            answer = ecr.describe_image_scan_findings(**asked)
        except ecr.exceptions.ScanNotFoundException:
            answer = {}
        if answer.get("imageScanStatus", {}).get("status") in ("FAILED", "UNSUPPORTED_IMAGE"):
            raise LabError(f"The scan failed: {answer['imageScanStatus'].get('description')}", "ecr-lab doctor")
        if "imageScanFindings" in answer and answer["imageScanStatus"]["status"] != "IN_PROGRESS":
            return _with_all_pages(ecr, asked, answer)
        time.sleep(PAUSE[lab.target])
    raise LabError(
        f"{repository}:{tag} was not scanned within {LONGEST} seconds.", "switch scan on push on, push again"
    )


def _with_all_pages(ecr: Any, asked: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    found = answer["imageScanFindings"]
    token = answer.pop("nextToken", None)
    while token:
        more = ecr.describe_image_scan_findings(**asked, nextToken=token)
        for kind in KINDS:
            found.setdefault(kind, []).extend(more["imageScanFindings"].get(kind, []))
        token = more.get("nextToken")
    return answer
