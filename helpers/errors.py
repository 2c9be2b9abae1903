"""The course's own errors."""

from ecr_sandbox import SandboxError


class LabError(SandboxError):
    """An error that the learner can fix: one sentence, and the command that fixes it."""
