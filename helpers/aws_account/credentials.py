"""Who the learner is on AWS, by the AWS CLI's rules; each way to fail is one sentence with its fix."""

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import LabError

if TYPE_CHECKING:
    import boto3

CLI_CACHE = "~/.aws/cli/cache"  # where the AWS CLI keeps the credentials of assumed roles


def session(profile: str | None = None, region: str = "") -> "boto3.Session":
    """A session of *profile*, else of the environment's, in *region*, else in its own; LabError if it cannot be read.

    As in the AWS CLI, AWS_REGION comes before AWS_DEFAULT_REGION and the profile, and the credentials of an assumed
    role are shared with it: a code of an MFA device is asked for once an hour.
    """
    import boto3
    import botocore.session
    from botocore import exceptions as aws
    from botocore.credentials import JSONFileCache

    core = botocore.session.Session(profile=profile)
    try:
        made = boto3.Session(botocore_session=core, region_name=region or os.environ.get("AWS_REGION") or None)
        roles = core.get_component("credential_provider").get_provider("assume-role")
    except aws.BotoCoreError as error:
        raise _explained(error, profile or "") from None
    roles.cache = JSONFileCache(str(Path(CLI_CACHE).expanduser()))
    roles._prompter = _ask_for_code
    if profile is None:
        boto3.DEFAULT_SESSION = made  # so cells do not ask for another code
    return made


def identity(session: "boto3.Session") -> tuple[str, str, str]:
    """``(account, region, ARN)`` of a session; LabError if something is missing."""
    from botocore import exceptions as aws

    if not session.region_name:
        raise LabError("No AWS region is configured.", "aws configure set region us-east-1")
    try:
        me = session.client("sts").get_caller_identity()
    except aws.ClientError as error:
        raise _refused(error) from None
    except aws.BotoCoreError as error:
        raise _explained(error, session.profile_name) from None
    return me["Account"], session.region_name, me["Arn"]


def _ask_for_code(prompt: str) -> str:
    """The code of an MFA device. A notebook replaces getpass while a cell runs, so it is looked up now."""
    try:
        return getpass.getpass(prompt)
    except (EOFError, NotImplementedError):  # no terminal; NotImplementedError is IPython's
        raise LabError(
            "Your profile needs a code of your MFA device, and there is no terminal to ask.",
            "run aws sts get-caller-identity in a terminal, then run this cell again",
        ) from None


def _explained(error: Exception, profile: str) -> LabError:
    """The sentence and the fix for an error of botocore, which sent no request or got no answer."""
    from botocore import exceptions as aws

    why, option = _one_line(error), f" --profile {profile}" if profile not in ("", "default") else ""
    if isinstance(error, aws.CredentialRetrievalError) and "custom-process" in why:
        return LabError(f"Your credential_process failed ({why}).", "run its command in a terminal")
    unusable, no_role = f"Your AWS sign-in cannot be used ({why}).", f"This machine gives no AWS credentials ({why})."
    known: list[tuple[type | tuple, str, str]] = [
        (aws.NoCredentialsError, "No AWS credentials are configured.", f"aws login{option}, or aws configure sso"),
        (
            aws.PartialCredentialsError,
            f"Your AWS credentials are incomplete ({why}).",
            "set what is missing, or aws login",
        ),
        (aws.LoginError, unusable, f"aws login{option}"),
        ((aws.SSOError, aws.TokenRetrievalError), unusable, f"aws sso login{option}"),
        (
            (aws.CredentialRetrievalError, aws.MetadataRetrievalError),
            no_role,
            "attach a role to the container or instance",
        ),
        (aws.RefreshWithMFAUnsupportedError, "Your MFA session has expired.", "restart the kernel"),
        (aws.ProfileNotFound, f"{why}.", "aws configure list-profiles, then name one of them"),
        (aws.InvalidRegionError, f"This is not a Region ({why}).", "aws configure set region us-east-1"),
        (
            (aws.ConfigParseError, aws.ConfigNotFound, aws.InvalidConfigError, aws.UnknownCredentialError),
            f"Your AWS configuration cannot be used ({why}).",
            "correct ~/.aws/config",
        ),
        (aws.MissingDependencyException, f"This way to sign in needs another package ({why}).", "make setup"),
    ]
    for kinds, wrong, fix in known:
        if isinstance(error, kinds):
            return LabError(wrong, fix)
    return LabError(f"AWS cannot be reached ({why}).", "check the network, the proxy and the region's name")


def _refused(error) -> LabError:
    """The sentence and the fix for an answer of STS, a botocore ClientError."""
    code, message = error.response["Error"].get("Code", ""), _one_line(error.response["Error"].get("Message", ""))
    if error.operation_name.startswith("AssumeRole"):
        return LabError(
            f"AWS does not let you assume the role of your profile ({message or code}).",
            "check role_arn, source_profile and mfa_serial in ~/.aws/config",
        )
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return LabError("Your AWS credentials have expired.", "aws login, or aws sso login")
    if code == "SignatureDoesNotMatch" and "expired" in message.lower():
        return LabError(f"AWS says your clock is wrong ({message}).", "set the clock (WSL2: sudo hwclock -s)")
    return LabError(
        f"AWS does not accept your credentials ({code}).",
        "aws login, or aws configure; if the Region is not enabled in your account, enable it or use another one",
    )


def _one_line(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")
