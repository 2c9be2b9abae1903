"""The parser: incomplete ARNs. What is not a policy: ``test_evaluate.py``, ``test_policy_checks.py``."""

import pytest

from ecr_sandbox.iam import policy

FULL = "arn:aws:ecr:us-east-1:123456789012:repository/app"


def resource(text: str, version: str = "2012-10-17", element: str = "Resource", **how) -> str:
    statement = {"Effect": "Deny", "Action": "ecr:*", element: text}
    [statement] = policy.parse({"Version": version, "Statement": statement}, **how).statements
    return statement.resources[0].raw


@pytest.mark.parametrize("element", ["Resource", "NotResource"])
@pytest.mark.parametrize(
    "text, complete",
    [
        ("arn:aws:sqs", "arn:aws:sqs:*:*:*"),
        ("arn:aws:ecr:us-east-1", "arn:aws:ecr:us-east-1:*:*"),
        ("arn:aws:ecr:us-east-1:123456789012", "arn:aws:ecr:us-east-1:123456789012:*"),
        ("arn:aws:ecr:*", "arn:aws:ecr:*:*:*"),
        ("arn:aws:ecr:us-east-1:${aws:PrincipalAccount}", "arn:aws:ecr:us-east-1:${aws:PrincipalAccount}:*"),
        ("arn:aws:ecr:us-east-1:${aws:PrincipalTag/a, 'b:c'}", "arn:aws:ecr:us-east-1:${aws:PrincipalTag/a, 'b:c'}:*"),
        ("arn:aws:ecr:us-east-1:123456789012:", "arn:aws:ecr:us-east-1:123456789012:"),
        (FULL, FULL),
        (f"{FULL}:with:colons", f"{FULL}:with:colons"),
        ("*", "*"),
    ],
)
def test_an_incomplete_arn_is_completed_on_demand(text, complete, element):
    """IAM user guide, reference-arns: "automatically completes the ARN by adding wildcard characters (*) to all missing
    fields"."""
    assert resource(text, element=element, complete_arns=True) == complete
    assert resource(text, element=element) == text


def test_in_an_older_policy_a_variable_is_text_with_a_colon():
    text = "arn:aws:ecr:us-east-1:${aws:username}"
    assert resource(text, "2008-10-17", complete_arns=True) == text


def test_the_statements_of_a_text():
    assert policy.document_statements('{"Statement": {"Effect": "Allow", "Action": "*"}}') == [
        {"Effect": "Allow", "Action": "*"}
    ]
    with pytest.raises(policy.Malformed):
        policy.document_statements("{}")
