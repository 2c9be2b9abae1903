"""Messages to the user of make, and the error that ends set-up."""

import sys


class Stop(Exception):
    """Set-up cannot continue; the text has the reason and the fix."""


def say(text: str) -> None:
    """Print `text` on standard error: standard output belongs to what runs after set-up (`make sandbox`)."""
    print(text, file=sys.stderr, flush=True)
