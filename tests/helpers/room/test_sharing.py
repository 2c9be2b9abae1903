"""What a learner's machine sends: nothing without joining, and then the message only. No lesson notices it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from helpers import doctor, settings
from helpers.errors import LabError
from helpers.exercises import check, checks, progress
from helpers.room import sharing
from tests.helpers.room.conftest import CODE, message, opened


class Ear:
    """A server that accepts everything and keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}/?code={CODE}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                self.may_answer.wait(30)
                content = client.recv(65536)
                while b"\r\n\r\n" in content and not content.partition(b"\r\n\r\n")[2]:
                    content += client.recv(65536)
                self.received.append(content)
                client.sendall(self.answer)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    yield ear
    ear.close()


@pytest.fixture
def failing(monkeypatch):
    """The check of 08.1 shows ✗, without a sandbox."""
    monkeypatch.setattr(checks, "verdict", lambda number, answer: (False, f"✗ {number} is not done"))


def sent(ear: Ear) -> list[tuple[str, dict]]:
    """The path and the JSON of each request."""
    sharing.wait(30)
    heads = [each.partition(b"\r\n\r\n") for each in ear.received]
    return [(head.split()[1].decode(), json.loads(body)) for head, _, body in heads]


def test_who_joined_sends_the_message_and_nothing_else(ear, failing, capsys):
    sharing.join(ear.address, "Kim")
    progress.begin("08")
    check("08.1")
    check("08.1")
    assert sent(ear) == [
        (f"/join?code={CODE}", {"name": "Kim"}),
        ("/progress", opened("Kim", "08")),
        ("/progress", message(tries=1)),
        ("/progress", message(tries=2)),
    ]
    names = {line.split(b":")[0] for each in ear.received for line in each.partition(b"\r\n\r\n")[0].splitlines()[1:]}
    assert names == {b"Host", b"Accept-Encoding", b"Content-Length", b"Authorization", b"Content-Type"}
    assert capsys.readouterr().out == "✗ 08.1 is not done\n" * 2


def test_who_left_sends_nothing(ear, failing):
    sharing.join(ear.address, "Kim")
    assert sharing.leave()[1] == ""
    progress.begin("08")
    check("08.1")
    assert [path for path, _ in sent(ear)] == [f"/join?code={CODE}", "/leave"]


LESSON = """
import os, sys
connected = []
sys.addaudithook(lambda event, given: connected.append(given) if event == "socket.connect" else None)
from helpers.exercises import check, checks, progress
checks.verdict = lambda number, answer: (False, "✗")
progress.begin("08")
check("08.1")
from helpers.room import sharing
sharing.wait(30)
print(len(connected))
"""


def lesson(**environ: str) -> list[str]:
    """What a lesson prints in a process of its own: the check's line, and how often it connected to anything."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environ}
    ran = subprocess.run([sys.executable, "-c", LESSON], env=environ, capture_output=True, text=True)
    assert ran.stderr == ""
    return ran.stdout.splitlines()


def test_who_did_not_join_connects_to_nothing(ear):
    """Also where a hub gives the address of a room."""
    assert lesson(ECR_TUTORIAL_ROOM=ear.address) == ["✗", "0"]
    assert ear.received == []
    sharing.join(ear.address, "Kim")
    assert lesson() == ["✗", "2"]
    assert len(ear.received) == 3


def test_a_copy_of_the_state_folder_sends_nothing(ear, failing, tmp_path, monkeypatch):
    """Who unpacks the folder of another learner has not agreed to anything."""
    sharing.join(ear.address, "Kim")
    shutil.copytree(settings.state(), tmp_path / "copy")
    monkeypatch.setenv("ECR_TUTORIAL_STATE", str(tmp_path / "copy"))
    check("08.1")
    assert len(sent(ear)) == 1


def test_a_lesson_does_not_wait_for_the_room(ear, failing, capsys):
    sharing.join(ear.address, "Kim")
    ear.may_answer.clear()
    for _ in range(sharing.MOST_WAITING + 5):
        check("08.1")
    assert len(ear.received) == 1
    ear.may_answer.set()
    assert [body["tries"] for _, body in sent(ear)[1:]][:3] == [1, 2, 3]
    assert capsys.readouterr() == ("✗ 08.1 is not done\n" * (sharing.MOST_WAITING + 5), "")


def test_a_room_that_is_closed_is_not_noticed(ear, failing, monkeypatch, capsys):
    monkeypatch.setattr(sharing, "RETRY_AFTER", (0, 0))
    sharing.join(ear.address, "Kim")
    ear.close()
    check("08.1")
    sharing.wait(30)
    assert capsys.readouterr() == ("✗ 08.1 is not done\n", "")
    assert sharing.joined()
    assert "does not answer" in sharing.check(sharing.joined())


def test_a_message_that_failed_is_sent_again_with_the_same_number_of_tries(ear, failing, monkeypatch):
    monkeypatch.setattr(sharing, "RETRY_AFTER", (0, 0))
    sharing.join(ear.address, "Kim")
    ear.answer = b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n"
    check("08.1")
    assert [body["tries"] for _, body in sent(ear)[1:]] == [1, 1]


def test_a_damaged_file_is_no_room(failing, capsys, ear):
    sharing.join(ear.address, "Kim")
    (settings.state() / sharing.FILE).write_text('{"address": 1}')
    check("08.1")
    assert len(sent(ear)) == 1
    assert capsys.readouterr() == ("✗ 08.1 is not done\n", "")


def test_only_the_learner_can_read_the_key(ear):
    sharing.join(ear.address, "Kim")
    assert (settings.state() / sharing.FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "address", ["", "teacher", "http://teacher:8899/", "ftp://a/?code=abc", "http://[/?code=abc", "http://a:x/?code=a"]
)
def test_an_address_that_is_none_of_a_room(address):
    with pytest.raises(LabError, match=r"is not the address of a room\. Fix: ask your teacher"):
        sharing.join(address, "Kim")


def test_joining_shows_why_the_room_refuses(room):
    with pytest.raises(LabError, match="You did not join: The code in the address is not that of this room"):
        sharing.join(f"{room.url}?code=wrong", "Kim")
    assert sharing.joined() is None
    room.join("Kim")
    with pytest.raises(LabError, match=r"A learner in the room has the name Kim\. Choose another one"):
        sharing.join(room.address, "Kim")
    with pytest.raises(LabError, match="1 to 30 visible characters"):
        sharing.join(room.address, "\x1b")


def test_joining_again_keeps_the_tries_and_another_name_replaces_the_first(room, failing):
    sharing.join(room.address, "Kim")
    check("08.1")
    sharing.wait(30)
    sharing.join(room.address, " Kim ")
    check("08.1")
    sharing.wait(30)
    assert room.learners["Kim"].exercises["08.1"].tries == 2
    sharing.join(room.address, "Lee")
    assert list(room.learners) == ["Lee"]
    with pytest.raises(LabError, match="You did not join"):
        sharing.join(f"{room.url}?code=wrong", "Ann")
    assert list(room.learners) == ["Lee"]  # who cannot join another room stays
    assert sharing.joined().name == "Lee"


def test_what_a_server_answers_cannot_control_the_terminal(ear):
    content = json.dumps({"error": "\x1b[2Jbad\u202e" + "x" * 500}).encode()
    ear.answer = b"HTTP/1.1 400 Bad\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)
    with pytest.raises(LabError) as error:
        sharing.join(ear.address, "Kim")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


def test_a_learner_whose_name_the_teacher_removed_can_join_again(room, failing):
    sharing.join(room.address, "Kim")
    room.server.learners.remove("Kim")
    check("08.1")
    sharing.wait(30)
    assert room.learners == {}
    sharing.join(room.address, "Kim")
    assert list(room.learners) == ["Kim"]


def test_the_doctor_has_a_row_for_who_joined(room):
    assert doctor.room_rows() == []
    sharing.join(room.address, "Kim")
    (row,) = doctor.room_rows()
    assert doctor.line(row) == f"✔ Room            {room.url} as Kim, joined"
    room.server.learners.join("Kim2", "x" * 20, 0)
    (settings.state() / sharing.FILE).write_text((settings.state() / sharing.FILE).read_text().replace("Kim", "Kim2"))
    (row,) = doctor.room_rows()
    assert doctor.line(row).startswith(
        "✗ Room            A learner in the room has the name Kim2. Choose another one. Fix: "
    )
