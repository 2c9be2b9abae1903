"""What the doctor checks in the learner's AWS account. It only reads, and makes no call that costs money."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ecr_sandbox import SandboxError
from helpers import aws_account, settings
from helpers.aws_account import answer
from helpers.costs import course as costs
from helpers.course import data
from helpers.doctor_rows import Row, miss, ok

if TYPE_CHECKING:
    import boto3

PERMISSIONS = "aws_permissions.json"
AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".amazonwebservices.com.cn")
NAMES = 3  # so many denied actions are named
READS = (  # tried if permissions cannot be simulated: service, operation, action
    ("ecr", "get_authorization_token", "ecr:GetAuthorizationToken"),
    ("ecr", "describe_repositories", "ecr:DescribeRepositories"),
    ("iam", "list_users", "iam:ListUsers"),
    ("iam", "list_roles", "iam:ListRoles"),
    ("ecs", "list_clusters", "ecs:ListClusters"),
    ("logs", "describe_log_groups", "logs:DescribeLogGroups"),
    ("lambda", "list_functions", "lambda:ListFunctions"),
)


def rows() -> list[Row]:
    """The identity and the Region; if they are known, permissions and settings of the account."""
    try:
        session = aws_account.session()
        account, region, arn = aws_account.identity(session)
        registry = aws_account.registry(account, region)
    except SandboxError as error:
        return [miss("AWS identity", error.wrong.rstrip("."), error.fix)]
    has_public = aws_account.partition(region) == "aws"
    no_public = "" if has_public else "; ECR Public does not exist in it, so leave out the end of notebook 02"
    return [
        ok("AWS identity", "known", arn),
        ok("AWS region", f"set{no_public}", f"{region}, registry {registry}"),
        *endpoint_rows(session),
        *permission_rows(session, account, region, arn),
        network_row(session),
        scanning_row(session),
        cost_explorer_row(),
    ]


def permission_rows(session: "boto3.Session", account: str, region: str, arn: str) -> list[Row]:
    """A row for each service of which something is denied; one row if nothing is."""
    from botocore.exceptions import BotoCoreError, ClientError

    if arn.endswith(":root"):
        return [ok("Permissions", "you are the root user, who may do everything; an IAM user or role is safer")]
    try:
        denied = dict(_simulated(session, account, region, _principal(session, arn)))
        text = "everything that the course calls is allowed"
    except (BotoCoreError, ClientError):
        denied = dict(_tried(session))
        text = "reading works; creating is unknown, because iam:SimulatePrincipalPolicy failed"
    found = [_denied_row(service, denied) for service in data(PERMISSIONS)["services"] if _of(service, denied)]
    return found or [ok("Permissions", text)]


def endpoint_rows(session: "boto3.Session") -> list[Row]:
    """A row if calls of ECR do not reach AWS, as with LocalStack; pushes would still go to AWS."""
    endpoint = session.client("ecr").meta.endpoint_url
    if urlsplit(endpoint).netloc.endswith(AWS_DOMAINS):
        return []
    fix = "unset AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_ECR, or remove endpoint_url from ~/.aws/config"
    return [miss("AWS endpoint", f"calls of ECR go to {endpoint}, and pushes go to AWS", fix)]


def network_row(session: "boto3.Session") -> Row:
    """Whether Fargate tasks have a network: the subnets of the default VPC."""
    name, filters = "Default VPC", [{"Name": "default-for-az", "Values": ["true"]}]
    subnets, code = answer(session, "ec2", "describe_subnets", Filters=filters)
    if code:
        return miss(name, f"unknown: ec2:DescribeSubnets was refused ({code})", "allow it, for notebooks 13 and 15")
    if not subnets["Subnets"]:
        return miss(name, "missing, and notebooks 13 and 15 need it", "aws ec2 create-default-vpc")
    return ok(name, "found", f"{len(subnets['Subnets'])} subnets")


def scanning_row(session: "boto3.Session") -> Row:
    """Which scans the account has turned on, and what enhanced ones cost."""
    found, code = answer(session, "ecr", "get_registry_scanning_configuration")
    if code:
        action = "ecr:GetRegistryScanningConfiguration"
        return miss("Scanning", f"unknown: {action} was refused ({code})", "allow it, for notebooks 04 and 10")
    if found["scanningConfiguration"].get("scanType") == "ENHANCED":
        return ok(
            "Scanning", f"enhanced: Amazon Inspector bills up to ${costs.enhanced_scans().usd:.2f} for the course"
        )
    return ok("Scanning", "basic, free")


def cost_explorer_row() -> Row:
    """A remark: only a call would show whether Cost Explorer is turned on, and each call costs a cent."""
    price = costs.usd("cost_explorer")
    return ok("Cost Explorer", f"not asked, at ${price:.2f} a question; turn it on in Billing a day before notebook 12")


def _principal(session: "boto3.Session", arn: str) -> str:
    """The ARN whose policies IAM can simulate: for the session of a role, that of the role with its path."""
    if ":assumed-role/" not in arn:
        return arn
    return session.client("iam").get_role(RoleName=arn.split("/")[1])["Role"]["Arn"]


def _simulated(session: "boto3.Session", account: str, region: str, principal: str) -> Iterator[tuple[str, str]]:
    """``(action, "")`` of every action that IAM would deny; ClientError if it may not be asked.

    A denial that depends on a condition, such as ``iam:PassedToService``, is unknown and not one of them.
    """
    from helpers.list_all import list_all

    iam, partition = session.client("iam"), aws_account.partition(region)
    names = {"region": region, "account": account, "prefix": settings.PREFIX}
    for service in data(PERMISSIONS)["services"]:
        if service.get("partition", partition) != partition:
            continue
        for resource, actions in service["actions"].items():
            arn = resource if resource == "*" else f"arn:{partition}:{resource.format(**names)}"
            request = {"PolicySourceArn": principal, "ActionNames": actions, "ResourceArns": [arn]}
            for result in list_all(iam, "simulate_principal_policy", "EvaluationResults", **request):
                if result["EvalDecision"] != "allowed" and not result.get("MissingContextValues"):
                    yield result["EvalActionName"], ""


def _tried(session: "boto3.Session") -> Iterator[tuple[str, str]]:
    """``(action, code)`` of the calls in READS that AWS refuses."""
    for service, operation, action in READS:
        if code := answer(session, service, operation)[1]:
            yield action, code


def _of(service: dict, denied: dict[str, str]) -> list[str]:
    """Those of the *denied* actions that the course calls in this service."""
    return [action for actions in service["actions"].values() for action in actions if action in denied]


def _denied_row(service: dict, denied: dict[str, str]) -> Row:
    actions = _of(service, denied)
    more = f" and {len(actions) - NAMES} more" if len(actions) > NAMES else ""
    named = ", ".join(f"{action} ({denied[action]})" if denied[action] else action for action in actions[:NAMES])
    text = f"not possible in {service['name']}: {named}{more}"
    return miss("Permissions", text, f"attach {service['policy']}, for notebook {service['notebooks']}")
