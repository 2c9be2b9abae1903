"""The folders of the checkout, and the sandbox's settings, read before anything is installed."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def _settings() -> ModuleType:
    # By path: ecr_sandbox is only installed in .venv, which may not exist yet.
    spec = importlib.util.spec_from_file_location("settings", ROOT / "sandbox" / "ecr_sandbox" / "settings.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


settings = _settings()

VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
# Not in the state folder: the engine belongs to the machine, whichever state folder the sandbox uses.
DOCKERD_PID = ROOT / ".sandbox" / "dockerd.pid"
DOCKERD_LOG = ROOT / ".sandbox" / "log" / "dockerd.log"


def base_image_layout() -> Path:
    """The folder with the copy of the base image: ``ECR_TUTORIAL_BASE``, as in helpers/settings.py, or the cache."""
    return Path(os.environ.get("ECR_TUTORIAL_BASE") or CACHE / "base-image")
