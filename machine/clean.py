"""`make clean`: stops the sandbox and the engine that make started, and removes what make created."""

import shutil
import sys

from machine import base_image, engine, newer_engine, venv
from machine.commands import last_lines, run
from machine.inventory import OF_TESTS
from machine.project import CACHE, ROOT, VENV
from machine.say import Stop, say

LABEL = "learn-amazon-ecr.tests"  # images of tests/deploy have it, even when a newer build took their name


def main() -> int:
    """Clean up, and return the exit code."""
    try:
        clean()
    except Stop as stop:
        say(str(stop))
        return 1
    return 0


def clean() -> None:
    """Remove the sandbox, the images, the engine and the folders, in this order: each needs the next ones."""
    # An incomplete or moved environment cannot stop a sandbox, but can be removed.
    if venv.STAMP.exists():
        got = run([str(VENV / "bin" / "ecr-lab"), "down"], limit=60)
        if got.returncode not in (0, 127):
            raise Stop(f"The sandbox does not stop, so nothing was removed:\n{last_lines(got.stderr)}")
    _remove_images_of_tests()  # before the stand-in, on which they are built
    image = base_image.inspect()
    if image and image.is_stand_in and run(["docker", "image", "rm", base_image.NAME]).returncode == 0:
        say(f"Removed the stand-in {base_image.NAME}")
    if engine.stop():
        say("Stopped the Docker engine that make had started")
    newer_engine.remove()
    for folder in (VENV, CACHE, ROOT / "site", ROOT / "slides", *ROOT.glob(".sandbox*")):
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
            say(f"Removed {folder.name}")


def _remove_images_of_tests() -> None:
    listing = ["docker", "image", "ls", "--filter", f"reference={OF_TESTS}*", "--format", "{{.Repository}}:{{.Tag}}"]
    if names := run(listing).stdout.split():
        got = run(["docker", "image", "rm", *names])
        why = f"Some are in use:\n{last_lines(got.stderr)}" if got.returncode else ""
        say(f"Removed images of the tests: {', '.join(names)}. {why}".strip())
    run(["docker", "image", "prune", "--force", "--filter", f"label={LABEL}"])


if __name__ == "__main__":
    sys.exit(main())
