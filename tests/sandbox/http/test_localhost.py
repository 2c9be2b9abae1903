"""A server listens on both addresses of localhost (RFC 6761, section 6.3), or on none."""

import contextlib
import errno
import http.client
import socket
from collections.abc import Iterator

import pytest
from werkzeug.wrappers import Response

from ecr_sandbox.bad_requests import malformed
from ecr_sandbox.http import localhost
from ecr_sandbox.http.localhost import LocalhostListener, is_free
from ecr_sandbox.http.middleware import application
from tests.sandbox.conftest import PATIENCE, free_port
from tests.sandbox.http.served import served

BOTH = ["127.0.0.1", "::1"]

app = application(lambda request: Response(f"{request.remote_addr} {request.get_data().decode()}"))


def serving() -> contextlib.AbstractContextManager[int]:
    return served(LocalhostListener(free_port(), app, malformed))


@contextlib.contextmanager
def foreign(address: str) -> Iterator[int]:
    """The port at which another program listens on this address."""
    with socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        yield server.getsockname()[1]


def listens(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        return probe.connect_ex((address, port)) == 0


@pytest.mark.parametrize("address", BOTH)
def test_both_addresses_answer_many_requests_of_one_connection(address):
    with serving() as port, contextlib.closing(http.client.HTTPConnection(address, port, timeout=PATIENCE)) as client:
        for number in range(3):
            client.request("POST", "/", f"{number}", {"Host": "localhost"})
            assert client.getresponse().read().decode() == f"{address} {number}"


def test_clients_of_both_addresses_are_served_at_the_same_time():
    with serving() as port, contextlib.ExitStack() as opened:
        clients = [http.client.HTTPConnection(address, port, timeout=PATIENCE) for address in BOTH * 20]
        for client in clients:
            opened.callback(client.close)
            client.request("POST", "/", "x", {"Host": "localhost"})
        assert [client.getresponse().read().decode() for client in clients] == [f"{each} x" for each in BOTH * 20]


@pytest.mark.parametrize("address", BOTH)
def test_a_port_at_which_another_program_has_one_address_is_not_bound(address):
    with foreign(address) as port:
        assert not is_free(port)
        with pytest.raises(OSError):
            LocalhostListener(port, app, malformed).prepare()
        [other] = set(BOTH) - {address}
        assert not listens(other, port)


def test_a_stopped_server_leaves_both_addresses_free():
    with serving() as port:
        assert not is_free(port)
    assert is_free(port)
    again = LocalhostListener(port, app, malformed)
    again.prepare()
    assert all(listens(address, port) for address in BOTH)
    again.stop()


@pytest.mark.parametrize("code", [errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
def test_a_machine_without_ipv6_serves_ipv4(monkeypatch, code):
    """The two errors of a machine whose IPv6 is switched off, and of one whose kernel does not have it."""

    def no_ipv6(family: int) -> None:
        raise OSError(code, "")

    monkeypatch.setattr(localhost.socket, "socket", no_ipv6)
    assert localhost._listen(1, 1) is None
