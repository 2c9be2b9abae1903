"""The unique ids as which a policy stores its principals.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html, "IAM role
principals", Important: the ARN "transforms to the role's unique principal ID when you save the policy"; for a deleted
role "the principal ID appears in resource-based policies because AWS can no longer map it back to a valid ARN".
"""

import json

import pytest
from moto.iam.models import iam_backends

from ecr_sandbox.iam import principal_names, principals
from helpers import settings

USER = f"arn:aws:iam::{settings.ACCOUNT}:user/team/alice"
ROLE = f"arn:aws:iam::{settings.ACCOUNT}:role/builder"
SESSION = f"arn:aws:sts::{settings.ACCOUNT}:assumed-role/builder/night"


@pytest.fixture
def iam():
    iam_backends[settings.ACCOUNT]["aws"].reset()
    iam = principals.account(settings.ACCOUNT)
    iam.create_user(settings.REGION, "alice", path="/team/")
    iam.create_role("builder", "{}", "/", None, "", [], "3600")
    yield iam
    iam.reset()


def policy(principal, **how) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "ecr:*", "Condition": {"ArnLike": {"a": ROLE}}}
    return json.dumps({"Statement": [statement]}, **how)


def names(text: str):
    return json.loads(text)["Statement"][0]["Principal"]["AWS"]


def test_the_arn_of_a_user_role_or_session_is_stored_as_unique_id(iam):
    user, [role] = iam.users["alice"], iam.roles.values()
    text = policy({"AWS": [USER, ROLE, SESSION, "111122223333", "*"], "Service": "lambda.amazonaws.com"})
    stored = principal_names.stored(text)
    assert names(stored) == [user.id, role.id, f"{role.id}:night", "111122223333", "*"]
    assert stored.count(ROLE) == 1, "a condition keeps its values"
    assert principal_names.shown(stored) == text


@pytest.mark.parametrize("principal", ["*", {"AWS": "111122223333"}, {"Service": "ecs-tasks.amazonaws.com"}])
@pytest.mark.parametrize("how", [{}, {"indent": 3}, {"separators": (",", ":")}])
def test_a_policy_without_users_and_roles_is_stored_as_it_is(iam, principal, how):
    text = policy(principal, **how)
    assert principal_names.stored(text) == principal_names.shown(text) == text


@pytest.mark.parametrize("indent", [None, 2])
def test_a_single_name_stays_a_string(iam, indent):
    text = policy({"AWS": USER}, indent=indent)
    assert names(principal_names.stored(text)) == iam.users["alice"].id
    assert principal_names.shown(principal_names.stored(text)) == text


def test_the_id_of_a_deleted_principal_is_shown(iam):
    stored = principal_names.stored(policy({"AWS": [USER, ROLE, SESSION]}))
    ids = names(stored)
    iam.delete_user("alice")
    iam.delete_role("builder")
    assert names(principal_names.shown(stored)) == ids
    iam.create_user(settings.REGION, "alice", path="/team/")
    iam.create_role("builder", "{}", "/", None, "", [], "3600")
    assert names(principal_names.shown(stored)) == ids, "the new user and the new role are others"


def test_a_renamed_user_is_shown_with_the_new_name(iam):
    stored = principal_names.stored(policy({"AWS": USER}))
    iam.update_user("alice", None, "alicia")
    assert names(principal_names.shown(stored)) == USER.replace("alice", "alicia")


def test_the_id_of_a_principal_that_exists_can_be_used(iam):
    """The other direction of the transformation, in which AWS maps an id back to an ARN."""
    [role] = iam.roles.values()
    text = policy({"AWS": role.id})
    principal_names.check(text)
    assert names(principal_names.shown(principal_names.stored(text))) == ROLE


@pytest.mark.parametrize("text", ["{}", "nope", '"nope"', '{"Statement": [5]}', ""])
def test_text_that_is_not_a_policy_is_not_changed(iam, text):
    """An earlier version stored any trust policy."""
    assert principal_names.shown(text) == principal_names.stored(text) == text
