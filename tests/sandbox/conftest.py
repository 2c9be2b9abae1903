"""Fixtures: a sandbox for the tests, and real clients that use it."""

import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from ecr_sandbox import background
from ecr_sandbox.auth import control_key
from ecr_sandbox.settings import Settings
from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store
from helpers import settings
from tests import fork_server

ADMINISTRATOR = (settings.ACCESS_KEY, settings.SECRET_KEY)
KEY_PARTS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
STUB = Path(__file__).with_name("stub_sandbox.py")
PATIENCE = 60  # seconds; a timeout for hangs, not a measurement


class Sandbox:
    """A sandbox process with its own state folder and port, and ``docker``, ``aws`` and boto3 configured for it."""

    popen: type[subprocess.Popen] = fork_server.Popen

    def __init__(self, folder: Path):
        self.state = folder / "state"
        self.docker_config = folder / "docker"
        self.docker_config.mkdir()
        (self.docker_config / "config.json").write_text('{"auths": {"sandbox.invalid": {}}}')
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None

    def start(self, prefix: Sequence[str] = ()) -> "Sandbox":
        """Start the sandbox, with *prefix* before its command, and return when it is ready."""
        self.process = self.popen(
            [*prefix, sys.executable, "-m", "ecr_sandbox", "serve"],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=settings.PROJECT,
        )
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            raise AssertionError(f"not ready: {line} {self.process.stderr.read()}")
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def processor_seconds(self) -> float:
        """The processor time that the sandbox used since its start; other programs of the machine add nothing to it."""
        used = psutil.Process(self.process.pid).cpu_times()
        return used.user + used.system

    @property
    def registry(self) -> str:
        return f"localhost:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.registry}"

    @property
    def env(self) -> dict[str, str]:
        own = {
            "AWS_ACCESS_KEY_ID": settings.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": settings.SECRET_KEY,
            "AWS_DEFAULT_REGION": settings.REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
            "AWS_PAGER": "",
            "DOCKER_CONFIG": str(self.docker_config),
            "ECR_SANDBOX_STATE": str(self.state),
            "ECR_SANDBOX_PORT": str(self.port),
            "ECR_SANDBOX_BASE_IMAGE": "/nonexistent",  # no mirror of the base image
            "PATH": f"{settings.aws_cli().parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ECR_SANDBOX_"))}
        return {**kept, **own}

    def client(self, service: str = "ecr", region: str = settings.REGION, key: Sequence[str] = ADMINISTRATOR):
        """A boto3 client with *key*: access key ID, secret and, for a session, token."""
        return boto3.client(service, region, endpoint_url=self.url, **dict(zip(KEY_PARTS, key, strict=False)))

    def make_user(self, policy: dict | None = None, name: str = "", administrator: Sequence[str] = ADMINISTRATOR):
        """Create a user with *policy*; its name and access key."""
        iam, name = self.client("iam", key=administrator), name or f"user-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        if policy:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return name, (made["AccessKeyId"], made["SecretAccessKey"])

    def run(self, command: str, check: bool = True, **environ: str) -> str:
        """The output of *command*, both streams. It must succeed with *check*, and fail without."""
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            env={**self.env, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        assert not check or done.returncode == 0, done.stdout
        assert check or done.returncode != 0, f"should have failed: {done.stdout}"
        return done.stdout

    def refused(self, command: str, **environ: str) -> str:
        """The output of *command*, which must fail."""
        return self.run(command, check=False, **environ)

    def forward(self, seconds: float) -> float:
        """Move the sandbox's clock forward; the new time in Unix seconds."""
        status, _, answer = self.control("POST", "/_sandbox/clock", json.dumps({"forward": seconds}).encode())
        assert status == 200, answer
        return json.loads(answer)["now"]

    def now(self) -> float:
        """The time of the sandbox's clock in Unix seconds."""
        return json.loads(self.control("GET", "/_sandbox/clock")[2])["now"]

    def month(self) -> dict[str, str]:
        """The current month of the sandbox's clock as a TimePeriod of Cost Explorer."""
        first = datetime.fromtimestamp(self.now(), UTC).date().replace(day=1)
        return {"Start": f"{first}", "End": f"{(first + timedelta(days=32)).replace(day=1)}"}

    def login(self) -> str:
        return self.run(f"aws ecr get-login-password | docker login --username AWS --password-stdin {self.registry}")

    def password(self) -> str:
        return self.run("aws ecr get-login-password").strip()

    def basic(self) -> str:
        """An Authorization header with a valid registry password."""
        [data] = self.client().get_authorization_token()["authorizationData"]
        return f"Basic {data['authorizationToken']}"

    def http(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of one HTTP request. Redirects are not followed."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, names, method=method)
        try:
            answer = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect).open(
                request, timeout=PATIENCE
            )
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()

    def control(self, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
        """Like ``http``, with the key of the sandbox's own API."""
        return self.http(method, path, body, Authorization=control_key.authorization(self.state))


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


class Person:
    """An IAM user with an access key and its own docker configuration. ``may(...)`` replaces its Allow policy."""

    def __init__(self, sandbox: Sandbox, name: str, docker_config: Path):
        self.sandbox, self.name, self.docker_config = sandbox, name, docker_config
        self._iam = sandbox.client("iam")
        self.arn = self._iam.create_user(UserName=name)["User"]["Arn"]
        made = self._iam.create_access_key(UserName=name)["AccessKey"]
        self.key = (made["AccessKeyId"], made["SecretAccessKey"])
        docker_config.mkdir()

    def may(self, *statements: dict) -> None:
        self.policy("Allow", *statements)

    def policy(self, effect: str, *statements: dict) -> None:
        """Replace the user's policy of this *effect* with one that has these statements."""
        document = {"Version": "2012-10-17", "Statement": [{"Effect": effect, **each} for each in statements]}
        self._iam.put_user_policy(UserName=self.name, PolicyName=effect, PolicyDocument=json.dumps(document))

    def environ(self) -> dict[str, str]:
        key, secret = self.key
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "DOCKER_CONFIG": str(self.docker_config)}

    def run(self, command: str) -> str:
        return self.sandbox.run(command, **self.environ())

    def refused(self, command: str) -> str:
        return self.sandbox.refused(command, **self.environ())

    def client(self, service: str = "ecr", region: str = settings.REGION):
        return self.sandbox.client(service, region, self.key)

    def login(self, registry: str, region: str = settings.REGION) -> None:
        """Write the user's docker configuration with a registry password, as ``docker login`` does."""
        [data] = self.client(region=region).get_authorization_token()["authorizationData"]
        auths = {"auths": {registry: {"auth": data["authorizationToken"]}}}
        (self.docker_config / "config.json").write_text(json.dumps(auths))


def until(condition: Callable[[], Any]) -> Any:
    """Wait until *condition* returns a true value, and return it."""
    end = time.monotonic() + PATIENCE
    while not (met := condition()):
        assert time.monotonic() < end, "the condition was not met"
        time.sleep(0.01)
    return met


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def layer(content: bytes, name: str = "content") -> bytes:
    """A tar archive of one file."""
    archive = BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, BytesIO(content))
    return archive.getvalue()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all tests of a file, with docker logged in. Each test creates its own repositories.

    Docker's configuration is written as ``docker login`` writes it, which saves a start of two programs for each file.
    """
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox")).start()
    auths = {"sandbox.invalid": {}, sandbox.registry: {"auth": sandbox.basic().removeprefix("Basic ")}}
    (sandbox.docker_config / "config.json").write_text(json.dumps({"auths": auths}))
    yield sandbox
    assert sandbox.stop() == 0


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox for one test, which can start, stop and kill it."""
    sandbox = Sandbox(tmp_path)
    yield sandbox
    if sandbox.process and sandbox.process.poll() is None:
        sandbox.stop()


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the program: its start, its memory, what it loads. Sandboxes start as users start them."""
    monkeypatch.setattr(Sandbox, "popen", subprocess.Popen)


@pytest.fixture
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The settings of a sandbox that a test starts in the background. It is stopped after the test."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "ECR_SANDBOX_"))]:
        monkeypatch.delenv(name)
    state = tmp_path / "its state"  # with a space, as in "Application Support" on macOS
    state.mkdir()
    yield (chosen := Settings(state, free_port()))
    background.stop(chosen)


@pytest.fixture
def stub(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``background`` starts stub_sandbox.py instead of a sandbox; call the fixture to choose how it behaves."""
    monkeypatch.setattr(background, "COMMAND", (sys.executable, str(STUB)))
    monkeypatch.setattr(background, "COMMAND_LINE", STUB.name)
    return lambda behavior: monkeypatch.setenv("STUB_BEHAVIOR", behavior)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen]]:
    """Processes that a test adds to this list are killed after the test."""
    children: list[subprocess.Popen] = []
    yield children
    for child in children:
        child.kill()
        child.wait()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store without a sandbox. The sandbox's clock uses it."""
    store = Store(tmp_path / "state.db")
    clock.install(store)
    yield store
    clock.install(Store(tmp_path / "another.db"))  # no test moves its clock
    store.close()


@pytest.fixture
def repository(sandbox: Sandbox) -> str:
    """The name of a new, empty repository."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    sandbox.client().create_repository(repositoryName=name)
    return name


@pytest.fixture
def person(sandbox: Sandbox, tmp_path: Path) -> Person:
    """A user with the permission to log in to ECR only."""
    name = f"user-{uuid.uuid4().hex[:8]}"
    user = Person(sandbox, name, tmp_path / name)
    user.may({"Action": "ecr:GetAuthorizationToken", "Resource": "*"})
    return user


@pytest.fixture
def make_image() -> Iterator[Callable[..., str]]:
    """Creates local images with one small layer of random content, and removes them after the test."""
    made: list[str] = []

    def make(name: str, content: bytes | None = None) -> str:
        data = layer(content or os.urandom(50_000))
        done = subprocess.run(["docker", "import", "-", name], input=data, check=True, capture_output=True)
        made.append(done.stdout.decode().strip())  # by ID, because a later image can take the name
        return name

    yield make
    for image in made:
        subprocess.run(["docker", "rmi", "-f", image], capture_output=True)
