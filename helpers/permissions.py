"""What a user or a role may do, worked out from the policies that IAM tells of: nothing is tried, nobody's key is used.

Every policy counts that IAM has for them: inline ones, attached ones, those of the user's groups, and the permissions
boundary. ecr_sandbox.iam.evaluate decides, as on AWS. Policies elsewhere are not looked at: those of
repositories, and SCPs, which an account does not see.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ecr_sandbox.iam import evaluate

if TYPE_CHECKING:
    from helpers.lab import Lab

PASSWORD = "ecr:GetAuthorizationToken"
PULL = frozenset({"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"})
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
PUSH = frozenset(
    {
        *("ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart"),
        *("ecr:CompleteLayerUpload", "ecr:PutImage", "ecr:BatchGetImage"),
    }
)
READS = ("Get", "List", "Describe", "BatchGet", "BatchCheck")
ELSEWHERE = ("iam:CreateUser", "iam:PutUserPolicy", "iam:PassRole", "sts:AssumeRole", "ecs:RunTask", "s3:GetObject")


def of(lab: "Lab", name: str) -> evaluate.Principal | None:
    """The user of this name, else the role, with all policies that go with them; None if there is neither."""
    return of_user(lab.client("iam"), name) or of_role(lab.client("iam"), name)


def of_user(client: Any, name: str) -> evaluate.Principal | None:
    """A user as IAM tells of them, or None."""
    try:
        user = client.get_user(UserName=name)["User"]
    except client.exceptions.NoSuchEntityException:
        return None
    texts = list(_inline(client, "user", name)) + list(_attached(client, "user", name))
    for group in client.list_groups_for_user(UserName=name)["Groups"]:
        texts += [*_inline(client, "group", group["GroupName"]), *_attached(client, "group", group["GroupName"])]
    about = {"aws:username": name, "aws:PrincipalType": "User"}
    return _principal(client, user, user["Arn"], texts, about)


def of_role(client: Any, name: str) -> evaluate.Principal | None:
    """Whoever has taken on the role as IAM tells of it, or None."""
    try:
        role = client.get_role(RoleName=name)["Role"]
    except client.exceptions.NoSuchEntityException:
        return None
    texts = [*_inline(client, "role", name), *_attached(client, "role", name)]
    session = f"arn:aws:sts::{_account(role['Arn'])}:assumed-role/{name}/session"
    return _principal(client, role, session, texts, {"aws:PrincipalType": "AssumedRole"})


def allowed(who: evaluate.Principal, action: str, resource: str) -> bool:
    """Whether *who* may do *action* on *resource* (an ARN or ``*``) of their own account."""
    return evaluate.decide(who, evaluate.RequestContext(action, resource, who.account)).allowed


def beyond(lab: "Lab", who: evaluate.Principal, arn: str, *needed: str) -> str:
    """Something that *who* may do and does not need, in words; empty if there is nothing.

    Needed is the password, the actions *needed* on the repository *arn*, and to look at it.
    """
    for action in ecr_actions(lab):
        if action not in needed and not _reads(action) and allowed(who, action, arn):
            return f"{action} on {_short(arn)}"
    for action in (*ecr_actions(lab), *ELSEWHERE):
        for resource in (f"{arn}-too", f"{arn.rpartition('/')[0]}/somebody-elses", "*"):
            if not _reads(action) and allowed(who, action, resource):
                return f"{action} on {_short(resource)}"
    return ""


def trusts(lab: "Lab", role: str, service: str) -> bool:
    """Whether the trust policy of the role lets this service take it on for tasks of this account and Region."""
    found = lab.client("iam").get_role(RoleName=role)["Role"]
    account = _account(found["Arn"])
    facts = {"aws:SourceAccount": account, "aws:SourceArn": f"arn:aws:ecs:{lab.region}:{account}:*"}
    asked = evaluate.RequestContext("sts:AssumeRole", found["Arn"], account, facts)
    who = evaluate.Principal(service, account, frozenset({service}), ())
    return evaluate.decide(who, asked, [evaluate.parse(found["AssumeRolePolicyDocument"])], delegated_only=True).allowed


def keys(lab: "Lab", user: str) -> list[str]:
    """The access keys of a user that still work; a role has none."""
    client = lab.client("iam")
    try:
        found = client.list_access_keys(UserName=user)["AccessKeyMetadata"]
    except client.exceptions.NoSuchEntityException:
        return []
    return [each["AccessKeyId"] for each in found if each["Status"] == "Active"]


def ecr_actions(lab: "Lab") -> list[str]:
    """Every action of ECR that this boto3 knows, as policies name it."""
    return [f"ecr:{name}" for name in sorted(lab.client().meta.service_model.operation_names)]


def _reads(action: str) -> bool:
    return action == PASSWORD or (action.startswith("ecr:") and action.partition(":")[2].startswith(READS))


def _short(resource: str) -> str:
    return "everything" if resource == "*" else resource.rpartition("repository/")[2]


def _principal(client: Any, found: dict, arn: str, texts: list, about: dict[str, str]) -> evaluate.Principal:
    boundary = found.get("PermissionsBoundary")
    return evaluate.Principal(
        arn=arn,
        account=_account(arn),
        names=frozenset({arn, found["Arn"]}),
        identity=tuple(evaluate.parse(text) for text in texts),
        boundary=evaluate.parse(_document(client, boundary["PermissionsBoundaryArn"])) if boundary else None,
        context=about,
    )


def _inline(client: Any, kind: str, name: str) -> Iterator[dict]:
    """The policies that are written into a ``user``, ``group`` or ``role``."""
    who = {f"{kind.title()}Name": name}
    for policy in getattr(client, f"list_{kind}_policies")(**who)["PolicyNames"]:
        yield getattr(client, f"get_{kind}_policy")(**who, PolicyName=policy)["PolicyDocument"]


def _attached(client: Any, kind: str, name: str) -> Iterator[dict]:
    """The policies that hang on a ``user``, ``group`` or ``role``."""
    found = getattr(client, f"list_attached_{kind}_policies")(**{f"{kind.title()}Name": name})["AttachedPolicies"]
    for policy in found:
        yield _document(client, policy["PolicyArn"])


def _document(client: Any, arn: str) -> dict:
    version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def _account(arn: str) -> str:
    return arn.split(":")[4]
