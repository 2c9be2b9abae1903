"""Clusters, task definitions and log groups of the course are deleted, and no others."""

from helpers import settings
from helpers.cleanup import everything, kinds, workloads


def test_tagged_workloads_are_deleted_and_others_are_not(plain):
    ecs, logs = plain.client("ecs"), plain.client("logs")
    tags = [{"key": settings.TAG["Key"], "value": settings.TAG["Value"]}]
    ecs.create_cluster(clusterName="demo-cluster", tags=tags)
    ecs.create_cluster(clusterName="demo-other")  # without the tag
    logs.create_log_group(logGroupName="/ecs/demo-app", tags={settings.TAG["Key"]: settings.TAG["Value"]})
    logs.create_log_group(logGroupName="/ecs/demo-theirs")
    container = {"name": "app", "image": f"{settings.ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/app:v1"}
    about = {"requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512", "containerDefinitions": [container]}
    role = f"arn:aws:iam::{settings.ACCOUNT}:role/x"
    ecs.register_task_definition(family="demo-app", executionRoleArn=role, tags=tags, **about)
    ecs.register_task_definition(family="demo-theirs", executionRoleArn=role, **about)
    ours = ["cluster demo-cluster", "task definition demo-app:1", "log group /ecs/demo-app"]
    assert workloads.made(plain) == ours
    assert kinds.delete(everything.workload_kinds(plain)) == (ours, [], ())
    assert workloads.made(plain) == []
    assert ecs.describe_clusters(clusters=["demo-other"])["clusters"][0]["status"] == "ACTIVE"
    assert ecs.list_task_definitions()["taskDefinitionArns"][0].endswith("demo-theirs:1")
    assert [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]] == ["/ecs/demo-theirs"]
