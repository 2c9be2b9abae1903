"""The course's own errors, and what AWS's errors say about permissions."""

import os
import re

from ecr_sandbox import SandboxError

# Docker's words for a HEAD request that the registry refuses, of newer engines and of older ones
_HEAD = re.compile(r"unexpected status from HEAD request to (\S+): 403 Forbidden|error parsing HTTP 403 response body")


class LabError(SandboxError):
    """An error that the learner can fix: one sentence, and the command that fixes it."""


def denied_action(error: Exception) -> str:
    """The action that AWS refused because a permission is missing, ``iam:CreateUser``; empty for any other error."""
    said = getattr(error, "response", {}).get("Error", {}).get("Message", "")
    found = re.search(r"not authorized to perform: (\S+)", said)
    return found[1] if found else ""


def refused_head(said: str) -> str:
    """How to fix a HEAD request that the registry refused, if Docker *said* so; else an empty string.

    The answer to HEAD has no text, so it does not name the action. Notebook 03 shows one.
    """
    if not (found := _HEAD.search(said)):
        return ""
    public = f"//{os.environ.get('PUBLIC_REGISTRY', 'public.ecr.aws')}/" in (found[1] or "")
    reads = "ecr-public:" if public else "ecr:BatchGetImage and ecr:"
    return f"log in again, or allow {reads}BatchCheckLayerAvailability: the registry does not say why"
