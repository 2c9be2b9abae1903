"""Which engine is the user's, what keeps us from it, and whether it needs the forwarder."""

import os
import socket
import subprocess
import sys
import threading

import docker.errors
import pytest
from ecr_sandbox import docker_engine
from ecr_sandbox.errors import SandboxError

REFUSED = 'Get "http://localhost:5050/v2/": dial tcp 127.0.0.1:5050: connect: connection refused'
BAD_PASSWORD = "login attempt to http://localhost:5050/v2/ failed with status: 400 Bad Request"


class Container:
    def __init__(self, docker_engine, ports="5050 5051"):
        self.engine, self.labels = docker_engine, {"ports": ports}

    def remove(self, force):
        self.engine.forwarders.remove(self)


class FakeEngine:
    """Answers a login with these in turn, the last one for ever: an error's text, or None for success."""

    def __init__(self, *answers, forwarders=0, run_error=None):
        self.answers, self.run_error, self.ran = list(answers), run_error, []
        self.forwarders = [Container(self) for _ in range(forwarders)]
        self.api = self.containers = self.images = self

    def login(self, user, password, registry, reauth):
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
        self.forwarders.append(Container(self, how["labels"]["ports"]))
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
def test_a_refused_password_means_that_somebody_is_there(answer, refused):
    assert docker_engine.was_refused(answer) is refused


def test_an_engine_that_reaches_the_sandbox_needs_nothing():
    fake = FakeEngine(BAD_PASSWORD)
    assert docker_engine.make_reachable(fake, [5050, 5051]) is False
    assert not fake.ran


def test_a_forwarder_that_works_is_kept():
    fake = FakeEngine(BAD_PASSWORD, forwarders=1)
    assert docker_engine.make_reachable(fake, [5050, 5051]) is True
    assert not fake.ran


def test_an_engine_in_a_virtual_machine_gets_a_forwarder():
    fake = FakeEngine(REFUSED, REFUSED, BAD_PASSWORD)
    assert docker_engine.make_reachable(fake, [5050, 5051], dial="192.0.2.1") is True
    [(command, how)] = fake.ran
    assert command[-3:] == ["192.0.2.1", "5050", "5051"]
    assert how["network_mode"] == "host", "Docker Desktop would open a published port here, where it is taken"
    assert "ports" not in how
    assert how["name"] == docker_engine.FORWARDER


def test_a_forwarder_of_another_port_is_replaced():
    fake = FakeEngine(REFUSED, BAD_PASSWORD, forwarders=1)
    assert docker_engine.make_reachable(fake, [5050, 5051]) is True
    assert len(fake.ran) == len(fake.forwarders) == 1


def test_a_forwarder_that_lacks_a_new_port_is_replaced():
    fake = FakeEngine(BAD_PASSWORD, forwarders=1)
    assert docker_engine.make_reachable(fake, [5050, 5051, 5053]) is True
    assert [forwarder.labels["ports"] for forwarder in fake.forwarders] == ["5050 5051 5053"]


def test_a_registry_that_takes_any_password_is_not_ours():
    assert docker_engine.reaches(FakeEngine(None), 5050) is False


def test_an_engine_out_of_reach_is_said_and_nothing_left_behind(monkeypatch):
    monkeypatch.setattr(docker_engine, "_becomes_reachable", lambda *_: False)
    fake = FakeEngine(REFUSED)
    with pytest.raises(SandboxError, match=r"cannot reach the sandbox at localhost:5050\. Fix: "):
        docker_engine.make_reachable(fake, [5050, 5051])
    assert not fake.forwarders


def test_a_forwarder_that_does_not_start_is_said_and_removed():
    fake = FakeEngine(REFUSED, run_error="port is already allocated")
    with pytest.raises(SandboxError, match="The forwarder to the sandbox did not start"):
        docker_engine.make_reachable(fake, [5050, 5051])
    assert not fake.forwarders


def test_the_forwarder_carries_bytes_both_ways(port, started):
    far = socket.create_server(("127.0.0.1", 0))
    # It dials the port on which it listens; on one machine they have to be two.
    code = docker_engine.FORWARD.replace('writer.get_extra_info("sockname")[1]', str(far.getsockname()[1]))
    started.append(subprocess.Popen([sys.executable, "-c", code, "127.0.0.1", str(port)]))

    def echo():
        with far.accept()[0] as talk:
            received = b""
            while data := talk.recv(1 << 16):
                received += data
            talk.sendall(received.upper())

    threading.Thread(target=echo, daemon=True).start()
    sent = b"layer " * 200_000
    with _connected(port) as near:
        near.sendall(sent)
        near.shutdown(socket.SHUT_WR)
        received = b""
        while data := near.recv(1 << 16):
            received += data
    assert received == sent.upper()
    far.close()


def _connected(port):
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            threading.Event().wait(0.05)
    raise AssertionError("the forwarder does not listen")


# Which engine ---


def test_docker_host_wins():
    assert docker_engine.variables({"DOCKER_HOST": "unix:///x"}) == {"DOCKER_HOST": "unix:///x"}


def test_a_tls_engine_keeps_the_users_certificates(tmp_path):
    found = docker_engine.variables(
        {"DOCKER_HOST": "tcp://localhost:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": str(tmp_path)}
    )
    assert found["DOCKER_CERT_PATH"] == str(tmp_path)


def test_the_current_context_is_asked_of_docker(tmp_path):
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
def test_without_contexts_the_first_socket_there_is(monkeypatch, tmp_path, there, chosen):
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
def test_an_engine_elsewhere(host, elsewhere):
    assert docker_engine.is_elsewhere(host) is elsewhere


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


# What keeps us from it ---


def told(host: str) -> str:
    with pytest.raises(SandboxError) as trouble:
        docker_engine.client({**os.environ, "DOCKER_HOST": host})
    return str(trouble.value)


def test_an_engine_that_does_not_run(tmp_path):
    assert told(f"unix://{tmp_path}/none.sock").startswith("The Docker engine is not running. Fix: ")


def test_a_socket_nobody_listens_on(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead.sock"))
    assert told(f"unix://{tmp_path}/dead.sock").startswith("The Docker engine is not running. Fix: ")


def test_docker_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert told(f"unix://{tmp_path}/none.sock").startswith("Docker is not installed. Fix: ")


def test_an_engine_on_another_machine():
    sentence, _ = docker_engine.trouble(OSError(), "tcp://192.0.2.1:1")
    assert sentence.startswith("The Docker engine is on another machine (tcp://192.0.2.1:1)")


def test_a_socket_one_may_not_use(tmp_path):
    """Root may use any socket, so a child without root's rights tries it."""
    if os.getuid() != 0:
        pytest.skip("only root can become nobody")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "closed.sock"))
        server.listen()
        (tmp_path / "closed.sock").chmod(0o600)
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_uid == os.getuid() and "pytest" in folder.name:
                folder.chmod(0o755)
        read, write = os.pipe()
        import docker  # noqa: F401  nobody may not be able to read where it is installed

        if not (child := os.fork()):
            said = "no error"
            try:
                os.setuid(65534)
                docker_engine.client({"DOCKER_HOST": f"unix://{tmp_path}/closed.sock", "PATH": os.environ["PATH"]})
            except BaseException as trouble:
                said = str(trouble)
            os.write(write, said.encode())
            os._exit(0)
        os.waitpid(child, 0)
        said = os.read(read, 10_000).decode()
        os.close(read)
        os.close(write)
    assert said == (
        f"You may not use the Docker engine's socket {tmp_path}/closed.sock (permission denied). "
        'Fix: sudo usermod -aG docker "$USER", then log out and in again'
    )


# With the real engine ---


@pytest.fixture
def real():
    return docker_engine.client()


def test_the_real_engine_and_a_void(real, port):
    assert docker_engine.reaches(real, port) is False


def test_the_real_engine_and_the_sandbox(real):
    from ecr_sandbox import background

    assert docker_engine.reaches(real, background.start()["port"]) is True


def test_the_versions_are_known():
    assert docker_engine.cli_version()[0].isdigit()
