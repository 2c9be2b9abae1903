"""The few names and places that every part of the tutorial agrees on."""

import os
from pathlib import Path

ACCOUNT = "123456789012"
REGION = "us-east-1"
DEFAULT_PORT = 5050

# AWS's own documentation examples: recognisable, and worthless anywhere else.
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

# A second account, to be shared with; its key is the second one of AWS's examples.
OTHER_ACCOUNT = "111122223333"
OTHER_ACCESS_KEY = "AKIAI44QH8DHBEXAMPLE"
OTHER_SECRET_KEY = "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"
OTHER_PROFILE = "other-account"

REPOSITORY = "demo-app-repo"
TAG = {"Key": "made-by", "Value": "learn-amazon-ecr"}

MIRROR_REPOSITORY = "docker/library/python"
MIRROR_TAG = "3.11-slim-bookworm"
BASE_IMAGE = f"public.ecr.aws/{MIRROR_REPOSITORY}:{MIRROR_TAG}"

PROJECT = Path(__file__).resolve().parents[2]


def target() -> str:
    """Where the cells run: ``"sandbox"`` (default) or ``"aws"``; ValueError for anything else."""
    chosen = os.environ.get("ECR_TUTORIAL_TARGET") or "sandbox"
    if chosen not in ("sandbox", "aws"):
        raise ValueError(f"ECR_TUTORIAL_TARGET is '{chosen}': set it to 'sandbox' or 'aws'.")
    return chosen


def port() -> int | None:
    """The port asked for in ``ECR_TUTORIAL_PORT``, or None; ValueError when it is not a port."""
    asked = os.environ.get("ECR_TUTORIAL_PORT")
    if not asked:
        return None
    if not asked.isdigit() or not 0 < int(asked) < 65536:
        raise ValueError(f"ECR_TUTORIAL_PORT is '{asked}': set it to a number from 1 to 65535.")
    return int(asked)


def state() -> Path:
    """The sandbox's state folder, absolute: ``ECR_TUTORIAL_STATE`` or ``.sandbox/`` in the project."""
    return Path(os.environ.get("ECR_TUTORIAL_STATE") or PROJECT / ".sandbox").expanduser().resolve()


def base_image_layout() -> Path:
    """The OCI image layout that fills the mirror: ``make setup`` keeps one, ``ECR_TUTORIAL_BASE`` names another."""
    return Path(os.environ.get("ECR_TUTORIAL_BASE") or PROJECT / ".cache" / "base-image")
