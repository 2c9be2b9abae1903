"""``iam:PermissionsBoundary``: who delegates IAM can require that every new user and role is limited.

Sources: Service Authorization Reference of IAM; "Delegating responsibility to others using permissions boundaries",
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

import json

import pytest

from tests.sandbox.iam.permissions import MANAGED, allow, policy, refused, trust

LIMIT, OTHER = MANAGED + "AmazonEC2ContainerRegistryPowerUser", MANAGED + "AdministratorAccess"
DOCUMENT = json.dumps(policy(allow("*")))
TRUST = {"AssumeRolePolicyDocument": trust("123456789012")}
ACTIONS = ("Create{0}", "Attach{0}Policy", "Put{0}Policy", "Detach{0}Policy", "Delete{0}Policy")
ACTIONS += ("Put{0}PermissionsBoundary", "Delete{0}PermissionsBoundary")


@pytest.fixture
def delegate(sandbox):
    """IAM as a user has it who may change users and roles with the boundary LIMIT only."""
    actions = [f"iam:{action.format(kind)}" for action in ACTIONS for kind in ("User", "Role")]
    bounded = {"ArnEquals": {"iam:PermissionsBoundary": LIMIT}}
    _, key = sandbox.make_user(policy(allow(actions, Condition=bounded)))
    return sandbox.client("iam", key=key)


def changes(iam, kind: str, name: str) -> list:
    """The calls that give *name*, a ``user`` or ``role``, permissions or take them away, each with its parameters."""
    who = {f"{kind.title()}Name": name}
    return [
        (getattr(iam, f"attach_{kind}_policy"), {**who, "PolicyArn": OTHER}),
        (getattr(iam, f"detach_{kind}_policy"), {**who, "PolicyArn": OTHER}),
        (getattr(iam, f"put_{kind}_policy"), {**who, "PolicyName": "own", "PolicyDocument": DOCUMENT}),
        (getattr(iam, f"delete_{kind}_policy"), {**who, "PolicyName": "own"}),
        (getattr(iam, f"delete_{kind}_permissions_boundary"), who),
    ]


@pytest.mark.parametrize("kind, more", [("user", {}), ("role", TRUST)])
def test_a_new_user_or_role_needs_the_boundary(delegate, kind, more):
    create, name = getattr(delegate, f"create_{kind}"), f"new-{kind}"
    who = {f"{kind.title()}Name": name, **more}
    for given in ({}, {"PermissionsBoundary": OTHER}):
        assert f"no identity-based policy allows the iam:Create{kind.title()} action" in refused(create, **who, **given)
    create(**who, PermissionsBoundary=LIMIT)


@pytest.mark.parametrize("kind, more", [("user", {}), ("role", TRUST)])
def test_only_what_has_the_boundary_can_be_changed(sandbox, delegate, kind, more):
    create = getattr(sandbox.client("iam"), f"create_{kind}")
    for name, limit in (("free", {}), ("elsewhere", {"PermissionsBoundary": OTHER})):
        create(**{f"{kind.title()}Name": f"{name}-{kind}"}, **more, **limit)
        for call, parameters in changes(delegate, kind, f"{name}-{kind}"):
            assert "no identity-based policy allows" in refused(call, **parameters)
    create(**{f"{kind.title()}Name": f"bounded-{kind}"}, **more, PermissionsBoundary=LIMIT)
    for call, parameters in changes(delegate, kind, f"bounded-{kind}"):
        call(**parameters)


@pytest.mark.parametrize("kind, more", [("user", {}), ("role", TRUST)])
def test_a_boundary_is_replaced_only_by_the_same_one(sandbox, delegate, kind, more):
    name = {f"{kind.title()}Name": f"replaced-{kind}"}
    getattr(sandbox.client("iam"), f"create_{kind}")(**name, **more, PermissionsBoundary=LIMIT)
    put = getattr(delegate, f"put_{kind}_permissions_boundary")
    assert "no identity-based policy allows" in refused(put, **name, PermissionsBoundary=OTHER)
    put(**name, PermissionsBoundary=LIMIT)
