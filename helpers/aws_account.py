"""The learner's own AWS account: which one it is, and the confirmation before anything is created in it."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_sandbox import prepend_path, prices, registry_names
from helpers import settings
from helpers.errors import LabError

if TYPE_CHECKING:
    import boto3

TUTORIAL_GB = 0.2  # what all notebooks together leave in ECR without clean-up


def identity(session: "boto3.Session") -> tuple[str, str, str]:
    """``(account, region, ARN)`` of the user's own configuration; LabError if something is missing."""
    from botocore import exceptions as aws

    if not session.region_name:
        raise LabError("No AWS region is configured.", "aws configure set region us-east-1")
    try:
        me = session.client("sts").get_caller_identity()
    except (aws.NoCredentialsError, aws.PartialCredentialsError):
        raise LabError("No AWS credentials are configured.", "aws login, or aws configure sso") from None
    except aws.LoginError as error:
        raise LabError(f"Your AWS sign-in cannot be used ({_one_line(error)}).", "aws login") from None
    except (aws.SSOError, aws.TokenRetrievalError, aws.CredentialRetrievalError) as error:
        raise LabError(f"Your AWS sign-in cannot be used ({_one_line(error)}).", "aws sso login") from None
    except aws.ClientError as error:
        raise _refused(error.response["Error"]) from None
    except aws.BotoCoreError as error:
        raise LabError(
            f"AWS cannot be reached ({_one_line(error)}).", "check the network, the proxy and the region's name"
        ) from None
    return me["Account"], session.region_name, me["Arn"]


def variables(account: str, region: str) -> dict[str, str]:
    """The variables to set on AWS: the names that cells use, the Region, and the course's CLI first on PATH."""
    path = prepend_path(os.environ.get("PATH", os.defpath), settings.aws_cli().parent)
    names = cell_names(registry(account, region), account, "public.ecr.aws")
    return {**names, "AWS_REGION": region, "PATH": path}


def cell_names(registry: str, account: str, public_registry: str) -> dict[str, str]:
    """The names that cells use, the same for the sandbox and for AWS."""
    names = registry_names(registry, account, public_registry)
    return {**names, "REPOSITORY_NAME": settings.REPOSITORY, "REPOSITORY_URI": f"{registry}/{settings.REPOSITORY}"}


def registry(account: str, region: str) -> str:
    """The address of an account's private registry in a Region."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def confirm(account: str, region: str) -> None:
    """Ask once for each account and Region; the answer yes is remembered in the state folder."""
    place = f"{account}/{region}"
    file = settings.state() / "aws-confirmed.json"
    confirmed = _read_list(file)
    given = os.environ.get("ECR_TUTORIAL_CONFIRM")
    if place not in confirmed and given != account:
        if given:
            raise LabError(
                f"ECR_TUTORIAL_CONFIRM is {given}, but these credentials belong to account {account}.",
                "use that account's credentials, or confirm this one",
            )
        print(_cost_notice())
        if not _ask(f"Work in account {account}, region {region}? (yes/no) ", account):
            raise LabError("Nothing was created: you did not answer yes.", "unset ECR_TUTORIAL_TARGET for the sandbox")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps([*confirmed, place]))
    print(f"✔ confirmed: all that is made here gets the tag {settings.TAG_TEXT}; notebook 14 deletes exactly that")


def _refused(error: dict) -> LabError:
    code, message = error.get("Code", ""), _one_line(error.get("Message", ""))
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return LabError("Your AWS credentials have expired.", "aws login, or aws sso login")
    if code == "SignatureDoesNotMatch" and "expired" in message.lower():
        return LabError(f"AWS says your clock is wrong ({message}).", "set the clock (WSL2: sudo hwclock -s)")
    return LabError(f"AWS does not accept your credentials ({code}).", "aws login, or aws configure")


def _cost_notice() -> str:
    cost = prices.usd("storage") * TUTORIAL_GB
    return (
        f"  The notebooks create private ECR repositories: {settings.REPOSITORY} and a few for exercises.\n"
        f"  They hold about {TUTORIAL_GB} GB, which costs about ${cost:.2f} a month if forgotten\n"
        f"  ({prices.facts()['check_live'][0]}, {prices.fact('storage')['as_of']})."
    )


def _ask(question: str, account: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except (EOFError, NotImplementedError):  # no terminal; NotImplementedError is IPython's
        raise LabError(
            "This account was not confirmed, and there is no terminal to ask.", f"set ECR_TUTORIAL_CONFIRM={account}"
        ) from None


def _read_list(file: Path) -> list:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def _one_line(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")
