"""AWS managed policies, ``arn:aws:iam::aws:policy/…``: only those in the data file.

moto has all 1500 and would write them to the state file with every change.
"""

import json
from importlib.resources import files

from moto.iam.models import AWSManagedPolicy, IAMBackend

from ecr_sandbox import settings


def ensure(iam: IAMBackend) -> None:
    """Create the policies in an account, also in one that an earlier version stored without them."""
    for name, data in _named().items():
        policy = AWSManagedPolicy.from_data(name, iam.account_id, settings.REGION, data)
        if policy.arn not in iam.managed_policies:
            iam.managed_policies[policy.arn] = policy
            iam.aws_managed_policies.append(policy)


def _named() -> dict[str, dict[str, object]]:
    text = (files("ecr_sandbox") / "data" / "managed_policies.json").read_text()
    return dict(json.loads(text)["policies"])
