"""The exercises: checks, hints, progress, and the capstone.

Notebooks use ``from helpers.exercises import check``, and those with a *Broken, repair it* exercise
``from helpers.exercises import check, prepare``.
"""

from .broken import prepare, solution
from .checks import check

__all__ = ["check", "prepare", "solution"]
