"""Which rule goes for this repository, and what is the repository called upstream? Decided from the rules alone.

Source: API reference, CreatePullThroughCacheRule; user guide, "Customizing repository prefixes for ECR to ECR".
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ecr_sandbox.services.ecr.templates import ROOT, has_prefix

Rule = Mapping[str, Any]  # as the API gives it
REFRESHED = 24 * 60 * 60  # seconds after which upstream is asked again what a tag names


def chosen(rules: Iterable[Rule], name: str) -> Rule | None:
    """The rule with the longest prefix of the repository *name*."""
    fitting = [each for each in rules if has_prefix(name, each["ecrRepositoryPrefix"])]
    return max(
        fitting,
        key=lambda each: (each["ecrRepositoryPrefix"] != ROOT, len(each["ecrRepositoryPrefix"].rstrip("/"))),
        default=None,
    )


def upstream_name(rule: Rule, name: str) -> str:
    """What *rule* calls the repository *name* upstream."""
    prefix = rule["ecrRepositoryPrefix"].rstrip("/")
    rest = name if prefix == ROOT else name.removeprefix(f"{prefix}/")
    upstream = (rule.get("upstreamRepositoryPrefix") or ROOT).rstrip("/")
    return rest if upstream == ROOT else f"{upstream}/{rest}"


def is_due(last: float | None, now: float) -> bool:
    """Whether upstream is to be asked *now* what a tag names, when it last was at that Unix time.

    A tag that is here though upstream was never asked (None) was pushed here, and stays what it is.
    """
    return last is not None and now - last >= REFRESHED
