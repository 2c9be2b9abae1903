"""One thing of each kind that the course makes, for a clean-up to delete, and what a clean-up calls for that."""

import json
from typing import Any

TAG = {"Key": "made-by", "Value": "learn-amazon-ecr"}
SMALL = {"key": "made-by", "value": "learn-amazon-ecr"}
READS = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
TRUST = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
NOTHING = {"Effect": "Deny", "Action": "*", "Resource": "*"}
OPERATIONS = {
    "ecr": "DescribeRepositories ListTagsForResource DeleteRepository",
    "ecr-public": "DescribeRepositories ListTagsForResource DeleteRepository",
    "ecs": "ListClusters DescribeClusters ListServices DeleteService ListTasks DeleteCluster"
    " ListTaskDefinitionFamilies ListTaskDefinitions DescribeTaskDefinition DeregisterTaskDefinition"
    " DeleteTaskDefinitions",
    "iam": "ListUsers ListUserTags ListAccessKeys DeleteAccessKey ListGroupsForUser ListAttachedUserPolicies"
    " DetachUserPolicy ListUserPolicies DeleteUserPolicy DeleteUser ListRoles ListRoleTags ListAttachedRolePolicies"
    " DetachRolePolicy ListRolePolicies DeleteRolePolicy DeleteRole ListPolicies ListPolicyTags ListPolicyVersions"
    " DeletePolicyVersion DeletePolicy",
    "lambda": "ListFunctions",
    "logs": "DescribeLogGroups ListTagsForResource DeleteLogGroup",
}
ACTIONS = [f"{service}:{name}" for service, names in OPERATIONS.items() for name in names.split()]


def make(administrator: Any) -> None:
    """Make a user, a role, a policy, two repositories, a cluster with a service, a log group; each has the tag.

    *administrator* makes boto3 clients, of a service and perhaps a Region: ``lab.client``, ``session.client``.
    """
    role = _make_iam(administrator("iam"))
    administrator("ecr").create_repository(repositoryName="demo-app-repo", tags=[TAG])
    administrator("ecr-public").create_repository(repositoryName="demo-public-hello", tags=[TAG])
    administrator("logs").create_log_group(logGroupName="/ecs/demo-app", tags={TAG["Key"]: TAG["Value"]})
    _make_service(administrator("ecs"), role)


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _make_iam(iam: Any) -> str:
    """A user with a key and a role, both with an inline policy and an attached one; a policy with two versions.

    Returns the ARN of the role.
    """
    user, role = {"UserName": "demo-pusher"}, {"RoleName": "demo-deployer"}
    own = {"PolicyName": "own", "PolicyDocument": _document(NOTHING)}
    iam.create_user(**user, Tags=[TAG])
    iam.create_access_key(**user)
    iam.put_user_policy(**user, **own)
    iam.attach_user_policy(**user, PolicyArn=READS)
    arn: str = iam.create_role(**role, AssumeRolePolicyDocument=_document(TRUST), Tags=[TAG])["Role"]["Arn"]
    iam.put_role_policy(**role, **own)
    iam.attach_role_policy(**role, PolicyArn=READS)
    made = iam.create_policy(PolicyName="demo-push-policy", PolicyDocument=_document(NOTHING), Tags=[TAG])
    iam.create_policy_version(PolicyArn=made["Policy"]["Arn"], PolicyDocument=_document(NOTHING))
    return arn


def _make_service(ecs: Any, role: str) -> None:
    app = [{"name": "app", "image": "public.ecr.aws/docker/library/python"}]
    fargate: dict[str, Any] = {
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
    }
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
