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

from machine import rehearse
from machine.project import ROOT
from machine.say import say

POLICY = ROOT / "docs" / "aws-policy.json"
LIMIT = 6144  # characters of a managed policy without white space: IAM user guide, "IAM and AWS STS quotas"
PREFIX = "demo-"


def main(files: list[str]) -> int:
    """Write the policy, and return the exit code."""
    paths = [Path(file) for file in files] or [rehearse.KEPT / "decisions.jsonl"]
    decisions = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    policy = policy_of(each for each in decisions if each["principal"].endswith(f":user/{rehearse.USER}"))
    size = len(json.dumps(policy, separators=(",", ":")))
    POLICY.write_text(json.dumps(policy, indent=2) + "\n")
    say(f"{POLICY.relative_to(ROOT)}: {size} of {LIMIT} characters")
    return int(size > LIMIT)


def policy_of(decisions: Iterable[Mapping]) -> dict:
    """The policy that allows all *decisions*: for each service a statement on its names, and one on everything."""
    actions: dict[tuple[str, bool], set[str]] = defaultdict(set)
    resources: dict[tuple[str, bool], set[str]] = defaultdict(set)
    for each in decisions:
        resource = general(each["resource"])
        key = each["action"].partition(":")[0], resource == "*"
        actions[key].add(each["action"])
        resources[key].add(resource)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": _name(service, everything),
                "Effect": "Allow",
                "Action": sorted(actions[service, everything]),
                "Resource": sorted(resources[service, everything]),
            }
            for service, everything in sorted(actions)
        ],
    }


def general(resource: str) -> str:
    """The policy's pattern for *resource*: any account and Region, and the beginning of the course's names.

    A call on everything of a kind, such as DescribeRepositories without names, has ``*``. Its action gets a statement
    of its own, so that the actions on single resources are not allowed on all of them.
    """
    parts = resource.split(":", 5)
    if len(parts) < 6 or (parts[5].endswith("*") and PREFIX not in parts[5]):
        return "*"
    arn, partition, service, region, account, name = parts
    account = "*" if account.isdigit() else account
    return ":".join((arn, partition, service, "*" if region else "", account, _pattern(name)))


def _pattern(name: str) -> str:
    before, found, _ = name.partition(PREFIX)
    return f"{before}{found}*" if found else re.sub(r"\b\d{12}\b", "*", name)


def _name(service: str, everything: bool) -> str:
    return "".join(part.capitalize() for part in service.split("-")) + ("Everywhere" if everything else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
