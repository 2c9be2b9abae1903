"""The Docker Hub stand-in with the real ``docker``: it prints the same as with Docker Hub."""

import json
import re
import shutil
import signal
import subprocess
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.client_programs import client, need  # noqa: F401
from tests.sandbox.conftest import Sandbox

PASSWORD = "correct horse"
DOCKERS = sorted({str(Path(found).resolve()) for found in (shutil.which("docker"), "/usr/bin/docker") if found})


class Hub:
    """The stand-in of a running sandbox."""

    def __init__(self, sandbox: Sandbox):
        self.sandbox = sandbox
        self.url = json.loads((sandbox.state / "sandbox.json").read_text())["hub"]
        self.host = self.url.removeprefix("http://")

    def call(self, method: str, path: str, caller: str | None = None, /, **body: Any) -> dict[str, Any]:
        """The JSON answer of the web API."""
        headers = {"Content-Type": "application/json"}
        if caller:
            token = self.call("POST", "/auth/token", identifier=caller, secret=PASSWORD)["access_token"]
            headers["Authorization"] = f"Bearer {token}"
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/hub.docker.com/v2{path}", data, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return json.loads(answer.read() or b"{}")

    def sign_up(self, **more: Any) -> str:
        name = f"user{uuid.uuid4().hex[:8]}"
        self.call("POST", "/sandbox/accounts", username=name, password=PASSWORD, **more)
        return name

    def login(self, user: str, secret: str = PASSWORD, docker: str = "docker") -> str:
        return self.sandbox.run(f"echo '{secret}' | {docker} login -u {user} --password-stdin {self.host}")


@pytest.fixture
def the_hub(sandbox: Sandbox) -> Iterator[Hub]:
    """The stand-in; afterwards no account is logged in and the limit is Docker's."""
    the_hub = Hub(sandbox)
    yield the_hub
    sandbox.run(f"docker logout {the_hub.host}")
    the_hub.call("PUT", "/sandbox/pull-limit")


@pytest.fixture
def image(the_hub: Hub, make_image: Callable[..., str]) -> Iterator[Callable[[str], str]]:
    """Creates a local image for a repository of the stand-in, and removes its images afterwards."""
    names: list[str] = []

    def make(repository: str) -> str:
        names.append(make_image(f"{the_hub.host}/{repository}:1"))
        return names[-1]

    yield make
    for name in names:
        subprocess.run(["docker", "rmi", "-f", name], capture_output=True)


def remove_local(sandbox: Sandbox, name: str) -> None:
    """Remove the image from the engine, so that a pull has to request it."""
    sandbox.run(f"docker rmi -f $(docker image inspect --format '{{{{.Id}}}}' {name})")


@pytest.mark.parametrize("docker", DOCKERS)
def test_login_succeeds_or_docker_shows_the_error(sandbox, the_hub, image, docker):
    alice, bob = the_hub.sign_up(), the_hub.sign_up()
    name = image(f"{alice}/app")
    output = sandbox.refused(f"echo wrong | {docker} login -u {alice} --password-stdin {the_hub.host}")
    assert output.strip().endswith(f'Get "http://{the_hub.host}/v2/": unauthorized: incorrect username or password')
    for user in (None, bob):
        if user:
            the_hub.login(user, docker=docker)
        assert sandbox.refused(f"{docker} push {name}").splitlines()[-1] == (
            "denied: requested access to the resource is denied"
        )
    assert "Login Succeeded" in the_hub.login(alice, docker=docker)
    assert "1: digest: sha256:" in sandbox.run(f"{docker} push {name}")
    remove_local(sandbox, name)
    sandbox.run(f"{docker} logout {the_hub.host}")
    assert "Downloaded newer image" in sandbox.run(f"{docker} pull {name}")
    assert the_hub.call("GET", f"/namespaces/{alice}/repositories/app")["pull_count"] == 1


@pytest.mark.parametrize("docker", DOCKERS)
def test_a_private_and_a_missing_repository_look_the_same(sandbox, the_hub, image, docker):
    alice, bob = the_hub.sign_up(default_privacy="private"), the_hub.sign_up()
    name = image(f"{alice}/app")
    the_hub.login(alice, docker=docker)
    sandbox.run(f"{docker} push {name}")
    assert sandbox.refused(f"{docker} pull {name}x").strip() == (
        f"Error response from daemon: manifest for {name}x not found: manifest unknown: manifest unknown"
    )
    sandbox.run(f"{docker} logout {the_hub.host}")
    for user in (None, bob):
        if user:
            the_hub.login(user, docker=docker)
        for repository in (f"{the_hub.host}/{alice}/app", f"{the_hub.host}/{alice}/none"):
            assert sandbox.refused(f"{docker} pull {repository}:1").strip() == (
                f"Error response from daemon: pull access denied for {repository}, repository does not exist or may "
                "require 'docker login': denied: requested access to the resource is denied"
            )
    the_hub.call("POST", f"/repositories/{alice}/app/collaborators", alice, user=bob)
    sandbox.run(f"{docker} pull {name}")


def test_an_access_token_that_may_only_read(sandbox, the_hub, image):
    alice = the_hub.sign_up()
    name = image(f"{alice}/app")
    made = the_hub.call("POST", "/access-tokens", alice, token_label="ci", scopes=["repo:read"])
    the_hub.login(alice, made["token"])
    output = sandbox.refused(f"docker push {name}").splitlines()
    assert output[-1] == "unauthorized: access token has insufficient scopes"


@pytest.mark.parametrize("docker", DOCKERS)
def test_the_pull_limit(sandbox, the_hub, image, docker):
    alice = the_hub.sign_up()
    # docker caches manifests and requests each only once.
    names = [image(f"{alice}/app{number}") for number in range(4)]
    the_hub.login(alice, docker=docker)
    for name in names:
        sandbox.run(f"{docker} push {name}")
        remove_local(sandbox, name)
    the_hub.call("PUT", "/sandbox/pull-limit", anonymous=2, personal=1)

    sandbox.run(f"{docker} pull {names[0]}")
    sandbox.run(f"{docker} pull {names[0]}")  # only a HEAD request for the newest version
    assert re.fullmatch(
        f"Error response from daemon: toomanyrequests: You have reached your pull rate limit as '{alice}': "
        r"dckr_jti_[\w-]+\. You may increase the limit by upgrading\. https://www\.docker\.com/increase-rate-limit",
        sandbox.refused(f"{docker} pull {names[1]}").strip(),
    )

    sandbox.run(f"{docker} logout {the_hub.host}")
    sandbox.run(f"{docker} pull {names[1]}")
    sandbox.run(f"{docker} pull {names[2]}")
    assert sandbox.refused(f"{docker} pull {names[3]}").strip() == (
        "Error response from daemon: toomanyrequests: You have reached your unauthenticated pull rate limit. "
        "https://www.docker.com/increase-rate-limit"
    )


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_dockers_own_commands_show_the_limit(sandbox, the_hub):
    output = sandbox.run(
        f'TOKEN=$(curl -s "{the_hub.url}/token?service=registry.docker.io&scope=repository:ratelimitpreview/test:pull"'
        " | python -c 'import json, sys; print(json.load(sys.stdin)[\"token\"])')"
        f' && curl -s --head -H "Authorization: Bearer $TOKEN" {the_hub.url}/v2/ratelimitpreview/test/manifests/latest'
    )
    assert {"ratelimit-limit: 100;w=21600", "ratelimit-remaining: 100;w=21600"} <= set(output.splitlines())
    assert "docker-ratelimit-source: 127.0.0.1" in output


def test_a_build_pulls_its_base_from_a_private_repository(sandbox, the_hub, image, tmp_path):
    alice = the_hub.sign_up(default_privacy="private")
    name = image(f"{alice}/base")
    the_hub.login(alice)
    sandbox.run(f"docker push {name}")
    remove_local(sandbox, name)
    (tmp_path / "Dockerfile").write_text(f"FROM {name}\nLABEL made=by-a-test\n")
    built = f"{the_hub.host}/{alice}/built:1"
    try:
        sandbox.run(f"DOCKER_BUILDKIT=0 docker build -q -t {built} {tmp_path}")
    finally:
        subprocess.run(["docker", "rmi", "-f", built], capture_output=True)
    sandbox.run(f"docker logout {the_hub.host}")
    (tmp_path / "Dockerfile").write_text(f"FROM {the_hub.host}/{alice}/base:1\nLABEL made=again\n")
    output = sandbox.refused(f"DOCKER_BUILDKIT=0 docker build --no-cache --pull -q {tmp_path}")
    assert f"pull access denied for {name.removesuffix(':1')}" in output


@need("skopeo")
def test_skopeo_copies_from_one_account_to_another(sandbox, the_hub, image, client):  # noqa: F811
    alice, bob = the_hub.sign_up(), the_hub.sign_up()
    name = image(f"{alice}/app")
    the_hub.login(alice)
    sandbox.run(f"docker push {name}")
    there = f"docker://{the_hub.host}/{bob}/copy:1"
    client.run(
        "skopeo copy --src-tls-verify=false --src-no-creds --dest-tls-verify=false"
        f" --dest-creds '{bob}:{PASSWORD}' docker://{name} {there}"
    )
    assert client.run(f"skopeo inspect --tls-verify=false --no-creds --raw {there}")


def test_everything_survives_a_kill(own_sandbox, make_image):
    the_hub = Hub(own_sandbox.start())
    alice = the_hub.sign_up(default_privacy="private")
    names = [make_image(f"{the_hub.host}/{alice}/app:{number}") for number in range(2)]
    the_hub.login(alice)
    for name in names:
        own_sandbox.run(f"docker push {name}")
        remove_local(own_sandbox, name)
    the_hub.call("PUT", "/sandbox/pull-limit", personal=1)
    own_sandbox.stop(signal.SIGKILL)

    again = Hub(own_sandbox.start())
    assert again.host == the_hub.host
    assert again.call("GET", f"/namespaces/{alice}/repositories/app", alice)["is_private"]
    own_sandbox.run(f"docker pull {names[0]}")
    remove_local(own_sandbox, names[0])
    own_sandbox.stop(signal.SIGKILL)
    own_sandbox.start()
    assert "toomanyrequests" in own_sandbox.refused(f"docker pull {names[1]}")
