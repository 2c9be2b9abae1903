"""Waits for a scan of an image."""

import time
from typing import Any

from helpers.errors import LabError
from helpers.lab import Lab

TIMEOUT = 300  # seconds; on AWS a scan takes a minute or two
PAUSE = {"sandbox": 0.1, "aws": 5.0}  # seconds between two polls
KINDS = ("findings", "enhancedFindings")


def finished(lab: Lab, repository: str, tag: str) -> dict[str, Any]:
    """The response of ``describe_image_scan_findings`` once the image is scanned, with the findings of all pages.

    Just after a push there may be no scan yet. LabError if there is none in time, or if it failed.
    """
    ecr = lab.client()
    image = {"repositoryName": repository, "imageId": {"imageTag": tag}}
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        try:
            answer = ecr.describe_image_scan_findings(**image)
        except ecr.exceptions.ScanNotFoundException:
            answer = {}
        if answer.get("imageScanStatus", {}).get("status") in ("FAILED", "UNSUPPORTED_IMAGE"):
            raise LabError(f"The scan failed: {answer['imageScanStatus'].get('description')}", "ecr-lab doctor")
        if "imageScanFindings" in answer and answer["imageScanStatus"]["status"] != "IN_PROGRESS":
            return _with_all_pages(ecr, image, answer)
        time.sleep(PAUSE[lab.target])
    raise LabError(
        f"{repository}:{tag} was not scanned within {TIMEOUT} seconds.", "turn on scan on push, then push again"
    )


def _with_all_pages(ecr: Any, image: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    found = answer["imageScanFindings"]
    token = answer.pop("nextToken", None)
    while token:
        more = ecr.describe_image_scan_findings(**image, nextToken=token)
        for kind in KINDS:
            found.setdefault(kind, []).extend(more["imageScanFindings"].get(kind, []))
        token = more.get("nextToken")
    return answer
