"""The sentences of IAM and STS about policy documents, each with its source.

The code is MalformedPolicyDocument or LimitExceeded (API reference). [localstack] is
https://github.com/localstack/localstack/blob/main/tests/aws/services/iam/test_iam_policies.snapshot.json, which was
recorded on AWS; moto's validator, which runs first for identity-based policies, has the other sentences of that file.
[versitygw] is https://github.com/versity/versitygw/blob/main/iamapi/policy/trust.go and ``validate.go`` there, whose
comments say what was compared with AWS.
"""

from moto.iam.exceptions import LimitExceededException, MalformedPolicyDocument
from moto.sts.exceptions import STSValidationError

# --- identity-based policies ------------------------------------------------------------------------------------------

SYNTAX = "Syntax errors in policy."  # [localstack]
# https://github.com/hashicorp/terraform/issues/13449: also where the document has no Resource.
HAS_PRINCIPAL = "Policy document should not specify a principal."
# https://github.com/aws-cloudformation/cfn-lint, rule E3510: the pattern of a Sid in an identity-based policy.
SID_CHARACTERS = (
    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
)
# [localstack], for an action without a colon; that AWS refuses "s3:" with the same sentence is our assumption.
NO_VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."

# What an ARN of IAM ends with, in the form of moto's table, which does not have "*" and root. Sentence: [localstack].
_IAM_PATHS = (
    *("user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/"),
    *("sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/"),
)
IAM_RESOURCES = {
    "values": [*_IAM_PATHS, "*", "root"],
    "error_message": f'IAM resource path must either be "*", root, or start with {", ".join(_IAM_PATHS)}.',
}

# --- session policies -------------------------------------------------------------------------------------------------

NOT_JSON = "The policy is not in the valid JSON format."  # https://github.com/hashicorp/vault/issues/1113
# https://github.com/kreuzwerker/awsu/issues/27 and https://github.com/aws/eks-anywhere/pull/9485
TOO_LONG_FOR_THE_ROLE = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
TOO_LONG_FOR_A_CHAIN = (
    "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
)


def no_such_policy(arn: str) -> MalformedPolicyDocument:
    """A managed session policy that does not exist."""
    return MalformedPolicyDocument(f"Policy {arn} does not exist or is not attachable.")


def incomplete_arn(resource: str) -> MalformedPolicyDocument:
    """An ARN with missing fields in a session policy.

    Source of the code: IAM user guide, ``reference-arns.html``. The sentence is ours.
    """
    return MalformedPolicyDocument(f"Resource {resource} must be a complete ARN in a session policy.")


# --- trust policies ---------------------------------------------------------------------------------------------------

TRUST_NOT_JSON = "This policy contains invalid Json"  # https://github.com/AWSCookbook/Security/issues/2
TRUST_VERSION = "The policy must contain a valid version string"  # [versitygw], as all that follow without a source
TRUST_EMPTY = "Could not parse the policy: Statement is empty!"
TRUST_NO_EFFECT = "Missing required field Effect"
TRUST_NO_PRINCIPAL = "Missing required field Principal"
TRUST_EMPTY_PRINCIPAL = "Missing required field Principal cannot be empty!"
# A comment in the AWS CDK's test/role.test.ts; the CDK therefore writes {"AWS": "*"}: aws/aws-cdk#5746.
TRUST_STAR = 'AssumeRolepolicy contained an invalid principal: "STAR":"*".'
TRUST_ALLOW_NOT_PRINCIPAL = "Allow with NotPrincipal is not allowed."
TRUST_NOT_PRINCIPAL = "AssumeRole policy must not contain NotPrincipal field."
TRUST_NO_ACTION = "Missing required field Action"
TRUST_ACTIONS = "AssumeRole policy may only specify STS AssumeRole actions."
TRUST_RESOURCE = "Has prohibited field Resource"  # https://github.com/localstack/localstack/issues/6644
TRUST_NOT_RESOURCE = "AssumeRole policy must not contain resources."
TRUST_SIDS = "The Statement Ids in the policy are not unique"
TRUST_SYNTAX = "Syntax error in policy."


def invalid_effect(effect: object) -> MalformedPolicyDocument:
    """An Effect that is neither Allow nor Deny in a trust policy: [versitygw]."""
    return MalformedPolicyDocument(f"Invalid effect: {effect}")


def invalid_principal(kind: str, name: str) -> MalformedPolicyDocument:
    """A principal in a trust policy that does not exist or has another form.

    Source: https://github.com/databrickslabs/ucx/issues/2269; ``SERVICE`` in upper case: [versitygw].
    """
    return MalformedPolicyDocument(f'Invalid principal in policy: "{kind.upper()}":"{name}"')


# --- sizes: IAM user guide, ``reference_iam-quotas.html``, "IAM and STS character limits" -----------------------------


def inline_policies_too_large(most: int, kind: str, name: str) -> LimitExceededException:
    """The inline policies of a *kind* (``user``, ``group``, ``role``) are too large together.

    Source: https://github.com/HumanCellAtlas/data-store/issues/1963, https://github.com/aws/copilot-cli/issues/5917
    """
    return LimitExceededException(f"Maximum policy size of {most} bytes exceeded for {kind} {name}")


def quota_exceeded(quota: str, most: int) -> LimitExceededException:
    """A managed policy or a trust policy is too large.

    Source: https://github.com/docker/docs/issues/5815 (``PolicySize``); ``ACLSizePerRole``: the README of
    https://github.com/cloudposse/terraform-aws-components, ``modules/aws-teams``, "Known Problems".
    """
    return LimitExceededException(f"Cannot exceed quota for {quota}: {most}")


def session_policy_too_long(text: str, most: int) -> STSValidationError:
    """AssumeRole's ``Policy`` has more than *most* characters: https://github.com/getmoto/moto/issues/2075."""
    return STSValidationError(
        f"1 validation error detected: Value '{text}' at 'policy' failed to satisfy constraint: "
        f"Member must have length less than or equal to {most}"
    )
