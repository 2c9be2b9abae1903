"""Which images are scanned, how, and when: the registry's rules, and the older setting of a repository.

Sources: ECR user guide, "Image scanning" (filters, and the precedence of rules), "Enhanced scanning" and "Basic
scanning"; API reference, PutRegistryScanningConfiguration. How long an image is scanned again: Inspector's guide,
https://docs.aws.amazon.com/inspector/latest/user/scanning_resources_configure_duration_setting_ecr.html
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ecr_sandbox.registry.manifest_format import IMAGES

BASIC, ENHANCED = "BASIC", "ENHANCED"
MANUAL, ON_PUSH, CONTINUOUS = "MANUAL", "SCAN_ON_PUSH", "CONTINUOUS_SCAN"
FREQUENCIES = {BASIC: (ON_PUSH, MANUAL), ENHANCED: (CONTINUOUS, ON_PUSH)}
ONCE_IN = 24 * 60 * 60  # seconds for one basic scan of an image; service quotas, "Rate of image scans"
ELIGIBLE = 14 * 24 * 60 * 60  # seconds after a push in which an image is scanned again; default of new accounts
EVERYTHING = {"scanFrequency": CONTINUOUS, "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}

CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
LAYERS = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.")


@dataclass(frozen=True)
class Rule:
    """How the images of a repository are scanned: the *type*, the *frequency*, and the *filters* that matched."""

    type: str
    frequency: str
    filters: tuple[str, ...] = ()

    @property
    def on_push(self) -> bool:
        return self.frequency != MANUAL


def rule_for(repository: str, config: Mapping[str, Any], scan_on_push: bool = False) -> Rule:
    """The rule of a registry's *config* for *repository*; *scan_on_push* is its own setting, for basic scans only.

    Of several rules the continuous one applies. A repository that no filter matches is scanned manually, or, with
    enhanced scanning, not at all. Enhanced scanning without rules is continuous for every repository.
    """
    matching: dict[str, tuple[str, ...]] = {}
    for rule in config["rules"] or ([EVERYTHING] if config["scanType"] == ENHANCED else []):
        filters = [each["filter"] for each in rule["repositoryFilters"] if matches(each["filter"], repository)]
        if filters:
            matching[rule["scanFrequency"]] = (*matching.get(rule["scanFrequency"], ()), *filters)
    for frequency in (CONTINUOUS, ON_PUSH):
        if frequency in matching:
            return Rule(config["scanType"], frequency, matching[frequency])
    own = config["scanType"] == BASIC and scan_on_push
    return Rule(config["scanType"], ON_PUSH if own else MANUAL)


def matches(pattern: str, repository: str) -> bool:
    """Whether a filter matches: without a ``*`` it matches any part of the name."""
    if "*" not in pattern:
        return pattern in repository
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), repository) is not None


def unsupported_frequency(scan_type: str, rules: Iterable[Mapping[str, Any]]) -> str | None:
    """The first frequency in *rules* that this type of scan does not support, or None."""
    return next((rule["scanFrequency"] for rule in rules if rule["scanFrequency"] not in FREQUENCIES[scan_type]), None)


def repeated_frequency(rules: Iterable[Mapping[str, Any]]) -> str | None:
    """The first frequency that two of the *rules* have, or None."""
    counts = Counter(rule["scanFrequency"] for rule in rules)
    return next((frequency for frequency, count in counts.items() if count > 1), None)


def scannable(media_type: str, manifest: str) -> bool:
    """Whether an image can be scanned: it has a file system, and is not an index or another artifact."""
    if media_type not in IMAGES:
        return False
    content = json.loads(manifest)
    layers = [str(each.get("mediaType")) for each in content["layers"]]
    return content["config"].get("mediaType") in CONFIGS and any(each.startswith(LAYERS) for each in layers)
