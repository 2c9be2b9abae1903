"""Writes `docs/aws-policy.json`, the least policy of a learner on AWS, from what a rehearsal called.

    python -m machine.least_policy [FILE …]

Each file is a log of IAM's decisions; the default is the one of the last `make rehearse`. A call on a resource of the
course, such as the repository `demo-app-repo`, becomes a permission on `demo-*`, in every account and Region.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from machine import learner, rehearse
from machine.project import ROOT
from machine.say import say

POLICY = ROOT / "docs" / "aws-policy.json"
LIMIT = 6144  # characters of a managed policy without white space: IAM user guide, "IAM and AWS STS quotas"
PREFIX = "demo-"
# What solutions call, and 13 where its first task starts: the rehearsals so far did not. And clean-up reads the tags of
# all users, roles and policies, of which a new account has none.
FURTHER = {
    "*": ("iam:ListPolicyTags", "iam:ListRoleTags", "iam:ListUserTags"),
    "arn:aws:ecs:*:*:task/demo-*": ("ecs:StopTask",),
    "arn:aws:lambda:*:*:function:demo-*": ("lambda:CreateFunction", "lambda:TagResource"),
    "arn:aws:iam::*:policy/demo-*": ("iam:DeletePolicyVersion", "iam:GetPolicy", "iam:GetUserPolicy"),
}


def main(files: list[str]) -> int:
    """Write the policy, and return the exit code."""
    paths = [Path(file) for file in files] or [rehearse.KEPT / rehearse.DECISIONS]
    decisions = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    called = [each for each in decisions if each["principal"].endswith(f":user/{learner.USER}")]
    called += [{"action": action, "resource": name} for name, actions in FURTHER.items() for action in actions]
    policy = policy_of(called)
    size = len(json.dumps(policy, separators=(",", ":")))
    POLICY.write_text(json.dumps(policy, indent=2) + "\n")
    say(f"{POLICY.relative_to(ROOT)}: {size} of {LIMIT} characters")
    return int(size > LIMIT)


def policy_of(decisions: Iterable[Mapping]) -> dict:
    """The policy that allows all *decisions*: a statement for each service on the course's names, others on the rest.

    What is called on something else has a statement of its own, so that no other action is allowed on it.
    """
    actions: dict[tuple[str, str], set[str]] = defaultdict(set)
    resources: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in decisions:
        service, resource = each["action"].partition(":")[0], general(each["resource"])
        is_ours = PREFIX in resource or ":repository/" in resource  # the lessons name every repository
        key = service, "" if is_ours else resource
        actions[key].add(each["action"])
        resources[key].add(resource)
    statements = [
        {"Effect": "Allow", "Action": sorted(actions[key]), "Resource": sorted(resources[key])}
        for key in sorted(actions)
    ]
    return {"Version": "2012-10-17", "Statement": statements}


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
