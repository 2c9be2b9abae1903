"""Makes one thing of each kind that the course makes, as an administrator of the account, for a clean-up to delete."""

import json
from typing import Any

from machine import rehearse
from machine.project import settings

TAG = {"Key": "made-by", "Value": "learn-amazon-ecr"}
SMALL = {"key": "made-by", "value": "learn-amazon-ecr"}
READS = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
TRUST = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
NOTHING = {"Effect": "Deny", "Action": "*", "Resource": "*"}


def session() -> Any:
    """A boto3 session of the account's administrator."""
    import boto3

    return boto3.Session(settings.ACCESS_KEY, settings.SECRET_KEY, region_name=rehearse.REGION)


def make() -> None:
    """Make a user, a role, a policy, two repositories, a cluster with a service, a log group; each has the tag."""
    administrator = session()
    _make_iam(administrator.client("iam"))
    administrator.client("ecr").create_repository(repositoryName="demo-app-repo", tags=[TAG])
    public = administrator.client("ecr-public", region_name="us-east-1")
    public.create_repository(repositoryName="demo-public-hello", tags=[TAG])
    administrator.client("logs").create_log_group(logGroupName="/ecs/demo-app", tags={TAG["Key"]: TAG["Value"]})
    _make_service(administrator.client("ecs"))


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _make_iam(iam: Any) -> None:
    """A user with a key and a role, both with an inline policy and an attached one; a policy with two versions."""
    user, role = {"UserName": "demo-pusher"}, {"RoleName": "demo-deployer"}
    own = {"PolicyName": "own", "PolicyDocument": _document(NOTHING)}
    iam.create_user(**user, Tags=[TAG])
    iam.create_access_key(**user)
    iam.put_user_policy(**user, **own)
    iam.attach_user_policy(**user, PolicyArn=READS)
    iam.create_role(**role, AssumeRolePolicyDocument=_document(TRUST), Tags=[TAG])
    iam.put_role_policy(**role, **own)
    iam.attach_role_policy(**role, PolicyArn=READS)
    made = iam.create_policy(PolicyName="demo-push-policy", PolicyDocument=_document(NOTHING), Tags=[TAG])
    iam.create_policy_version(PolicyArn=made["Policy"]["Arn"], PolicyDocument=_document(NOTHING))


def _make_service(ecs: Any) -> None:
    app = [{"name": "app", "image": f"{rehearse.ACCOUNT}.dkr.ecr.{rehearse.REGION}.amazonaws.com/demo-app-repo:v1"}]
    fargate: dict[str, Any] = {
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
    }
    fargate["executionRoleArn"] = f"arn:aws:iam::{rehearse.ACCOUNT}:role/demo-deployer"
    ecs.register_task_definition(family="demo-app", containerDefinitions=app, tags=[SMALL], **fargate)
    ecs.create_cluster(clusterName="demo-cluster", tags=[SMALL])
    network = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"], "assignPublicIp": "ENABLED"}}
    ecs.create_service(
        cluster="demo-cluster",
        serviceName="demo-service",
        taskDefinition="demo-app",
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration=network,
        tags=[SMALL],
    )
