"""The sentences of IAM and STS, each with its source.

Their codes are in the API references: MalformedPolicyDocument or LimitExceeded for policy documents, DeleteConflict,
NoSuchEntity or EntityAlreadyExists for the rest. [localstack] is
https://github.com/localstack/localstack/blob/main/tests/aws/services/iam/test_iam_policies.snapshot.json, which was
recorded on AWS; moto's validator, which runs first for identity-based policies, has the other sentences of that file.
[versitygw] is https://github.com/versity/versitygw/blob/main/iamapi/policy/trust.go and ``validate.go`` there, whose
comments say what was compared with AWS.
"""

import re

from moto.core.exceptions import ServiceException
from moto.iam.exceptions import InvalidInput, LimitExceededException, MalformedPolicyDocument, NotFoundException
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


def no_arn(resource: str) -> MalformedPolicyDocument:
    """A resource that is neither ``*`` nor begins with ``arn:``: [localstack]."""
    return MalformedPolicyDocument(f'Resource {resource} must be in ARN format or "*".')


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


def too_many_policy_arns(most: int) -> STSValidationError:
    """AssumeRole's ``PolicyArns`` has more than *most* members: API reference. The sentence is ours."""
    return STSValidationError(
        "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: "
        f"Member must have length less than or equal to {most}"
    )


# --- session tags: https://github.com/localstack/localstack/blob/main/tests/aws/services/sts/test_sts.snapshot.json,
# recorded on AWS; the code is InvalidParameterValue ---

DUPLICATE_TAGS = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
NO_SUCH_TAG = "The specified transitive tag key must be included in the requested tags."
INHERITED_TAG = (
    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the "
    "calling session."
)
RESERVED_TAGS = "aws: prefixed tag key names are not allowed for external use."  # ours; the rule: id_session-tags.html


class InvalidTags(ServiceException):
    """AssumeRole does not accept the tags."""

    code = "InvalidParameterValue"


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
    """A managed policy or a trust policy is too large, or a user, group or role has too many of something.

    Source: https://github.com/docker/docs/issues/5815 (``PolicySize``); ``ACLSizePerRole``: the README of
    https://github.com/cloudposse/terraform-aws-components, ``modules/aws-teams``, "Known Problems";
    ``PoliciesPerGroup``: https://github.com/aws/aws-cdk/issues/13515, as ``PoliciesPerRole`` in
    https://github.com/ministryofjustice/cloud-platform-environments/pull/14118; for ``GroupsPerUser`` this is assumed.
    """
    return LimitExceededException(f"Cannot exceed quota for {quota}: {most}")


def session_policy_too_long(text: str, most: int) -> STSValidationError:
    """AssumeRole's ``Policy`` has more than *most* characters: https://github.com/getmoto/moto/issues/2075."""
    return STSValidationError(
        f"1 validation error detected: Value '{text}' at 'policy' failed to satisfy constraint: "
        f"Member must have length less than or equal to {most}"
    )


# --- users, groups, roles, managed policies ---------------------------------------------------------------------------

HAS_ACCESS_KEYS = "Cannot delete entity, must delete access keys first."
HAS_GROUPS = "Cannot delete entity, must remove users from group first."  # of a user, and of a group
HAS_PASSWORD = "Cannot delete entity, must delete login profile first."  # https://github.com/rebuy-de/aws-nuke/pull/169
HAS_MFA = "Cannot delete entity, must delete MFA device first."  # https://github.com/rebuy-de/aws-nuke/issues/281
HAS_CERTIFICATES = "Cannot delete entity, must delete signing certificate first."  # ours, in the form of the others
HAS_POLICIES = (
    "Cannot delete entity, must detach all policies first."  # cloud-custodian/cloud-custodian#7484, of a group
)
HAS_INLINE_POLICIES = "Cannot delete entity, must delete policies first."  # awslabs/aws-orbit-workbench#633, of a role
# https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3132; also for the policy of a permissions boundary:
# https://github.com/gruntwork-io/cloud-nuke/issues/972
POLICY_IN_USE = "Cannot delete a policy attached to entities."
POLICY_HAS_VERSIONS = (  # https://github.com/rebuy-de/aws-nuke/issues/1
    "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
    "The default version is deleted with the policy."
)
# https://github.com/localstack/localstack/blob/main/tests/aws/services/iam/test_iam.snapshot.json, recorded on AWS
NOT_ATTACHABLE = "does not exist or is not attachable."

# moto's sentences about what is missing -> IAM's. Sources: prowler-cloud/prowler#2872 (role), ansible/ansible#45593
# (user), hashicorp/terraform-provider-aws#9278 (group).
MISSING = {
    re.compile(r"Role (\S+) not found"): "The role with name {} cannot be found.",
    re.compile(r"Group (\S+) not found"): "The group with name {} cannot be found.",
    re.compile(r"User (\S+) not found"): "The user with name {} cannot be found.",
    re.compile(r"Policy (arn:\S+) not found"): "Policy {} was not found.",
}


def invalid_arn(arn: str) -> InvalidInput:
    """A policy's ARN that is not one. Source: as of ``NOT_ATTACHABLE``."""
    return InvalidInput(f"ARN {arn} is not valid.")


# --- simulations: the code InvalidInput is in the API reference ---

# The rules are in the API reference; the sentences of these four are ours.
NO_RESOURCE_POLICY_OF_ROLE = "Simulation of resource-based policies isn't supported for IAM roles."
NO_CALLER = "CallerArn is required if ResourcePolicy is specified."
ONE_BOUNDARY = "Only one permissions boundary policy can be specified."
INVALID_MARKER = "Invalid Marker."


def no_entity_arn(arn: str) -> InvalidInput:
    """The ARN of a session or a root user cannot be simulated: https://github.com/newrelic/newrelic-lambda-cli/issues/96"""
    return InvalidInput(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")


def invalid_resource(resource: str) -> InvalidInput:
    """https://github.com/aws-containers/amazon-ecs-exec-checker/issues/35."""
    return InvalidInput(f"ResourceNames are not in a valid ARN format: {resource}.")


def invalid_owner(owner: str) -> InvalidInput:
    """https://github.com/boto/botocore/issues/1346."""
    return InvalidInput(f"'{owner}' is not a valid as a Resource Owner.")


def invalid_action(action: str) -> InvalidInput:
    """An action without the name of a service. The sentence is ours."""
    return InvalidInput(f"Invalid Action: {action} has no service prefix.")


def inline_policy_missing(kind: str, name: str) -> NotFoundException:
    """A *kind* (``user``, ``group``, ``role``) does not have the inline policy *name*: lucidsoftware/cumulus#71."""
    return NotFoundException(f"The {kind} policy with name {name} cannot be found.")


class NotFound(NotFoundException):
    """In the place of moto's exception, with IAM's sentence."""

    def __init__(self, message: str):
        found = ((sentence, pattern.fullmatch(message)) for pattern, sentence in MISSING.items())
        of_iam = (each.format(*match.groups()) for each, match in found if match)
        super().__init__(next(of_iam, message))
