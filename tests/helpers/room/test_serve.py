"""``ecr-lab room``, ``join`` and ``leave`` as they are typed."""

import contextlib
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from helpers import settings
from helpers.room import serve, sharing
from tests.helpers.test_cli import ECR_LAB, fails, run

ADDRESSES = re.compile(r"✔ your page: (\S+)\n✔ a learner types: ecr-lab join '(\S+)' --name NAME\n")


@contextlib.contextmanager
def running(*arguments: str):
    """A room that was typed: the process, the teacher's address and the learners'."""
    process = subprocess.Popen(
        [*ECR_LAB, "room", *arguments], cwd=settings.PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        lines = ""
        while process.stdout and "Ctrl-C" not in lines and (line := process.stdout.readline()):
            lines += line
        found = ADDRESSES.match(lines)
        assert found, process.communicate()
        yield process, found[1], found[2], lines
    finally:
        process.kill()
        process.communicate()


def test_a_room_from_the_first_learner_to_the_end(port):
    with running("--port", str(port)) as (process, page, address, lines):
        assert "only this machine can connect" in lines
        joined = run("join", address, "--name", "Kim").stdout
        assert joined.startswith(f"✔ you joined the room at http://127.0.0.1:{port}/ as Kim\n")
        assert '{"name": "Kim", "notebook": "08", "exercise": "08.1", "passed": false, "tries": 3}' in joined
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert "Kim" in opener.open(page).read().decode()
        process.send_signal(signal.SIGINT)
        printed, error = process.communicate(timeout=30)
        assert (process.returncode, error) == (0, "")
        assert "✔ The room is closed. The lessons of the learners continue." in printed
    with running("--port", str(port)) as (_, again, _, _):  # the same addresses, and the same learners
        assert again == page
        assert "Kim" in opener.open(page).read().decode()
        assert run("leave").stdout == f"✔ you left the room at http://127.0.0.1:{port}/: it removed Kim\n"
        assert "Kim" not in opener.open(page).read().decode()
    assert run("room", "--forget").stdout == "✔ the room is forgotten\n"
    assert run("room", "--forget").stdout == "✔ the room had nothing to forget\n"


def test_leave_works_without_the_room(port):
    assert run("leave").stdout == "✔ you are in no room\n"
    with running("--port", str(port)) as (_, _, address, _):
        sharing.join(address, "Kim")
    printed = run("leave").stdout
    assert printed.startswith("✔ nothing is sent from now on; the room could not remove Kim: The room at ")
    assert sharing.joined() is None


def test_reset_leaves_the_room_too(room):
    """Who starts again may be another person, who did not join."""
    sharing.join(room.address, "Kim")
    printed = run("reset", "--yes").stdout.splitlines()
    assert printed[1:] == [f"✔ you left the room at {room.url}: it removed Kim", "  ecr-lab join joins it again"]
    assert (sharing.joined(), room.learners) == (None, {})


def test_a_hub_gives_the_address(room):
    assert run("join", "--name", "Kim", ECR_TUTORIAL_ROOM=room.address).returncode == 0
    assert list(room.learners) == ["Kim"]


def test_joining_needs_a_name_and_an_address(room):
    ran = run("join", room.address)
    assert ran.returncode == 2
    assert "Missing option '--name'" in ran.stderr
    fails(
        run("join", "--name", "Kim"),
        "The address is not the address of a room. Fix: ask your teacher for the address, it contains ?code=",
    )


def test_a_port_that_is_taken(port):
    with socket.create_server(("127.0.0.1", port)):
        fails(
            run("room", "--port", str(port)),
            f"Port {port} is taken. Fix: end that program, or ecr-lab room --port {port + 1}",
        )


def test_an_address_of_another_machine():
    fails(
        run("room", "--address", "192.0.2.1"),
        "This machine has no address 192.0.2.1. Fix: give --address one of this machine's, or 0.0.0.0",
    )


def test_it_listens_on_loopback_unless_an_address_is_given(port):
    own = serve.own_address()
    if own.startswith("127."):
        pytest.skip("this machine has no network")
    with running("--port", str(port)), pytest.raises(OSError):
        socket.create_connection((own, port), timeout=5)
    with running("--port", str(port), "--address", "0.0.0.0") as (_, page, address, lines):
        assert "everyone in this network can connect" in lines
        assert page.startswith(f"http://127.0.0.1:{port}/?key=")
        assert address.startswith(f"http://{own}:{port}/?code=")
        socket.create_connection((own, port), timeout=5).close()


def test_the_prefix_of_a_proxy_is_in_the_addresses(port):
    with running("--port", str(port), "--base-path", "services/room") as (_, page, _, _):
        assert page.startswith(f"http://127.0.0.1:{port}/services/room/?key=")


def test_the_command_starts_fast():
    """Flask is loaded by the room only."""
    code = "import sys; from helpers import cli; print('flask' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=settings.PROJECT, capture_output=True, text=True)
    assert ran.stdout == "False\n"
