"""What follows when something happens to images: who listens to which happening, and which job does the work.

Nothing is loaded here that does the work: a job's part is loaded by its first job.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from ..lifecycle import daily, previews
from .backend import Backend


def install() -> None:
    """To be called once, before anything happens."""
    Backend.jobs.on("restored", _restored)
    Backend.jobs.on(daily.KIND, _lifecycle)
    Backend.jobs.on(previews.KIND, lambda: partial(previews.work_out, Backend.store))


def _restored() -> Callable[[dict[str, Any]], None]:
    from . import archive

    return archive.told_when_restored()


def _lifecycle() -> Callable[[dict[str, Any]], None]:
    from ..lifecycle import sweep

    return sweep.run
