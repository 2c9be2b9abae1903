"""Policies, principals and refusals, for the tests of IAM."""

import json

import pytest
from botocore.exceptions import ClientError

from helpers import settings
from tests.sandbox.conftest import Sandbox

OTHER = (settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY)
MANAGED = "arn:aws:iam::aws:policy/"


def policy(*statements: dict) -> dict:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action, resource="*", **more) -> dict:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more) -> dict:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def refused(call, **parameters) -> str:
    """The message of a call that IAM denies. The call must fail with access denied."""
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    answer = refusal.value.response
    expected = {"AccessDeniedException": 400, "AccessDenied": 403}
    assert expected[answer["Error"]["Code"]] == answer["ResponseMetadata"]["HTTPStatusCode"]
    return answer["Error"]["Message"]


def arn_of(repository: str, account: str = settings.ACCOUNT, region: str = settings.REGION) -> str:
    return f"arn:aws:ecr:{region}:{account}:repository/{repository}"


def sentence(user: str, action: str, resource: str, tail: str = "") -> str:
    tail = tail or f"because no identity-based policy allows the {action} action"
    arn = f"arn:aws:iam::{settings.ACCOUNT}:user/{user}"
    return f"User: {arn} is not authorized to perform: {action} on resource: {resource} {tail}"


def trust(*who: str) -> str:
    return json.dumps(policy({"Effect": "Allow", "Principal": {"AWS": list(who)}, "Action": "sts:AssumeRole"}))


def make_role(sandbox: Sandbox, name: str, trusted: str, may: dict, **more) -> str:
    iam = sandbox.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted, **more)["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(may))
    return role["Arn"]


def assume(sandbox: Sandbox, role: str, key=None, **more) -> tuple[str, str, str]:
    sts = sandbox.client("sts", key=key) if key else sandbox.client("sts")
    made = sts.assume_role(RoleArn=role, RoleSessionName="test", **more)["Credentials"]
    return made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]


def refused_anywhere(call, **parameters) -> str:
    """The message of a call that is denied, whatever the status of the service's protocol is."""
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    assert refusal.value.response["Error"]["Code"] in ("AccessDeniedException", "AccessDenied")
    return refusal.value.response["Error"]["Message"]


def error(call, **parameters) -> tuple[str, int, str]:
    """Code, status and message of a call, which must fail."""
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    answer = refusal.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]
