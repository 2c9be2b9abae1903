"""Which port answers for which registry."""

import json
import socket

import pytest
from werkzeug.wrappers import Response

from helpers.sandbox.doors import application
from helpers.sandbox.fronts import Fronts, NoPort, remembered


def nobody(name="nobody"):
    return application(lambda request: Response(name))


@pytest.fixture
def fronts(tmp_path):
    opened = []

    def make():
        fronts = Fronts(tmp_path)
        server = fronts.main(nobody(), None, free())
        fronts.behind(nobody)
        opened.append((fronts, server))
        return fronts

    yield make
    for fronts, server in opened:
        fronts.close()
        server.stop()


def free() -> int:
    """A port with free ones after it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return min(probe.getsockname()[1], 60000)


def test_each_name_gets_a_port_of_its_own_and_keeps_it(fronts):
    first = fronts()
    ports = [first.port("docker-hub"), first.port("111122223333 us-east-1"), first.ports()["sandbox"]]
    assert len(set(ports)) == 3
    assert first.port("docker-hub") == ports[0]


def test_a_name_is_served_by_what_is_behind_it(fronts):
    port = fronts().port("docker-hub")
    with socket.create_connection(("127.0.0.1", port)) as talk:
        talk.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert talk.makefile("rb").read().endswith(b"docker-hub")


def test_the_ports_are_remembered_and_served_again(fronts, tmp_path):
    first = fronts()
    port = first.port("docker-hub")
    first.close()
    assert remembered(tmp_path)["docker-hub"] == port
    again = fronts()
    assert again.ports()["docker-hub"] == port  # before anybody asks


def test_a_remembered_port_that_is_taken_is_replaced_and_said(fronts, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        (tmp_path / "ports.json").write_text(json.dumps({"docker-hub": taken}))
        port = fronts().ports()["docker-hub"]
    assert port != taken
    assert f"Port {taken} is taken by another program: using {port}." in capsys.readouterr().err


def test_whoever_watches_is_told_of_a_new_port(fronts):
    seen = []
    first = fronts()
    first.changed = seen.append
    port = first.port("docker-hub")
    assert seen == [{"docker-hub": port, "sandbox": first.ports()["sandbox"]}]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": "x"}', "null"])
def test_a_file_of_ports_that_cannot_be_read_is_no_file(tmp_path, text):
    (tmp_path / "ports.json").write_text(text)
    assert remembered(tmp_path) == {}


def test_no_port_left_is_said(tmp_path):
    with pytest.raises(NoPort, match="are all taken"):
        Fronts(tmp_path).main(nobody(), 65536, 65536)
