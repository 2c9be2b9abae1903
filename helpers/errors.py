"""The course's own errors, and what AWS's errors say about permissions."""

import re

from ecr_sandbox import SandboxError


class LabError(SandboxError):
    """An error that the learner can fix: one sentence, and the command that fixes it."""


def denied_action(error: Exception) -> str:
    """The action that AWS refused because a permission is missing, ``iam:CreateUser``; empty for any other error."""
    said = getattr(error, "response", {}).get("Error", {}).get("Message", "")
    found = re.search(r"not authorized to perform: (\S+)", said)
    return found[1] if found else ""
