"""When the forwarder is started, kept and replaced, with a fake engine; and the program that it runs."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import docker.errors
import pytest

from ecr_sandbox import docker_forwarder
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.settings import Settings
from tests.sandbox.conftest import PATIENCE, free_port

SANDBOX = Settings(Path("/its/state"))
REFUSED = 'Get "http://localhost:5050/v2/": dial tcp 127.0.0.1:5050: connect: connection refused'
BAD_PASSWORD = "login attempt to http://localhost:5050/v2/ failed with status: 400 Bad Request"


class Container:
    def __init__(self, engine, ports="5050 5051"):
        self.engine, self.labels = engine, {docker_forwarder.PORTS_LABEL: ports}

    def remove(self, force):
        self.engine.forwarders.remove(self)


class FakeEngine:
    """Answers logins with *answers* in turn, and then with the last one: an error text, or None for success."""

    def __init__(self, *answers, forwarders=0, run_error=None):
        self.answers, self.run_error, self.ran = list(answers), run_error, []
        self.forwarders = [Container(self) for _ in range(forwarders)]
        self.api = self.containers = self.images = self

    def login(self, user, password, registry, reauth, dockercfg_path):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer:
            raise docker.errors.APIError(answer)
        return {"Status": "Login Succeeded"}

    def list(self, all, filters):
        return list(self.forwarders)

    def get(self, name):
        return name

    def run(self, image, command, **how):
        self.ran.append((command, how))
        self.forwarders.append(Container(self, how["labels"][docker_forwarder.PORTS_LABEL]))
        if self.run_error:
            raise docker.errors.APIError(self.run_error)


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (BAD_PASSWORD, True),
        ('500 Server Error: ("unauthorized: authentication required")', True),
        ("login attempt to http://localhost:5050/v2/ failed with status: 401 Unauthorized", True),
        (REFUSED, False),
        ('Get "https://localhost:5050/v2/": EOF', False),
        ('Get "http://localhost:5050/v2/": net/http: request canceled (Client.Timeout exceeded)', False),
        ("http: server gave HTTP response to HTTPS client", False),
        ("failed with status: 503 Service Unavailable", False),
    ],
)
def test_a_refused_password_shows_that_a_registry_answers(answer, refused):
    assert docker_forwarder.was_refused(answer) is refused


def test_an_engine_that_reaches_the_sandbox_needs_no_forwarder():
    fake = FakeEngine(BAD_PASSWORD)
    assert docker_forwarder.make_reachable(fake, SANDBOX, [5050, 5051]) is False
    assert not fake.ran


def test_a_forwarder_that_works_is_kept():
    fake = FakeEngine(BAD_PASSWORD, forwarders=1)
    assert docker_forwarder.make_reachable(fake, SANDBOX, [5050, 5051]) is True
    assert not fake.ran


def test_an_engine_in_a_virtual_machine_gets_a_forwarder():
    fake = FakeEngine(REFUSED, REFUSED, BAD_PASSWORD)
    assert docker_forwarder.make_reachable(fake, SANDBOX, [5050, 5051], dial="192.0.2.1") is True
    [(command, how)] = fake.ran
    assert command[-3:] == ["192.0.2.1", "5050", "5051"]
    assert how["network_mode"] == "host", "Docker Desktop would open a published port here, where it is taken"
    assert "ports" not in how
    assert how["labels"][docker_forwarder.STATE_LABEL] == "/its/state"


def test_a_forwarder_for_another_port_is_replaced():
    fake = FakeEngine(REFUSED, BAD_PASSWORD, forwarders=1)
    assert docker_forwarder.make_reachable(fake, SANDBOX, [5050, 5051]) is True
    assert len(fake.ran) == len(fake.forwarders) == 1


def test_a_forwarder_that_lacks_a_new_port_is_replaced():
    fake = FakeEngine(BAD_PASSWORD, forwarders=1)
    assert docker_forwarder.make_reachable(fake, SANDBOX, [5050, 5051, 5053]) is True
    assert [forwarder.labels[docker_forwarder.PORTS_LABEL] for forwarder in fake.forwarders] == ["5050 5051 5053"]


def test_a_registry_that_accepts_any_password_is_not_the_sandbox():
    assert docker_forwarder.reaches(FakeEngine(None), 5050) is False


def test_an_engine_that_cannot_reach_the_sandbox_at_all(monkeypatch):
    monkeypatch.setattr(docker_forwarder, "_becomes_reachable", lambda *_: False)
    fake = FakeEngine(REFUSED)
    with pytest.raises(SandboxError, match=r"cannot reach the sandbox at localhost:5050\. Fix: ecr-sandbox down"):
        docker_forwarder.make_reachable(fake, SANDBOX, [5050, 5051])
    assert not fake.forwarders


def test_a_forwarder_that_does_not_start_is_removed():
    fake = FakeEngine(REFUSED, run_error="port is already allocated")
    with pytest.raises(SandboxError, match="The forwarder to the sandbox did not start"):
        docker_forwarder.make_reachable(fake, SANDBOX, [5050, 5051])
    assert not fake.forwarders


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_forwarder_copies_bytes_both_ways(started, address):
    """On both addresses of localhost, because the engine may try either first."""
    port = free_port()
    far = socket.create_server(("127.0.0.1", 0))
    # It connects to the port that it listens on. On one machine these must be two ports.
    code = docker_forwarder.FORWARD.replace('writer.get_extra_info("sockname")[1]', str(far.getsockname()[1]))
    started.append(subprocess.Popen([sys.executable, "-c", code, "127.0.0.1", str(port)]))

    def echo():
        with far.accept()[0] as talk:
            received = b""
            while data := talk.recv(1 << 16):
                received += data
            talk.sendall(received.upper())

    threading.Thread(target=echo, daemon=True).start()
    sent = b"layer " * 200_000
    with _connected(address, port) as near:
        near.sendall(sent)
        near.shutdown(socket.SHUT_WR)
        received = b""
        while data := near.recv(1 << 16):
            received += data
    assert received == sent.upper()
    far.close()


def test_the_forwarder_ends_when_another_program_has_its_port_on_ipv6():
    """Otherwise the engine could send a password to that program."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        code = [sys.executable, "-c", docker_forwarder.FORWARD, "127.0.0.1", str(other.getsockname()[1])]
        ended = subprocess.run(code, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 1
    assert "address already in use" in ended.stderr


def _connected(address, port):
    for _ in range(100):
        try:
            return socket.create_connection((address, port), timeout=10)
        except OSError:
            threading.Event().wait(0.05)
    raise AssertionError("the forwarder does not listen")
