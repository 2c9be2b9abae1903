"""The HTTP server: threads, idle and slow connections, and request bodies."""

import contextlib
import http.client
import io
import socket
import threading
import time

import pytest
from werkzeug.wrappers import Response

from ecr_sandbox.bad_requests import malformed
from ecr_sandbox.http import server as server_module
from ecr_sandbox.http.middleware import application
from ecr_sandbox.http.server import Body, BodyTooLarge, BrokenBody, Listener
from tests.sandbox.conftest import PATIENCE
from tests.sandbox.http.served import served


def serving(monkeypatch, timeout: float) -> contextlib.AbstractContextManager[int]:
    """The port of a server with two threads and at most five idle connections."""
    monkeypatch.setattr(server_module, "TIMEOUT", timeout)
    monkeypatch.setattr(server_module, "MIN_THREADS", 2)
    monkeypatch.setattr(Listener, "keep_alive_conn_limit", 5)
    app = application(lambda request: Response(request.get_data() or "here"))
    return served(Listener(("127.0.0.1", 0), app, malformed))


@pytest.fixture
def short_timeout(monkeypatch):
    with serving(monkeypatch, timeout=0.5) as port:
        yield port


@pytest.fixture
def long_timeout(monkeypatch):
    """A server whose timeout is longer than the test's."""
    with serving(monkeypatch, timeout=PATIENCE * 2) as port:
        yield port


def ask(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().read()


def test_a_head_that_never_ends_closes_the_connection(short_timeout):
    """Each line arrives within the timeout, but the whole head does not."""
    with socket.create_connection(("127.0.0.1", short_timeout), timeout=0.1) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                try:
                    connection.sendall(b"X-Slow: y\r\n")
                    if not connection.recv(1000):
                        return
                except ConnectionError:
                    return
    pytest.fail("a slow head keeps its connection open")


def test_slow_clients_do_not_block_others(long_timeout):
    with contextlib.ExitStack() as stack:
        for _ in range(4):  # twice as many as threads
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", long_timeout)))
            connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
        assert ask(long_timeout) == b"here"


def test_idle_connections_above_the_limit_are_closed(short_timeout):
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", short_timeout), timeout=PATIENCE))
            for _ in range(8)
        ]
        assert connections[-1].recv(1) == b""


def test_an_idle_client_needs_no_thread(long_timeout):
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(socket.create_connection(("127.0.0.1", long_timeout)))
        before = threading.active_count()
        assert ask(long_timeout) == b"here"
        assert threading.active_count() == before


def test_no_thread_starts_after_stop():
    """It would take another thread's stop message, and that thread would never end."""
    server = Listener(("127.0.0.1", 0), application(lambda request: Response("here")), malformed)
    server.prepare()
    server.requests.stop()
    server.requests.watch(time.monotonic())  # the watching thread can do so at the same time
    assert not server.requests._threads
    server.stop()


def body(text: bytes, length: int | None = None) -> Body:
    return Body(io.BytesIO(text), length)


@pytest.mark.parametrize("kind", [memoryview, lambda buffer: buffer], ids=["memoryview", "bytearray"])
def test_a_body_is_read_into_a_buffer(kind):
    buffer = bytearray(5)
    assert body(b"abc", 3).readinto(kind(buffer)) == 3
    assert buffer == b"abc\0\0"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        (b"hello and more", 5),
        (b"5\r\nhello\r\n0\r\n\r\n", None),
        (b"2\r\nhe\r\n03;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\nmore", None),
    ],
)
def test_a_body_is_read_in_parts_of_any_size(text, length):
    assert body(text, length).read() == b"hello"
    pieces = body(text, length)
    assert [pieces.read(2), pieces.read(2), pieces.read(2), pieces.read(2)] == [b"he", b"ll", b"o", b""]
    assert pieces.drained()


@pytest.mark.parametrize(
    ("text", "length"),
    [
        (b"hel", 5),
        (b"5\r\nhel", None),
        (b"5\r\nhello!\r\n0\r\n\r\n", None),
        (b"5\nhello\n0\n\n", None),
        (b"-5\r\nhello\r\n0\r\n\r\n", None),
        (b"0x5\r\nhello\r\n0\r\n\r\n", None),
        (b"5\r\nhello\r\n", None),
        (b"0\r\n", None),
        (b"0\r\n" + b"a: b\r\n" * 1000 + b"\r\n", None),
        (b"", None),
    ],
)
def test_a_broken_body_raises_an_error(text, length):
    broken = body(text, length)
    with pytest.raises(BrokenBody):
        broken.read()
    with pytest.raises(BrokenBody):  # it stays broken
        broken.read()
    assert not broken.drained()


@pytest.mark.parametrize(("text", "length"), [(b"hello!", 6), (b"3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n", None)])
def test_a_body_can_have_a_limit(text, length):
    large = body(text, length)
    large.limit = 5
    with pytest.raises(BodyTooLarge):
        large.read()
    fits = body(text, length)
    fits.limit = 6
    assert fits.read() == b"hello!"


def test_a_short_remainder_of_a_body_is_drained_and_a_long_one_is_not():
    assert body(bytes(1000), 1000).drained()
    assert not body(bytes(2 * server_module.MAX_DRAINED), 2 * server_module.MAX_DRAINED).drained()
