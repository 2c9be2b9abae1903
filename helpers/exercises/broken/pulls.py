"""Exercise 13.3: the task ``demo-delivery`` on Fargate does not print its line."""

import contextlib
import json
import random
from typing import Any

from helpers import cleanup, fargate, settings
from helpers.errors import LabError
from helpers.lab import Lab

from .. import lookup, permissions
from . import roles, task_definitions
from .kinds import Facts, Kind

NAME = f"{settings.PREFIX}delivery"  # the role, and the family of the task definition
CLUSTER, TAG = f"{settings.PREFIX}cluster", "v1"
NO_SUCH_TAGS = ("v1.0", "V1", "1", "lastest")
OTHER_PROCESSOR = {"X86_64": "ARM64", "ARM64": "X86_64"}
SID = "DemoDelivery"  # of the statement in the repository's policy
NEEDED = (permissions.PASSWORD, *sorted(permissions.PULL))


def _role(lab: Lab, *actions: str, repository: str = settings.REPOSITORY) -> list[dict]:
    """The statements that allow these actions, those of a pull on one repository."""
    arn = f"arn:{lab.partition}:ecr:{lab.region}:{lab.account}:repository/{repository}"
    statements = [roles.allow([permissions.PASSWORD], "*")] if permissions.PASSWORD in actions else []
    return [*statements, roles.allow([each for each in actions if each != permissions.PASSWORD], arn)]


def _prepare(
    lab: Lab, role: list[dict] | None = None, tag: str = TAG, processor: str = "", trusted: str = roles.TASKS
) -> Facts:
    """The cluster, a role with these statements, and a new revision of the task definition; the facts of all kinds."""
    if TAG not in lookup.digests_by_tag(lab, settings.REPOSITORY):
        raise LabError(f"{settings.REPOSITORY} has no image {TAG}.", 'lab.catch_up("13")')
    _change_policy(lab)
    ecs, right = lab.client("ecs"), fargate.processor(lab)
    cleanup.note(lab, [("cluster", CLUSTER)])
    ecs.create_cluster(clusterName=CLUSTER, tags=task_definitions.ECS_TAGS)
    arn = roles.new(lab, NAME, role or _role(lab, *NEEDED), trusted)
    app = {"image": f"{lab.repository_uri}:{tag}", "command": ["python", "-c", "print('delivered')"]}
    platform = {"cpuArchitecture": processor or right}
    revision = task_definitions.register(lab, NAME, app, arn, runtimePlatform=platform)
    subnets = fargate.network(lab)["awsvpcConfiguration"]["subnets"]
    return {
        "revision": revision,
        "subnets": ",".join(subnets),
        "role": arn,
        "processor": right,
        "arn": f"arn:{lab.partition}:ecr:{lab.region}:{lab.account}:repository/{settings.REPOSITORY}",
    }


def _missing_action(lab: Lab, rng: random.Random) -> Facts:
    missing = rng.choice(NEEDED)
    return {**_prepare(lab, _role(lab, *(each for each in NEEDED if each != missing))), "missing": missing}


def _wrong_resource(lab: Lab, rng: random.Random) -> Facts:
    other = f"{settings.PREFIX}{rng.choice(('app', 'app-repos', 'apprepo'))}"
    return {**_prepare(lab, _role(lab, *NEEDED, repository=other)), "other": other}


def _wrong_trust(lab: Lab, rng: random.Random) -> Facts:
    trusted = rng.choice(("ecs.amazonaws.com", "ec2.amazonaws.com"))
    return {**_prepare(lab, trusted=trusted), "trusted": trusted}


def _no_such_tag(lab: Lab, rng: random.Random) -> Facts:
    there = lookup.digests_by_tag(lab, settings.REPOSITORY)
    tag = rng.choice([each for each in NO_SUCH_TAGS if each not in there])
    return {**_prepare(lab, tag=tag), "tag": tag}


def _wrong_processor(lab: Lab, _: random.Random) -> Facts:
    other = OTHER_PROCESSOR[fargate.processor(lab)]
    return {**_prepare(lab, processor=other), "other": other}


def _denied(lab: Lab, rng: random.Random) -> Facts:
    facts, action = _prepare(lab), rng.choice(sorted(permissions.PULL))
    _change_policy(
        lab,
        {
            "Sid": SID,
            "Effect": "Deny",
            "Principal": "*",
            "Action": action,
            "Condition": {"ArnEquals": {"aws:PrincipalArn": facts["role"]}},
        },
    )
    return {**facts, "action": action}


def _change_policy(lab: Lab, *added: dict) -> None:
    """Replace what this exercise wrote into the repository's policy by *added*; the other statements stay."""
    ecr, here = lab.client(), {"repositoryName": settings.REPOSITORY}
    document: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}
    with contextlib.suppress(ecr.exceptions.RepositoryPolicyNotFoundException):
        document = json.loads(ecr.get_repository_policy(**here)["policyText"])
    before = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    after = [*(each for each in before if each.get("Sid") != SID), *added]
    if after == before:
        return
    if after:
        ecr.set_repository_policy(**here, policyText=json.dumps({**document, "Statement": after}))
    else:
        ecr.delete_repository_policy(**here)


def _still_wrong(lab: Lab, facts: Facts) -> str:
    role = permissions.of_role(lab.client("iam"), NAME)
    if role is None:
        return f"there is no role {NAME} any more"
    if more := permissions.beyond_pull(lab, role, facts["arn"]):
        return f"the role {NAME} allows more than it needs: {more}"
    return _no_line(lab, int(facts["revision"]))


def _no_line(lab: Lab, revision: int) -> str:
    """What is wrong with the newest task of this revision or a newer one; empty if it has ended as it should."""
    found = [
        task
        for status in ("RUNNING", "STOPPED")
        for task in fargate.tasks(lab.client("ecs"), CLUSTER, family=NAME, desiredStatus=status)
        if int(task["taskDefinitionArn"].rpartition(":")[2]) >= revision
    ]
    if not found:
        return f"no task of {NAME} has run since prepare()"
    newest = max(found, key=lambda task: task["createdAt"])
    if newest["lastStatus"] != "STOPPED":
        return f"the newest task of {NAME} is still {newest['lastStatus']}"
    app, wanted = newest["containers"][0], lookup.digests_by_tag(lab, settings.REPOSITORY).get(TAG)
    if app.get("exitCode") != 0:
        return f"the newest task of {NAME} ended without its line"
    return "" if app.get("imageDigest") == wanted else f"the newest task of {NAME} ran another image than {TAG}"


KINDS = {
    "missing-action": Kind(_missing_action, _still_wrong),
    "wrong-resource": Kind(_wrong_resource, _still_wrong),
    "wrong-trust": Kind(_wrong_trust, _still_wrong),
    "no-such-tag": Kind(_no_such_tag, _still_wrong),
    "wrong-processor": Kind(_wrong_processor, _still_wrong),
    "denied": Kind(_denied, _still_wrong),
}
