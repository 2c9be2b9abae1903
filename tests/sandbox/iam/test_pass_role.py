"""Passing roles: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html."""

from contextlib import suppress

import pytest
from botocore.exceptions import ClientError

from helpers import settings
from tests.sandbox.iam.permissions import allow, deny, make_role, policy, refused_anywhere, trust

ROLE = f"arn:aws:iam::{settings.ACCOUNT}:role/passed"
PATTERN = {"EventPattern": "{}"}
TARGET = {"Id": "1", "Arn": f"arn:aws:sqs:us-east-1:{settings.ACCOUNT}:q", "RoleArn": ROLE}
SUBSCRIPTION = {"filterName": "f", "filterPattern": "", "destinationArn": TARGET["Arn"]}
CODE = {"PackageType": "Image", "Code": {"ImageUri": "x"}}
PASSES = [
    # service, operation, parameters, the service that gets the role, the resource that it is for
    ("ecs", "register_task_definition",
     {"family": "f", "taskRoleArn": ROLE, "containerDefinitions": [{"name": "a", "image": "a"}]},
     "ecs-tasks.amazonaws.com", "arn:aws:ecs:us-east-1:123456789012:task-definition/f:*"),
    ("lambda", "create_function", {"FunctionName": "f", "Role": ROLE, **CODE}, "lambda.amazonaws.com",
     "arn:aws:lambda:us-east-1:123456789012:function:f"),
    ("events", "put_rule", {"Name": "r", "RoleArn": ROLE, **PATTERN}, "events.amazonaws.com",
     "arn:aws:events:us-east-1:123456789012:rule/r"),
    ("events", "put_targets", {"Rule": "r", "Targets": [TARGET]}, "events.amazonaws.com",
     "arn:aws:events:us-east-1:123456789012:rule/r"),
    ("ecr", "create_repository_creation_template",
     {"prefix": "p", "appliedFor": ["REPLICATION"], "customRoleArn": ROLE}, "ecr.amazonaws.com", None),
    ("ecr", "create_pull_through_cache_rule",
     {"ecrRepositoryPrefix": "pp", "upstreamRegistryUrl": "quay.io", "customRoleArn": ROLE}, "ecr.amazonaws.com", None),
    ("logs", "put_subscription_filter", {"logGroupName": "g", "roleArn": ROLE, **SUBSCRIPTION}, "logs.amazonaws.com",
     None),
    ("iam", "add_role_to_instance_profile", {"InstanceProfileName": "i", "RoleName": "passed"}, "ec2.amazonaws.com",
     "arn:aws:iam::123456789012:instance-profile/i"),
]  # fmt: skip


@pytest.mark.parametrize("service, operation, parameters, to, resource", PASSES, ids=[row[1] for row in PASSES])
def test_passing_a_role_names_the_service_and_the_resource(sandbox, service, operation, parameters, to, resource):
    """The user may pass the role to all other services, and for all other resources; the role is tagged."""
    with suppress(ClientError):
        make_role(
            sandbox, "passed", trust(settings.ACCOUNT), policy(allow("*")), Tags=[{"Key": "team", "Value": "web"}]
        )
    conditions = [
        {"StringEquals": {"iam:PassedToService": to}},
        {"StringEquals": {"iam:ResourceTag/team": "web"}},
        {"ArnLike": {"iam:AssociatedResourceArn": resource}} if resource else
        {"Null": {"iam:AssociatedResourceArn": "true"}},
    ]  # fmt: skip
    for condition in conditions:
        _, key = sandbox.make_user(policy(allow("*"), deny("iam:PassRole", ROLE, Condition=condition)))
        call = getattr(sandbox.client(service, key=key), operation)
        message = refused_anywhere(call, **parameters)
        assert f"perform: iam:PassRole on resource: {ROLE} with an explicit deny" in message
