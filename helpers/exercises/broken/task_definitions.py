"""A task definition of Fargate for broken exercises."""

from typing import Any

from helpers import settings

ECS_TAGS = [{"key": settings.TAG["Key"], "value": settings.TAG["Value"]}]


def register(ecs: Any, family: str, app: dict, role: str, **more: object) -> str:
    """Register a revision with this one container, which *role* (an ARN) pulls; the number of the revision."""
    found = ecs.register_task_definition(
        family=family,
        containerDefinitions=[{"name": "app", **app}],
        cpu="256",
        memory="512",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        executionRoleArn=role,
        tags=ECS_TAGS,
        **more,
    )
    return str(found["taskDefinition"]["revision"])
