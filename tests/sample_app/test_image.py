"""The image is built and run by the engine: it answers, is healthy, and does not run as root."""

import io
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
import uuid

import pytest

from helpers import settings, show
from helpers.show import live_cell

DIGEST = "sha256:" + "0123456789abcdef" * 4


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=240)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image():
    name = f"sample-app-test:{uuid.uuid4().hex[:8]}"
    docker("build", "--build-arg", "APP_VERSION=9.8.7", "--tag", name, str(settings.PROJECT / "sample_app"))
    yield name
    docker("rmi", "--force", name)


@pytest.fixture(scope="module")
def container(image):
    options = ["--publish", "127.0.0.1::8080", "--env", f"IMAGE_DIGEST={DIGEST}", "--health-interval", "1s"]
    name = docker("run", "--detach", *options, image)
    yield name
    docker("rm", "--force", "--volumes", name)


def wait_for(what, seconds: float = 30):
    end = time.monotonic() + seconds
    while True:
        try:
            if answer := what():
                return answer
        except OSError:
            pass
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.2)


def get(container: str, path: str) -> str:
    address = docker("port", container, "8080/tcp")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return wait_for(lambda: direct.open(f"http://{address}{path}", timeout=5).read().decode())


def test_the_page_shows_which_image_it_is(container):
    page = get(container, "/")
    assert "9.8.7" in page
    assert DIGEST in page
    assert json.loads(get(container, "/version")) == {"version": "9.8.7", "digest": DIGEST}


def test_the_container_becomes_healthy(container):
    status = ("inspect", "--format", "{{.State.Health.Status}}", container)
    assert wait_for(lambda: docker(*status).replace("starting", "")) == "healthy"


def test_the_app_does_not_run_as_root_and_cannot_write_its_files(container):
    assert docker("exec", container, "id", "-u") == "10001"
    assert docker("exec", container, "sh", "-c", "touch /app/app.py && echo changed", check=False) == ""


def test_the_image_contains_only_the_app(container):
    files = docker("exec", container, "find", "/app", "-type", "f").splitlines()
    assert sorted(files) == ["/app/app.py", "/app/requirements.txt", "/app/templates/page.html"]


def test_the_installed_packages_are_the_pinned_ones(container):
    docker("exec", container, "pip", "check")
    frozen = docker("exec", container, "pip", "freeze").lower().splitlines()
    pinned = (settings.PROJECT / "sample_app" / "requirements.txt").read_text().lower().splitlines()[1:]
    assert set(pinned) <= set(frozen)


def test_the_labels_contain_the_version(image):
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", image))
    assert labels["org.opencontainers.image.version"] == "9.8.7"


def log(container: str) -> str:
    """The log of the app, which it writes to standard error."""
    return subprocess.run(["docker", "logs", container], capture_output=True, text=True, timeout=30).stderr


def test_the_app_starts_without_warnings(container):
    get(container, "/")
    assert "Listening at" in log(container)
    assert re.findall(r"(?i).*(?:error|denied|warning).*", log(container)) == []


def test_the_app_stops_on_docker_stop(image):
    name = docker("run", "--detach", image)
    try:
        wait_for(lambda: "Listening at" in log(name))
        docker("stop", "--time", "20", name)
        assert docker("inspect", "--format", "{{.State.ExitCode}}", name) == "0"  # 137 would mean: killed
    finally:
        docker("rm", "--force", name)


def test_a_new_version_reuses_all_layers(image):
    name = f"{image}-next"
    app = str(settings.PROJECT / "sample_app")
    try:
        output = docker("build", "--build-arg", "APP_VERSION=9.9.0", "--tag", name, app)
        layers = [docker("inspect", "--format", "{{json .RootFS.Layers}}", each) for each in (image, name)]
        assert layers[0] == layers[1], output
    finally:
        docker("rmi", "--force", name)


def clients() -> list[str]:
    """Every docker on PATH: an older client may support BuildKit where a newer one lacks the plugin."""
    found = [shutil.which("docker", path=folder) for folder in os.environ["PATH"].split(os.pathsep)]
    return [client for client in dict.fromkeys(found) if client]


def build_with(buildkit: str, tag: str) -> list[str]:
    """The lines of a build by the classic builder ("0") or BuildKit ("1"), made steady; [] if none can."""
    for client in clients():
        done = subprocess.run(
            [client, "build", "--tag", tag, str(settings.PROJECT / "sample_app")],
            env=os.environ | {"DOCKER_BUILDKIT": buildkit},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=240,
        )
        if b"buildx component is missing" not in done.stdout:
            assert done.returncode == 0, done.stdout
            return [line for line in show.steady(live_cell._lines(io.BytesIO(done.stdout))) if not line.endswith("\r")]
    return []


def test_both_builders_give_the_same_output(image):
    outputs = []
    for buildkit in ("0", "1"):
        tag = f"{image}-by-{buildkit}"
        try:
            lines = build_with(buildkit, tag)
        finally:
            docker("rmi", "--force", tag)
        if not lines:
            pytest.skip("no docker client here can use BuildKit: install the buildx plugin")
        outputs.append(
            [re.sub("^cached ", "built  ", line) for line in lines if not line.startswith(("image", "named"))]
        )
    assert outputs[0] == outputs[1]
    assert [line.split()[1] for line in outputs[0]] == ["FROM", "WORKDIR", "COPY", "RUN", "COPY"]
