"""AWS's policy evaluation, rule by rule. Each row's name is the rule; most rules are in the IAM user guide.

Properties that hold for every policy are in test_evaluate_properties.py.
"""

import json
import time
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from ecr_sandbox.iam import evaluate
from ecr_sandbox.iam.evaluate import Principal, RequestContext

ACCOUNT, OTHER = "123456789012", "111122223333"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ci/deployer"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/build-7"
SHOP = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/shop"
PROD = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/prod"

IDENTITY_DENIES = "with an explicit deny in an identity-based policy"
RESOURCE_DENIES = "with an explicit deny in a resource-based policy"
BOUNDARY_DENIES = "with an explicit deny in a permissions boundary"
SESSION_DENIES = "with an explicit deny in a session policy"
NO_IDENTITY = "because no identity-based policy allows the ecr:PutImage action"
NO_RESOURCE = "because no resource-based policy allows the ecr:PutImage action"
NO_BOUNDARY = "because no permissions boundary allows the ecr:PutImage action"
NO_SESSION = "because no session policy allows the ecr:PutImage action"
ALLOWED = ""


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> evaluate.Policy:
    return evaluate.parse({"Version": version, "Statement": list(statements)})


def allow(action: Any = "ecr:PutImage", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "ecr:PutImage", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def guard(effect: str, principal: Any, element: str = "Principal", **more: Any) -> dict[str, Any]:
    """A statement of a repository policy: it has a principal and no resource."""
    return {"Effect": effect, element: principal, "Action": "ecr:PutImage", **more}


def user(*identity: evaluate.Policy, **more: Any) -> Principal:
    return Principal(
        **{
            "arn": ALICE,
            "account": ACCOUNT,
            "names": frozenset({ALICE}),
            "identity": identity,
            "context": {"aws:username": "alice", "aws:userid": "AIDAEXAMPLEALICE"},
            **more,
        }
    )


def session(*identity: evaluate.Policy, **more: Any) -> Principal:
    return Principal(
        **{
            "arn": SESSION,
            "account": ACCOUNT,
            "names": frozenset({SESSION, ROLE}),
            "identity": identity,
            "context": {"aws:userid": "AROAEXAMPLEROLE:build-7"},
            **more,
        }
    )


def push(resource: str = SHOP, account: str = ACCOUNT, **context: Any) -> RequestContext:
    return RequestContext("ecr:PutImage", resource, account, context)


def allows(statement: dict[str, Any], ask: RequestContext, version: str = "2012-10-17", **more: Any) -> bool:
    """Whether a user with only this statement is allowed."""
    return evaluate.decide(user(policy(statement, version=version), **more), ask).allowed


# Which policies must allow a request, and which one the message names when they do not.

YES, NO = policy(allow()), policy(deny())
SILENT = policy(allow("s3:GetObject"))
FOR_ALICE = policy(guard("Allow", {"AWS": ALICE}))
FOR_ROLE = policy(guard("Allow", {"AWS": ROLE}))
FOR_SESSION = policy(guard("Allow", {"AWS": SESSION}))
FOR_ACCOUNT = policy(guard("Allow", {"AWS": ACCOUNT}))
FOR_ROOT = policy(guard("Allow", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
FOR_ALL = policy(guard("Allow", "*"))
FOR_ALL_AWS = policy(guard("Allow", {"AWS": "*"}))
AGAINST_ALICE = policy(guard("Deny", {"AWS": ALICE}))
AGAINST_ALL_BUT_ALICE = policy(guard("Deny", {"AWS": [ALICE, ACCOUNT]}, "NotPrincipal"))
AGAINST_ALL_BUT_ROLE = policy(guard("Deny", {"AWS": [ROLE, ACCOUNT]}, "NotPrincipal"))
AGAINST_ALL_BUT_SESSION = policy(guard("Deny", {"AWS": [SESSION, ROLE, ACCOUNT]}, "NotPrincipal"))
FOR_ALL_BUT_ALICE = policy(guard("Allow", {"AWS": ALICE}, "NotPrincipal"))

HERE: list[tuple[str, Principal, list[evaluate.Policy], str]] = [
    # One account, identity-based policies
    ("all requests are denied by default", user(), [], NO_IDENTITY),
    ("one allow is enough", user(SILENT, YES), [], ALLOWED),
    ("an allow of another action is no allow", user(SILENT), [], NO_IDENTITY),
    ("an explicit deny overrides an allow", user(YES, NO), [], IDENTITY_DENIES),
    ("the order of allow and deny does not matter", user(NO, YES), [], IDENTITY_DENIES),
    (
        "a statement without a resource allows nothing",
        user(policy({"Effect": "Allow", "Action": "*"})),
        [],
        NO_IDENTITY,
    ),
    (
        "a session policy without a resource allows nothing",
        session(YES, session=(policy({"Effect": "Allow", "Action": "*"}),)),
        [],
        NO_SESSION,
    ),
    ("root needs no policy", user(unrestricted=True), [], ALLOWED),
    ("a resource-based policy can deny root", user(unrestricted=True), [AGAINST_ALICE], RESOURCE_DENIES),
    # One account, with a resource-based policy: the union
    ("a resource-based policy that names the user is enough", user(), [FOR_ALICE], ALLOWED),
    ("an identity-based policy is enough if the resource-based policy does not apply", user(YES), [SILENT], ALLOWED),
    ("a deny in a resource-based policy overrides the identity's allow", user(YES), [AGAINST_ALICE], RESOURCE_DENIES),
    (
        "a deny in a resource-based policy overrides an allow in another",
        user(YES),
        [FOR_ALICE, AGAINST_ALICE],
        RESOURCE_DENIES,
    ),
    ("an identity-based deny overrides a resource-based allow", user(NO), [FOR_ALICE], IDENTITY_DENIES),
    ("an account ID as principal only delegates to the account", user(), [FOR_ACCOUNT], NO_IDENTITY),
    ("the root ARN as principal only delegates to the account", user(), [FOR_ROOT], NO_IDENTITY),
    ("a delegation and an identity-based allow are enough", user(YES), [FOR_ROOT], ALLOWED),
    ("the principal * includes the user directly", user(), [FOR_ALL], ALLOWED),
    ("the principal AWS: * includes the user directly", user(), [FOR_ALL_AWS], ALLOWED),
    ("a principal is not a prefix", user(), [policy(guard("Allow", {"AWS": f"{ALICE}2"}))], NO_IDENTITY),
    (
        "a principal is case-sensitive",
        user(),
        [policy(guard("Allow", {"AWS": ALICE.replace("alice", "Alice")}))],
        NO_IDENTITY,
    ),
    (
        "a wildcard cannot be part of a principal",
        user(),
        [policy(guard("Allow", {"AWS": f"{ALICE[:-5]}*"}))],
        NO_IDENTITY,
    ),
    ("a user's unique ID names the user", user(), [policy(guard("Allow", {"AWS": "AIDAEXAMPLEALICE"}))], ALLOWED),
    (
        "a statement without a principal does not apply",
        user(),
        [policy({"Effect": "Allow", "Action": "*"})],
        NO_IDENTITY,
    ),
    ("one of several principals is enough", user(), [policy(guard("Allow", {"AWS": [ROLE, ALICE]}))], ALLOWED),
    ("a service is not a user", user(), [policy(guard("Allow", {"Service": "ecs-tasks.amazonaws.com"}))], NO_IDENTITY),
    (
        "a service with the user's ARN as name is not the user",
        user(),
        [policy(guard("Allow", {"Service": ALICE}))],
        NO_IDENTITY,
    ),
    (
        "a service name under AWS does not apply",
        user(),
        [policy(guard("Allow", {"AWS": "ecs-tasks.amazonaws.com"}))],
        NO_IDENTITY,
    ),
    ("a federated user is not a user", user(), [policy(guard("Allow", {"Federated": "*"}))], NO_IDENTITY),
    (
        "a service is named by its own name",
        user(names=frozenset({ALICE, "ecs-tasks.amazonaws.com"})),
        [policy(guard("Allow", {"Service": "ecs-tasks.amazonaws.com"}))],
        ALLOWED,
    ),
    (
        "a deny of the account is a deny of its users",
        user(YES),
        [policy(guard("Deny", {"AWS": ACCOUNT}))],
        RESOURCE_DENIES,
    ),
    # NotPrincipal
    ("NotPrincipal with Deny denies everyone else", session(YES), [AGAINST_ALL_BUT_ALICE], RESOURCE_DENIES),
    ("NotPrincipal with Deny does not deny the user it names", user(YES), [AGAINST_ALL_BUT_ALICE], ALLOWED),
    ("NotPrincipal with Deny allows nothing", user(), [AGAINST_ALL_BUT_ALICE], NO_IDENTITY),
    ("NotPrincipal with a role denies the role's sessions", session(YES), [AGAINST_ALL_BUT_ROLE], RESOURCE_DENIES),
    ("NotPrincipal with the session does not deny it", session(YES), [AGAINST_ALL_BUT_SESSION], ALLOWED),
    (
        "NotPrincipal denies every user with a boundary",
        user(YES, boundary=YES),
        [AGAINST_ALL_BUT_ALICE],
        RESOURCE_DENIES,
    ),
    ("NotPrincipal with Allow allows everyone else", session(), [FOR_ALL_BUT_ALICE], ALLOWED),
    ("NotPrincipal with Allow does not allow the user it names", user(), [FOR_ALL_BUT_ALICE], NO_IDENTITY),
    # Permissions boundaries: the intersection
    ("a boundary allows nothing", user(boundary=YES), [], NO_IDENTITY),
    ("boundary and identity together allow", user(YES, boundary=YES), [], ALLOWED),
    ("a boundary that does not allow the action denies it", user(YES, boundary=SILENT), [], NO_BOUNDARY),
    ("a boundary can deny", user(YES, boundary=NO), [], BOUNDARY_DENIES),
    (
        "a resource-based policy with the user's ARN is not limited by the boundary",
        user(boundary=SILENT),
        [FOR_ALICE],
        ALLOWED,
    ),
    ("a deny in the boundary overrides it", user(boundary=NO), [FOR_ALICE], BOUNDARY_DENIES),
    (
        "a resource-based policy with the account's ARN is limited by the boundary",
        user(YES, boundary=SILENT),
        [FOR_ROOT],
        NO_BOUNDARY,
    ),
    ("a resource-based policy for * is not limited by the boundary", user(boundary=SILENT), [FOR_ALL], ALLOWED),
    # Roles and their sessions
    ("a session has its role's policies", session(YES), [], ALLOWED),
    ("a session policy that does not allow the action denies it", session(YES, session=(SILENT,)), [], NO_SESSION),
    ("an empty list of session policies allows nothing", session(YES, session=()), [], NO_SESSION),
    ("one of several session policies is enough", session(YES, session=(SILENT, YES)), [], ALLOWED),
    ("a session policy adds nothing", session(session=(YES,)), [], NO_IDENTITY),
    ("a session policy can deny", session(YES, session=(YES, NO)), [], SESSION_DENIES),
    ("boundary and session policy must both allow", session(YES, boundary=SILENT, session=(YES,)), [], NO_BOUNDARY),
    ("a role's ARN names its session", session(), [FOR_ROLE], ALLOWED),
    ("a role's ARN is limited by the boundary", session(boundary=SILENT), [FOR_ROLE], NO_BOUNDARY),
    ("a role's ARN is limited by the session policy", session(session=(SILENT,)), [FOR_ROLE], NO_SESSION),
    ("boundary and session policy allow a role's ARN", session(boundary=YES, session=(YES,)), [FOR_ROLE], ALLOWED),
    ("a session's ARN is not limited", session(boundary=SILENT, session=(SILENT,)), [FOR_SESSION], ALLOWED),
    (
        "a session's ARN can be denied by the session policy",
        session(boundary=SILENT, session=(NO,)),
        [FOR_SESSION],
        SESSION_DENIES,
    ),
    ("a deny of the role denies its session", session(YES), [policy(guard("Deny", {"AWS": ROLE}))], RESOURCE_DENIES),
    ("a role's unique ID names the role", session(), [policy(guard("Allow", {"AWS": "AROAEXAMPLEROLE"}))], ALLOWED),
    (
        "a role's unique ID is limited by the session policy",
        session(session=(SILENT,)),
        [policy(guard("Allow", {"AWS": "AROAEXAMPLEROLE"}))],
        NO_SESSION,
    ),
    # Which policy the message names
    ("of two denies, the identity-based one is named", user(NO), [AGAINST_ALICE], IDENTITY_DENIES),
    (
        "the resource-based deny is named before the boundary's",
        user(YES, boundary=NO),
        [AGAINST_ALICE],
        RESOURCE_DENIES,
    ),
    ("a deny is named before a missing allow", user(boundary=NO), [], BOUNDARY_DENIES),
    (
        "a missing identity-based allow is named before boundary and session",
        session(boundary=SILENT, session=(SILENT,)),
        [],
        NO_IDENTITY,
    ),
    (
        "a missing boundary allow is named before the session's",
        session(YES, boundary=SILENT, session=(SILENT,)),
        [],
        NO_BOUNDARY,
    ),
]


@pytest.mark.parametrize(("who", "policies", "because"), [pytest.param(*row[1:], id=row[0]) for row in HERE])
def test_within_one_account(who: Principal, policies: list[evaluate.Policy], because: str) -> None:
    assert evaluate.decide(who, push(), policies) == (because == ALLOWED, because)


ACROSS: list[tuple[str, Principal, list[evaluate.Policy], str]] = [
    ("an identity-based policy alone is not enough", user(YES), [], NO_RESOURCE),
    ("a resource-based policy alone is not enough", user(), [FOR_ALICE], NO_IDENTITY),
    ("a resource-based policy for * alone is not enough", user(), [FOR_ALL], NO_IDENTITY),
    ("root has no permissions in another account", user(unrestricted=True), [], NO_RESOURCE),
    ("root needs only the resource-based policy", user(unrestricted=True), [FOR_ROOT], ALLOWED),
    ("root can be denied", user(unrestricted=True), [FOR_ROOT, AGAINST_ALICE], RESOURCE_DENIES),
    ("both policies together are enough", user(YES), [FOR_ALICE], ALLOWED),
    ("the resource-based policy can name the account", user(YES), [FOR_ROOT], ALLOWED),
    ("the resource-based policy can name the account ID", user(YES), [FOR_ACCOUNT], ALLOWED),
    ("the resource-based policy can name *", user(YES), [FOR_ALL], ALLOWED),
    (
        "a resource-based policy for its own account does not apply to the caller",
        user(YES),
        [policy(guard("Allow", {"AWS": OTHER}))],
        NO_RESOURCE,
    ),
    ("without both, the missing identity-based allow is named", user(), [], NO_IDENTITY),
    ("the boundary must allow as well", user(YES, boundary=SILENT), [FOR_ALICE], NO_BOUNDARY),
    (
        "the session policy must allow as well, even for the session's ARN",
        session(YES, session=(SILENT,)),
        [FOR_SESSION],
        NO_SESSION,
    ),
    ("a role's ARN is enough if all policies allow", session(YES, boundary=YES, session=(YES,)), [FOR_ROLE], ALLOWED),
    ("a resource-based deny overrides the allows", user(YES), [FOR_ROOT, AGAINST_ALICE], RESOURCE_DENIES),
    ("an identity-based deny overrides the allow", user(NO), [FOR_ALICE], IDENTITY_DENIES),
]


@pytest.mark.parametrize(("who", "policies", "because"), [pytest.param(*row[1:], id=row[0]) for row in ACROSS])
def test_across_accounts(who: Principal, policies: list[evaluate.Policy], because: str) -> None:
    assert evaluate.decide(who, push(account=OTHER), policies) == (because == ALLOWED, because)


TRUST: list[tuple[str, Principal, list[evaluate.Policy], str, str]] = [
    ("a trust policy that names the user is enough", user(), [FOR_ALICE], ACCOUNT, ALLOWED),
    ("an identity-based policy alone is not enough", user(YES), [], ACCOUNT, NO_RESOURCE),
    ("a trust policy that names the account needs an identity-based allow", user(), [FOR_ROOT], ACCOUNT, NO_IDENTITY),
    (
        "a trust policy that names the account and an identity-based allow are enough",
        user(YES),
        [FOR_ROOT],
        ACCOUNT,
        ALLOWED,
    ),
    ("a trust policy that names another principal is not enough", user(YES), [FOR_ROLE], ACCOUNT, NO_RESOURCE),
    ("across accounts the identity-based policy must allow too", user(), [FOR_ALICE], OTHER, NO_IDENTITY),
    ("across accounts both together are enough", user(YES), [FOR_ALICE], OTHER, ALLOWED),
    ("a deny in the trust policy overrides its allow", user(YES), [FOR_ALICE, AGAINST_ALICE], ACCOUNT, RESOURCE_DENIES),
    ("root needs the trust policy too", user(unrestricted=True), [FOR_ROLE], ACCOUNT, NO_RESOURCE),
    (
        "a trust policy can deny root",
        user(unrestricted=True),
        [FOR_ROOT, AGAINST_ALICE],
        ACCOUNT,
        RESOURCE_DENIES,
    ),
    ("root needs only the trust policy", user(unrestricted=True), [FOR_ROOT], ACCOUNT, ALLOWED),
    (
        "the boundary limits a trust policy that names the account",
        user(YES, boundary=SILENT),
        [FOR_ROOT],
        ACCOUNT,
        NO_BOUNDARY,
    ),
]


@pytest.mark.parametrize(("who", "policies", "owner", "because"), [pytest.param(*row[1:], id=row[0]) for row in TRUST])
def test_a_roles_trust_policy_must_always_allow(
    who: Principal, policies: list[evaluate.Policy], owner: str, because: str
) -> None:
    assert evaluate.decide(who, push(account=owner), policies, delegated_only=True) == (because == ALLOWED, because)


def test_an_action_without_a_resource_is_allowed_on_every_resource_only() -> None:
    login = RequestContext("ecr:GetAuthorizationToken", "*", ACCOUNT)
    assert allows(allow("ecr:GetAuthorizationToken", "*"), login)
    assert not allows(allow("ecr:GetAuthorizationToken", f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*"), login)


# What a statement covers. The cases include all that moto's own evaluation gets wrong.

COVERED: list[tuple[str, dict[str, Any], bool]] = [
    ("a repository's ARN matches the repository", allow(resource=SHOP), True),
    ("a repository's ARN matches no other repository", allow(resource=PROD), False),
    ("an ARN is not a prefix", allow(resource=SHOP[:-1]), False),
    ("one of several resources", allow(resource=[PROD, SHOP]), True),
    ("an asterisk matches any characters", allow(resource="arn:aws:ecr:*:*:repository/sh*"), True),
    ("an asterisk matches colons", allow(resource="arn:*/shop"), True),
    ("an asterisk matches the empty string", allow(resource=f"{SHOP}*"), True),
    ("a question mark matches one character", allow(resource=SHOP[:-1] + "?"), True),
    ("a question mark does not match the empty string", allow(resource=SHOP + "?"), False),
    ("a dot is literal", allow(resource=SHOP.replace("o", ".")), False),
    ("a bracket is literal", allow(resource=SHOP.replace("o", "[o]")), False),
    ("a resource is case-sensitive", allow(resource=SHOP.upper()), False),
    ("an action is not case-sensitive", allow("ECR:putimage"), True),
    ("an action can contain an asterisk", allow("ecr:Put*"), True),
    ("an asterisk alone matches every action", allow("*"), True),
    ("an action can contain a question mark", allow("ecr:?utImage"), True),
    ("a prefix is not the action", allow("ecr:Put"), False),
    ("NotAction matches every other action", {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, True),
    (
        "NotAction does not match its own actions",
        {"Effect": "Allow", "NotAction": ["iam:*", "ecr:*"], "Resource": "*"},
        False,
    ),
    ("NotResource matches every other resource", {"Effect": "Allow", "Action": "*", "NotResource": PROD}, True),
    (
        "NotResource does not match its own resources",
        {"Effect": "Allow", "Action": "*", "NotResource": [PROD, SHOP]},
        False,
    ),
    (
        "a statement applies if its condition is met",
        allow(resource=SHOP, Condition={"StringEquals": {"aws:username": "alice"}}),
        True,
    ),
]


@pytest.mark.parametrize(("statement", "covered"), [pytest.param(*row[1:], id=row[0]) for row in COVERED])
def test_a_statement_covers(statement: dict[str, Any], covered: bool) -> None:
    everything = policy(allow("*"))
    assert allows(statement, push()) is covered
    assert evaluate.decide(user(everything, policy({**statement, "Effect": "Deny"})), push()).allowed is not covered


def test_a_deny_of_one_repository_does_not_affect_others() -> None:
    who = user(policy(allow("ecr:*"), deny("ecr:*", PROD)))
    assert evaluate.decide(who, push(PROD)) == (False, IDENTITY_DENIES)
    assert evaluate.decide(who, push(SHOP)).allowed


def test_a_deny_without_a_resource_in_a_repository_policy_denies() -> None:
    assert evaluate.decide(user(YES), push(), [policy(guard("Deny", "*"))]) == (False, RESOURCE_DENIES)


def test_a_deny_whose_condition_is_not_met_has_no_effect() -> None:
    elsewhere = deny(Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})
    who = user(policy(allow(), elsewhere))
    assert evaluate.decide(who, push(**{"aws:RequestedRegion": "us-east-1"})).allowed
    assert evaluate.decide(who, push(**{"aws:RequestedRegion": "eu-west-1"})) == (False, IDENTITY_DENIES)


# Variables.

TEAM = {"aws:PrincipalTag/team": "web", "aws:TagKeys": ("a", "b"), "aws:star": "*", "aws:bracket": "[o]"}
VARIABLES: list[tuple[str, str, str, bool]] = [
    ("is replaced by its value", "repo/${aws:username}/*", "repo/alice/app", True),
    ("is replaced by the value of this user", "repo/${aws:username}/*", "repo/bob/app", False),
    ("is not case-sensitive", "repo/${AWS:UserName}/*", "repo/alice/app", True),
    ("can be a tag", "repo/${aws:PrincipalTag/team}", "repo/web", True),
    ("has a default", "repo/${aws:PrincipalTag/cost, 'none'}", "repo/none", True),
    ("does not use the default if it has a value", "repo/${aws:PrincipalTag/team, 'none'}", "repo/none", False),
    ("can have an empty default", "repo/${aws:PrincipalTag/cost, ''}", "repo/", True),
    ("without a value matches nothing", "*${aws:PrincipalTag/cost}", "repo/", False),
    ("without a value does not match its own text", "${aws:PrincipalTag/cost}", "${aws:PrincipalTag/cost}", False),
    ("with several values matches nothing", "${aws:TagKeys}", "a", False),
    ("with the value * is not a wildcard", "${aws:star}", "x", False),
    ("with the value * matches *", "${aws:star}", "*", True),
    ("with brackets in its value is not a bracket expression", "sh${aws:bracket}p", "shop", False),
    ("stands for an asterisk", "a${*}c", "a*c", True),
    ("stands for an asterisk that is no wildcard", "a${*}c", "abc", False),
    ("stands for a question mark", "a${?}c", "a?c", True),
    ("stands for a question mark that is no wildcard", "a${?}c", "abc", False),
    ("stands for a dollar sign", "${$}{aws:username}", "${aws:username}", True),
]


@pytest.mark.parametrize(("pattern", "value", "matches"), [pytest.param(*row[1:], id=row[0]) for row in VARIABLES])
def test_a_variable(pattern: str, value: str, matches: bool) -> None:
    assert allows(allow(resource=pattern), push(value, **TEAM)) is matches
    like = allow(Condition={"StringLike": {"aws:x": pattern}})
    assert allows(like, push(**TEAM, **{"aws:x": value})) is matches


def test_a_variable_in_an_older_policy_is_literal_text() -> None:
    mine = allow(resource="${aws:username}")
    assert allows(mine, push("${aws:username}"), version="2008-10-17")
    assert not allows(mine, push("alice"), version="2008-10-17")


def test_a_policy_without_a_version_is_an_older_one() -> None:
    old = evaluate.parse({"Statement": allow(resource="${aws:username}")})
    assert not evaluate.decide(user(old), push("alice")).allowed


def test_a_variable_without_a_value_equals_nothing_so_that_a_negated_operator_matches() -> None:
    """User guide, "Policy variables with no value"."""
    other_team = {"StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    tagged = push(**{"aws:ResourceTag/team": "web"})
    assert not allows(allow(Condition={"StringEquals": other_team["StringNotEquals"]}), tagged)
    assert allows(allow(Condition=other_team), tagged)


# Conditions. The key is ecr:K; `None` means that the request does not have it.

B64 = "QmluYXJ5VmFsdWVJbkJhc2U2NA=="  # the user guide's example: BinaryValueInBase64
FINANCE = "arn:aws:someservice:*:111122223333:finance/*"  # the user guide's example, with the next line
IN_FINANCE = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"

CONDITIONS: list[tuple[str, Any, Any, bool]] = [
    ("StringEquals", "a", "a", True),
    ("StringEquals", "a", "A", False),
    ("StringEquals", "a*", "ab", False),
    ("StringEquals", "a*", "a*", True),
    ("StringEquals", ["a", "b"], "b", True),
    ("StringEquals", "a", None, False),
    ("StringEquals", "${aws:username}", "alice", True),
    ("StringNotEquals", "a", "b", True),
    ("StringNotEquals", "a", "a", False),
    ("StringNotEquals", ["a", "b"], "b", False),
    ("StringNotEquals", "a", None, True),
    ("StringEqualsIgnoreCase", "a", "A", True),
    ("StringNotEqualsIgnoreCase", "a", "A", False),
    ("StringLike", "a*", "abc", True),
    ("StringLike", "a?", "abc", False),
    ("StringLike", "A*", "abc", False),
    ("StringNotLike", "a*", "abc", False),
    ("StringNotLike", "a*", "b", True),
    ("NumericEquals", "10", "10.0", True),
    ("NumericEquals", 10, "10", True),
    ("NumericEquals", "10", "ten", False),
    ("NumericNotEquals", "10", "11", True),
    ("NumericLessThan", "10", "9", True),
    ("NumericLessThan", "10", "10", False),
    ("NumericLessThanEquals", "10", "10", True),
    ("NumericLessThanEquals", "10", "11", False),
    ("NumericGreaterThan", "9", "10", True),
    ("NumericGreaterThan", "10", "10", False),
    ("NumericGreaterThanEquals", "10", "10", True),
    ("NumericGreaterThan", "9007199254740992", "9007199254740993", True),
    ("NumericLessThan", "10", "NaN", False),
    ("NumericEquals", "1_000", "1000", False),  # Python's notation, not "an integer or decimal value"
    ("NumericEquals", "\uff11", "1", False),
    ("NumericEquals", "-1.50", "-1.5", True),
    ("DateEquals", "2020-01-01T00:00:01Z", "1577836801", True),
    ("DateEquals", "2020-01-01", "2020-01-01T00:00:00+00:00", True),
    ("DateEquals", "2020-02", "2020-02-01T00:00:00Z", True),
    ("DateNotEquals", "2020-01-01T00:00:01Z", "2020-01-01T00:00:02Z", True),
    ("DateGreaterThan", "2020-01-01T00:00:01Z", "2026-11-23T12:00:00Z", True),
    ("DateGreaterThan", "2020-01-01T00:00:01Z", None, False),
    ("DateLessThan", "2020-01-01T00:00:01Z", "2020-01-01T01:00:00+02:00", True),
    ("DateLessThanEquals", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01Z", True),
    ("DateGreaterThanEquals", "2020-01-01T00:00:01Z", "2020-01-01T00:00:00Z", False),
    ("DateLessThan", "soon", "2020-01-01T00:00:00Z", False),
    ("Bool", "true", "true", True),
    ("Bool", True, "true", True),
    ("Bool", "True", "true", True),
    ("Bool", "false", "true", False),
    ("Bool", "true", None, False),
    ("BinaryEquals", B64, "BinaryValueInBase64", True),
    ("BinaryEquals", B64, B64, False),
    ("BinaryEquals", "not base64!", "x", False),
    ("IpAddress", "203.0.113.0/24", "203.0.113.7", True),
    ("IpAddress", "203.0.113.0/24", "203.0.114.7", False),
    ("IpAddress", "203.0.113.7", "203.0.113.7", True),
    ("IpAddress", ["203.0.113.0/24", "2001:DB8:1234:5678::/64"], "2001:db8:1234:5678::1", True),
    ("IpAddress", "203.0.113.9/24", "203.0.113.7", True),
    ("IpAddress", "everywhere", "203.0.113.7", False),
    ("NotIpAddress", "203.0.113.0/24", "203.0.113.7", False),
    ("NotIpAddress", "203.0.113.0/24", "198.51.100.1", True),
    ("ArnEquals", f"arn:aws:iam::{ACCOUNT}:user/*", ALICE, True),
    ("ArnLike", f"arn:aws:iam::{ACCOUNT}:user/al?ce", ALICE, True),
    ("ArnLike", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}", ALICE, True),
    ("ArnLike", FINANCE, IN_FINANCE, False),
    ("StringLike", FINANCE, IN_FINANCE, True),
    ("ArnLike", "arn:aws:iam::*", ALICE, False),
    ("ArnNotEquals", f"arn:aws:iam::{ACCOUNT}:user/*", ALICE, False),
    ("ArnNotLike", f"arn:aws:iam::{ACCOUNT}:user/b*", ALICE, True),
    ("ArnNotLike", ALICE, None, True),
    ("Null", "true", None, True),
    ("Null", "true", "x", False),
    ("Null", "false", "x", True),
    ("Null", False, None, False),
    ("Null", "true", (), True),
    ("StringEqualsIfExists", "a", None, True),
    ("StringEqualsIfExists", "a", "b", False),
    ("StringNotEqualsIfExists", "a", None, True),
    ("StringNotEqualsIfExists", "a", "a", False),
    ("NumericLessThanIfExists", "10", None, True),
    ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), True),
    ("ForAllValues:StringEquals", ["a", "b"], ("a", "c"), False),
    ("ForAllValues:StringEquals", ["a", "b"], (), True),
    ("ForAllValues:StringEquals", ["a", "b"], None, True),
    ("ForAllValues:StringEquals", ["a", "b"], "", True),
    ("ForAllValues:StringLike", ["a*"], ("ab", "ac"), True),
    ("ForAllValues:StringNotEquals", ["a", "b"], ("c", "a"), False),
    ("ForAllValues:StringNotEquals", ["a", "b"], ("c", "d"), True),
    ("ForAnyValue:StringEquals", ["a", "b"], ("c", "b"), True),
    ("ForAnyValue:StringEquals", ["a", "b"], ("c",), False),
    ("ForAnyValue:StringEquals", ["a", "b"], (), False),
    ("ForAnyValue:StringEquals", ["a", "b"], None, False),
    ("ForAnyValue:StringNotEquals", ["a", "b"], ("a", "c"), True),
    ("ForAnyValue:StringNotEquals", ["a", "b"], ("a", "b"), False),
    ("ForAnyValue:StringNotEquals", ["a", "b"], None, False),
    ("ForAnyValue:StringEquals", ["a", ""], "", False),
    ("ForAllValues:StringEqualsIfExists", ["a"], None, True),
    ("ForAllValues:StringEqualsIfExists", ["a"], ("a", "b"), False),
    # What the user guide leaves open: see conditions.Condition
    ("ForAnyValue:StringEqualsIfExists", ["a"], None, False),
    ("ForAnyValue:StringNotEqualsIfExists", ["a"], None, False),
    ("ForAnyValue:StringEqualsIfExists", ["a"], ("a", "b"), True),
    ("ForAnyValue:StringEqualsIfExists", ["a"], "", False),
    ("StringEquals", "a", ("a", "b"), False),
    ("StringEquals", "a", ("a",), False),
    ("StringEqualsIfExists", "a", ("a", "b"), False),
    ("StringNotEquals", "a", ("b", "c"), False),
    ("StringNotEquals", "a", (), True),
    ("Null", "false", ("a", "b"), True),
    ("Null", ["true", "false"], ("a", "b"), True),
]


@pytest.mark.parametrize(("operator", "wanted", "given", "holds"), CONDITIONS)
def test_a_condition(operator: str, wanted: Any, given: Any, holds: bool) -> None:
    context = {} if given is None else {"ECR:k": given}
    assert allows(allow(Condition={operator: {"ecr:K": wanted}}), push(**context)) is holds


def test_several_operators_and_several_keys_must_all_hold() -> None:
    both = allow(Condition={"StringEquals": {"aws:a": "1", "aws:b": "2"}, "Bool": {"aws:c": "true"}})
    right = {"aws:a": "1", "aws:b": "2", "aws:c": "true"}
    assert allows(both, push(**right))
    for key in right:
        assert not allows(both, push(**{**right, key: "wrong"}))


def test_a_date_without_a_zone_is_utc_wherever_the_sandbox_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    new_year = allow(Condition={"DateEquals": {"ecr:K": "2020-01-01T00:00:00"}})
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        there = allows(new_year, push(**{"ecr:K": "2020-01-01T00:00:00Z"}))
    time.tzset()
    assert there


def test_numbers_and_dates_have_no_variables() -> None:
    context = {"aws:limit": "10", "ecr:K": "10"}
    assert not allows(allow(Condition={"NumericEquals": {"ecr:K": "${aws:limit}"}}), push(**context))


DERIVED = [
    ("a user's ARN", user, "aws:PrincipalArn", ALICE),
    ("a session's role, with its path", session, "aws:PrincipalArn", ROLE),
    ("the caller's account", session, "aws:PrincipalAccount", ACCOUNT),
    ("the resource's account", user, "aws:ResourceAccount", OTHER),
]


@pytest.mark.parametrize(("who", "key", "value"), [pytest.param(*row[1:], id=row[0]) for row in DERIVED])
def test_condition_keys_derived_from_the_principal(who: Any, key: str, value: str) -> None:
    """Checked with a resource-based policy of another account for * with a condition."""
    guarded = [policy(guard("Allow", "*", Condition={"StringEquals": {key: value}}))]
    assert evaluate.decide(who(YES), push(account=OTHER), guarded).allowed
    wrong = [policy(guard("Allow", "*", Condition={"StringEquals": {key: f"{value}2"}}))]
    assert not evaluate.decide(who(YES), push(account=OTHER), wrong).allowed


@pytest.mark.parametrize("key", ["aws:username", "AWS:UserName", "aws:PrincipalArn", "aws:PrincipalAccount"])
def test_a_request_cannot_override_its_principal(key: str) -> None:
    forged = allow(Condition={"StringEquals": {key: "mallory"}})
    assert not allows(forged, push(**{key: "mallory"}))


def test_a_condition_on_the_role_arn_is_not_limited_by_the_session_policy() -> None:
    """User guide, "IAM role principals"."""
    guarded = [policy(guard("Allow", "*", Condition={"ArnEquals": {"aws:PrincipalArn": ROLE}}))]
    assert evaluate.decide(session(session=(SILENT,)), push(), guarded).allowed


# The grammar.

STATEMENT = allow()
MALFORMED: list[tuple[Any, str]] = [
    ("{", "it is not JSON"),
    ("", "it is not JSON"),
    ("[" * 100_000, "it is not JSON"),
    ('{"Statement": NaN}', "it is not JSON"),
    ('{"Version": "2012-10-17", "Version": "2012-10-17"}', "an element is there twice"),
    ("[]", "the policy is not an object"),
    ("null", "the policy is not an object"),
    ({}, "there is no Statement"),
    ({"Statement": []}, "there is no Statement"),
    ({"Statement": "x"}, "there is no Statement"),
    ({"Statement": ["x"]}, "a statement is not an object"),
    ({"Statement": STATEMENT, "Version": "2012-10-18"}, "the Version is neither 2012-10-17 nor 2008-10-17"),
    ({"Statement": STATEMENT, "Version": ["2012-10-17"]}, "the Version is neither 2012-10-17 nor 2008-10-17"),
    ({"Statement": STATEMENT, "Statements": []}, "the policy has an unknown element Statements"),
    ({"Statement": STATEMENT, "Id": 1}, "the Id is not a string"),
    ({"Statement": {**STATEMENT, "Sid": 1}}, "the Sid is not a string"),
    ({"Statement": {**STATEMENT, "Effect": "allow"}}, "the Effect is neither Allow nor Deny"),
    ({"Statement": {**STATEMENT, "Effect": ["Allow"]}}, "the Effect is neither Allow nor Deny"),
    ({"Statement": {"Action": "*", "Resource": "*"}}, "the Effect is neither Allow nor Deny"),
    ({"Statement": {**STATEMENT, "Actions": "*"}}, "a statement has an unknown element Actions"),
    ({"Statement": {**STATEMENT, "NotAction": "*"}}, "a statement has both Action and NotAction"),
    ({"Statement": {**STATEMENT, "NotResource": "*"}}, "a statement has both Resource and NotResource"),
    (
        {"Statement": {**STATEMENT, "Principal": "*", "NotPrincipal": "*"}},
        "a statement has both Principal and NotPrincipal",
    ),
    ({"Statement": {"Effect": "Allow", "Resource": "*"}}, "a statement has neither Action nor NotAction"),
    ({"Statement": allow([])}, "Action is neither a string nor a list of strings"),
    ({"Statement": allow(5)}, "Action is neither a string nor a list of strings"),
    ({"Statement": allow("PutImage")}, "Action is not of the form service:Action"),
    ({"Statement": allow(resource=[SHOP, None])}, "Resource is neither a string nor a list of strings"),
    ({"Statement": {**STATEMENT, "Principal": ALICE}}, "a principal is not an object"),
    ({"Statement": {**STATEMENT, "Principal": {}}}, "a principal is empty"),
    ({"Statement": {**STATEMENT, "Principal": {"User": "a"}}}, "a principal has an unknown element User"),
    ({"Statement": {**STATEMENT, "Principal": {"AWS": [5]}}}, "Principal is neither a string nor a list of strings"),
    ({"Statement": allow(Condition=[])}, "Condition is not an object"),
    ({"Statement": allow(Condition={"StringEquals": "a"})}, "StringEquals is not an object"),
    ({"Statement": allow(Condition={"StringIs": {"a": "b"}})}, "there is no condition operator StringIs"),
    ({"Statement": allow(Condition={"NullIfExists": {"a": "true"}})}, "there is no condition operator NullIfExists"),
    ({"Statement": allow(Condition={"Any:Bool": {"a": "true"}})}, "there is no condition operator Any:Bool"),
    (
        {"Statement": allow(Condition={"StringEquals": {"a": None}})},
        "a value of StringEquals is neither a string nor a number nor a boolean",
    ),
]


@pytest.mark.parametrize(("document", "reason"), MALFORMED)
def test_malformed_policies(document: Any, reason: str) -> None:
    with pytest.raises(evaluate.Malformed) as refused:
        evaluate.parse(document)
    assert str(refused.value) == reason


def test_a_text_and_its_parsed_object_are_the_same_policy() -> None:
    document = {"Version": "2012-10-17", "Id": "x", "Statement": [allow(Sid="A"), deny(Sid="B", resource=PROD)]}
    for form in (document, json.dumps(document)):
        who = user(evaluate.parse(form, "mine"))
        assert evaluate.decide(who, push(SHOP)).allowed
        assert not evaluate.decide(who, push(PROD)).allowed
    assert evaluate.parse(document, "mine").name == "mine"


def test_a_text_is_parsed_once() -> None:
    text = json.dumps({"Statement": allow()})
    assert evaluate.parse(text) is evaluate.parse(text)


def test_many_asterisks_are_not_slow() -> None:
    """A naive regular expression would take years for this pattern."""
    assert not allows(allow(resource="*a" * 200 + "b"), push("a" * 2000))


def test_managed_policies_of_aws_can_be_parsed() -> None:
    """One in forty of AWS's managed policies. All of them can be parsed, in ten seconds."""
    documents = [each["Document"] for each in json.loads(aws_managed_policies_data).values()][::40]
    assert len(documents) > 30
    assert all(evaluate.parse(document).statements for document in documents)


def test_the_statement_that_denies_is_named():
    named = evaluate.parse({"Statement": [allow(), {**allow("ecr:Put*"), "Effect": "Deny"}]}, "own")
    who = Principal(ALICE, ACCOUNT, frozenset({ALICE}), (policy(allow()), named))
    asked = RequestContext("ecr:PutImage", SHOP, ACCOUNT)
    assert evaluate.denied_by(who, asked) == "statement 2 of the identity-based policy own"
    assert evaluate.denied_by(who, RequestContext("ecr:BatchGetImage", SHOP, ACCOUNT)) == ""
    other = Principal(ALICE, ACCOUNT, frozenset({ALICE}), (policy(allow()),), boundary=named)
    assert evaluate.denied_by(other, asked) == "statement 2 of the permissions boundary own"
    of_resource = evaluate.parse({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*"}]}, "shop")
    bob = evaluate.parse({"Statement": [{"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": "*"}]}, "shop")
    free = Principal(ALICE, ACCOUNT, frozenset({ALICE}), (policy(allow()),))
    assert evaluate.denied_by(free, asked, [bob, of_resource]) == "statement 1 of the resource-based policy shop"
    assert evaluate.denied_by(free, asked, [bob]) == ""
