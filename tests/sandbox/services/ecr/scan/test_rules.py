"""Which images are scanned: the table of the user guide and the rules of the API reference."""

import json

import pytest

from ecr_sandbox.services.ecr.scan import rules
from ecr_sandbox.services.ecr.scan.rules import Rule, matches, rule_for, scannable, unsupported_frequency
from tests.sandbox.api import CONFIG, INDEX, OCI, TAR

# ECR user guide, "Image scanning", the table under "Using filters".
REPOSITORIES = ("prod", "repo-prod", "prod-repo", "repo-prod-repo", "prodrepo")
TABLE = {
    "prod": (True, True, True, True, True),
    "*prod": (True, True, False, False, False),
    "prod*": (True, False, True, False, True),
    "*prod*": (True, True, True, True, True),
    "prod*repo": (False, False, True, False, True),
}


def rule(frequency: str, *filters: str) -> dict:
    return {"scanFrequency": frequency, "repositoryFilters": [{"filter": f, "filterType": "WILDCARD"} for f in filters]}


@pytest.mark.parametrize(("pattern", "expected"), TABLE.items())
def test_filters_match_as_in_the_user_guides_table(pattern, expected):
    assert tuple(matches(pattern, each) for each in REPOSITORIES) == expected


def configuration(scan_type: str, rules: list[dict]) -> dict:
    """The configuration of a registry, as it is stored."""
    return {"scanType": scan_type, "rules": rules}


def test_a_dot_in_a_filter_is_a_dot():
    assert not matches("a.b*", "axbc")


@pytest.mark.parametrize(
    ("config", "own", "expected"),
    [
        (configuration("BASIC", []), False, Rule("BASIC", "MANUAL")),
        (configuration("BASIC", []), True, Rule("BASIC", "SCAN_ON_PUSH")),
        (configuration("BASIC", [rule("SCAN_ON_PUSH", "te*")]), False, Rule("BASIC", "SCAN_ON_PUSH", ("te*",))),
        (configuration("BASIC", [rule("SCAN_ON_PUSH", "other")]), False, Rule("BASIC", "MANUAL")),
        (configuration("BASIC", [rule("MANUAL", "*")]), True, Rule("BASIC", "SCAN_ON_PUSH")),
        (configuration("ENHANCED", []), False, Rule("ENHANCED", "CONTINUOUS_SCAN", ("*",))),
        (configuration("ENHANCED", [rule("SCAN_ON_PUSH", "other")]), True, Rule("ENHANCED", "MANUAL")),
        (
            configuration("ENHANCED", [rule("SCAN_ON_PUSH", "*"), rule("CONTINUOUS_SCAN", "team", "te*")]),
            False,
            Rule("ENHANCED", "CONTINUOUS_SCAN", ("team", "te*")),
        ),
    ],
)
def test_the_scan_rule_that_applies_to_a_repository(config, own, expected):
    assert rule_for("team/app", config, own) == expected


@pytest.mark.parametrize(
    ("scan_type", "frequency", "refused"),
    [
        ("BASIC", "CONTINUOUS_SCAN", True),
        ("BASIC", "SCAN_ON_PUSH", False),
        ("BASIC", "MANUAL", False),
        ("ENHANCED", "MANUAL", True),
        ("ENHANCED", "CONTINUOUS_SCAN", False),
        ("ENHANCED", "SCAN_ON_PUSH", False),
    ],
)
def test_each_scan_type_has_its_frequencies(scan_type, frequency, refused):
    assert (unsupported_frequency(scan_type, [rule(frequency, "*")]) is not None) == refused


def manifest(config: str = CONFIG, *layers: str) -> str:
    return json.dumps({"config": {"mediaType": config}, "layers": [{"mediaType": each} for each in layers]})


@pytest.mark.parametrize(
    ("media_type", "text", "expected"),
    [
        (OCI, manifest(CONFIG, TAR), True),
        (OCI, manifest(CONFIG, f"{TAR}+gzip"), True),
        (rules.IMAGES[1], manifest(rules.CONFIGS[1], "application/vnd.docker.image.rootfs.diff.tar.gzip"), True),
        (OCI, manifest(CONFIG), False),
        (OCI, manifest("application/vnd.cncf.helm.config.v1+json", TAR), False),
        (OCI, manifest(CONFIG, "application/vnd.in-toto+json"), False),
        (INDEX, json.dumps({"manifests": []}), False),
    ],
    ids=["image", "packed", "docker's", "no layers", "chart", "attestation", "index"],
)
def test_only_images_with_a_file_system_are_scanned(media_type, text, expected):
    assert scannable(media_type, text) == expected
