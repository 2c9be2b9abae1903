"""All kinds of resources that the course makes, in all places."""

from typing import TYPE_CHECKING

from . import iam, places, repositories, workloads
from .kinds import Kind

if TYPE_CHECKING:
    from helpers.lab import Lab


def workload_kinds(lab: "Lab") -> list[Kind]:
    """Those of ECS, Lambda and CloudWatch Logs."""
    return workloads.all_kinds(places.home(lab)) + _elsewhere(lab, workloads.all_kinds)


def repository_kinds(lab: "Lab") -> list[Kind]:
    """The private repositories."""
    return repositories.all_kinds(places.home(lab)) + _elsewhere(lab, repositories.all_kinds)


def public_kinds(lab: "Lab") -> list[Kind]:
    """The public repositories; ECR Public exists in the commercial Regions only."""
    if lab.partition != "aws":
        return []
    return repositories.all_public_kinds(places.public(lab.account))


def iam_kinds(lab: "Lab") -> list[Kind]:
    """Users, roles and policies, first in the learner's account, then in the second one."""
    return [kind for place in places.accounts(lab) for kind in iam.all_kinds(place)]


PARTS = (workload_kinds, repository_kinds, public_kinds, iam_kinds)  # in the order of deletion


def all_kinds(lab: "Lab") -> list[Kind]:
    """All, in the order of deletion."""
    return [kind for kinds_of in PARTS for kind in kinds_of(lab)]


def by_place(lab: "Lab") -> dict[tuple[str, str, str], Kind]:
    """All, by account, Region and name of the kind."""
    return {(kind.place.account, kind.place.region, kind.name): kind for kind in all_kinds(lab)}


def _elsewhere(lab: "Lab", kinds_at) -> list[Kind]:
    """Those of these kinds that the ledger names in other Regions."""
    return [kind for place, noted in places.other_regions(lab) for kind in kinds_at(place) if kind.name in noted]
