"""Which Docker engine is the user's, and why it cannot be used."""

import os
import socket
import subprocess

import pytest

from ecr_sandbox import docker_engine
from ecr_sandbox.errors import SandboxError


def test_docker_host_has_precedence():
    assert docker_engine.variables({"DOCKER_HOST": "unix:///x"}) == {"DOCKER_HOST": "unix:///x"}


def test_a_tls_engine_keeps_the_users_certificates(tmp_path):
    found = docker_engine.variables(
        {"DOCKER_HOST": "tcp://localhost:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": str(tmp_path)}
    )
    assert found["DOCKER_CERT_PATH"] == str(tmp_path)


def test_docker_names_the_current_context(tmp_path):
    environ = {**os.environ, "DOCKER_CONFIG": str(tmp_path)}
    environ.pop("DOCKER_HOST", None)
    make = ["docker", "context", "create", "far", "--docker", "host=unix:///far/docker.sock"]
    subprocess.run(make, env=environ, check=True, capture_output=True)
    subprocess.run(["docker", "context", "use", "far"], env=environ, check=True, capture_output=True)
    assert docker_engine.variables(environ) == {"DOCKER_HOST": "unix:///far/docker.sock"}
    assert docker_engine.variables({**environ, "DOCKER_CONTEXT": "default"})["DOCKER_HOST"] != (
        "unix:///far/docker.sock"
    )


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ([], docker_engine.DEFAULT_SOCKET),
        (["/var/run/docker.sock", "/r/podman/podman.sock"], "unix:///var/run/docker.sock"),
        (["/r/podman/podman.sock"], "unix:///r/podman/podman.sock"),
        (["/r/docker.sock"], "unix:///r/docker.sock"),
    ],
)
def test_without_contexts_the_first_existing_socket_is_used(monkeypatch, tmp_path, there, chosen):
    monkeypatch.setattr(docker_engine, "_exists", lambda path: str(path) in there)
    environ = {"DOCKER_CONFIG": str(tmp_path), "XDG_RUNTIME_DIR": "/r"}
    assert docker_engine.variables(environ)["DOCKER_HOST"] == chosen


@pytest.mark.parametrize(
    ("host", "elsewhere"),
    [
        ("unix:///var/run/docker.sock", False),
        ("npipe:////./pipe/docker_engine", False),
        ("tcp://localhost:2375", False),
        ("tcp://127.0.0.1:2375", False),
        ("tcp://build.example:2376", True),
        ("ssh://me@build.example", True),
        ("ssh://me@localhost", False),
    ],
)
def test_an_engine_on_another_host(host, elsewhere):
    assert docker_engine.is_remote_engine(host) is elsewhere


@pytest.fixture
def state(tmp_path):
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def test_the_users_plugins_are_linked_once(tmp_path, state):
    (tmp_path / "user" / "cli-plugins").mkdir(parents=True)
    (state / "docker").mkdir()
    environ = {"DOCKER_CONFIG": str(tmp_path / "user")}
    for _ in range(2):
        docker_engine.link_plugins(environ, state)
    assert (state / "docker" / "cli-plugins").readlink() == tmp_path / "user" / "cli-plugins"
    docker_engine.link_plugins({"DOCKER_CONFIG": str(state / "docker")}, state)
    assert (state / "docker" / "cli-plugins").is_dir()


def test_a_user_without_plugins_gets_no_link(tmp_path, state):
    (state / "docker").mkdir()
    docker_engine.link_plugins({"DOCKER_CONFIG": str(tmp_path)}, state)
    assert not os.path.lexists(state / "docker" / "cli-plugins")


# Errors ---


def message_for(host: str) -> str:
    with pytest.raises(SandboxError) as trouble:
        docker_engine.client({**os.environ, "DOCKER_HOST": host})
    return str(trouble.value)


def test_an_engine_that_does_not_run(tmp_path):
    assert message_for(f"unix://{tmp_path}/none.sock").startswith("The Docker engine is not running. Fix: ")


def test_a_socket_without_a_listener(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead.sock"))
    assert message_for(f"unix://{tmp_path}/dead.sock").startswith("The Docker engine is not running. Fix: ")


def test_docker_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert message_for(f"unix://{tmp_path}/none.sock").startswith("Docker is not installed. Fix: ")


def test_an_engine_on_another_machine():
    sentence = docker_engine.explain_engine_error(OSError(), "tcp://192.0.2.1:1").wrong
    assert sentence.startswith("The Docker engine is on another machine (tcp://192.0.2.1:1)")


def test_a_socket_without_permission(tmp_path):
    """Root can use any socket, so a child process without root's permissions tries it."""
    if os.getuid() != 0:
        pytest.skip("only root can change the user")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "closed.sock"))
        server.listen()
        (tmp_path / "closed.sock").chmod(0o600)
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_uid == os.getuid() and "pytest" in folder.name:
                folder.chmod(0o755)
        read, write = os.pipe()
        import docker  # noqa: F401  the other user may not be able to read the packages

        if not (child := os.fork()):
            message = "no error"
            try:
                os.setuid(65534)
                docker_engine.client({"DOCKER_HOST": f"unix://{tmp_path}/closed.sock", "PATH": os.environ["PATH"]})
            except BaseException as trouble:
                message = str(trouble)
            os.write(write, message.encode())
            os._exit(0)
        os.waitpid(child, 0)
        message = os.read(read, 10_000).decode()
        os.close(read)
        os.close(write)
    assert message == (
        f"You are not allowed to use the Docker engine's socket {tmp_path}/closed.sock (permission denied). "
        'Fix: sudo usermod -aG docker "$USER", then log out and in again'
    )


# With the real engine ---


def test_the_real_engine_is_reachable():
    assert docker_engine.client().ping()


def test_the_version_of_the_docker_command():
    assert docker_engine.cli_version()[0].isdigit()
