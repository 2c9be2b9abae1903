"""The destinations of a repository's images, decided from the registry's configuration.

Source: API reference, ReplicationRule; user guide, "Private image replication": rules without filters cover every
repository, a filter is the prefix of a name.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Rule = Mapping[str, Any]  # the API's fields


class Destination(NamedTuple):
    """A registry; *deletes* is whether deletions are replicated."""

    account: str
    region: str
    deletes: bool = False


def destinations(rules: Iterable[Rule], repository: str) -> list[Destination]:
    """Each registry that *rules* name for *repository*, once; deletions are replicated if one of the rules says so."""
    found: dict[tuple[str, str], bool] = {}
    for rule in rules:
        if not covers(rule, repository):
            continue
        deletes = bool((rule.get("deleteReplication") or {}).get("enabled"))
        for each in rule["destinations"]:
            key = (each["registryId"], each["region"])
            found[key] = found.get(key, False) or deletes
    return [Destination(*key, deletes) for key, deletes in found.items()]


def covers(rule: Rule, repository: str) -> bool:
    """Whether *rule* covers *repository*."""
    filters = rule.get("repositoryFilters") or []
    return not filters or any(repository.startswith(each["filter"]) for each in filters)
