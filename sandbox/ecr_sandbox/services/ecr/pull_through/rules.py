"""Which rule covers a repository, and the repository's name upstream: decided from the rules alone.

Source: API reference, CreatePullThroughCacheRule; user guide, "Customizing repository prefixes for ECR to ECR".
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ecr_sandbox.services.ecr.templates import ROOT, has_prefix

Rule = Mapping[str, Any]  # the API's fields
REFRESHED = 24 * 60 * 60  # seconds after which upstream is asked again about a tag


def chosen(rules: Iterable[Rule], name: str) -> Rule | None:
    """The rule with the longest prefix of the repository *name*."""
    fitting = [each for each in rules if has_prefix(name, each["ecrRepositoryPrefix"])]
    return max(
        fitting,
        key=lambda each: (each["ecrRepositoryPrefix"] != ROOT, len(each["ecrRepositoryPrefix"].rstrip("/"))),
        default=None,
    )


def upstream_name(rule: Rule, name: str) -> str:
    """The upstream name of the repository *name* under *rule*."""
    prefix = rule["ecrRepositoryPrefix"].rstrip("/")
    rest = name if prefix == ROOT else name.removeprefix(f"{prefix}/")
    upstream = (rule.get("upstreamRepositoryPrefix") or ROOT).rstrip("/")
    return rest if upstream == ROOT else f"{upstream}/{rest}"


def is_due(last: float | None, now: float) -> bool:
    """Whether to ask upstream *now* about a tag, given the Unix time of the *last* check.

    A tag that was never checked (None) was pushed here, and keeps its image.
    """
    return last is not None and now - last >= REFRESHED
