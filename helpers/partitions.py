"""In China and GovCloud, the ARNs in cells get the partition of the learner's Region: ``arn:aws-cn:…``.

The notebooks say ``arn:aws:…``, which is right in all other Regions.
"""

import os

from helpers import aws_account, settings


def register(shell) -> None:
    """Register the replacement with this IPython; does nothing in the partition ``aws``."""
    if _partition() != "aws" and replace not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(replace)


def replace(lines: list[str]) -> list[str]:
    """The lines of a cell with the ARNs of this partition; lines that have them already stay as they are."""
    return [line.replace("arn:aws:", f"arn:{_partition()}:") for line in lines]


def _partition() -> str:
    return aws_account.partition(os.environ.get("AWS_REGION") or settings.REGION)
