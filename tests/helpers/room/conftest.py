"""A room that listens on this machine, and learners with a state folder each."""

import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from helpers import settings
from helpers.room import serve, sharing
from helpers.room.learners import Learners
from helpers.room.server import Server
from helpers.room.settings import Secrets

CODE, KEY = "codecodecode", "keykeykeykey"
KIM, LEE = "k" * 20, "l" * 20  # keys of learners


class Room(NamedTuple):
    """A running room, and its clock."""

    server: Server
    port: int
    time: list[float]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def address(self) -> str:
        """What a learner types."""
        return f"{self.url}?code={CODE}"

    @property
    def learners(self) -> dict[str, Any]:
        return {each.name: each for each in self.server.learners}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers of the answer. A *body* that is not bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        found = answer.status, answer.read().decode(), dict(answer.getheaders())
        connection.close()
        return found

    def send(self, path: str, body: Any, key: str = KIM) -> int:
        """The status of a learner's request."""
        return self.ask("POST", path, body, Authorization=f"Bearer {key}")[0]

    def join(self, name: str, key: str = KIM) -> None:
        assert self.send(f"/join?code={CODE}", {"name": name}, key) == 204

    def teacher(self, path: str = "/") -> str:
        """The teacher's page."""
        status, page, _ = self.ask("GET", path, Cookie=f"room-key={KEY}")
        assert status == 200
        return page


def message(name: str = "Kim", exercise: str = "08.1", passed: bool = False, tries: int = 1) -> dict[str, Any]:
    return {"name": name, "notebook": exercise[:2], "exercise": exercise, "passed": passed, "tries": tries}


def opened(name: str, notebook: str) -> dict[str, Any]:
    return {"name": name, "notebook": notebook, "exercise": "", "passed": False, "tries": 0}


@pytest.fixture
def room() -> Iterator[Room]:
    time = [1_000_000.0]
    server = Server(Learners(), Secrets(CODE, KEY), lambda: time[0])
    with serve.listening(server, "127.0.0.1", 0) as port:
        yield Room(server, port, time)


@pytest.fixture
def learner(room, tmp_path, monkeypatch) -> Callable[[str], None]:
    """Continue as the learner of this name, on a machine of the learner's own, who has joined."""

    def become(name: str) -> None:
        sharing.wait(30)
        folder = tmp_path / name
        monkeypatch.setenv("ECR_TUTORIAL_STATE", str(folder))
        if not folder.exists():
            sharing.join(room.address, name)
        assert settings.state() == folder

    return become


@pytest.fixture(autouse=True)
def nothing_left_to_send():
    yield
    sharing.wait(30)
