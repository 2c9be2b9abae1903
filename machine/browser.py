"""`make test` fetches what drives a browser in the tests of the web console and of the site: Python packages.

They are large, and the learner does not need them, so they are in a folder of their own, and neither in `.venv` nor in
the lock. `make clean` removes them. If they cannot be fetched, the tests in a browser are skipped, and a message says
so. The browser itself is one of `machine/clients.py`.
"""

import shutil
import sys

from machine import venv
from machine.commands import last_lines, run
from machine.project import CACHE
from machine.say import say

PACKAGES = ("playwright==1.65.2", "axe-playwright-python==0.1.8")  # the second brings axe-core 4.12
FOLDER = CACHE / "browser"
STAMP = FOLDER / "installed"


def is_current() -> bool:
    """Whether the packages are there, in these versions, for this Python."""
    return STAMP.exists() and STAMP.read_text() == _wanted()


def main() -> int:
    """Fetch the packages unless they are there; a failure does not prevent the tests."""
    if is_current():
        return 0
    shutil.rmtree(FOLDER, ignore_errors=True)
    arguments = [
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
        "--target",
        str(FOLDER),
    ]
    got = run([str(venv.PYTHON), "-m", "pip", "install", *arguments, *PACKAGES], limit=300)
    if got.returncode:
        say(f"The tests in a browser will be skipped ({last_lines(got.stderr, 1).strip()}); run make test again.")
        return 0
    STAMP.write_text(_wanted())
    return 0


def _wanted() -> str:
    got = run([str(venv.PYTHON), "--version"])
    return f"{got.stdout.strip()}\n{' '.join(PACKAGES)}\n"


if __name__ == "__main__":
    sys.exit(main())
