"""Where the course makes something: accounts and Regions."""

from functools import partial
from typing import TYPE_CHECKING

from helpers import ledger

from .kinds import Place

if TYPE_CHECKING:
    from helpers.lab import Lab

PUBLIC_REGION = "us-east-1"  # the only Region with the API of ECR Public


def home(lab: "Lab") -> Place:
    """The Lab's account and Region."""
    return Place(lab.client, lab.account, lab.region)


def accounts(lab: "Lab") -> list[Place]:
    """For IAM: the Lab's account and, if there is one, the second one."""
    found = [Place(lab.client, lab.account, "")]
    if lab.second and (session := lab.second_account()):
        found.append(Place(session.client, lab.second.account, "", f" in account {lab.second.account}"))
    return found


def public(account: str = "") -> Place:
    """For ECR Public: its only Region."""
    import boto3

    return Place(partial(boto3.client, region_name=PUBLIC_REGION), account, PUBLIC_REGION)


def other_regions(lab: "Lab") -> list[tuple[Place, set[str]]]:
    """The other Regions of the account that the ledger names, each with the kinds that it names there."""
    import boto3

    noted: dict[str, set[str]] = {}
    for entry in ledger.entries(lab.account):
        if entry.region not in ("", lab.region) and entry.kind != "public repository":
            noted.setdefault(entry.region, set()).add(entry.kind)
    return [
        (Place(partial(boto3.client, region_name=region), lab.account, region, f" in {region}"), kinds)
        for region, kinds in sorted(noted.items())
    ]
