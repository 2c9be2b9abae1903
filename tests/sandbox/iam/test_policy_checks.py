"""Which policy documents IAM and STS accept. Sources of the sentences: ``ecr_sandbox/iam/errors.py``."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from moto.core.exceptions import ServiceException
from moto.iam.models import iam_backends

from ecr_sandbox.iam import evaluate, policies_api, principals
from ecr_sandbox.iam.policy_checks import (
    check_inline_policy,
    check_managed_policy,
    check_session_policy,
    check_trust_policy,
)
from helpers import settings
from tests.sandbox.iam.test_evaluate_properties import json_values

policies_api.install()

SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"
PRINCIPAL = "Policy document should not specify a principal."
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
STATEMENT = {"Effect": "Deny", "Action": "s3:ListBucket", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}


def document(base: dict[str, Any] = STATEMENT, **changed: Any) -> dict[str, Any]:
    statement = {element: value for element, value in {**base, **changed}.items() if value != "none"}
    return {"Version": "2012-10-17", "Statement": statement}


def check_inline(text: str) -> None:
    check_inline_policy(text, "user", "alice", ())


def refusal(check, given: Any) -> str | None:
    """The message of the refusal of *given*, a text or an object; None if it is accepted."""
    try:
        check(given if isinstance(given, str) else json.dumps(given))
    except ServiceException as no:
        assert no.code in ("MalformedPolicyDocument", "LimitExceeded", "ValidationError")
        return no.message
    return None


# Identity-based policies

# The same as AWS's answers in LocalStack's recording, except where errors.py names another source.
REFUSED = [
    ("no JSON", SYNTAX),
    ('"nope"', SYNTAX),
    ("", SYNTAX),
    ("[" * 100_000, SYNTAX),
    (
        '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}}',
        SYNTAX,
    ),
    ({**document(), "Version": "2013-10-17"}, SYNTAX),
    ({"Version": "2012-10-17"}, SYNTAX),
    ({"Version": "2012-10-17", "Statement": []}, SYNTAX),
    ({"Version": "2012-10-17", "Statement": [None]}, SYNTAX),
    ({**document(), "Extra": 1}, SYNTAX),
    ({**document(), "Id": []}, SYNTAX),
    (document(Extra=1), SYNTAX),
    (document(Effect="none"), SYNTAX),
    (document(Effect="invalid"), SYNTAX),
    (document(Effect="denY"), LEGACY),
    (document(Sid=5), SYNTAX),
    (document(Action="none"), "Policy statement must contain actions."),
    (document(Action=[]), "Policy statement must contain actions."),
    (document(Action=[["s3:*"]]), SYNTAX),
    (document(Action=[None]), SYNTAX),
    (document(Action=5), SYNTAX),
    (document(Action="s3"), VENDOR),
    (document(Action="s3:"), VENDOR),
    (document(Action=["s3:*", "ecr:"]), VENDOR),
    (document(NotAction="", Action="none"), VENDOR),
    (document(Action="s3:List:Bucket"), "Actions/Condition can contain only one colon."),
    (document(Action="a a:ListBucket"), "Vendor a a is not valid"),
    (document(NotAction="s3:*"), SYNTAX),
    (document(Resource="none"), "Policy statement must contain resources."),
    (document(Resource=[]), "Policy statement must contain resources."),
    (document(Resource=[None]), SYNTAX),
    (document(Resource="bucket"), 'Resource bucket must be in ARN format or "*".'),
    (document(Resource="ARN:aws:s3:::a"), 'Resource ARN:aws:s3:::a must be in ARN format or "*".'),
    (document(Resource=["*", "${aws:x}"]), 'Resource ${aws:x} must be in ARN format or "*".'),
    (document(Resource="none", NotResource="*a"), 'Resource *a must be in ARN format or "*".'),
    (document(Resource="arn:aws"), "Resource vendor must be fully qualified and cannot contain regexes."),
    (document(Resource="arn:aws:s3::example"), LEGACY),
    (document(Principal="*"), PRINCIPAL),
    (document(Principal={"AWS": "111122223333"}, Resource="none"), PRINCIPAL),
    (document(NotPrincipal={"AWS": "111122223333"}), PRINCIPAL),
    (document(Condition=[]), SYNTAX),
    (document(Condition={"StringIs": {"a": "b"}}), SYNTAX),
    (document(Condition={"StringEquals": {"a": None}}), SYNTAX),
    (document(Condition={"DateGreaterThan": {"a": "tomorrow"}}), LEGACY),
    (json.dumps(document(Condition={"NumericLessThan": {"a": 1}})).replace("1}", "1e999}"), SYNTAX),
    (
        document(Sid="a b"),
        "Statement IDs (SID) must be alpha-numeric. "
        "Check that your input satisfies the regular expression [0-9A-Za-z]*",
    ),
    (
        {"Version": "2012-10-17", "Statement": [{**STATEMENT, "Sid": "a"}, {**STATEMENT, "Sid": "a"}]},
        "Statement IDs (SID) in a single policy must be unique.",
    ),
]


@pytest.mark.parametrize("check", [check_managed_policy, check_inline])
@pytest.mark.parametrize(("given", "sentence"), REFUSED)
def test_an_identity_policy_that_iam_refuses(given, sentence, check):
    assert refusal(check, given) == sentence


ACCEPTED = [
    document(),
    document(Action="iam: any text "),
    document(Action="none", NotAction=["s3:*", "a.b-c:x"]),
    document(Resource="none", NotResource="arn:aws:s3:::a/*"),
    document(Resource="arn:aws:any"),
    document(Resource=["arn:aws:iam::123456789012:*", "arn:aws:iam::123456789012:root", "arn:aws:iam::*:user/a"]),
    document(Condition={}),
    document(Condition={"StringIs": {}, "DateGreaterThan": {}}),
    document(Condition={"StringEquals": {"a": []}, "Bool": {"b": True}}),
    document(Condition={"NumericLessThan": {"a": 3600, "b": [1, 2.5]}}),
    document(Condition={"ForAnyValue:StringEqualsIfExists": {"a": "b"}, "DateGreaterThan": {"a": "01T"}}),
    {"Version": "2012-10-17", "Statement": [{**STATEMENT, "Sid": ""}, {**STATEMENT, "Sid": ""}]},
]


@pytest.mark.parametrize("check", [check_managed_policy, check_inline])
@pytest.mark.parametrize("given", ACCEPTED)
def test_an_identity_policy_that_iam_accepts(given, check):
    assert refusal(check, given) is None


@pytest.mark.parametrize("version", ["2008-10-17", None])
def test_only_a_managed_policy_must_have_the_newer_version(version):
    given = {key: value for key, value in {**document(), "Version": version}.items() if value}
    assert refusal(check_inline, given) is None
    assert refusal(check_managed_policy, given) == "Policy document must be version 2012-10-17 or greater."


def of_size(size: int, base: dict[str, Any] = STATEMENT) -> str:
    """A policy with *size* characters that are not white space, and some that are."""
    text = json.dumps(document(base, Sid="x"), indent=9)
    return text.replace('"x"', f'"{"x" * (size - len("".join(text.split())) + 1)}"')


@pytest.mark.parametrize(
    "check, most, sentence",
    [
        (check_managed_policy, 6144, "Cannot exceed quota for PolicySize: 6144"),
        (check_inline, 2048, "Maximum policy size of 2048 bytes exceeded for user alice"),
        (
            lambda text: check_inline_policy(text, "group", "staff", [of_size(3120)]),
            2000,
            "Maximum policy size of 5120 bytes exceeded for group staff",
        ),
        (
            lambda text: check_inline_policy(text, "role", "ci", [of_size(5000), of_size(3000)]),
            2240,
            "Maximum policy size of 10240 bytes exceeded for role ci",
        ),
    ],
)
def test_white_space_does_not_count_for_the_size_and_inline_policies_count_together(check, most, sentence):
    """IAM user guide, reference_iam-quotas: "IAM doesn't count white space when calculating the size of a policy"."""
    assert refusal(check, of_size(most)) is None
    assert refusal(check, of_size(most + 1)) == sentence


# Session policies


@pytest.mark.parametrize("given", ["no JSON", '"nope"', "", "[]"])
def test_a_session_policy_that_is_not_json(given):
    assert refusal(check_session_policy, given) == "The policy is not in the valid JSON format."


def test_a_session_policy_has_complete_arns():
    """IAM user guide, reference-arns: "Using an incomplete ARN in a session policy will result in a
    MalformedPolicyDocumentException error"."""
    assert (
        refusal(check_session_policy, document(Resource=["*", "arn:aws:ecr:us-east-1:123456789012:repository/a"]))
        is None
    )
    incomplete = ["*", "arn:aws:ecr:us-east-1"]
    for each in (document(Resource=incomplete), document(Resource="none", NotResource=incomplete)):
        assert "must be a complete ARN" in str(refusal(check_session_policy, each))


@pytest.mark.parametrize(("given", "sentence"), [each for each in REFUSED if isinstance(each[0], dict)])
def test_a_session_policy_is_checked_like_an_identity_policy(given, sentence):
    assert refusal(check_session_policy, given) == sentence


def test_a_session_policy_has_at_most_2048_characters_with_white_space():
    text = json.dumps(document())
    assert refusal(check_session_policy, text.ljust(2048)) is None
    assert str(refusal(check_session_policy, text.ljust(2049))).endswith("must have length less than or equal to 2048")


# Trust policies


@pytest.fixture
def no_users():
    for account in (settings.ACCOUNT, settings.OTHER_ACCOUNT):
        iam_backends[account]["aws"].reset()


def invalid(name: str, kind: str = "AWS") -> str:
    return f'Invalid principal in policy: "{kind}":"{name}"'


ACTIONS = "AssumeRole policy may only specify STS AssumeRole actions."
TRUST_REFUSED = [
    ("{", "This policy contains invalid Json"),
    ('"nope"', "This policy contains invalid Json"),
    ("[]", "This policy contains invalid Json"),
    ({**document(TRUST), "Version": "2020-01-01"}, "The policy must contain a valid version string"),
    ({"Version": "2012-10-17"}, "Could not parse the policy: Statement is empty!"),
    ({"Statement": []}, "Could not parse the policy: Statement is empty!"),
    (document(TRUST, Effect="none"), "Missing required field Effect"),
    (document(TRUST, Effect="Maybe"), "Invalid effect: Maybe"),
    (document(TRUST, Principal="none"), "Missing required field Principal"),
    (document(TRUST, Principal={}), "Missing required field Principal cannot be empty!"),
    (document(TRUST, Principal="*"), 'AssumeRolepolicy contained an invalid principal: "STAR":"*".'),
    (document(TRUST, Principal=["a"]), "Syntax error in policy."),
    (document(TRUST, Principal={"AWS": []}), "Syntax error in policy."),
    (document(TRUST, Principal={"AWS": "bob"}), invalid("bob")),
    (document(TRUST, Principal={"AWS": "12345678901"}), invalid("12345678901")),
    (
        document(TRUST, Principal={"AWS": "arn:aws:iam::123456789012:role/x"}),
        invalid("arn:aws:iam::123456789012:role/x"),
    ),
    (document(TRUST, Principal={"AWS": "arn:aws:iam::123456789012:*"}), invalid("arn:aws:iam::123456789012:*")),
    (document(TRUST, Principal={"Service": "nope"}), invalid("nope", "SERVICE")),
    (document(TRUST, Principal="none", NotPrincipal={"AWS": "*"}), "Allow with NotPrincipal is not allowed."),
    (
        document(TRUST, Principal="none", NotPrincipal={"AWS": "*"}, Effect="Deny"),
        "AssumeRole policy must not contain NotPrincipal field.",
    ),
    (document(TRUST, Action="none"), "Missing required field Action"),
    (document(TRUST, Action="*"), ACTIONS),
    (document(TRUST, Action=["sts:AssumeRole", "s3:GetObject"]), ACTIONS),
    (document(TRUST, Action="none", NotAction="s3:GetObject"), ACTIONS),
    (document(TRUST, Action="sts:GetCallerIdentity"), ACTIONS),
    (document(TRUST, Action=["sts:AssumeRole", "sts:Get*"]), ACTIONS),
    (document(TRUST, Action=["sts:AssumeRoleWithNothing"]), ACTIONS),
    (document(TRUST, Effect="Deny", Action="none", NotAction="sts:GetSessionToken"), ACTIONS),
    (document(TRUST, NotAction="sts:TagSession"), "Syntax error in policy."),
    (document(TRUST, Action="sts:"), "Syntax error in policy."),
    (document(TRUST, Resource="*"), "Has prohibited field Resource"),
    (document(TRUST, NotResource="*"), "AssumeRole policy must not contain resources."),
    (document(TRUST, Condition={"StringIs": {"a": "b"}}), "Syntax error in policy."),
    ({"Statement": ["x"]}, "Syntax error in policy."),
    ({"Statement": [{**TRUST, "Sid": "a"}, {**TRUST, "Sid": "a"}]}, "The Statement Ids in the policy are not unique"),
]


@pytest.mark.parametrize(("given", "sentence"), TRUST_REFUSED)
def test_a_trust_policy_that_iam_refuses(no_users, given, sentence):
    assert refusal(check_trust_policy, given) == sentence


@pytest.mark.parametrize(
    "given",
    [
        document(TRUST),
        {"Statement": TRUST},
        document(TRUST, Principal={"AWS": "*", "Service": ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]}),
        document(TRUST, Action=["sts:AssumeRole", "sts:TagSession"], Sid="a b"),
        document(TRUST, Effect="Deny", Action="none", NotAction="sts:AssumeRole"),
        document(TRUST, Action=["STS:Assume*", "sts:SetSourceIdentity", "sts:SetContext"]),
        document(
            TRUST,
            Action="sts:AssumeRoleWithWebIdentity",
            Principal={"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
        ),
    ],
)
def test_a_trust_policy_that_iam_accepts(no_users, given):
    assert refusal(check_trust_policy, given) is None


def test_the_size_of_a_trust_policy(no_users):
    assert refusal(check_trust_policy, of_size(2048, TRUST)) is None
    assert refusal(check_trust_policy, of_size(2049, TRUST)) == "Cannot exceed quota for ACLSizePerRole: 2048"


# No Deny is lost


@st.composite
def almost_policies(draw: st.DrawFn, base: dict[str, Any]) -> dict[str, Any]:
    """A policy that denies, with any number of its parts replaced by any JSON value."""
    denial = {**base, "Effect": "Deny"}
    whole: dict[str, Any] = {"Version": "2012-10-17", "Statement": [denial]}
    elements = ["Version", "Id", "Statement", "Other"]
    for element in draw(st.lists(st.sampled_from(elements), max_size=1)):
        whole[element] = draw(json_values)
    elements = ["Sid", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"]
    for element in draw(st.lists(st.sampled_from(elements), max_size=2)):
        denial[element] = draw(json_values | st.sampled_from(["*", "s3:", "ecr:*", "arn:aws:ecr", [], [[]], {}]))
    return whole


ALICE = evaluate.Principal("arn:aws:iam::123456789012:user/alice", "123456789012", frozenset(), ())
OF_ECR = ("*", "ecr:*", ["ecr:*"])
EVERYWHERE = ("*", "arn:aws:ecr", ["*"])


@given(almost_policies({"Action": "ecr:*", "Resource": "arn:aws:ecr"}))
@example(document(Action="s3:"))
@example(document(Action="ecr:*", Resource="arn:aws:ecr"))
def test_what_iam_accepts_is_read_at_evaluation_and_denies(given):
    """Whatever is accepted when it is stored is a policy at evaluation, and its Deny denies."""
    text = json.dumps(given)
    for check, complete in ((check_managed_policy, True), (check_inline, True), (check_session_policy, False)):
        if refusal(check, text) is not None:
            continue
        found = principals.parsed(text, "own", complete_arns=complete)
        assert found is not principals.UNREADABLE
        assert [(each.effect, bool(each.resources)) for each in found.statements] == [("Deny", True)]
        denial = given["Statement"] if isinstance(given["Statement"], dict) else given["Statement"][0]
        if denial.get("Action") in OF_ECR and denial.get("Resource") in EVERYWHERE and not denial.get("Condition"):
            ask = evaluate.RequestContext(
                "ecr:PutImage", "arn:aws:ecr:us-east-1:123456789012:repository/a", ALICE.account
            )
            assert "explicit deny" in evaluate.decide(replace(ALICE, identity=(found,)), ask).because


@given(almost_policies({"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}))
def test_what_iam_accepts_as_a_trust_policy_denies(given):
    if refusal(check_trust_policy, given) is not None:
        return
    found = principals.parsed(json.dumps(given), "trust policy")
    assert found is not principals.UNREADABLE
    assert [(each.effect, bool(each.principals)) for each in found.statements] == [("Deny", True)]
    if given["Statement"][0].get("Action") == "sts:AssumeRole" and not given["Statement"][0].get("Condition"):
        ask = evaluate.RequestContext("sts:AssumeRole", "arn:aws:iam::123456789012:role/r", ALICE.account)
        assert "explicit deny" in evaluate.decide(ALICE, ask, (found,), delegated_only=True).because
