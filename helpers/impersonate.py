"""Tries what another user may do, with an access key of that user, as ``docker`` and ``aws`` do."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from helpers import names, settings
from helpers.cleanup.kinds import has_tag
from helpers.errors import LabError
from helpers.lab import Lab
from helpers.waiting import wait_for

if TYPE_CHECKING:
    import boto3
    from botocore.exceptions import ClientError


POLICY_SECONDS = 15  # on AWS, until a refusal is one of IAM's and not of a policy that is still on its way
DENIED = ("AccessDeniedException", "AccessDenied")

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
        wait_for(lab, f"the new access key of {name} works", lambda: _use(session))
        yield session
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])


def registry_client(lab: Lab, session: "boto3.Session", repository: str) -> RegistryClient | None:
    """A function that sends a request as ``docker`` does, ``("GET", "manifests/v1")``, and returns the status.

    None if the session may not log in.
    """
    import requests
    from botocore.exceptions import ClientError

    ask = session.client("ecr").get_authorization_token
    try:
        answer = wait_for(lab, "the user may log in to the registry", ask, POLICY_SECONDS)
    except (LabError, ClientError):
        return None
    authorization = answer["authorizationData"][0]
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
        return _denies(error)
    return False


def _denies(error: "ClientError") -> bool:
    return error.response["Error"]["Code"] in DENIED


def _use(session: "boto3.Session") -> None:
    """Use the access key in ECR, which may know it later than STS; ClientError unless it is accepted.

    A user who may not do this was recognized, so a denial is not an error.
    """
    from botocore.exceptions import ClientError

    try:
        session.client("ecr").describe_registry()
    except ClientError as error:
        if not _denies(error):
            raise
