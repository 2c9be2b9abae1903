"""Questions to AWS whose answer is optional: they do not wait for a service that cannot be reached."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import boto3

SECONDS = 5


def answer(session: "boto3.Session", service: str, operation: str, **request: Any) -> tuple[dict[str, Any], str]:
    """``(response, "")``, or ``({}, code)`` if AWS refuses the call or does not answer."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    quick = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 1})
    try:
        return getattr(session.client(service, config=quick), operation)(**request), ""
    except ClientError as error:
        return {}, error.response["Error"]["Code"]
    except BotoCoreError as error:
        return {}, type(error).__name__
