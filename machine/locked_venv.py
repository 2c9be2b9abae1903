"""Virtual environments with the packages of a lock, for what the learners do not need: the site, a hub."""

import hashlib
import sys
from pathlib import Path

from machine.say import say
from machine.venv import must


def ensure(folder: Path, lock: Path, sentence: str) -> Path:
    """Install the packages of *lock* into *folder*, unless that was done; print *sentence* before it.

    Returns the environment's Python; raises Stop if the packages cannot be had.
    """
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {sys.version}"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    say(sentence)
    must([sys.executable, "-m", "venv", "--clear", str(folder)], "The virtual environment could not be made")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-input", "--disable-pip-version-check"]
    must([*pip, "--require-hashes", "--requirement", str(lock)], "Python packages could not be installed")
    stamp.write_text(wanted)
    return python
