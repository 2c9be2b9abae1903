"""What follows when something happens to images: who listens to which happening, and which job does the work.

Nothing is loaded here that does the work: a job's part is loaded by its first job.
"""

from collections.abc import Callable
from typing import Any

from .backend import Backend


def install() -> None:
    """To be called once, before anything happens."""
    Backend.jobs.on("restored", _restored)


def _restored() -> Callable[[dict[str, Any]], None]:
    from . import archive

    return archive.told_when_restored()
