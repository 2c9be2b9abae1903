"""The room's server: who may read, who may send, and the limits."""

import html
import socket
import threading

import pytest

from helpers.room import serve
from helpers.room.learners import BURST, Learners
from helpers.room.server import HEADERS, MAX_BODY, Server
from helpers.room.settings import Secrets
from tests.helpers.room.conftest import CODE, KEY, KIM, LEE, Room, message, opened

MARKUP = "<img src=x onerror=alert(1)>"


def test_a_learner_joins_sends_and_leaves(room):
    room.join("Kim")
    assert room.send("/progress", opened("Kim", "08")) == 204
    assert room.send("/progress", message(tries=3)) == 204
    assert room.learners["Kim"].waiting_at == "08.1"
    assert room.send("/leave", {"name": "Kim"}) == 204
    assert room.learners == {}


@pytest.mark.parametrize("code", ["", "wrong", f"{CODE}x", "%F0%9F%98%80", "%ff"])
def test_nobody_joins_without_the_code(room, code):
    assert room.send(f"/join?code={code}", {"name": "Kim"}) == 403
    assert room.learners == {}


def test_nobody_sends_or_leaves_under_the_name_of_another(room):
    room.join("Kim", KIM)
    room.join("Lee", LEE)
    assert room.send("/progress", message("Kim"), LEE) == 403
    assert room.send("/leave", {"name": "Kim"}, LEE) == 403
    assert room.send("/progress", message("Kim"), "") == 401
    assert room.learners["Kim"].exercises == {}


@pytest.mark.parametrize("path", ["/", "/learners"])
@pytest.mark.parametrize("cookie", ["", "room-key=", f"room-key={CODE}", f"other={KEY}"])
def test_only_the_teacher_reads(room, path, cookie):
    room.join("Kim")
    status, page, _ = room.ask("GET", path, Cookie=cookie)
    assert status == 403
    assert "Kim" not in page


def test_the_key_in_the_address_becomes_a_cookie(room):
    status, _, headers = room.ask("GET", f"/?key={KEY}")
    assert (status, headers["Location"]) == (302, "./")
    assert headers["Set-Cookie"] == f"room-key={KEY}; HttpOnly; SameSite=Lax"
    assert room.ask("GET", "/?key=wrong")[0] == 403


def test_the_address_of_learners_shows_how_to_join(room):
    status, page, _ = room.ask("GET", f"/?code={CODE}")
    assert status == 200
    assert "ecr-lab join" in page


def test_the_teacher_removes_a_learner_with_the_form_of_the_page_only(room):
    room.join("Kim")
    form = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"room-key={KEY}"}
    assert room.ask("POST", "/remove", b"name=Kim", **form)[0] == 403  # the cookie goes along with any page's form
    assert "Kim" in room.learners
    status, _, headers = room.ask("POST", "/remove", f"name=Kim&key={KEY}".encode(), **form)
    assert (status, headers["Location"]) == (303, "./")
    assert room.learners == {}


def test_names_with_markup_are_escaped(room):
    room.join(MARKUP)
    assert room.send("/progress", message(MARKUP)) == 204
    page = room.teacher()
    assert MARKUP not in page
    assert html.escape(MARKUP) in page


def test_every_answer_has_the_headers(room):
    for path in ("/", "/learners", "/static/room.js", "/nothing", f"/?key={KEY}"):
        headers = room.ask("GET", path)[2]
        assert {name: headers.get(name) for name in HEADERS} == HEADERS, path


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no json", 400),
        (b"[" * MAX_BODY, 400),
        (b"\xff", 400),
        (b'{"name": "Kim"}', 400),
        (b"x" * 1025, 413),
    ],
    ids=["empty", "text", "nested", "bytes", "fields", "large"],
)
def test_bodies_that_are_refused(room, body, status):
    room.join("Kim")
    assert room.send("/progress", body) == status
    assert room.learners["Kim"].notebook == ""


def test_a_body_of_unknown_length_is_not_read(room):
    room.join("Kim")
    with socket.create_connection(("127.0.0.1", room.port), timeout=30) as client:
        head = (
            f"POST /progress HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KIM}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        client.sendall(head.encode() + b"5\r\n[1,2]\r\n0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 400")


def test_a_flood_of_one_learner_is_cut_and_others_are_served(room):
    room.join("Kim", KIM)
    room.join("Lee", LEE)
    answers = []

    def flood() -> None:
        answers.extend(room.send("/progress", message("Kim", tries=number)) for number in range(50))

    floods = [threading.Thread(target=flood) for _ in range(4)]
    for each in floods:
        each.start()
    assert room.send("/progress", message("Lee"), LEE) == 204
    for each in floods:
        each.join()
    assert (answers.count(204), answers.count(429)) == (BURST, 200 - BURST)
    assert room.learners["Lee"].waiting_at == "08.1"


def test_clients_that_vanish_or_send_nothing_do_not_delay_others(room):
    silent = [socket.create_connection(("127.0.0.1", room.port)) for _ in range(40)]
    for each in silent[::2]:
        each.sendall(b"POST /progress HTTP/1.1\r\nContent-Length: 500\r\n\r\n{")
    for each in silent[::4]:
        each.close()
    room.join("Kim")
    for each in silent:
        each.close()


@pytest.mark.parametrize("base", ["/services/room", "/services/room/"])
def test_a_proxy_may_keep_its_prefix_in_the_path_or_remove_it(base):
    server = Server(Learners(), Secrets(CODE, KEY))
    with serve.listening(server, "127.0.0.1", 0, base) as port:
        room = Room(server, port, [])
        for prefix in ("", "/services/room"):
            assert room.send(f"{prefix}/join?code={CODE}", {"name": "Kim"}) == 204
            assert "Kim" in room.teacher(f"{prefix}/")
            assert room.ask("GET", f"{prefix}/static/room.js")[0] == 200
        status, _, headers = room.ask("GET", "/services/room")
        assert (status, headers["Location"]) == (308, "room/")


def test_pages_have_relative_addresses_only(room):
    room.join("Kim")
    page = room.teacher()
    assert 'href="/' not in page and 'src="/' not in page and 'action="/' not in page and "://" not in page
