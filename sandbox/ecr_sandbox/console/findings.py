"""The findings of a basic or an enhanced scan as rows: severity, name, package, version, fixed in."""

import re
from typing import Any

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED", "UNTRIAGED")


def sorted_findings(found: dict[str, Any]) -> list[dict[str, str]]:
    """The rows of ``imageScanFindings``, the most severe first."""
    rows = [*map(_basic, found.get("findings", [])), *map(_enhanced, found.get("enhancedFindings", []))]
    return sorted(rows, key=lambda row: (_rank(row["severity"]), row["package"], row["name"]))


def _basic(finding: dict[str, Any]) -> dict[str, str]:
    """A basic finding has no field for the version that fixes it; the sandbox's descriptions have it."""
    attributes = {each["key"]: each.get("value", "") for each in finding.get("attributes", [])}
    fixed = re.search(r"Fixed in (\S+)\.(?:\s|$)", finding.get("description", ""))
    return {
        "severity": finding.get("severity", "UNDEFINED"),
        "name": finding.get("name", ""),
        "url": finding.get("uri", ""),
        "package": attributes.get("package_name", ""),
        "version": attributes.get("package_version", ""),
        "fixed": fixed[1] if fixed else "-",
        "description": finding.get("description", ""),
    }


def _enhanced(finding: dict[str, Any]) -> dict[str, str]:
    about = finding.get("packageVulnerabilityDetails", {})
    [package] = about.get("vulnerablePackages", [])[:1] or [{}]
    version = package.get("version", "") + (f"-{package['release']}" if package.get("release") else "")
    fixed = package.get("fixedInVersion", "NotAvailable")
    return {
        "severity": finding.get("severity", "UNTRIAGED"),
        "name": about.get("vulnerabilityId", ""),
        "url": about.get("sourceUrl", ""),
        "package": package.get("name", ""),
        "version": version,
        "fixed": "-" if fixed == "NotAvailable" else fixed,
        "description": finding.get("description", ""),
    }


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
