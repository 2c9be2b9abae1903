"""Tags in calls: what creates something with tags needs the permission to add them, in every service.

Sources: Service Authorization Reference, https://docs.aws.amazon.com/service-authorization/latest/reference/, which
lists for each operation with tags a second action; AWS's notice about ECR, quoted in
https://github.com/estahn/k8s-image-swapper/issues/416
"""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.iam.evaluate import Principal
from ecr_sandbox.iam.requests import AuthorizationRequest, Call
from ecr_sandbox.iam.tagging import facts_of, with_tags
from helpers import settings

LISTED, LOWER, MAP = [{"Key": "team", "Value": "web"}], [{"key": "team", "value": "web"}], {"team": "web"}
NAME = "tagged"
HERE = f"{settings.REGION}:{settings.ACCOUNT}"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"AWS": settings.ACCOUNT}, "Action": "sts:AssumeRole"},
    }
)
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
CONTAINER = {"name": "app", "image": "app", "memory": 128}
ALARM = {"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "MetricName": "m", "Namespace": "n"}
CREATES = [
    # service, operation, parameters, the tagging action, its resource
    ("ecr", "create_repository", {"repositoryName": NAME, "tags": LISTED}, "ecr:TagResource",
     f"arn:aws:ecr:{HERE}:repository/{NAME}"),
    ("ecr-public", "create_repository", {"repositoryName": NAME, "tags": LISTED}, "ecr-public:TagResource",
     f"arn:aws:ecr-public::{settings.ACCOUNT}:repository/{NAME}"),
    ("ecs", "create_cluster", {"clusterName": NAME, "tags": LOWER}, "ecs:TagResource",
     f"arn:aws:ecs:{HERE}:cluster/{NAME}"),
    ("ecs", "register_task_definition", {"family": NAME, "containerDefinitions": [CONTAINER], "tags": LOWER},
     "ecs:TagResource", f"arn:aws:ecs:{HERE}:task-definition/{NAME}:*"),
    ("ecs", "create_service", {"serviceName": NAME, "cluster": "c", "taskDefinition": "t", "tags": LOWER},
     "ecs:TagResource", f"arn:aws:ecs:{HERE}:service/c/{NAME}"),
    ("ecs", "run_task", {"taskDefinition": "t", "tags": LOWER}, "ecs:TagResource",
     f"arn:aws:ecs:{HERE}:task/default/*"),
    ("lambda", "create_function",
     {"FunctionName": NAME, "Role": "arn:aws:iam::123456789012:role/r", "PackageType": "Image",
      "Code": {"ImageUri": "x"}, "Tags": MAP},
     "lambda:TagResource", f"arn:aws:lambda:{HERE}:function:{NAME}"),
    ("secretsmanager", "create_secret", {"Name": NAME, "SecretString": "x", "Tags": LISTED},
     "secretsmanager:TagResource", "*"),
    ("events", "put_rule", {"Name": NAME, "EventPattern": "{}", "Tags": LISTED}, "events:TagResource",
     f"arn:aws:events:{HERE}:rule/{NAME}"),
    ("logs", "create_log_group", {"logGroupName": NAME, "tags": MAP}, "logs:TagResource",
     f"arn:aws:logs:{HERE}:log-group:{NAME}:log-stream:"),
    ("sqs", "create_queue", {"QueueName": NAME, "tags": MAP}, "sqs:TagQueue", "*"),
    ("cloudwatch", "put_metric_alarm", {"AlarmName": NAME, **ALARM, "Tags": LISTED}, "cloudwatch:TagResource", "*"),
    ("ec2", "create_vpc",
     {"CidrBlock": "10.0.0.0/16", "TagSpecifications": [{"ResourceType": "vpc", "Tags": LISTED}]},
     "ec2:CreateTags", "*"),
    ("iam", "create_user", {"UserName": NAME, "Tags": LISTED}, "iam:TagUser",
     f"arn:aws:iam::{settings.ACCOUNT}:user/{NAME}"),
    ("iam", "create_role", {"RoleName": NAME, "AssumeRolePolicyDocument": TRUST, "Tags": LISTED}, "iam:TagRole",
     f"arn:aws:iam::{settings.ACCOUNT}:role/{NAME}"),
    ("iam", "create_policy", {"PolicyName": NAME, "PolicyDocument": DOCUMENT, "Tags": LISTED}, "iam:TagPolicy",
     f"arn:aws:iam::{settings.ACCOUNT}:policy/{NAME}"),
    ("iam", "create_instance_profile", {"InstanceProfileName": NAME, "Tags": LISTED}, "iam:TagInstanceProfile",
     f"arn:aws:iam::{settings.ACCOUNT}:instance-profile/{NAME}"),
]  # fmt: skip


def user_who_may_not(sandbox, action: str, **condition) -> tuple[str, str]:
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": action, "Resource": "*", **condition},
    ]
    return sandbox.make_user({"Version": "2012-10-17", "Statement": statements})[1]


@pytest.mark.parametrize(
    "service, operation, parameters, action, resource", CREATES, ids=[f"{row[0]} {row[1]}" for row in CREATES]
)
def test_creating_with_tags_needs_the_permission_to_tag(sandbox, service, operation, parameters, action, resource):
    client = sandbox.client(service, key=user_who_may_not(sandbox, action))
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**parameters)
    message = refused.value.response["Error"]["Message"]
    assert f"perform: {action} on resource: {resource} with an explicit deny" in message


def test_creating_without_tags_does_not_need_it(sandbox):
    key = user_who_may_not(sandbox, "*:Tag*")
    assert sandbox.client(key=key).create_repository(repositoryName=f"plain-{uuid.uuid4().hex}")
    assert sandbox.client("iam", key=key).create_user(UserName="plain")
    sandbox.client("logs", key=key).create_log_group(logGroupName="plain")


@pytest.mark.parametrize("tagging", ["logs:TagResource", "logs:TagLogGroup"])
def test_either_of_two_permissions_tags_a_log_group(sandbox, tagging):
    """CloudWatch Logs API reference, CreateLogGroup, ``tags``."""
    statement = {"Effect": "Allow", "Action": ["logs:CreateLogGroup", tagging], "Resource": "*"}
    _, key = sandbox.make_user({"Version": "2012-10-17", "Statement": [statement]})
    sandbox.client("logs", key=key).create_log_group(logGroupName=tagging.partition(":")[2], tags=MAP)


@pytest.mark.parametrize("operation", ["CreateUser", "CreateRole", "CreatePolicy"])
def test_the_tags_are_condition_keys(sandbox, operation):
    """Also of a service of which only the action was known before; IAM's guide shows it for ``iam:CreateUser``."""
    of_web = {"Condition": {"StringNotEquals": {"aws:RequestTag/team": "web"}}}
    client = sandbox.client("secretsmanager", key=user_who_may_not(sandbox, "secretsmanager:CreateSecret", **of_web))
    with pytest.raises(ClientError, match="explicit deny"):
        client.create_secret(Name=operation, SecretString="x", Tags=[{"Key": "team", "Value": "api"}])
    assert client.create_secret(Name=operation, SecretString="x", Tags=LISTED)


def test_a_tag_in_a_parameter_that_the_operation_does_not_have_is_none(sandbox):
    """moto does not read ``Tags`` of ECR, so a policy that requires a tag must not see it either."""
    only_web = {"Condition": {"StringEquals": {"aws:RequestTag/team": "web"}}}
    statement = {"Effect": "Allow", "Action": ["ecr:CreateRepository", "ecr:TagResource"], "Resource": "*", **only_web}
    _, key = sandbox.make_user({"Version": "2012-10-17", "Statement": [statement]})
    ecr = sandbox.client(key=key)

    def add_tags(params, **_):
        params["body"] = json.dumps({**json.loads(params["body"]), "Tags": LISTED}).encode()

    ecr.meta.events.register("before-call.ecr.CreateRepository", add_tags)
    with pytest.raises(ClientError, match="no identity-based policy allows the ecr:CreateRepository action"):
        ecr.create_repository(repositoryName="untagged")


@pytest.mark.parametrize(
    "parameters, service, keys",
    [
        ({}, "ecr", ()),
        ({"tags": []}, "ecr", ()),
        ({"tags": LISTED}, "ecr", ("team",)),
        ({"tags": LOWER}, "ecs", ("team",)),
        ({"tags": MAP}, "logs", ("team",)),
        ({"tagKeys": ["a", "b"]}, "ecr", ("a", "b")),
        ({"TagKeys": ["a"]}, "sqs", ("a",)),
        ({"Tags.member.1.Key": "a", "Tags.member.1.Value": "1", "Tags.member.2.Key": "b"}, "iam", ("a", "b")),
        ({"TagKeys.member.1": "a", "TagKeys.member.2": "b"}, "iam", ("a", "b")),
        ({"TagSpecification.1.Tag.1.Key": "a", "TagSpecification.2.Tag.1.Key": "b"}, "ec2", ("a", "b")),
        ({"Tag.1.Key": "a", "Tag.1.Value": "x"}, "ec2", ("a",)),
        ({"Tags.1.Key": "a"}, "ec2", ()),
    ],
)
def test_tags_are_read_in_every_protocol(parameters, service, keys):
    assert facts_of(parameters, service).get("aws:TagKeys", ()) == keys


@pytest.mark.parametrize(
    "service, operation, expected",
    [
        ("ecr", "CreateRepository", "ecr:TagResource"),
        ("ecr", "TagResource", None),
        ("iam", "CreateSAMLProvider", "iam:TagSAMLProvider"),
        ("iam", "CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"),
        ("iam", "CreateVirtualMFADevice", "iam:TagMFADevice"),
        ("iam", "UploadServerCertificate", "iam:TagServerCertificate"),
        ("iam", "TagUser", None),
        ("sqs", "TagQueue", None),
        ("ec2", "CreateTags", None),
        ("monitoring", "PutMetricAlarm", "cloudwatch:TagResource"),
        ("sts", "AssumeRole", None),
    ],
)
def test_the_action_that_adds_the_tags(service, operation, expected):
    tags = {"Tags.member.1.Key": "a"} if service in ("iam", "sts") else {"Tag.1.Key": "a", "tags": LISTED}
    who = Principal("arn:aws:iam::123456789012:user/alice", settings.ACCOUNT, frozenset(), ())
    call = Call(who, service, operation, settings.REGION, settings.ACCOUNT, tags)
    requests = with_tags(call, [AuthorizationRequest(call.action, "*", call.account)])
    assert [each.action for each in requests[1:]] == ([expected] if expected else [])
    create_action = {f"{service}:CreateAction": operation} if service in ("ecs", "ec2") else {}
    assert all(create_action.items() <= each.facts.items() for each in requests[1:])
