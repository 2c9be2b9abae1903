"""Lambda functions whose code is an image: which images Lambda may pull. Loaded by its first call."""

from .api import control

__all__ = ["control"]
