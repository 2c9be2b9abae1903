"""Tries what somebody else may do, with a key of their own, as `docker` and `aws` would."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import boto3

    from helpers.lab import Lab

SECONDS_UNTIL_KNOWN = 30  # on AWS a new key works after a few; in the sandbox at once

Wire = Callable[[str, str], int]


@contextlib.contextmanager
def as_user(lab: "Lab", name: str) -> Iterator["boto3.Session | None"]:
    """A session of this user with a key that is deleted in the end; None if there is no such user."""
    import boto3

    iam = lab.client("iam")
    try:
        key = iam.create_access_key(UserName=name)["AccessKey"]
    except iam.exceptions.NoSuchEntityException:
        yield None
        return
    try:
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=lab.region)
        _wait_until_known(session)
        yield session
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])


def wire(lab: "Lab", session: "boto3.Session", repository: str) -> Wire | None:
    """What asks the registry as ``docker`` does and gives the status of its answer; None if nobody may log in."""
    import requests

    granted: dict = {}

    def log_in() -> None:
        granted.update(session.client("ecr").get_authorization_token()["authorizationData"][0])

    if is_denied(log_in):
        return None
    headers = {"Authorization": f"Basic {granted['authorizationToken']}"}
    address = f"{'http' if lab.target == 'sandbox' else 'https'}://{lab.registry}/v2/{repository}"

    def ask(method: str, path: str) -> int:
        # A layer is answered with the address of its bytes: that alone tells.
        with requests.request(
            method, f"{address}/{path}", headers=headers, allow_redirects=False, stream=True, timeout=30
        ) as answer:
            return answer.status_code

    return ask


def is_denied(attempt: Callable[[], object]) -> bool:
    """Whether IAM refuses the attempt; another refusal means that IAM let it through."""
    from botocore.exceptions import ClientError

    try:
        attempt()
    except ClientError as refused:
        return refused.response["Error"]["Code"] in ("AccessDeniedException", "AccessDenied")
    return False


def _wait_until_known(session: "boto3.Session") -> None:
    from botocore.exceptions import ClientError

    end = time.monotonic() + SECONDS_UNTIL_KNOWN
    while True:
        try:
            session.client("sts").get_caller_identity()
            return
        except ClientError:
            if time.monotonic() > end:
                raise
            time.sleep(1)
