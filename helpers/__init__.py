"""What the notebooks import: ``from helpers import connect``."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helpers.lab import Lab


def connect() -> "Lab":
    """Connect this notebook to the sandbox or, with ECR_TUTORIAL_TARGET=aws, to AWS. It may be called again."""
    # Imported here because `ecr-lab` imports this package too and has to start fast.
    from helpers import lab

    return lab.connect()
