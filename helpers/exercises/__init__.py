"""The exercises: checks, hints, progress, and the capstone. Notebooks use ``from helpers.exercises import check``."""

from .checks import check

__all__ = ["check"]
