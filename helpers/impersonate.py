"""Tries what another user may do, with an access key of that user, as ``docker`` and ``aws`` do."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from helpers import names, settings
from helpers.cleanup.kinds import has_tag
from helpers.errors import LabError
from helpers.lab import Lab

if TYPE_CHECKING:
    import boto3


KEY_SECONDS = 30  # on AWS a new access key works after a few seconds; in the sandbox immediately

RegistryClient = Callable[[str, str], int]


@contextlib.contextmanager
def as_user(lab: Lab, name: str) -> Iterator["boto3.Session | None"]:
    """A session of this user, with an access key that is deleted at the end; None if there is no such user."""
    import boto3

    iam = lab.client("iam")
    try:
        if lab.target == "aws" and not has_tag(iam.list_user_tags(UserName=name)["Tags"]):
            raise LabError(f"The user {name} has no tag {settings.TAG_TEXT}, so it gets no key.", names.ANOTHER_PREFIX)
        key = iam.create_access_key(UserName=name)["AccessKey"]
    except iam.exceptions.NoSuchEntityException:
        yield None
        return
    try:
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=lab.region)
        _wait_until_accepted(session)
        yield session
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])


def registry_client(lab: Lab, session: "boto3.Session", repository: str) -> RegistryClient | None:
    """A function that sends a request as ``docker`` does, ``("GET", "manifests/v1")``, and returns the status.

    None if the session may not log in.
    """
    import requests

    authorization: dict = {}

    def log_in() -> None:
        authorization.update(session.client("ecr").get_authorization_token()["authorizationData"][0])

    if is_denied(log_in):
        return None
    headers = {"Authorization": f"Basic {authorization['authorizationToken']}"}

    def request(method: str, path: str) -> int:
        # Without following the redirect to a layer's bytes: its status says enough.
        url = f"{lab.registry_url}/v2/{repository}/{path}"
        with requests.request(method, url, headers=headers, allow_redirects=False, stream=True, timeout=30) as answer:
            return answer.status_code

    return request


def is_denied(attempt: Callable[[], object]) -> bool:
    """Whether IAM denies the attempt; any other error means that IAM allowed it."""
    from botocore.exceptions import ClientError

    try:
        attempt()
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDeniedException", "AccessDenied")
    return False


def _wait_until_accepted(session: "boto3.Session") -> None:
    from botocore.exceptions import ClientError

    end = time.monotonic() + KEY_SECONDS
    while True:
        try:
            session.client("sts").get_caller_identity()
            return
        except ClientError:
            if time.monotonic() > end:
                raise
            time.sleep(1)
