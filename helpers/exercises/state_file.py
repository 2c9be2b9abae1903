"""The files in the state folder that the exercises keep."""

import shutil

from helpers import settings

PROGRESS, BROKEN = "progress.json", "broken.json"
FOLDER = "broken"  # the files of the tasks that prepare() makes


def delete_all() -> None:
    """Delete the progress and the tasks that prepare() made, with their files; the registry does not change."""
    for name in (PROGRESS, BROKEN):
        (settings.state() / name).unlink(missing_ok=True)
    shutil.rmtree(settings.state() / FOLDER, ignore_errors=True)
