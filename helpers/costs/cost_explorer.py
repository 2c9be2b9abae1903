"""Asks Cost Explorer, which an account must switch on first."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from helpers.errors import LabError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

OFF = "not enabled for cost explorer"  # the end of AWS's sentence in an AccessDeniedException
NO_DATA = "DataUnavailableException"  # in the first day


def ask(call: Callable[..., dict[str, Any]], **question: Any) -> dict[str, Any]:
    """The answer of ``call(**question)``, a call of boto3's client ``ce``; LabError if Cost Explorer is switched off.

    Source: https://docs.aws.amazon.com/cost-management/latest/userguide/ce-enable.html
    """
    from botocore.exceptions import ClientError

    try:
        return call(**question)
    except ClientError as error:
        if not _is_off(error):
            raise
        raise LabError(
            "Cost Explorer is switched off in this account, or was switched on less than a day ago.",
            "open Cost Explorer in the console of Billing and Cost Management, and run this cell a day later",
        ) from None


def _is_off(error: "ClientError") -> bool:
    found = error.response["Error"]
    return found["Code"] == NO_DATA or OFF in found["Message"]
