"""The learner's own AWS account: whose it is, what its registry is called, and the consent before anything is made."""

from .answers import answer
from .consent import confirm, confirm_cost
from .credentials import identity, session
from .names import cell_names, other_region, partition, registry, variables

__all__ = [
    "answer",
    "cell_names",
    "confirm",
    "confirm_cost",
    "identity",
    "other_region",
    "partition",
    "registry",
    "session",
    "variables",
]
