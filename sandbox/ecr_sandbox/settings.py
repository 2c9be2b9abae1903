"""The sandbox's accounts and keys, and the settings of one sandbox: where it keeps its state and where it listens.

This file uses the standard library only, because the course's setup reads it before anything is installed.
"""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "123456789012"
REGION = "us-east-1"
DEFAULT_PORT = 5050
ACCOUNT_NUMBER, REGION_NAME = r"\d{12}", r"[a-z]{2}(-[a-z]+){1,2}-\d"

# The example keys of AWS's documentation: easy to recognize, and worthless at AWS.
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

# A second account, for cross-account access. Its key is the second example key of AWS's documentation.
OTHER_ACCOUNT = "111122223333"
OTHER_ACCESS_KEY = "AKIAI44QH8DHBEXAMPLE"
OTHER_SECRET_KEY = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"
OTHER_PROFILE = "other-account"

MIRROR_REPOSITORY = "docker/library/python"
MIRROR_TAG = "3.11-slim-bookworm"
BASE_IMAGE = f"public.ecr.aws/{MIRROR_REPOSITORY}:{MIRROR_TAG}"


@dataclass(frozen=True)
class Settings:
    """The settings of one sandbox, and the names that its error messages use."""

    state: Path  # the state folder, absolute
    port: int | None = None  # None: the port of the last run, else DEFAULT_PORT, else the next free port
    base_image: Path | None = None  # an OCI image layout that fills the mirror of the base image
    command: str = "ecr-sandbox"  # the command that error messages tell the user to run
    variables: str = "ECR_SANDBOX"  # the prefix of the environment variables that error messages name
    account: str = ACCOUNT  # the default account and Region: those of the administrator's key
    region: str = REGION
    aws_names: bool = False  # serve AWS's host names with HTTPS, at this address and port
    address: str = "127.0.0.1"
    tls_port: int = 443
    as_slow_as_aws: bool = False  # see delays.py
    decisions: Path | None = None  # a file to which IAM's decisions are appended, as JSON

    @property
    def base_image_layout(self) -> Path:
        """The folder of the base image's OCI layout; it may not exist, and then there is no mirror."""
        return self.base_image or self.state / "base-image"

    def environ(self) -> dict[str, str]:
        """These settings as environment variables, for the process of the sandbox; see ``from_environ``."""
        return {
            "ECR_SANDBOX_STATE": str(self.state),
            "ECR_SANDBOX_PORT": str(self.port or ""),
            "ECR_SANDBOX_BASE_IMAGE": str(self.base_image or ""),
            "ECR_SANDBOX_COMMAND": self.command,
            "ECR_SANDBOX_VARIABLES": self.variables,
            "ECR_SANDBOX_ACCOUNT": self.account,
            "ECR_SANDBOX_REGION": self.region,
            "ECR_SANDBOX_AWS_NAMES": "1" if self.aws_names else "",
            "ECR_SANDBOX_ADDRESS": self.address,
            "ECR_SANDBOX_TLS_PORT": str(self.tls_port),
            "ECR_SANDBOX_AS_SLOW_AS_AWS": "1" if self.as_slow_as_aws else "",
            "ECR_SANDBOX_DECISIONS": str(self.decisions or ""),
        }


def from_environ(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that ``ECR_SANDBOX_STATE``, ``_PORT`` and the others give; ValueError for one that is not valid.

    A program that starts a sandbox for its own users also sets ``ECR_SANDBOX_COMMAND`` and ``ECR_SANDBOX_VARIABLES``.
    """
    base_image = environ.get("ECR_SANDBOX_BASE_IMAGE")
    return Settings(
        state=Path(environ.get("ECR_SANDBOX_STATE") or default_state(environ)).expanduser().resolve(),
        port=read_port("ECR_SANDBOX_PORT", environ),
        base_image=Path(base_image) if base_image else None,
        command=environ.get("ECR_SANDBOX_COMMAND") or Settings.command,
        variables=environ.get("ECR_SANDBOX_VARIABLES") or Settings.variables,
        account=_read("ECR_SANDBOX_ACCOUNT", ACCOUNT_NUMBER, "12 digits", environ) or ACCOUNT,
        region=_read("ECR_SANDBOX_REGION", REGION_NAME, "a Region, such as eu-west-3", environ) or REGION,
        aws_names=bool(environ.get("ECR_SANDBOX_AWS_NAMES")),
        address=environ.get("ECR_SANDBOX_ADDRESS") or Settings.address,
        tls_port=read_port("ECR_SANDBOX_TLS_PORT", environ) or Settings.tls_port,
        as_slow_as_aws=bool(environ.get("ECR_SANDBOX_AS_SLOW_AS_AWS")),
        decisions=Path(decisions) if (decisions := environ.get("ECR_SANDBOX_DECISIONS")) else None,
    )


def _read(variable: str, pattern: str, what: str, environ: Mapping[str, str]) -> str | None:
    """The value of *variable*, or None when it is not set; ValueError when it does not fit *pattern*."""
    value = environ.get(variable)
    if value and not re.fullmatch(pattern, value):
        raise ValueError(f"{variable} is '{value}': set it to {what}.")
    return value or None


def read_port(variable: str, environ: Mapping[str, str] = os.environ) -> int | None:
    """The port in the environment variable *variable*, or None when it is not set; ValueError when it is no port."""
    value = environ.get(variable)
    if not value:
        return None
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise ValueError(f"{variable} is '{value}': set it to a number from 1 to 65535.")
    return int(value)


def default_state(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The user's folder for the state of programs on this system, and in it the sandbox's.

    Sources: https://specifications.freedesktop.org/basedir-spec/latest/ and, for macOS,
    https://developer.apple.com/library/archive/documentation/FileManagement/Conceptual/FileSystemProgrammingGuide/
    """
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "ecr-sandbox"
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "ecr-sandbox"
