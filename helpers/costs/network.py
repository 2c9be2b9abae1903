"""The three ways from a private network to ECR, and what each one costs."""

from dataclasses import replace

from ecr_sandbox import prices

from .model import Bill, Team, month
from .tables import notes, print_bills

NAT, NAT_AND_S3, ENDPOINTS = (
    "NAT gateway only",
    "NAT gateway + S3 gateway endpoint",
    "S3 gateway endpoint + interface endpoints",
)


def ways(gb: float, zones: int = 1) -> tuple[Bill, ...]:
    """The monthly bills of three ways to pull *gb* gigabytes into a private network with *zones* Availability Zones.

    With a NAT gateway alone; with the free S3 gateway endpoint in addition, through which the layers come; and without
    NAT. Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    """
    pulls = Team(members=1, gb_stored=0, gb_pulled_in_the_region=gb)
    return (
        _bill(NAT, replace(pulls, nat_gateways=zones, gb_of_those_through_nat=gb)),
        _bill(NAT_AND_S3, replace(pulls, nat_gateways=zones)),
        _bill(ENDPOINTS, replace(pulls, endpoint_zones=zones)),
    )


def compare_ways(gb: float, zones: int = 1) -> None:
    """Print the bills of ``ways``, and which of their prices are not verified."""
    bills = ways(gb, zones)
    print_bills(bills, f"{gb:g} GB a month through")
    print(f"\nThe S3 gateway endpoint costs ${prices.usd('s3_gateway', 'beside_ecr'):g}: layers come from Amazon S3.")
    for note in notes(line for bill in bills for line in bill.lines):
        print(note)


def _bill(name: str, team: Team) -> Bill:
    """The lines of the network only: what ECR itself bills is the same each way."""
    return Bill(name, tuple(line for line in month(team).lines if line.usd))
