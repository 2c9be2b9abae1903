"""The settings of the course: where its cells run, what its images are called, and where its files are."""

import os
import re
from pathlib import Path

import ecr_sandbox
from ecr_sandbox import (  # noqa: F401
    ACCESS_KEY,
    ACCOUNT,
    BASE_IMAGE,
    DEFAULT_PORT,
    MIRROR_REPOSITORY,
    MIRROR_TAG,
    OTHER_ACCESS_KEY,
    OTHER_ACCOUNT,
    OTHER_PROFILE,
    OTHER_SECRET_KEY,
    REGION,
    SECRET_KEY,
)
from machine.aws_cli import version_2

DEFAULT_PREFIX = "demo-"
PREFIX = os.environ.get("ECR_TUTORIAL_PREFIX") or DEFAULT_PREFIX  # of the names of all that the course makes
REPOSITORY = f"{PREFIX}app-repo"
TAG = {"Key": "made-by", "Value": "learn-amazon-ecr"}
EXERCISE_TAG = {"Key": "exercise", "Value": "04.2"}  # of a repository that lacks TAG, because exercise 04.2 is about it
TAG_TEXT = f"{TAG['Key']}={TAG['Value']}"
MAX_PREFIX = 20  # characters
SEED = "ECR_TUTORIAL_SEED"

PROJECT = Path(__file__).resolve().parents[1]


def target() -> str:
    """Where the cells run: ``"sandbox"`` (default) or ``"aws"``; ValueError for anything else."""
    chosen = os.environ.get("ECR_TUTORIAL_TARGET") or "sandbox"
    if chosen not in ("sandbox", "aws"):
        raise ValueError(f"ECR_TUTORIAL_TARGET is '{chosen}': set it to 'sandbox' or 'aws'.")
    return chosen


def check_prefix() -> None:
    """ValueError if names cannot begin with ``ECR_TUTORIAL_PREFIX``.

    The characters are those that ECR, IAM, ECS, Lambda and CloudWatch Logs all allow; the length leaves room for the
    longest name of the course in the 64 characters of an IAM role or a Lambda function.
    """
    if not re.fullmatch(r"[a-z](-?[a-z0-9])*-", PREFIX) or len(PREFIX) > MAX_PREFIX:
        raise ValueError(
            f"ECR_TUTORIAL_PREFIX is '{PREFIX}': set it to at most {MAX_PREFIX} lower-case letters, digits and single "
            "hyphens, with a letter first and a hyphen last, like 'tom-'."
        )


def port() -> int | None:
    """The port that ``ECR_TUTORIAL_PORT`` asks for, or None; ValueError when it is not a port."""
    return ecr_sandbox.read_port("ECR_TUTORIAL_PORT")


def state() -> Path:
    """The sandbox's state folder, absolute: ``ECR_TUTORIAL_STATE``, else ``.sandbox/`` in the project."""
    return Path(os.environ.get("ECR_TUTORIAL_STATE") or PROJECT / ".sandbox").expanduser().resolve()


def seed() -> str | None:
    """``ECR_TUTORIAL_SEED``, with which random exercises are the same on every machine; None if it is not set."""
    return os.environ.get(SEED) or None


def base_image_layout() -> Path:
    """The OCI image layout of the base image: ``ECR_TUTORIAL_BASE``, else the one that ``make setup`` keeps."""
    return Path(os.environ.get("ECR_TUTORIAL_BASE") or PROJECT / ".cache" / "base-image")


def aws_cli() -> Path:
    """The ``aws`` that the course runs: version 2 if ``make setup`` has one, else version 1."""
    return version_2() or ecr_sandbox.venv_bin() / "aws"


def sandbox() -> ecr_sandbox.Settings:
    """The settings of the course's sandbox; ValueError when ``ECR_TUTORIAL_PORT`` is not a port."""
    return ecr_sandbox.Settings(
        state=state(), port=port(), base_image=base_image_layout(), command="ecr-lab", variables="ECR_TUTORIAL"
    )
