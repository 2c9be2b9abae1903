"""What is told to the person at the terminal, and the one way to give up."""

import sys


class Stop(Exception):
    """Set-up cannot go on; the text says why and what mends it."""


def say(text: str) -> None:
    """Print `text` on standard error: standard output belongs to what runs after set-up (`make sandbox`)."""
    print(text, file=sys.stderr, flush=True)
