"""Writes `docs/aws-policy.json`, the least policy of a learner on AWS, from what a rehearsal called.

    python -m machine.least_policy [--core] [FILE …]

Each file is a log of IAM's decisions; the default is the one of the last `make rehearse`. A call on a resource of the
course, such as the repository `demo-app-repo`, becomes a permission on `demo-*`, in every account and Region.
Users and roles need the course's permissions boundary, `docs/aws-boundary.json`, and roles can be passed to the
services of the lessons only. So a learner cannot become an administrator through a user or a role.

With `--core` it writes `docs/aws-policy-core.json`, which changes ECR only. Its log is that of a rehearsal of notebooks
00 to 09 without 03, which needs IAM.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from machine import learner, rehearse
from machine.project import ROOT
from machine.say import say

CORE = "--core"
POLICY, CORE_POLICY = ROOT / "docs" / "aws-policy.json", ROOT / "docs" / "aws-policy-core.json"
LIMIT = 6144  # characters of a managed policy without white space: IAM user guide, "IAM and AWS STS quotas"
PREFIX = learner.DEFAULT_PREFIX
# What solutions call, and 13 where its first task starts: the rehearsals so far did not. Clean-up looks at all users,
# roles, policies, repositories and clusters, and the account of a rehearsal has few. A pull loads missing layers.
# Cost Explorer has no resources.
FURTHER = {
    "*": (
        "ce:GetCostAndUsage",
        "ecr-public:ListTagsForResource",
        "ecr:ListTagsForResource",
        "ecs:DescribeClusters",
        "ecs:ListTaskDefinitionFamilies",
        "ecs:ListTaskDefinitions",
        "iam:ListPolicyTags",
        "iam:ListRoleTags",
        "iam:ListUserTags",
    ),
    "arn:aws:ecr:*:*:repository/demo-*": ("ecr:DeleteRepositoryPolicy", "ecr:GetDownloadUrlForLayer"),
    "arn:aws:ecr:*:*:repository/anatomy/hello": ("ecr:BatchDeleteImage",),
    "arn:aws:ecs:*:*:task/demo-*": ("ecs:StopTask",),
    "arn:aws:lambda:*:*:function:demo-*": ("lambda:CreateFunction", "lambda:TagResource"),
    "arn:aws:iam::*:policy/demo-*": ("iam:DeletePolicyVersion", "iam:GetPolicy"),
    "arn:aws:iam::*:role/demo-*": ("iam:UpdateAssumeRolePolicy",),
    "arn:aws:iam::*:user/demo-*": ("iam:GetUserPolicy",),
}
CHANGES_ECR = ("ecr:", "ecr-public:", "sts:GetServiceBearerToken")
READS = (
    *("ec2:Describe", "ecs:Describe", "ecs:List", "iam:GetPolicyVersion", "iam:List", "iam:Simulate"),
    *("lambda:List", "logs:Describe"),
)

BOUNDARY = f"arn:aws:iam::*:policy/{PREFIX}boundary"
# Source: "Delegating responsibility to others using permissions boundaries" (IAM user guide,
# access_policies_boundaries.html), and the condition keys in IAM's Service Authorization Reference.
BOUNDED = {"ArnLike": {"iam:PermissionsBoundary": BOUNDARY}}
# The trust policy decides who may use a role. A role that a learner creates allows no more than the boundary
# to anyone. The trust of a role without the course's tag does not change. A learner could tag such a role first,
# as iam:PermissionsBoundary is no condition key of this action: docs/teaching.md keeps other roles out of these names.
# Sources: the same reference; "Controlling access to and for IAM users and roles using tags" (access_iam-tags.html).
TAGGED = {"StringEquals": {"aws:ResourceTag/made-by": "learn-amazon-ecr"}}
PASSED = {"StringEquals": {"iam:PassedToService": ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]}}
CONDITIONS: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("iam:CreateUser", "iam:AttachUserPolicy", "iam:PutUserPolicy"), BOUNDED),
    **dict.fromkeys(("iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePolicy"), BOUNDED),
    "iam:PassRole": PASSED,
    "iam:UpdateAssumeRolePolicy": TAGGED,
}
# Without this a learner could replace the boundary by a policy of the same name.
KEEP_BOUNDARY = {
    "Effect": "Deny",
    "Action": [
        "iam:CreatePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicy",
        "iam:DeletePolicyVersion",
        "iam:SetDefaultPolicyVersion",
        "iam:TagPolicy",
    ],
    "Resource": [BOUNDARY],
}


def main(arguments: list[str]) -> int:
    """Write the policy, and return the exit code."""
    is_core, files = CORE in arguments, [each for each in arguments if each != CORE]
    paths = [Path(file) for file in files] or [rehearse.KEPT / rehearse.DECISIONS]
    called = [each for path in paths for each in learner.decisions(path)]
    called += [{"action": action, "resource": name} for name, actions in FURTHER.items() for action in actions]
    if is_core:
        called = [each for each in called if _is_core(each["action"], each["resource"])]
    policy, file = policy_of(called), CORE_POLICY if is_core else POLICY
    size = len(json.dumps(policy, separators=(",", ":")))
    file.write_text(json.dumps(policy, indent=2) + "\n")
    say(f"{file.relative_to(ROOT)}: {size} of {LIMIT} characters")
    return int(size > LIMIT)


def _is_core(action: str, resource: str) -> bool:
    """Whether a learner without users, roles and tasks needs it: clean-up lists them, and finds none."""
    return action.startswith(CHANGES_ECR) or (action.startswith(READS) and PREFIX not in resource)


def policy_of(decisions: Iterable[Mapping]) -> dict:
    """The policy that allows all *decisions*: a statement for each service on the course's names, others on the rest.

    What is called on something else has a statement of its own, so that no other action is allowed on it. The same is
    true of the actions that need a condition.
    """
    resources: dict[str, set[str]] = defaultdict(set)
    for each in decisions:
        resources[each["action"]].add(general(each["resource"]))
    actions: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    ours: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for action, found in resources.items():
        service, condition = action.partition(":")[0], json.dumps(CONDITIONS.get(action, {}))
        for resource in {"*"} if "*" in found else found:
            key = service, "" if PREFIX in resource else resource, condition
            actions[key].add(action)
            ours[key].add(resource)
    statements = [_statement(actions[key], ours[key], json.loads(key[2])) for key in sorted(actions)]
    grants_users = any("Condition" in each for each in statements)
    return {"Version": "2012-10-17", "Statement": _merged(statements) + [KEEP_BOUNDARY] * grants_users}


def _statement(actions: Iterable[str], resources: Iterable[str], condition: Mapping[str, Any]) -> dict[str, Any]:
    found = {"Effect": "Allow", "Action": sorted(actions), "Resource": sorted(resources)}
    return found | ({"Condition": condition} if condition else {})


def _merged(statements: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One statement for all with the same actions, and one for all on ``*``."""
    kept: dict[str, dict[str, Any]] = {}
    for each in statements:
        which = "*" if each["Resource"] == ["*"] and "Condition" not in each else json.dumps(each["Action"])
        known = kept.setdefault(which + json.dumps(each.get("Condition")), each)
        for name in ("Action", "Resource"):
            known[name] = sorted({*known[name], *each[name]})
    return list(kept.values())


def general(resource: str) -> str:
    """The policy's pattern for *resource*: any account and Region, and the beginning of the course's names.

    A call on everything of a kind, such as DescribeRepositories without names, has ``*``.
    """
    parts = resource.split(":", 5)
    if len(parts) < 6 or (parts[5].endswith(("*", "/")) and PREFIX not in parts[5]):
        return "*"
    arn, partition, service, region, account, name = parts
    account = "*" if account.isdigit() else account
    return ":".join((arn, partition, service, "*" if region else "", account, _pattern(name)))


def _pattern(name: str) -> str:
    before, found, _ = name.partition(PREFIX)
    if found:
        return f"{before}{found}*"
    # Clean-up reads the tags of all users and roles; the repositories of a folder have numbers.
    return re.sub(r"^((?:user|role)/|repository/[^/]+/)(?!aws-service-role/).*", r"\1*", name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
