"""pytest fixtures: ``ecr_sandbox``, a local ECR for one test, and ``ecr_sandbox_session``, one for all tests.

pytest finds this plugin when ecr-sandbox is installed (entry point ``pytest11``). Loading it imports nothing else: the
sandbox is imported by the first test that uses a fixture.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import docker

    from ecr_sandbox.settings import Settings


@dataclass(frozen=True)
class EcrSandbox:
    """A running sandbox. *access_key* and *secret_key* belong to the administrator of *account*."""

    endpoint: str  # of the AWS API: http://localhost:<port>
    registry: str  # for docker: localhost:<port>
    account: str
    region: str
    access_key: str
    secret_key: str
    environ: dict[str, str]  # a complete environment: in it aws, boto3 and docker use this sandbox
    settings: "Settings"

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of the sandbox. *options* are those of boto3, for example ``region_name``."""
        from unittest import mock

        import boto3

        # boto3 reads keys, endpoint and proxies from the environment when it makes the client.
        with mock.patch.dict(os.environ, self.environ, clear=True):
            return boto3.session.Session().client(service, **options)

    def docker(self) -> "docker.DockerClient":
        """A Docker SDK client whose engine reaches the sandbox. Raises SandboxError when there is no such engine.

        At the end of the fixture the engine's images whose name begins with ``registry`` are removed.
        """
        from ecr_sandbox import background, docker_engine, docker_forwarder

        engine = docker_engine.client(self.environ)
        docker_forwarder.make_reachable(engine, self.settings, background.running(self.settings)["ports"])
        return engine

    def docker_login(self) -> dict[str, str]:
        """``username`` and ``password`` for the registry, as the Docker SDK takes them for ``auth_config``."""
        from base64 import b64decode

        [data] = self.client("ecr").get_authorization_token()["authorizationData"]
        username, password = b64decode(data["authorizationToken"]).decode().split(":", 1)
        return {"username": username, "password": password}


@pytest.fixture
def ecr_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EcrSandbox]:
    """A new, empty local ECR for this test."""
    with _running(tmp_path_factory) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def ecr_sandbox_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EcrSandbox]:
    """One local ECR for all tests of the session. It keeps what the tests put into it."""
    with _running(tmp_path_factory) as sandbox:
        yield sandbox


@contextmanager
def _running(folders: pytest.TempPathFactory) -> Iterator[EcrSandbox]:
    import shutil

    from ecr_sandbox import background, environment, settings
    from ecr_sandbox.errors import SandboxError

    chosen = settings.Settings(folders.mktemp("ecr-sandbox"), _free_port())
    try:
        status = background.start(chosen)
    except SandboxError as error:
        pytest.fail(str(error), pytrace=False)
    try:
        new, unset = environment.isolated_environment(status)
        yield EcrSandbox(
            endpoint=status["endpoint"],
            registry=new["REGISTRY"],
            account=settings.ACCOUNT,
            region=settings.REGION,
            access_key=settings.ACCESS_KEY,
            secret_key=settings.SECRET_KEY,
            environ={name: value for name, value in os.environ.items() if name not in unset} | new,
            settings=chosen,
        )
    finally:
        background.stop(chosen)
        if "docker" in sys.modules:  # docker() was called, which may have started a container
            background.remove_containers(chosen)
            _remove_images(status["port"])
        shutil.rmtree(chosen.state, ignore_errors=True)  # pytest would keep the images of the last three runs


def _remove_images(port: int) -> None:
    import docker.errors

    from ecr_sandbox import docker_engine
    from ecr_sandbox.errors import SandboxError

    with suppress(SandboxError, docker.errors.APIError):
        engine = docker_engine.client()
        for tag in [tag for image in engine.api.images() for tag in image["RepoTags"] or ()]:
            if tag.startswith(f"localhost:{port}/"):
                engine.images.remove(tag)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
