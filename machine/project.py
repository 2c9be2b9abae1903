"""Where the checkout is, and its settings, read without importing anything that has to be installed first."""

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def _settings() -> ModuleType:
    # By path: `import ecr_sandbox.settings` would run its package, which needs the packages of .venv.
    spec = importlib.util.spec_from_file_location("settings", ROOT / "sandbox" / "ecr_sandbox" / "settings.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


settings = _settings()

VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
# Not settings.state(): the engine is the machine's, whichever state folder a sandbox uses.
DOCKERD_PID = ROOT / ".sandbox" / "dockerd.pid"
DOCKERD_LOG = ROOT / ".sandbox" / "log" / "dockerd.log"
