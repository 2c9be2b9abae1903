"""What a learner's machine sends to a teacher's room, after ``ecr-lab join``. Before that it sends nothing.

Messages are sent in the background, one after the other. A room that does not answer never delays a lesson and never
prints anything in it.
"""

import atexit
import contextlib
import http.client
import json
import os
import queue
import re
import secrets
import threading
import time
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from helpers import settings, state_file
from helpers.errors import LabError

from .message import Message, check_name, clean

FILE = "joined-room.json"
VARIABLE = "ECR_TUTORIAL_ROOM"  # the room's address, where a hub gives it
TIMEOUT = 3  # seconds
RETRY_AFTER = (0, 2)  # seconds
MOST_WAITING = 20  # messages; more are dropped
LAST_WAIT = 1  # seconds for messages that are not sent yet when the process ends
ASK = "ask your teacher for the address, it contains ?code="
EXAMPLE = Message("Kim", "08", "08.1", False, 3)
WHAT_IS_SENT = (
    "When you open a notebook, and when you run a check, this message is sent, and nothing else:",
    json.dumps(EXAMPLE._asdict()),
    "A random key goes with it, so that no other learner sends under your name. Your code and its output are not sent.",
    "The teacher reads it. It is not encrypted if the address begins with http://.",
    "ecr-lab leave ends it.",
)

_queue: queue.Queue[tuple[str, str, bool]] = queue.Queue(MOST_WAITING)
_starting = threading.Lock()
_sender: threading.Thread | None = None


class Joined(NamedTuple):
    """The room that this learner joined."""

    address: str  # with a "/" at its end, without the code
    code: str
    name: str
    key: str  # random; it makes the name this learner's
    folder: int  # the state folder in which the learner joined; in a copy of it nothing is sent
    tries: dict[str, int]  # of each exercise, since the learner joined


def join(address: str, name: str) -> Joined:
    """Join the room at this address with this name. LabError if the room cannot be reached or refuses."""
    address, code = _parsed(address)
    name = clean(name)
    try:
        check_name(name)
    except ValueError as error:
        raise LabError(str(error), "ecr-lab join … --name NAME") from None
    before = joined()
    again = before is not None and (before.address, before.name) == (address, name)
    new = before._replace(code=code) if before and again else Joined(address, code, name, _new_key(), 0, {})
    if refused := check(new):
        raise LabError(f"You did not join: {refused}", ASK if "code" in refused else "ecr-lab join again")
    if not again:
        leave()
    with state_file.locked(FILE):
        state_file.write(FILE, new._replace(folder=_folder())._asdict())
    return new


def leave() -> tuple[Joined | None, str]:
    """Send nothing from now on, and ask the room to forget the learner: ``(the room left, error or "")``."""
    before = joined()
    (settings.state() / FILE).unlink(missing_ok=True)
    return before, _post(before, "leave", {"name": before.name}) if before else ""


def joined() -> Joined | None:
    """The room that this learner joined; None if there is none."""
    found = state_file.read(FILE, _is_valid)
    return Joined(**found) if found and found["folder"] == _folder() else None


def check(room: Joined) -> str:
    """Why the room does not accept this learner: a sentence, or "" if it does."""
    return _post(room, f"join?code={room.code}", {"name": room.name})


def note_notebook(notebook: str) -> None:
    """The learner opened this notebook: send it in the background, if the learner joined a room."""
    _note(notebook, "", False)


def note_check(exercise: str, passed: bool) -> None:
    """The check of this exercise ran: send it in the background, if the learner joined a room."""
    _note(exercise[:2], exercise, passed)


def wait(seconds: float) -> None:
    """Wait until everything noted was sent, at most so many seconds."""
    with _queue.all_tasks_done:
        _queue.all_tasks_done.wait_for(lambda: not _queue.unfinished_tasks, seconds)


def _note(notebook: str, exercise: str, passed: bool) -> None:
    global _sender
    if not (settings.state() / FILE).exists():
        return
    with contextlib.suppress(queue.Full):
        _queue.put_nowait((notebook, exercise, passed))
    with _starting:
        if not _sender or not _sender.is_alive():
            _sender = threading.Thread(target=_send_all, daemon=True, name="room")
            _sender.start()


def _send_all() -> None:
    while True:
        fact = _queue.get()
        with contextlib.suppress(Exception):  # no lesson fails because of the room; `ecr-lab doctor` shows the reason
            _send(*fact)
        _queue.task_done()


def _send(notebook: str, exercise: str, passed: bool) -> None:
    tries = _count_try(exercise) if exercise else 0
    for delay in RETRY_AFTER:
        time.sleep(delay)
        room = joined()
        if not room:  # the learner has left
            return
        if not _post(room, "progress", Message(room.name, notebook, exercise, passed, tries)._asdict()):
            return


def _count_try(exercise: str) -> int:
    """How often the check of this exercise ran since the learner joined, with this time. OSError."""
    with state_file.locked(FILE):
        room = joined()
        if not room:
            return 0
        tries = room.tries.get(exercise, 0) + 1
        state_file.write(FILE, room._replace(tries={**room.tries, exercise: tries})._asdict())
        return tries


def _post(room: Joined, path: str, content: dict[str, Any]) -> str:
    """Send *content*; "" if the room accepted it, else why not. Proxies and redirects are not followed."""
    parts = urlsplit(room.address)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        headers = {"Authorization": f"Bearer {room.key}", "Content-Type": "application/json"}
        connection.request("POST", parts.path + path, json.dumps(content).encode(), headers)
        answer = connection.getresponse()
        return "" if answer.status == 204 else _reason(answer.status, answer.read(1024))
    except (OSError, http.client.HTTPException) as error:
        return f"The room at {parts.netloc} does not answer ({type(error).__name__})."
    finally:
        connection.close()


def _reason(status: int, body: bytes) -> str:
    """The room's sentence, without what a terminal would obey."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        sentence = json.loads(body)["error"]
        return "".join(filter(str.isprintable, str(sentence)))[:200]
    return f"There is no room at this address (status {status})."


def _parsed(address: str) -> tuple[str, str]:
    """``(address of the room, code)``; LabError if it has none."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    code = parse_qs(parts.query).get("code", [""])[0] if usable else ""
    if not re.fullmatch(r"[\w-]+", code, re.ASCII):
        raise LabError(f"{address or 'The address'} is not the address of a room.", ASK)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}/", code


def _new_key() -> str:
    return secrets.token_urlsafe(16)


def _folder() -> int:
    """The number of the state folder. A copy of the folder has another one."""
    return os.stat(settings.state()).st_ino


def _is_valid(found: Any) -> bool:
    kinds = {"address": str, "code": str, "name": str, "key": str, "folder": int, "tries": dict}
    return state_file.has_fields(found, kinds)


atexit.register(wait, LAST_WAIT)
