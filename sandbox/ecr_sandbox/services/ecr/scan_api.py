"""Operations on scans: configuration, starting a scan, and findings."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from moto.core.responses import ActionResult
from moto.ecr.exceptions import RepositoryNotFoundException, ScanNotFoundException

from ecr_sandbox.aws import pagination
from ecr_sandbox.registry.image import ARCHIVED, Image
from ecr_sandbox.state import clock

from . import errors
from .backend import Repository, backend
from .operations import Operations, found, named
from .scan import rules

if TYPE_CHECKING:
    from ecr_sandbox.services.ecr.scan.results import Scan
    from ecr_sandbox.services.ecr.scan.triggers import Scans


class ScanOperations(Operations):
    """moto's operations return the same findings for every image."""

    scans: ClassVar["Scans"]

    def put_registry_scanning_configuration(self) -> ActionResult:
        """The rules are stored as given. Existing images are scanned if the new rules require it."""
        scan_type, given = self._get_param("scanType") or rules.BASIC, self._get_param("rules") or []
        if frequency := rules.unsupported_frequency(scan_type, given):
            raise errors.unsupported_frequency(frequency, scan_type)
        if frequency := rules.repeated_frequency(given):
            raise errors.repeated_frequency(frequency)
        config = {"scanType": scan_type, "rules": given}
        self.ecr_backend.registry_scanning_configuration = config
        self.scans.rules_changed(self.current_account, self.region)
        return ActionResult({"registryScanningConfiguration": config})

    def batch_get_repository_scanning_configuration(self) -> ActionResult:
        """The current rules, also for repositories created after them."""
        configs, failures = [], []
        for name in self._get_param("repositoryNames"):
            try:
                configs.append(_scanning(self.ecr_backend.repository(name)))
            except RepositoryNotFoundException as error:
                code = "REPOSITORY_NOT_FOUND"
                failures.append({"repositoryName": name, "failureCode": code, "failureReason": error.message})
        return ActionResult({"scanningConfigurations": configs, "failures": failures})

    def start_image_scan(self) -> ActionResult:
        repository, wanted = self._repository(), self._get_param("imageId")
        image = found(repository, wanted, "imageId")
        self.scans.start(repository, image)
        return ActionResult({**_about(repository, image, wanted), "imageScanStatus": {"status": "IN_PROGRESS"}})

    def describe_image_scan_findings(self) -> ActionResult:
        """By digest or by tag, in pages. An enhanced scan without results yet is not found.

        Source of the last: reports of pipelines that call it right after a push, under continuous scanning.
        """
        repository, wanted = self._repository(), self._get_param("imageId")
        image = found(repository, wanted, "imageId")
        scan = self.scans.last(repository, image)
        if scan is None or (scan.type == rules.ENHANCED and scan.status == "IN_PROGRESS" and not scan.completed):
            raise ScanNotFoundException(named(wanted), repository.name, repository.registry_id)
        of = f"{self._get_action()} {repository.arn} {image.digest}"
        size = self._get_param("maxResults") or pagination.SIZE
        page, token = pagination.of_list(of, scan.findings, self._get_param("nextToken"), size)
        answer = {**_about(repository, image, wanted), "imageScanStatus": _status(scan, image), "nextToken": token}
        if scan.completed:
            answer["imageScanFindings"] = {**_summary(scan), **_findings(page, scan, repository, image)}
        return ActionResult(answer)


def summaries(repository: Repository) -> Callable[[Image], dict[str, Any]]:
    """What gives the scan's part of DescribeImages for an image of *repository*: for enhanced scans only.

    "The new version of Amazon ECR Basic Scanning doesn't use" these attributes (API reference, DescribeImages).
    """
    registry = backend(repository.account_id, repository.region_name)
    is_enhanced = registry.registry_scanning_configuration["scanType"] == rules.ENHANCED
    return partial(_summary_of_enhanced, repository) if is_enhanced else lambda image: {}


def _summary_of_enhanced(repository: Repository, image: Image) -> dict[str, Any]:
    scan = ScanOperations.scans.last(repository, image)
    if scan is None or not scan.completed:
        return {}
    return {"imageScanStatus": _status(scan, image), "imageScanFindingsSummary": _summary(scan)}


def _scanning(repository: Repository) -> dict[str, Any]:
    """``scanOnPush`` is the repository's own setting: https://github.com/turbot/steampipe-plugin-aws/issues/1716."""
    from ecr_sandbox.services.ecr.scan.triggers import rule_of

    rule, own = rule_of(repository), repository.image_scanning_configuration or {}
    return {
        "repositoryArn": repository.arn,
        "repositoryName": repository.name,
        "scanOnPush": bool(own.get("scanOnPush")),
        "scanFrequency": rule.frequency,
        "appliedScanFilters": [{"filter": each, "filterType": "WILDCARD"} for each in rule.filters],
    }


def _about(repository: Repository, image: Image, wanted: dict[str, str]) -> dict[str, Any]:
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": {"imageDigest": image.digest, "imageTag": wanted.get("imageTag")},
    }


def _status(scan: "Scan", image: Image) -> dict[str, Any]:
    """Archived images are not scanned; a continuous scan ends some time after the push (user guide)."""
    if image.status == ARCHIVED:
        return {"status": "IMAGE_ARCHIVED", "description": errors.ARCHIVED_NOT_SCANNED}
    if scan.status == "ACTIVE" and image.pushed_at <= clock.now() - rules.ELIGIBLE:
        return {"status": "SCAN_ELIGIBILITY_EXPIRED", "description": errors.ELIGIBILITY_EXPIRED}
    return {"status": scan.status, "description": scan.description}


def _summary(scan: "Scan") -> dict[str, Any]:
    return {
        "imageScanCompletedAt": scan.completed,
        "vulnerabilitySourceUpdatedAt": scan.dated,
        "findingSeverityCounts": scan.severities,
    }


def _findings(page: Any, scan: "Scan", repository: Repository, image: Image) -> dict[str, Any]:
    from .scan import findings as shapes

    if scan.type == rules.BASIC:
        return {"findings": [shapes.basic(each) for each in page]}
    return {"enhancedFindings": [shapes.enhanced(each, scan, repository, image) for each in page]}
