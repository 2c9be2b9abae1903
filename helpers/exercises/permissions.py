"""What a user or a role may do, evaluated from the policies that IAM returns, without trying it.

The policies are the inline and attached ones, those of the user's groups, and the permissions boundary; they are
evaluated as on AWS. Repository policies are not included, nor SCPs, which an account cannot read.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ecr_sandbox import Policy, Principal, RequestContext, decide, parse_policy
from helpers.lab import Lab

PASSWORD = "ecr:GetAuthorizationToken"
PULL = frozenset({"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"})
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
PUSH = frozenset(("ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart"))
PUSH |= {"ecr:CompleteLayerUpload", "ecr:PutImage", "ecr:BatchGetImage"}
READS = ("Get", "List", "Describe", "BatchGet", "BatchCheck")
ELSEWHERE = ("iam:CreateUser", "iam:PutUserPolicy", "iam:PassRole", "sts:AssumeRole", "ecs:RunTask", "s3:GetObject")


def of_user(client: Any, name: str) -> Principal | None:
    """The user as a principal with all its policies, or None."""
    try:
        user = client.get_user(UserName=name)["User"]
    except client.exceptions.NoSuchEntityException:
        return None
    texts = list(_inline(client, "user", name)) + list(_attached(client, "user", name))
    for group in client.list_groups_for_user(UserName=name)["Groups"]:
        texts += [*_inline(client, "group", group["GroupName"]), *_attached(client, "group", group["GroupName"])]
    context = {"aws:username": name, "aws:PrincipalType": "User"}
    return _principal(client, user, user["Arn"], texts, context)


def of_role(client: Any, name: str) -> Principal | None:
    """A session of the role as a principal with all policies of the role, or None."""
    try:
        role = client.get_role(RoleName=name)["Role"]
    except client.exceptions.NoSuchEntityException:
        return None
    texts = [*_inline(client, "role", name), *_attached(client, "role", name)]
    session = f"arn:{role['Arn'].split(':')[1]}:sts::{_account(role['Arn'])}:assumed-role/{name}/session"
    return _principal(client, role, session, texts, {"aws:PrincipalType": "AssumedRole"})


def allowed(principal: Principal, action: str, resource: str) -> bool:
    """Whether the principal may do *action* on *resource* (an ARN or ``*``) of its own account."""
    return decide(principal, RequestContext(action, resource, principal.account)).allowed


def without_boundary(principal: Principal) -> Principal:
    """The principal with what its policies allow, for exercises about these: a boundary limits what they do on AWS."""
    return replace(principal, boundary=None)


def beyond(lab: Lab, principal: Principal, arn: str, *needed: str) -> str:
    """An action that the principal's policies allow and it does not need, with its resource; empty if there is none.

    It needs the password, the actions *needed* on the repository *arn*, and may read everywhere in ECR.
    """
    return _beyond(lab, principal, arn, lambda action: action in needed or _reads(action), _reads)


def beyond_pull(lab: Lab, principal: Principal, arn: str) -> str:
    """An allowed action that a pull of the repository *arn* does not need, with its resource; empty if there is none.

    BatchCheckLayerAvailability is allowed: AWS's own policy for pulls has it.
    """
    needed = {PASSWORD, *PULL, "ecr:BatchCheckLayerAvailability"}
    return _beyond(lab, principal, arn, lambda action: action in needed, lambda action: action == PASSWORD)


def _beyond(
    lab: Lab, principal: Principal, arn: str, is_fine_here: Callable[[str], bool], is_fine: Callable[[str], bool]
) -> str:
    """An action that its policies allow and that is not fine, on the repository *arn* or elsewhere; or empty."""
    principal = without_boundary(principal)
    for action in ecr_actions(lab):
        if not is_fine_here(action) and allowed(principal, action, arn):
            return f"{action} on {_short(arn)}"
    for action in (*ecr_actions(lab), *ELSEWHERE):
        for resource in (f"{arn}-too", f"{arn.rpartition('/')[0]}/of-another-team", "*"):
            if not is_fine(action) and allowed(principal, action, resource):
                return f"{action} on {_short(resource)}"
    return ""


def trusts(lab: Lab, role: str, service: str) -> bool:
    """Whether the trust policy of the role lets this service assume it for tasks of this account and Region."""
    found = lab.client("iam").get_role(RoleName=role)["Role"]
    account = _account(found["Arn"])
    context = {"aws:SourceAccount": account, "aws:SourceArn": f"arn:{lab.partition}:ecs:{lab.region}:{account}:*"}
    request = RequestContext("sts:AssumeRole", found["Arn"], account, context)
    principal = Principal(service, account, frozenset({service}), ())
    return decide(principal, request, [parse_policy(found["AssumeRolePolicyDocument"])], delegated_only=True).allowed


def trusts_account(lab: Lab, role: str, account: str) -> bool:
    """Whether the trust policy of the role lets any principal of this other account assume it."""
    found = lab.client("iam").get_role(RoleName=role)["Role"]
    arn = f"arn:{lab.partition}:iam::{account}:user/anyone"
    request = RequestContext("sts:AssumeRole", found["Arn"], _account(found["Arn"]))
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    own = parse_policy({"Version": "2012-10-17", "Statement": [statement]})
    principal = Principal(arn, account, frozenset({arn}), (own,))
    return decide(principal, request, [parse_policy(found["AssumeRolePolicyDocument"])], delegated_only=True).allowed


def keys(lab: Lab, user: str) -> list[str]:
    """The active access keys of a user; a role has none."""
    client = lab.client("iam")
    try:
        found = client.list_access_keys(UserName=user)["AccessKeyMetadata"]
    except client.exceptions.NoSuchEntityException:
        return []
    return [each["AccessKeyId"] for each in found if each["Status"] == "Active"]


def ecr_actions(lab: Lab) -> list[str]:
    """Every action of ECR in this version of boto3, as policies name it."""
    return [f"ecr:{name}" for name in sorted(lab.client().meta.service_model.operation_names)]


def _reads(action: str) -> bool:
    return action == PASSWORD or (action.startswith("ecr:") and action.partition(":")[2].startswith(READS))


def _short(resource: str) -> str:
    return "everything" if resource == "*" else resource.rpartition("repository/")[2]


def _principal(client: Any, found: dict, arn: str, texts: list, context: dict[str, str]) -> Principal:
    boundary = found.get("PermissionsBoundary")
    return Principal(
        arn=arn,
        account=_account(arn),
        names=frozenset({arn, found["Arn"]}),
        identity=tuple(map(_parsed, texts)),
        boundary=_parsed(_document(client, boundary["PermissionsBoundaryArn"])) if boundary else None,
        context=context,
    )


def _parsed(document: dict) -> Policy:
    """IAM completes the ARNs in the policies of users, groups and roles."""
    return parse_policy(document, complete_arns=True)


def _inline(client: Any, kind: str, name: str) -> Iterator[dict]:
    """The inline policies of a ``user``, ``group`` or ``role``."""
    owner = {f"{kind.title()}Name": name}
    for policy in getattr(client, f"list_{kind}_policies")(**owner)["PolicyNames"]:
        yield getattr(client, f"get_{kind}_policy")(**owner, PolicyName=policy)["PolicyDocument"]


def _attached(client: Any, kind: str, name: str) -> Iterator[dict]:
    """The attached policies of a ``user``, ``group`` or ``role``."""
    found = getattr(client, f"list_attached_{kind}_policies")(**{f"{kind.title()}Name": name})["AttachedPolicies"]
    for policy in found:
        yield _document(client, policy["PolicyArn"])


def _document(client: Any, arn: str) -> dict:
    version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def _account(arn: str) -> str:
    return arn.split(":")[4]
