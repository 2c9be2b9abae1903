"""Each registry has its own port, which stays the same after a restart."""

import json
import socket

import pytest
from werkzeug.wrappers import Response

from ecr_sandbox.bad_requests import malformed
from ecr_sandbox.http.listeners import Listeners, NoPort, remembered
from ecr_sandbox.http.middleware import application


def app(name="app"):
    return application(lambda request: Response(name))


@pytest.fixture
def listeners(tmp_path):
    opened = []

    def make():
        listeners = Listeners(tmp_path, malformed)
        server = listeners.main(app(), None, free())
        listeners.behind(app)
        opened.append((listeners, server))
        return listeners

    yield make
    for listeners, server in opened:
        listeners.close()
        server.stop()


def free() -> int:
    """A port with free ones after it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return min(probe.getsockname()[1], 60000)


def test_each_name_has_its_own_port_and_keeps_it(listeners):
    first = listeners()
    ports = [first.port("docker-hub"), first.port("111122223333 us-east-1"), first.ports()["sandbox"]]
    assert len(set(ports)) == 3
    assert first.port("docker-hub") == ports[0]


def test_a_name_is_served_by_its_application(listeners):
    port = listeners().port("docker-hub")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert connection.makefile("rb").read().endswith(b"docker-hub")


def test_ports_are_the_same_after_a_restart(listeners, tmp_path):
    first = listeners()
    port = first.port("docker-hub")
    first.close()
    assert remembered(tmp_path)["docker-hub"] == port
    again = listeners()
    assert again.ports()["docker-hub"] == port  # before the first request


@pytest.mark.parametrize(("address", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_port_that_is_in_use_after_a_restart_is_replaced_with_a_message(listeners, tmp_path, capsys, address, family):
    with socket.create_server((address, 0), family=family) as other:
        taken = other.getsockname()[1]
        (tmp_path / "ports.json").write_text(json.dumps({"docker-hub": taken}))
        port = listeners().ports()["docker-hub"]
    assert port != taken
    assert f"Port {taken} is taken by another program: using {port}." in capsys.readouterr().err


def test_a_new_port_calls_changed(listeners):
    seen = []
    first = listeners()
    first.changed = seen.append
    port = first.port("docker-hub")
    assert seen == [{"docker-hub": port, "sandbox": first.ports()["sandbox"]}]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": "x"}', "null"])
def test_a_ports_file_that_cannot_be_read_is_ignored(tmp_path, text):
    (tmp_path / "ports.json").write_text(text)
    assert remembered(tmp_path) == {}


def test_no_free_port_raises_an_error(tmp_path):
    with pytest.raises(NoPort, match="are all taken"):
        Listeners(tmp_path, malformed).main(app(), 65536, 65536)
