"""The forwarder with a real engine whose ``localhost`` is not ours, as Docker Desktop's is not."""

import base64
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from ecr_sandbox import docker_forwarder
from ecr_sandbox.errors import SandboxError
from ecr_sandbox.settings import Settings
from helpers import settings
from tests.sandbox.conftest import Sandbox, free_port, layer
from tests.sandbox.virtual_machine import NEEDS, VirtualMachine, running, until

pytestmark = NEEDS


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMachine]:
    with running(tmp_path_factory.mktemp("vm")) as machine:
        yield machine


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that the machine can reach by our address."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox")).start()
    yield sandbox
    assert sandbox.stop() == 0


@pytest.fixture
def its_engine(machine: VirtualMachine, sandbox: Sandbox) -> Iterator[docker.DockerClient]:
    """The machine's engine, without a forwarder before and after the test."""
    client = docker.DockerClient(base_url=machine.host, timeout=60)
    yield client
    docker_forwarder.remove_forwarder(client, sandbox.state)
    client.close()


def of(sandbox: Sandbox) -> Settings:
    """The settings of a running sandbox."""
    return Settings(sandbox.state, sandbox.port)


def ports(sandbox: Sandbox) -> list[int]:
    """The sandbox's ports as its status lists them, the main port first."""
    return json.loads((sandbox.state / "sandbox.json").read_text())["ports"]


def shown(machine: VirtualMachine, sandbox: Sandbox) -> list[int]:
    """The sandbox's ports, all reachable from the machine from now on."""
    known = [listener.getsockname()[1] for listener in machine.listeners]
    for port in ports(sandbox):
        if port not in known:
            machine.show(port)
    return ports(sandbox)


def push_and_pull(machine: VirtualMachine, ecr: Any) -> None:
    """Log in, push and pull with the machine's engine and the credentials of *ecr*."""
    [token] = ecr.get_authorization_token()["authorizationData"]
    user, password = base64.b64decode(token["authorizationToken"]).decode().split(":", 1)
    registry = token["proxyEndpoint"].removeprefix("http://")
    name = f"through-{uuid.uuid4().hex[:8]}"
    ecr.create_repository(repositoryName=name)
    image = f"{registry}/{name}:v1"
    assert "Login Succeeded" in machine.docker(
        f"login --username {user} --password-stdin {registry}", password.encode()
    )
    machine.docker(f"import - {image}", layer(os.urandom(3_000_000)))  # larger than any buffer on the path
    assert "digest: sha256:" in machine.docker(f"push {image}")
    machine.docker(f"rmi {image}")
    assert "Downloaded newer image" in machine.docker(f"pull {image}")
    machine.docker(f"rmi {image}")


def answer_of(port: int) -> str:
    """A command that prints the status of the registry at this port for an anonymous client."""
    program = f"import requests; print(requests.get('http://localhost:{port}/v2/').status_code)"
    return f'{sys.executable} -c "{program}"'


def test_without_a_forwarder_the_engine_cannot_connect(machine, sandbox, its_engine):
    shown(machine, sandbox)
    assert docker_forwarder.reaches(its_engine, sandbox.port) is False
    assert "connection refused" in machine.docker(f"pull {sandbox.registry}/none:v1", fails=True)


def test_with_a_forwarder_login_push_and_pull_work_on_every_port(machine, sandbox, its_engine):
    every = shown(machine, sandbox)
    assert len(every) > 1
    assert docker_forwarder.make_reachable(its_engine, of(sandbox), every) is True
    assert docker_forwarder.reaches(its_engine, sandbox.port) is True
    push_and_pull(machine, sandbox.client())
    for port in every:
        here = subprocess.run(["sh", "-c", answer_of(port)], check=True, capture_output=True, text=True).stdout
        assert machine.run(answer_of(port)) == here != "", port


def test_the_forwarder_publishes_no_port(machine, sandbox, its_engine):
    """Docker Desktop opens a published port on the user's own machine, where the sandbox listens already."""
    docker_forwarder.make_reachable(its_engine, of(sandbox), shown(machine, sandbox))
    [forwarder] = its_engine.containers.list()
    assert not forwarder.attrs["HostConfig"]["PortBindings"]
    assert not any(forwarder.ports.values())
    listening = machine.run("ss --no-header --listening --tcp --numeric").split()[3::5]
    assert {f"{ip}:{port}" for ip in ("127.0.0.1", "[::1]") for port in ports(sandbox)} <= set(listening)
    assert all(address.startswith(("127.0.0.1:", "[::1]:")) for address in listening)


def test_a_working_forwarder_is_kept(machine, sandbox, its_engine):
    every = shown(machine, sandbox)
    docker_forwarder.make_reachable(its_engine, of(sandbox), every)
    [before] = its_engine.containers.list()
    assert docker_forwarder.make_reachable(its_engine, of(sandbox), every) is True
    [after] = its_engine.containers.list()
    assert (after.id, after.attrs["State"]["StartedAt"]) == (before.id, before.attrs["State"]["StartedAt"])


def test_a_port_added_later_is_forwarded(machine, sandbox, its_engine):
    before = shown(machine, sandbox)
    docker_forwarder.make_reachable(its_engine, of(sandbox), before)
    other = sandbox.client(region="eu-west-1", key=(settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY))
    [token] = other.get_authorization_token()["authorizationData"]
    port = int(token["proxyEndpoint"].rsplit(":", 1)[1])
    assert port not in before
    after = shown(machine, sandbox)
    assert port in after
    assert docker_forwarder.reaches(its_engine, port) is False

    assert docker_forwarder.make_reachable(its_engine, of(sandbox), after) is True
    push_and_pull(machine, other)
    push_and_pull(machine, sandbox.client())


def test_the_forwarder_restarts_with_the_engine_and_does_not_delay_it(machine, sandbox, its_engine):
    docker_forwarder.make_reachable(its_engine, of(sandbox), shown(machine, sandbox))
    first = machine.run("cat /run/docker.pid")
    machine.run(f"kill {first}")
    until(lambda: machine.run("cat /run/docker.pid || true") not in ("", first) and machine.answers())
    assert "using the force" not in machine.log.read_text(), "the engine had to kill the forwarder after 10 s"
    until(lambda: docker_forwarder.reaches(its_engine, sandbox.port))
    push_and_pull(machine, sandbox.client())


def test_the_forwarder_outlives_the_sandbox(machine, sandbox, its_engine):
    docker_forwarder.make_reachable(its_engine, of(sandbox), shown(machine, sandbox))
    sandbox.stop()
    assert docker_forwarder.reaches(its_engine, sandbox.port) is False
    sandbox.start()
    assert docker_forwarder.reaches(its_engine, sandbox.port) is True


def test_a_forwarder_is_removed(machine, sandbox, its_engine):
    docker_forwarder.make_reachable(its_engine, of(sandbox), shown(machine, sandbox))
    assert docker_forwarder.remove_forwarder(its_engine, sandbox.state) is True
    assert its_engine.containers.list(all=True) == []
    assert docker_forwarder.reaches(its_engine, sandbox.port) is False
    assert docker_forwarder.remove_forwarder(its_engine, sandbox.state) is False


def test_an_unreachable_sandbox_is_an_error_and_leaves_no_container(machine, sandbox, its_engine, monkeypatch):
    port = free_port()
    monkeypatch.setattr(docker_forwarder, "START_SECONDS", 1)
    with pytest.raises(SandboxError, match=f"cannot reach the sandbox at localhost:{port}"):
        docker_forwarder.make_reachable(its_engine, of(sandbox), [port])
    assert its_engine.containers.list(all=True) == []
