"""What a learner sends to the room: this and nothing else."""

import unicodedata
from typing import Any, NamedTuple

from .outline import outline

MAX_NAME = 30  # characters
MAX_TRIES = 9999


class Message(NamedTuple):
    """A learner opened a notebook (*exercise* is empty) or ran the check of an exercise."""

    name: str
    notebook: str  # "08"
    exercise: str = ""  # "08.1"
    passed: bool = False
    tries: int = 0  # how often this check ran since the learner joined


def read(found: Any) -> Message:
    """The message in this JSON value; ValueError with a sentence if it is not one."""
    if not isinstance(found, dict) or set(found) != set(Message._fields):
        raise ValueError(f"A message has these fields: {', '.join(Message._fields)}.")
    message = Message(**found)
    if [type(value) for value in message] != [str, str, str, bool, int]:
        raise ValueError("A field of the message has the wrong type.")
    check_name(message.name)
    part = outline().get(message.notebook)
    if not part or (message.exercise and message.exercise not in part.exercises):
        raise ValueError("The course has no such notebook or exercise.")
    if not 0 <= message.tries <= MAX_TRIES:
        raise ValueError(f"The number of tries is from 0 to {MAX_TRIES}.")
    return message


def check_name(name: object) -> str:
    """The name, if a page can show it; ValueError with a sentence if not.

    Characters that a page does not show, or that change the direction of the text around them, are refused.
    """
    fits = isinstance(name, str) and 0 < len(name) <= MAX_NAME and name == clean(name) and name.isprintable()
    if not isinstance(name, str) or not fits:
        raise ValueError(f"A name has 1 to {MAX_NAME} visible characters.")
    return name


def clean(name: str) -> str:
    """The name as it is sent: composed characters, single spaces, none at its ends."""
    return " ".join(unicodedata.normalize("NFC", name).split())
