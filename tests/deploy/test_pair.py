"""The course and its Docker engine as two containers in one network: the file for one machine.

After a change of the course the images are built in seconds. On a fresh machine, or after a change of a lock, the first
test waits some minutes for what does not change otherwise: see images.py.
"""

import contextlib
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import docker
import pytest

from tests.deploy.pair import Pair

TOKEN = "a-token-of-the-test"
BUILDING = ("03", "06", "07", "08")  # 10, too, but it asks Debian's archive
pytestmark = pytest.mark.timeout(1800)  # for a build from nothing


@pytest.fixture(scope="module")
def pair(compose) -> Iterator[Pair]:
    pair = Pair("deploy-test-pair", compose | {"JUPYTER_TOKEN": TOKEN})
    pair.remove()
    try:
        pair.up_without_a_way_out()
        wait_for(pair)
        yield pair
    finally:
        pair.remove()


def status(url: str) -> int:
    """The status of a GET, or 0 without an answer."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def wait_for(pair: Pair) -> None:
    """Return when JupyterLab answers."""
    until = time.monotonic() + 900
    while status(f"{pair.url()}/api") != 200:
        assert time.monotonic() < until, pair.call("logs").stdout
        time.sleep(1)


def test_jupyterlab_opens_with_the_token_only(pair):
    assert status(f"{pair.url()}/api/contents/notebooks/00_start_here.ipynb") == 403
    assert status(f"{pair.url()}/api/contents/notebooks/00_start_here.ipynb?token={TOKEN}") == 200


def test_the_learner_is_not_root_and_has_version_2_of_the_aws_cli(pair):
    assert pair.run("id --user").stdout.strip() == "1000"
    assert (
        pair.run("python -c 'from machine.aws_cli import version, version_2; print(version(version_2())[0])'").stdout
        == "2\n"
    )
    assert pair.run("touch /opt/learn-amazon-ecr/helpers/lab.py", check=False).returncode != 0
    assert pair.run("touch notebooks/mine.ipynb").returncode == 0


def test_the_pair_has_no_way_out(pair):
    """Not even to this machine, which is nearer than any package index."""
    with socket.create_server(("0.0.0.0", 0)) as server, contextlib.closing(docker.from_env()) as engine:
        (network,) = engine.networks.get("deploy-test-pair_default").attrs["IPAM"]["Config"]
        address = f"http://{network['Gateway']}:{server.getsockname()[1]}/"
        timed_out = pair.run(f"curl --silent --max-time 3 {address}", check=False)
        assert timed_out.returncode == 28, timed_out
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_notebook_00_runs_without_a_way_out(pair):
    passes(pair, "00")


@pytest.mark.soak
@pytest.mark.parametrize("notebook", BUILDING)
def test_notebooks_that_build_images_run_without_a_way_out(pair, soak, notebook):
    if not soak:
        pytest.skip("notebook 00 has shown it: make soak runs the others")
    passes(pair, notebook)


def passes(pair: Pair, notebook: str) -> None:
    got = pair.nbval(notebook)
    assert got.returncode == 0, got.stdout
    assert " passed" in got.stdout


@pytest.mark.soak
def test_after_a_restart_the_learner_continues(pair, soak):
    """The repository, the progress and a changed notebook are there; the sandbox runs again."""
    if not soak:
        pytest.skip("it restarts two containers: make soak")
    pair.run('ecr-lab up && eval "$(ecr-lab env)" && aws ecr create-repository --repository-name demo-kept')
    pair.run("echo mine >> notebooks/README.md")
    pair.call("down", "--timeout", "5")
    pair.up_without_a_way_out()
    wait_for(pair)
    kept = pair.run(
        "eval \"$(ecr-lab env)\" && aws ecr describe-repositories --query 'repositories[].repositoryName' --output text"
    )
    assert "demo-kept" in kept.stdout
    assert pair.run("tail -n 1 notebooks/README.md").stdout == "mine\n"


@pytest.mark.soak
def test_without_a_token_of_yours_jupyterlab_makes_one(compose, soak):
    if not soak:
        pytest.skip("it starts two more containers: make soak")
    pair = Pair("deploy-test-token", compose | {"JUPYTER_TOKEN": ""})
    try:
        pair.up()
        wait_for(pair)
        assert status(f"{pair.url()}/api/kernels") == 403
        assert "?token=" in pair.call("logs", "course").stdout
    finally:
        pair.remove()
