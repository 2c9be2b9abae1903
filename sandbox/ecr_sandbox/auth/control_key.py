"""The key of the sandbox's own API under ``/_sandbox/``: a secret in the state folder.

A page in a browser cannot read it, nor can another user of the machine. A page cannot send its header to another
origin either: a browser asks the server first, and the sandbox never agrees.
Sources: RFC 6750, section 2.1, and https://fetch.spec.whatwg.org/#cors-preflight-fetch-0
"""

import hmac
import secrets
from pathlib import Path

from ecr_sandbox.state.atomic_files import secret

FILE = "control-secret"


def authorization(folder: Path) -> str:
    """The ``Authorization`` header for the sandbox with the state *folder*. The first call makes the secret.

    Raises OSError when the secret can be neither read nor written.
    """
    return f"Bearer {secret(folder / FILE, lambda: secrets.token_hex(32))}"


def is_valid(given: str, folder: Path) -> bool:
    """Whether the header *given* has the key in *folder*."""
    return hmac.compare_digest(given.encode(), authorization(folder).encode())
