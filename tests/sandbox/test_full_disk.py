"""A full disk: one sentence, and nothing that was stored earlier is lost."""

import os
import subprocess

import pytest

from .conftest import Sandbox

MEGABYTE = 1_000_000


@pytest.fixture
def small_disk(tmp_path):
    """A sandbox whose state folder is a disk of 120 MB, seen by it alone."""
    sandbox = Sandbox(tmp_path)
    sandbox.state.mkdir()
    private = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*private, "true"], capture_output=True).returncode:
        pytest.skip("this system does not let us mount a small disk")
    mount = f'mount -t tmpfs -o size=120m tmpfs {sandbox.state} && exec "$0" "$@"'
    sandbox.start(prefix=[*private, "sh", "-c", mount])
    sandbox.login()
    sandbox.client().create_repository(repositoryName="app")
    yield sandbox
    sandbox.stop()


def test_a_push_that_does_not_fit(small_disk, make_image):
    sandbox = small_disk
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/app:v1', os.urandom(30 * MEGABYTE))}")
    before = sandbox.client().describe_images(repositoryName="app")["imageDetails"]

    too_big = make_image(f"{sandbox.registry}/app:v2", os.urandom(110 * MEGABYTE))
    assert "denied: The disk that holds the sandbox is full" in sandbox.refused(f"docker push {too_big}")

    assert sandbox.client().describe_images(repositoryName="app")["imageDetails"] == before
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/app:v3')}")  # the failed one gave its space back
