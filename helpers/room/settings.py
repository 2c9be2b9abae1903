"""What a room keeps in the teacher's state folder: its code, its key and the learners. After a restart it goes on."""

import os
import secrets
from typing import Any, NamedTuple

from helpers import settings, state_file
from helpers.errors import LabError

from .learners import Learners

FILE = "room.json"
CODE, KEY = "ECR_TUTORIAL_ROOM_CODE", "ECR_TUTORIAL_ROOM_KEY"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look alike
LEAST = 10  # characters of a code or key: 49 bits with these letters


class Secrets(NamedTuple):
    """The code lets learners join. The key opens the teacher's page."""

    code: str
    key: str


def load() -> tuple[Secrets, Learners]:
    """What the last room kept, or a new room. Code and key come from the environment if it has them. LabError."""
    kept = state_file.read(FILE, _is_valid) or {"code": new_code(), "key": secrets.token_urlsafe(16), "learners": []}
    chosen = Secrets(os.environ.get(CODE) or kept["code"], os.environ.get(KEY) or kept["key"])
    for name, value in zip((CODE, KEY), chosen, strict=True):
        if len(value) < LEAST or not value.isascii() or not value.replace("-", "").replace("_", "").isalnum():
            raise LabError(f"{name} is not usable.", f"set it to at least {LEAST} letters, digits, - and _")
    try:
        return chosen, Learners.of_data(kept["learners"])
    except (TypeError, KeyError, ValueError, AttributeError):  # an older version wrote it
        return chosen, Learners()


def save(chosen: Secrets, learners: list[dict[str, Any]]) -> None:
    """Keep the room; *learners* is ``Learners.as_data()``. Raises OSError."""
    with state_file.locked(FILE):
        state_file.write(FILE, {**chosen._asdict(), "learners": learners})


def forget() -> bool:
    """Delete what the room kept; whether there was anything."""
    file = settings.state() / FILE
    found = file.exists()
    file.unlink(missing_ok=True)
    return found


def new_code() -> str:
    """A code that can be read aloud and typed."""
    return "".join(secrets.choice(LETTERS) for _ in range(LEAST))


def _is_valid(found: Any) -> bool:
    kinds = {"code": str, "key": str, "learners": list}
    return state_file.has_fields(found, kinds)
