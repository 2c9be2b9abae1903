"""How long it takes to evaluate and apply a lifecycle policy in a repository of ten thousand images."""

import json
import shutil
import tempfile
import time
from pathlib import Path

from ecr_sandbox import Settings, advance_clock

from .growth import MANY, filled
from .processes import client, sandbox

DAY = 24 * 60 * 60
KEPT = 100
RULES = [
    {"tagStatus": "tagged", "tagPatternList": ["*9*", "v1*"], "countType": "imageCountMoreThan", "countNumber": 10},
    {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7},
    {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT},
]


def measure(runs: int) -> dict[str, list[float]]:
    """Seconds until the preview is complete, until all but 100 images expire, and the longest wait of another call."""
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        state = filled(Path(folder, "state"))
        for run in range(runs):
            copy = shutil.copytree(state, Path(folder, f"run-{run}"), ignore=shutil.ignore_patterns("*.sock"))
            with sandbox(copy) as (host, _):
                values = {f"preview of a lifecycle policy, {MANY:,} images (s)": _preview(host)}
                expired, waited = _expire(host, Settings(copy))
                values[f"{MANY - KEPT:,} of them expire (s)"] = expired
                values["longest that another request waited meanwhile (s)"] = waited
            for name, value in values.items():
                figures.setdefault(name, []).append(value)
    return figures


def _policy() -> str:
    rules = enumerate(RULES, 1)
    return json.dumps({"rules": [{"rulePriority": n, "selection": s, "action": {"type": "expire"}} for n, s in rules]})


def _preview(host: str) -> float:
    ecr, begun = client(host), time.perf_counter()
    ecr.start_lifecycle_policy_preview(repositoryName="many", lifecyclePolicyText=_policy())
    while ecr.get_lifecycle_policy_preview(repositoryName="many", maxResults=1)["status"] != "COMPLETE":
        time.sleep(0.01)
    return time.perf_counter() - begun


def _expire(host: str, settings: Settings) -> tuple[float, float]:
    """How long it takes, and the longest of the sequential calls in the meantime."""
    ecr, waits, evaluated = client(host), [0.0], False
    ecr.put_lifecycle_policy(repositoryName="many", lifecyclePolicyText=_policy())
    begun = time.perf_counter()
    advance_clock(settings, 1.01 * DAY)
    while not evaluated:
        sent = time.perf_counter()
        evaluated = ecr.get_lifecycle_policy(repositoryName="many")["lastEvaluatedAt"].timestamp() > 0
        waits.append(time.perf_counter() - sent)
    return time.perf_counter() - begun, max(waits)
