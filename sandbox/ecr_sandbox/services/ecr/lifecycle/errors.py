"""ECR's errors about lifecycle policies, each with its source.

The frame is in many logs (https://github.com/cloudposse/terraform-aws-ecr/pull/132, 2024). Inside it are messages of
java-json-tools' json-schema-validator, which ECR runs: the same logs have its
``instance failed to match exactly one schema``, and https://github.com/badmintoncryer/cdk-preflight, which tried its
rules on AWS in September 2026, has more. Most of the other sentences are from that project, too.
"""

import json
from collections.abc import Iterable
from typing import Any

from moto.core.exceptions import ServiceException

from ecr_sandbox.aws.errors import InvalidParameter

# --- an invalid policy ------------------------------------------------------------------------------------------------


class PolicyInvalid(InvalidParameter):
    """A policy that ECR refuses; *failure* is ``parsing`` for a text that is not JSON (cdk-preflight)."""

    def __init__(self, detail: str, failure: str = "validation"):
        super().__init__("LifecyclePolicyText", f"Lifecycle policy {failure} failure: {detail}")


UNREADABLE = "Could not map policyString into LifecyclePolicy."  # cdk-preflight, pf-ecr-lifecycle-action


def not_one_of(schemas: int) -> str:
    """No one of so many *schemas* fits: four count types (cdk-preflight, pf-ecr-lifecycle-count), or two actions
    (https://github.com/cloudposse/terraform-aws-ecr/issues/158)."""
    return f"instance failed to match exactly one schema (matched 0 out of {schemas})"


def wrong_type(found: str, allowed: str) -> str:
    """json-schema-validator's."""
    return f"instance type ({found}) does not match any allowed primitive type (allowed: {_listed([allowed])})"


def not_in(value: Any, known: Iterable[str]) -> str:
    """json-schema-validator's."""
    return f"instance value ({json.dumps(value)}) not found in enum (possible values: {_listed(known)})"


def missing(names: Iterable[str]) -> str:
    """json-schema-validator's; in cdk-preflight for ``rules``."""
    return f"object has missing required properties ({_listed(sorted(names))})"


def not_allowed(names: Iterable[str]) -> str:
    """json-schema-validator's; in cdk-preflight."""
    return f"object instance has properties which are not allowed by the schema: {_listed(sorted(names))}"


def too_low(found: int) -> str:
    """json-schema-validator's; in cdk-preflight."""
    return f"numeric instance is lower than the required minimum (minimum: 1, found: {found})"


def too_few(least: int) -> str:
    """json-schema-validator's; in cdk-preflight."""
    return f"array is too short: must have at least {least} elements but instance has 0 elements"


def too_many(most: int, found: int) -> str:
    """json-schema-validator's; in cdk-preflight."""
    return f"array is too long: must have at most {most} elements but instance has {found} elements"


def _listed(names: Iterable[str]) -> str:
    return json.dumps(list(names), separators=(",", ":"))


# --- contradictory rules ----------------------------------------------------------------------------------------------

# A public project's log of 2026; the beginning is in cdk-preflight.
NO_TAGS = "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED."
# cdk-preflight
BOTH_LISTS = "If policy has a tagged rule, it must specify only one of tagPrefixList or tagPatternList"
BAD_PATTERN = "Invalid tag pattern provided. Total number of * must not exceed {most}"
SAME_PRIORITY = "Duplicate priority in multiple rules"
STANDARD_ONLY = (
    "SINCE_IMAGE_PUSHED, SINCE_IMAGE_PULLED and IMAGE_COUNT_MORE_THAN support the STANDARD storage class only"
)
# Two public logs of 2026. Before the archive storage class it ended before "per storage class".
TWO_UNTAGGED = "Only one rule can select Untagged images per storage class."
# A public project's log of 2026; cdk-preflight ends with "must have the highest rulePriority".
ANY_NOT_LAST = "Rule for tagStatus=ANY must have the lowest priority per storage class"
# In cdk-preflight without the end, which is taken from the two above: AWS's own example has two such rules.
TWO_ANY = "Only one rule can specify tagStatus=ANY per storage class"
# The rule is the user guide's ("Examples of lifecycle policies", "Important"), the sentences follow STANDARD_ONLY.
ARCHIVE_ONLY = "SINCE_IMAGE_TRANSITIONED supports the ARCHIVE storage class only"
TRANSITION_ONLY = "SINCE_IMAGE_PULLED supports the TRANSITION action only"
EXPIRE_ONLY = "SINCE_IMAGE_TRANSITIONED supports the EXPIRE action only"
# The user guide's sentence ("Examples of lifecycle policies", "Note"), without its "You".
TOO_SOON = "cannot configure lifecycle policies that delete images that have been in archive for less than {days} days"
# The rule is the user guide's ("Lifecycle policy evaluation rules"), the sentence ours.
SAME_PREFIX = "Duplicate tag prefix in multiple rules per storage class"


def no_tags_here(name: str, tag_status: str) -> str:
    """cdk-preflight."""
    return f"Cannot specify {name} with tagStatus {tag_status}"


# --- previews ---------------------------------------------------------------------------------------------------------


class PreviewInProgress(ServiceException):
    """The code and the sentence are the service model's."""

    code = "LifecyclePolicyPreviewInProgressException"

    def __init__(self) -> None:
        super().__init__("The previous lifecycle policy preview request has not completed. Wait and try again.")


class PreviewNotFound(ServiceException):
    """The code is the service model's; the sentence follows LifecyclePolicyNotFoundException."""

    code = "LifecyclePolicyPreviewNotFoundException"

    def __init__(self, repository: str, registry: str):
        super().__init__(
            f"Lifecycle policy preview does not exist for the repository with name '{repository}' "
            f"in the registry with id '{registry}'"
        )
